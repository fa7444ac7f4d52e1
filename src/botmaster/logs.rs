//! From the pieces of output that a worker sends to chunks of whole lines, decoded channel by channel.
//!
//! What is held here is bounded: less than a chunk of whole lines, one open line and three bytes of a cut
//! character for each channel. A piece is copied once, into the lines that the database gets.

use super::limits::CHUNK_BYTES;
use crate::model::{Channel, Lines, LogId, LogKind, LogLines};

/// One log that is being written.
#[derive(Debug)]
pub struct LogWriter {
    /// Its id.
    pub id: LogId,
    lines: LogLines,
    /// The beginning of a character that the last piece cut off, by channel.
    cut: [Vec<u8>; 3],
}

impl LogWriter {
    /// Begins a log.
    pub fn new(id: LogId, kind: LogKind) -> LogWriter {
        LogWriter { id, lines: LogLines::new(kind), cut: Default::default() }
    }

    /// Takes a piece, cut anywhere. Returns lines to be written at once, if there are enough.
    pub fn push(&mut self, channel: Channel, piece: &[u8]) -> Option<Lines> {
        let cut = std::mem::take(&mut self.cut[channel as usize]);
        if cut.is_empty() {
            self.decode(channel, piece);
        } else {
            self.decode(channel, &[&cut[..], piece].concat());
        }
        if self.lines.ready_bytes() >= CHUNK_BYTES { self.lines.take() } else { None }
    }

    /// The lines that have gathered, if there are any.
    pub fn take(&mut self) -> Option<Lines> {
        self.lines.take()
    }

    /// Whether [`LogWriter::take`] would give anything.
    pub fn has_lines(&self) -> bool {
        self.lines.ready_bytes() > 0
    }

    /// Ends the log; returns the last lines.
    pub fn finish(mut self) -> Option<Lines> {
        for channel in [Channel::Stdout, Channel::Stderr, Channel::Header] {
            if !self.cut[channel as usize].is_empty() {
                self.lines.push(channel, "\u{fffd}");
            }
        }
        self.lines.finish();
        self.lines.take()
    }

    fn decode(&mut self, channel: Channel, mut rest: &[u8]) {
        loop {
            let error = match std::str::from_utf8(rest) {
                Ok(text) => return self.lines.push(channel, text),
                Err(error) => error,
            };
            let (valid, after) = rest.split_at(error.valid_up_to());
            self.lines.push(channel, &String::from_utf8_lossy(valid));
            match error.error_len() {
                Some(length) => {
                    self.lines.push(channel, "\u{fffd}");
                    rest = &after[length..];
                }
                None => {
                    self.cut[channel as usize] = after.to_vec();
                    return;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(pieces: &[(Channel, &[u8])]) -> String {
        let mut log = LogWriter::new(LogId(1), LogKind::Stdio);
        let mut text = Vec::new();
        for (channel, piece) in pieces {
            text.extend(log.push(*channel, piece).unwrap_or_default().text);
        }
        text.extend(log.finish().unwrap_or_default().text);
        String::from_utf8(text).unwrap()
    }

    #[test]
    fn characters_cut_between_pieces_are_put_together_by_channel() {
        let euro = "€\n".as_bytes();
        for at in 0..euro.len() {
            let (head, tail) = euro.split_at(at);
            let pieces = [(Channel::Stdout, head), (Channel::Stderr, b"x\n"), (Channel::Stdout, tail)];
            assert_eq!(stored(&pieces), "ex\no€\n", "cut at {at}");
        }
    }

    #[test]
    fn what_is_not_text_is_replaced() {
        assert_eq!(stored(&[(Channel::Stdout, b"a\xffb\xe2\x28\n")]), "oa\u{fffd}b\u{fffd}(\n");
        assert_eq!(stored(&[(Channel::Stdout, b"end\xe2\x82")]), "oend\u{fffd}\n");
    }

    #[test]
    fn a_chunk_is_given_out_once_it_is_large_enough() {
        let mut log = LogWriter::new(LogId(1), LogKind::Stdio);
        let line = [&[b'x'; 1023][..], b"\n"].concat();
        let given: Vec<i64> =
            (0..130).filter_map(|_| log.push(Channel::Stdout, &line).map(|lines| lines.line_count)).collect();
        assert_eq!(given, [64, 64]);
        assert_eq!(log.finish().map(|lines| (lines.first_line, lines.line_count)), Some((128, 2)));
    }
}
