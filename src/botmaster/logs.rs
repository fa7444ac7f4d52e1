//! From the pieces of output that a worker sends to chunks of whole lines, decoded channel by channel.
//!
//! What is held here is bounded: less than a chunk of whole lines, one open line and three bytes of a cut
//! character for each channel. A piece is copied once, into the lines that the database gets.

use super::limits::CHUNK_BYTES;
use crate::model::{Channel, Lines, LogId, LogKind, LogLines};
use std::collections::VecDeque;

/// How much is kept of one log, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Of its beginning: of what a program says, and of headers.
    pub most: u64,
    /// Of what a program says beyond that: of its end.
    pub tail: usize,
}

/// What of a log there was no room for.
#[derive(Debug, Default)]
struct Excess {
    /// The last pieces.
    tail: VecDeque<(Channel, Vec<u8>)>,
    tail_bytes: usize,
    left_out: u64,
}

impl Excess {
    fn push(&mut self, channel: Channel, piece: &[u8], most: usize) {
        let (gone, kept) = piece.split_at(piece.len().saturating_sub(most));
        self.left_out += gone.len() as u64;
        self.tail_bytes += kept.len();
        if !kept.is_empty() {
            self.tail.push_back((channel, kept.to_vec()));
        }
        while self.tail_bytes > most
            && let Some((_, first)) = self.tail.pop_front()
        {
            self.tail_bytes -= first.len();
            self.left_out += first.len() as u64;
        }
    }
}

/// One log that is being written.
#[derive(Debug)]
pub struct LogWriter {
    /// Its id.
    pub id: LogId,
    lines: LogLines,
    /// The beginning of a character that the last piece cut off, by channel.
    cut: [Vec<u8>; 3],
    bounds: Bounds,
    /// Bytes for which there is room yet: of what a program says, and of headers.
    room: [u64; 2],
    excess: Option<Excess>,
}

impl LogWriter {
    /// Begins a log.
    pub fn new(id: LogId, kind: LogKind, bounds: Bounds) -> LogWriter {
        let (lines, room) = (LogLines::new(kind), [bounds.most; 2]);
        LogWriter { id, lines, cut: Default::default(), bounds, room, excess: None }
    }

    /// Takes a piece, cut anywhere. Returns lines to be written at once, if there are enough.
    pub fn push(&mut self, channel: Channel, piece: &[u8]) -> Option<Lines> {
        let room = &mut self.room[usize::from(channel == Channel::Header)];
        let fitting = piece.len().min(usize::try_from(*room).unwrap_or(usize::MAX));
        *room -= fitting as u64;
        let (fitting, excess) = piece.split_at(fitting);
        self.append(channel, fitting);
        if !excess.is_empty() {
            self.exceed(channel, excess);
        }
        if self.lines.ready_bytes() >= CHUNK_BYTES { self.lines.take() } else { None }
    }

    fn append(&mut self, channel: Channel, piece: &[u8]) {
        let cut = std::mem::take(&mut self.cut[channel as usize]);
        if cut.is_empty() {
            self.decode(channel, piece);
        } else {
            self.decode(channel, &[&cut[..], piece].concat());
        }
    }

    /// Takes what there is no room for; the log says so where that begins.
    fn exceed(&mut self, channel: Channel, piece: &[u8]) {
        if self.excess.is_none() {
            self.end_lines();
            let text = format!("this log has reached {} bytes: what follows is left out\n", self.bounds.most);
            self.lines.push(Channel::Header, &text);
        }
        let excess = self.excess.get_or_insert_default();
        match channel {
            Channel::Header => excess.left_out += piece.len() as u64,
            _ => excess.push(channel, piece, self.bounds.tail),
        }
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
        self.end_lines();
        if let Some(Excess { tail, tail_bytes, left_out }) = self.excess.take() {
            let text = format!("{left_out} bytes were left out; these are the last {tail_bytes}:\n");
            self.lines.push(Channel::Header, &text);
            for (channel, piece) in tail {
                self.append(channel, &piece);
            }
            self.end_lines();
        }
        self.lines.take()
    }

    /// Ends what is begun.
    fn end_lines(&mut self) {
        for channel in [Channel::Stdout, Channel::Stderr, Channel::Header] {
            if !std::mem::take(&mut self.cut[channel as usize]).is_empty() {
                self.lines.push(channel, "\u{fffd}");
            }
        }
        self.lines.finish();
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

    const UNBOUNDED: Bounds = Bounds { most: u64::MAX, tail: 0 };

    fn stored(pieces: &[(Channel, &[u8])]) -> String {
        stored_within(UNBOUNDED, pieces)
    }

    fn stored_within(bounds: Bounds, pieces: &[(Channel, &[u8])]) -> String {
        let mut log = LogWriter::new(LogId(1), LogKind::Stdio, bounds);
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
        let mut log = LogWriter::new(LogId(1), LogKind::Stdio, UNBOUNDED);
        let line = [&[b'x'; 1023][..], b"\n"].concat();
        let given: Vec<i64> =
            (0..130).filter_map(|_| log.push(Channel::Stdout, &line).map(|lines| lines.line_count)).collect();
        assert_eq!(given, [64, 64]);
        assert_eq!(log.finish().map(|lines| (lines.first_line, lines.line_count)), Some((128, 2)));
    }

    #[test]
    fn of_a_log_that_is_too_long_the_beginning_and_the_end_are_kept() {
        let bounds = Bounds { most: 10, tail: 8 };
        let pieces: [(Channel, &[u8]); 7] = [
            (Channel::Header, b"make\n"),
            (Channel::Stdout, b"one\ntwo\nthree\n"),
            (Channel::Stderr, b"four\n"),
            (Channel::Stdout, b"five\n"),
            (Channel::Stderr, b"six\n"),
            (Channel::Header, b"done\n"),
            (Channel::Header, b"and done, and done\n"),
        ];
        let end = "hdone\nh33 bytes were left out; these are the last 4:\nesix\n";
        let begin = "hmake\noone\notwo\noth\nhthis log has reached 10 bytes: what follows is left out\n";
        assert_eq!(stored_within(bounds, &pieces), format!("{begin}{end}"));
        // None is too long by itself, and a piece may be longer than what is kept of the end.
        assert_eq!(stored_within(bounds, &[(Channel::Stdout, b"123456789\n")]), "o123456789\n");
        let long = [(Channel::Stdout, &b"1234567\n2345678\n3456789\n"[..])];
        assert!(
            stored_within(bounds, &long)
                .ends_with("\nh6 bytes were left out; these are the last 8:\no3456789\n")
        );
    }

    #[test]
    fn a_character_at_the_bound_is_not_put_together_with_another() {
        let bounds = Bounds { most: 1, tail: 1 };
        let pieces: [(Channel, &[u8]); 2] = [(Channel::Stdout, "é".as_bytes()), (Channel::Stdout, b"\xa9")];
        let stored = stored_within(bounds, &pieces);
        assert!(stored.starts_with("o\u{fffd}\nh") && stored.ends_with("o\u{fffd}\n"), "{stored}");
    }
}
