//! Cuts a program's output into lines of text: what terminals show over one another becomes lines below one
//! another, what is not UTF-8 is replaced, nothing is lost.

use super::limits::LINE_BYTES;

const ESCAPE: u8 = 0x1b;
const BACKSPACE: u8 = 0x08;

/// What was seen of something that may mean a new line.
#[derive(Debug, Default)]
enum Held {
    #[default]
    Nothing,
    Return,
    Backspaces,
    Escape(Vec<u8>),
}

/// How the bytes since an escape character relate to the sequences that move the cursor elsewhere.
enum Sequence {
    Moves,
    MayMove,
    Other,
}

/// One stream of one command (`worker-api.md` §7): carriage returns, cursor movements, and runs of backspaces
/// are new lines. Any split of the same bytes gives the same text.
#[derive(Debug, Default)]
pub struct LineCutter {
    held: Held,
    line: Vec<u8>,
    /// The last piece given was not the end of its line.
    open: bool,
}

impl LineCutter {
    /// Takes output and gives the lines that it completes, each with its end of line. Of a line that is longer
    /// than [`LINE_BYTES`] it gives a piece without one.
    pub fn push(&mut self, bytes: &[u8]) -> String {
        let mut rest = bytes;
        while let Some((&first, tail)) = rest.split_first() {
            if matches!(self.held, Held::Nothing) && !is_special(first) {
                let plain = rest.iter().position(|&b| is_special(b)).unwrap_or(rest.len());
                self.line.extend_from_slice(&rest[..plain]);
                rest = &rest[plain..];
            } else {
                self.special(first);
                rest = tail;
            }
        }
        let whole = match self.line.iter().rposition(|&b| b == b'\n') {
            Some(end) if self.line.len() - end - 1 <= LINE_BYTES => end + 1,
            None if self.line.len() <= LINE_BYTES => 0,
            _ => whole_characters(&self.line),
        };
        self.give(whole)
    }

    /// Gives the rest at the end of the stream, as a line.
    pub fn finish(&mut self) -> String {
        match std::mem::take(&mut self.held) {
            Held::Return => self.line.push(b'\n'),
            Held::Escape(seen) => self.line.extend_from_slice(&seen),
            Held::Nothing | Held::Backspaces => {}
        }
        if self.line.last().map_or(self.open, |&last| last != b'\n') {
            self.line.push(b'\n');
        }
        self.give(self.line.len())
    }

    fn give(&mut self, count: usize) -> String {
        let rest = self.line.split_off(count);
        let lines = std::mem::replace(&mut self.line, rest);
        self.open = lines.last().map_or(self.open, |&last| last != b'\n');
        String::from_utf8(lines).unwrap_or_else(|e| String::from_utf8_lossy(e.as_bytes()).into_owned())
    }

    /// One byte that is special, or that follows one.
    fn special(&mut self, byte: u8) {
        match std::mem::take(&mut self.held) {
            Held::Return => {
                self.line.push(b'\n');
                if byte != b'\n' {
                    self.ground(byte);
                }
            }
            Held::Backspaces if byte == BACKSPACE => self.held = Held::Backspaces,
            Held::Escape(mut seen) => {
                seen.push(byte);
                match sequence(&seen) {
                    Sequence::Moves => self.line.push(b'\n'),
                    Sequence::MayMove => self.held = Held::Escape(seen),
                    Sequence::Other => {
                        seen.pop();
                        self.line.extend_from_slice(&seen);
                        self.ground(byte);
                    }
                }
            }
            Held::Nothing | Held::Backspaces => self.ground(byte),
        }
    }

    fn ground(&mut self, byte: u8) {
        match byte {
            b'\r' => self.held = Held::Return,
            ESCAPE => self.held = Held::Escape(vec![ESCAPE]),
            BACKSPACE => {
                self.line.push(b'\n');
                self.held = Held::Backspaces;
            }
            _ => self.line.push(byte),
        }
    }
}

fn is_special(byte: u8) -> bool {
    matches!(byte, b'\r' | ESCAPE | BACKSPACE)
}

/// Is this "restore the cursor", "clear the screen", or "go to row and column"?
fn sequence(seen: &[u8]) -> Sequence {
    const LONGEST: usize = 16;
    let Some(parameters) = seen.strip_prefix(&[ESCAPE, b'[']) else {
        return if seen == [ESCAPE] { Sequence::MayMove } else { Sequence::Other };
    };
    if matches!(parameters, b"u" | b"2J") {
        return Sequence::Moves;
    }
    let mut numbers = parameters.splitn(2, |&b| b == b';');
    let digits = |part: &[u8]| part.iter().all(u8::is_ascii_digit);
    match (numbers.next(), numbers.next()) {
        (Some(row), None) if digits(row) && seen.len() < LONGEST => Sequence::MayMove,
        (Some(row), Some(rest)) if !row.is_empty() && digits(row) => match rest.split_last() {
            None => Sequence::MayMove,
            Some((b'H' | b'f', column)) if !column.is_empty() && digits(column) => Sequence::Moves,
            Some(_) if digits(rest) && seen.len() < LONGEST => Sequence::MayMove,
            Some(_) => Sequence::Other,
        },
        _ => Sequence::Other,
    }
}

/// How many of the bytes can be given without cutting a character.
fn whole_characters(bytes: &[u8]) -> usize {
    for back in 1..=bytes.len().min(3) {
        let at = bytes.len() - back;
        let width = match bytes[at] {
            0x80..=0xbf => continue,
            0xc0..=0xdf => 2,
            0xe0..=0xef => 3,
            0xf0..=0xff => 4,
            _ => 1,
        };
        return if width > back { at } else { bytes.len() };
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn cut(pieces: &[&[u8]]) -> String {
        let mut cutter = LineCutter::default();
        let mut text: String = pieces.iter().map(|piece| cutter.push(piece)).collect();
        text.push_str(&cutter.finish());
        text
    }

    #[test]
    fn what_a_terminal_overwrites_becomes_lines() {
        let check = |output: &str, lines: &str| assert_eq!(cut(&[output.as_bytes()]), lines, "{output:?}");
        check("", "");
        check("a\nb", "a\nb\n");
        check("a\r\nb\r\n", "a\nb\n");
        check("10%\r20%\rdone\n", "10%\n20%\ndone\n");
        check("a\r", "a\n");
        check("a\r\r\nb", "a\n\nb\n");
        check("ab\x08\x08\x08c", "ab\nc\n");
        check("a\x1b[2Jb\x1b[10;2Hc\x1b[ud\x1b[1;1fe", "a\nb\nc\nd\ne\n");
        check("\x1b[31mred\x1b[0m \x1b[1;31mbold\x1b[m\n", "\x1b[31mred\x1b[0m \x1b[1;31mbold\x1b[m\n");
        check("\x1b\x1b[2J", "\x1b\n");
        check("cut off \x1b[1;", "cut off \x1b[1;\n");
    }

    #[test]
    fn only_whole_lines_are_given_at_once() {
        let mut cutter = LineCutter::default();
        assert_eq!(cutter.push(b"one\ntw"), "one\n");
        assert_eq!(cutter.push(b"o"), "");
        assert_eq!(cutter.push(b"\nthree"), "two\n");
        assert_eq!(cutter.finish(), "three\n");
        assert_eq!(cutter.finish(), "");
    }

    #[test]
    fn a_long_line_comes_in_pieces_between_characters_and_whole() {
        let line = "€".repeat(LINE_BYTES);
        let mut cutter = LineCutter::default();
        let mut pieces = Vec::new();
        for piece in line.as_bytes().chunks(1000) {
            pieces.push(cutter.push(piece));
            assert!(cutter.line.len() <= LINE_BYTES);
        }
        assert!(!pieces.concat().contains('\n'));
        assert_eq!(pieces.concat() + &cutter.finish(), line + "\n");
    }

    #[test]
    fn a_long_line_that_was_given_whole_is_still_ended() {
        let line = "a".repeat(LINE_BYTES + 1);
        assert_eq!(cut(&[line.as_bytes()]), line.clone() + "\n");
        assert_eq!(cut(&[line.as_bytes(), b"\n"]), line + "\n");
    }

    #[test]
    fn what_is_not_utf8_is_replaced() {
        assert_eq!(cut(&[b"caf\xe9\nna\xc3\xafve\n\xff"]), "caf\u{fffd}\nnaïve\n\u{fffd}\n");
    }

    proptest! {
        #[test]
        fn any_split_gives_the_same_text(
            output in proptest::collection::vec(prop_oneof![
                Just(b'\r'), Just(b'\n'), Just(ESCAPE), Just(BACKSPACE), Just(b'['), Just(b';'), Just(b'H'),
                Just(b'2'), Just(b'J'), Just(0xc3), Just(0xaf), any::<u8>(),
            ], 0..60),
            at in 0usize..60,
        ) {
            let at = at.min(output.len());
            let (left, right) = output.split_at(at);
            let bytes: Vec<&[u8]> = output.chunks(1).collect();
            prop_assert_eq!(cut(&[left, right]), cut(&[&output]));
            prop_assert_eq!(cut(&bytes), cut(&[&output]));
        }
    }
}
