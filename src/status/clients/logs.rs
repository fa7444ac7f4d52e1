//! The lines of logs as status clients know them: chunks of text, each with the number of its channel.

use super::service::{Answer, Clients};
use crate::db::DbError;
use crate::model::{Channel, LogId, LogInfo, LogKind};
use crate::pb::Value;

/// Some text of one channel.
pub(super) type Chunk = (i64, Vec<u8>);

/// Buildbot's number of a channel.
fn number(letter: u8) -> i64 {
    match letter {
        letter if letter == Channel::Stderr.letter() => 1,
        letter if letter == Channel::Header.letter() => 2,
        _ => 0,
    }
}

/// Stored lines as chunks: what follows on the same channel is one.
fn chunks(kind: LogKind, stored: &[u8]) -> Vec<Chunk> {
    let mut chunks: Vec<Chunk> = Vec::new();
    for line in stored.split_inclusive(|byte| *byte == b'\n') {
        let (channel, text) = match (kind, line.split_first()) {
            (LogKind::Stdio, Some((letter, text))) => (number(*letter), text),
            _ => (0, line),
        };
        match chunks.last_mut() {
            Some((last, so_far)) if *last == channel => so_far.extend_from_slice(text),
            _ => chunks.push((channel, text.to_vec())),
        }
    }
    chunks
}

/// A chunk's text as it is sent.
pub(super) fn text(bytes: &[u8]) -> Value {
    Value::from(String::from_utf8_lossy(bytes).into_owned())
}

impl Clients {
    /// The chunks from line `first` on, and the line after them.
    pub(super) fn chunks_from(&self, log: &LogInfo, first: i64) -> Result<(Vec<Chunk>, i64), DbError> {
        let lines = self.parts.db.logs().read_lines(log.id, first, i64::MAX)?;
        Ok((chunks(log.kind, &lines.text), lines.first_line + lines.line_count))
    }

    /// `getText`, `getTextWithHeaders`. A log that is too long to be sent as one text is a failure of the call.
    pub(super) fn log_text(&self, log: &LogInfo, with_headers: bool) -> Result<Answer, DbError> {
        let (chunks, _) = self.chunks_from(log, 0)?;
        let wanted = chunks.into_iter().filter(|(channel, _)| with_headers || *channel != 2);
        let all: Vec<u8> = wanted.flat_map(|(_, text)| text).collect();
        Ok(text(&all).into())
    }

    /// `getChunks`.
    pub(super) fn log_chunks(&self, log: &LogInfo) -> Result<Answer, DbError> {
        let (chunks, _) = self.chunks_from(log, 0)?;
        let pair = |(channel, bytes): &Chunk| Value::tuple([Value::Int(*channel), text(bytes)]);
        Ok(Value::list(chunks.iter().map(pair)).into())
    }

    /// The log with this id, and what its events are told with.
    pub(super) fn log_and_step(&self, id: LogId) -> Result<Option<(LogInfo, crate::model::Step)>, DbError> {
        let Some(log) = self.parts.db.logs().get(id)? else { return Ok(None) };
        let step = self.parts.db.steps().get(log.step)?;
        Ok(step.map(|step| (log, step)))
    }
}

#[cfg(test)]
mod tests {
    use super::chunks;
    use crate::model::LogKind;

    #[test]
    fn lines_of_one_channel_are_one_chunk() {
        let stored = b"hmake\noa\nob\nec\nod\n";
        let expected: [(i64, &[u8]); 4] = [(2, b"make\n"), (0, b"a\nb\n"), (1, b"c\n"), (0, b"d\n")];
        let read = chunks(LogKind::Stdio, stored);
        assert_eq!(read.iter().map(|(n, text)| (*n, text.as_slice())).collect::<Vec<_>>(), expected);
        assert_eq!(chunks(LogKind::Text, b"one\ntwo\n"), [(0, b"one\ntwo\n".to_vec())]);
    }
}
