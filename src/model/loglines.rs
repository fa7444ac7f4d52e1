//! From a program's output, which comes in pieces on several channels, to whole numbered lines (`N-LG-08`).
//!
//! A carriage return, a backspace and a jump of the cursor end a line, as they do for a reader who sees
//! the terminal; a line that is too long is cut. Channels are kept apart: what one begins, only it ends.

use super::LogKind;
use memchr::{memchr, memchr3, memchr3_iter};

/// The longest line that is stored, in bytes without its channel and newline; a longer one becomes several.
pub const LINE_BYTES: usize = 4096;

/// Where a program's output came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Channel {
    /// Its standard output.
    Stdout,
    /// Its standard error.
    Stderr,
    /// Not the program: what the worker and the master say about it.
    Header,
}

impl Channel {
    const ALL: [Channel; 3] = [Channel::Stdout, Channel::Stderr, Channel::Header];

    /// The letter that begins each of its lines in the stored form.
    pub fn letter(self) -> u8 {
        match self {
            Channel::Stdout => b'o',
            Channel::Stderr => b'e',
            Channel::Header => b'h',
        }
    }
}

/// Some lines of a log, in the stored form: each ends with a newline; a stdio line begins with its channel.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lines {
    /// The number of the first one, from 0.
    pub first_line: i64,
    /// How many there are.
    pub line_count: i64,
    /// The lines.
    pub text: Vec<u8>,
}

/// Puts one log's lines together.
#[derive(Clone, Debug)]
pub struct LogLines {
    kind: LogKind,
    open: [Open; 3],
    ready: Lines,
}

/// What a channel has begun.
#[derive(Clone, Debug, Default)]
struct Open {
    line: Vec<u8>,
    /// The last piece ended with a carriage return, which may be half of a line's end.
    after_return: bool,
}

impl LogLines {
    /// Begins a log.
    pub fn new(kind: LogKind) -> LogLines {
        LogLines { kind, open: Default::default(), ready: Lines::default() }
    }

    /// Takes a piece of output.
    pub fn push(&mut self, channel: Channel, text: &str) {
        let after_return = std::mem::take(&mut self.open[channel as usize].after_return);
        let bytes = text.as_bytes();
        if after_return || memchr3(b'\r', 0x08, 0x1b, bytes).is_some() {
            let (plain, ends_with_return) = plain_line_ends(after_return, bytes);
            self.split(channel, &plain);
            self.open[channel as usize].after_return = ends_with_return;
        } else {
            self.split(channel, bytes);
        }
    }

    /// Ends the log: what is begun becomes a line.
    pub fn finish(&mut self) {
        for channel in Channel::ALL {
            let open = &mut self.open[channel as usize];
            if std::mem::take(&mut open.after_return) || !open.line.is_empty() {
                self.split(channel, b"\n");
            }
        }
    }

    /// How many bytes of whole lines [`LogLines::take`] would give.
    pub fn ready_bytes(&self) -> usize {
        self.ready.text.len()
    }

    /// The number of the line that comes after all that are whole.
    pub fn next_line(&self) -> i64 {
        self.ready.first_line + self.ready.line_count
    }

    /// Takes the whole lines that have gathered, if there are any.
    pub fn take(&mut self) -> Option<Lines> {
        if self.ready.line_count == 0 {
            return None;
        }
        let next = Lines { first_line: self.next_line(), ..Lines::default() };
        Some(std::mem::replace(&mut self.ready, next))
    }

    fn split(&mut self, channel: Channel, mut rest: &[u8]) {
        while let Some(at) = memchr(b'\n', rest) {
            let (line, tail) = rest.split_at(at);
            rest = tail.get(1..).unwrap_or_default();
            let open = &mut self.open[channel as usize].line;
            if open.is_empty() {
                self.line(channel, line);
            } else {
                let mut whole = std::mem::take(open);
                whole.extend_from_slice(line);
                self.line(channel, &whole);
                // Gives the room back, for the channel's next line.
                whole.clear();
                self.open[channel as usize].line = whole;
            }
        }
        let open = &mut self.open[channel as usize].line;
        open.extend_from_slice(rest);
        if open.len() > LINE_BYTES {
            let long = std::mem::take(open);
            // Copied once, into room of its own: a piece of megabytes is not kept for the sake of its end.
            self.open[channel as usize].line = self.cut(channel, &long).to_vec();
        }
    }

    fn line(&mut self, channel: Channel, line: &[u8]) {
        let end = self.cut(channel, line);
        self.store(channel, end);
    }

    /// Stores what of a line is too much for one; the rest of it.
    fn cut<'a>(&mut self, channel: Channel, mut line: &'a [u8]) -> &'a [u8] {
        while line.len() > LINE_BYTES {
            let (head, tail) = line.split_at(cut_at(line));
            self.store(channel, head);
            line = tail;
        }
        line
    }

    fn store(&mut self, channel: Channel, line: &[u8]) {
        let text = &mut self.ready.text;
        if self.kind == LogKind::Stdio {
            text.push(channel.letter());
        }
        text.extend_from_slice(line);
        text.push(b'\n');
        self.ready.line_count += 1;
    }
}

/// Where to cut a line that is too long: at its limit, but not within a character.
fn cut_at(line: &[u8]) -> usize {
    let within_character = |byte: &u8| *byte & 0b1100_0000 == 0b1000_0000;
    (LINE_BYTES - 3..=LINE_BYTES)
        .rev()
        .find(|at| !line.get(*at).is_some_and(within_character))
        .unwrap_or(LINE_BYTES)
}

/// Puts a newline in the place of all else that ends a line. Also tells whether the last byte was a carriage
/// return, which is left out: what it is, the next piece tells.
fn plain_line_ends(after_return: bool, text: &[u8]) -> (Vec<u8>, bool) {
    let mut plain = Vec::with_capacity(text.len() + 1);
    // A return and a newline are one line's end.
    if after_return && text.first().is_some_and(|byte| *byte != b'\n') {
        plain.push(b'\n');
    }
    let (mut done, mut ends_with_return) = (0, after_return && text.is_empty());
    for at in memchr3_iter(b'\r', 0x08, 0x1b, text) {
        let (Some(rest), Some(before)) = (text.get(at..), text.get(done..at)) else { continue };
        let Some(length) = line_end(rest) else { continue };
        plain.extend_from_slice(before);
        done = at + length;
        match text.get(done) {
            None if rest.first() == Some(&b'\r') => ends_with_return = true,
            Some(b'\n') if rest.first() == Some(&b'\r') => {}
            _ => plain.push(b'\n'),
        }
    }
    plain.extend_from_slice(text.get(done..).unwrap_or_default());
    (plain, ends_with_return)
}

/// How long what ends a line here is; `None` if it does not: a colour, for example.
fn line_end(text: &[u8]) -> Option<usize> {
    match text {
        [b'\r', ..] => Some(1),
        [0x08, ..] => Some(text.iter().take_while(|byte| **byte == 0x08).count()),
        [0x1b, b'[', sequence @ ..] => {
            let digits = sequence.iter().take_while(|byte| byte.is_ascii_digit() || **byte == b';').count();
            let moves = match (sequence.get(..digits)?, sequence.get(digits)?) {
                (b"", b'u') | (b"2", b'J') => true,
                (numbers, b'H' | b'f') => numbers.contains(&b';'),
                _ => false,
            };
            moves.then_some(2 + digits + 1)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(pieces: &[(Channel, &str)]) -> String {
        let mut lines = LogLines::new(LogKind::Stdio);
        for (channel, piece) in pieces {
            lines.push(*channel, piece);
        }
        lines.finish();
        let Lines { text, line_count, .. } = lines.take().unwrap_or_default();
        let text = String::from_utf8(text).expect("cut between characters");
        assert_eq!(text.lines().count() as i64, line_count);
        text
    }

    #[test]
    fn channels_are_kept_apart() {
        use Channel::*;
        let pieces = [(Stdout, "one "), (Stderr, "bad\n"), (Header, "env"), (Stdout, "line\ntwo")];
        assert_eq!(stored(&pieces), "ebad\noone line\notwo\nhenv\n");
    }

    #[test]
    fn what_ends_a_line_for_a_reader_ends_it_here() {
        for (text, wanted) in [
            ("a\r\nb\n", "oa\nob\n"),
            ("10%\r20%\rdone\n", "o10%\no20%\nodone\n"),
            ("ab\x08\x08cd\n", "oab\nocd\n"),
            ("a\x1b[2Jb\x1b[3;4Hc\x1b[ud", "oa\nob\noc\nod\n"),
            ("\x1b[31mred\x1b[0m\n", "o\x1b[31mred\x1b[0m\n"),
            ("\n\n", "o\no\n"),
            ("end\r", "oend\n"),
            ("", ""),
        ] {
            assert_eq!(stored(&[(Channel::Stdout, text)]), wanted, "{text:?}");
        }
    }

    #[test]
    fn pieces_may_be_cut_anywhere_but_within_a_sequence() {
        let text = "zwölf\r\n10%\r20%\rdone\n\nend";
        let whole = stored(&[(Channel::Stdout, text)]);
        for (at, _) in text.char_indices() {
            let (head, tail) = text.split_at(at);
            let cut = stored(&[(Channel::Stdout, head), (Channel::Stdout, ""), (Channel::Stdout, tail)]);
            assert_eq!(cut, whole, "cut at {at}");
        }
    }

    #[test]
    fn long_lines_are_cut_between_characters() {
        let long = "ö".repeat(LINE_BYTES) + "a";
        let at_once = stored(&[(Channel::Stdout, &format!("{long}\n"))]);
        let open = stored(&[(Channel::Stdout, &long)]);
        assert_eq!(at_once, open);
        assert_eq!(at_once.lines().count(), 3);
        assert!(at_once.lines().all(|line| line.len() <= LINE_BYTES + 1));
    }

    #[test]
    fn a_line_without_end_keeps_room_for_its_end_only() {
        let (mut lines, piece) = (LogLines::new(LogKind::Text), "ö".repeat(100 * LINE_BYTES));
        for _ in 0..3 {
            lines.push(Channel::Stdout, &piece);
            let open = &lines.open[Channel::Stdout as usize].line;
            assert!(open.len() <= LINE_BYTES);
            assert!(open.capacity() <= LINE_BYTES, "room for {} bytes is kept", open.capacity());
        }
        lines.finish();
        let text = lines.take().expect("lines").text;
        assert_eq!(text.len(), 3 * piece.len() + 3 * piece.len() / LINE_BYTES);
    }

    #[test]
    fn numbers_go_on_after_a_take() {
        let mut lines = LogLines::new(LogKind::Text);
        lines.push(Channel::Stdout, "a\nb\nc");
        assert_eq!(lines.ready_bytes(), 4);
        assert_eq!(lines.take(), Some(Lines { first_line: 0, line_count: 2, text: b"a\nb\n".into() }));
        assert_eq!(lines.take(), None);
        lines.finish();
        assert_eq!(lines.take(), Some(Lines { first_line: 2, line_count: 1, text: b"c\n".into() }));
        assert_eq!(lines.next_line(), 3);
    }
}
