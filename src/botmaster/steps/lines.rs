//! Whole lines out of pieces of output, for whoever reads them while a program runs (`ST-14`).

use crate::botmaster::limits::OBSERVED_LINE_BYTES;

/// Cuts the pieces of one channel into lines. A line that is too long is left out.
#[derive(Debug, Default)]
pub struct LineCutter {
    open: Vec<u8>,
    is_too_long: bool,
}

impl LineCutter {
    /// Takes a piece, cut anywhere; tells each line that ends in it, without its end.
    pub fn push(&mut self, piece: &[u8], mut tell: impl FnMut(&str)) {
        let mut rest = piece;
        while let Some(end) = memchr::memchr(b'\n', rest) {
            let (line, after) = rest.split_at(end);
            rest = &after[1..];
            if self.open.is_empty() && !self.is_too_long && line.len() <= OBSERVED_LINE_BYTES {
                told(line, &mut tell);
                continue;
            }
            self.add(line);
            if !std::mem::take(&mut self.is_too_long) {
                told(&self.open, &mut tell);
            }
            self.open.clear();
        }
        self.add(rest);
    }

    /// Tells the last line, if it has no end.
    pub fn finish(&mut self, mut tell: impl FnMut(&str)) {
        if !self.open.is_empty() && !self.is_too_long {
            told(&self.open, &mut tell);
        }
        *self = LineCutter::default();
    }

    fn add(&mut self, part: &[u8]) {
        if self.open.len() + part.len() > OBSERVED_LINE_BYTES {
            self.is_too_long = true;
            self.open.clear();
        }
        if !self.is_too_long {
            self.open.extend_from_slice(part);
        }
    }
}

fn told(line: &[u8], tell: &mut impl FnMut(&str)) {
    tell(String::from_utf8_lossy(line).trim_end_matches('\r'));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(pieces: &[&str]) -> Vec<String> {
        let (mut cutter, mut lines) = (LineCutter::default(), Vec::new());
        pieces.iter().for_each(|piece| cutter.push(piece.as_bytes(), |line| lines.push(line.to_owned())));
        cutter.finish(|line| lines.push(line.to_owned()));
        lines
    }

    #[test]
    fn lines_are_whole_wherever_they_are_cut() {
        let text = "one\ntwo\r\n\nfour";
        for at in 0..text.len() {
            let (head, tail) = text.split_at(at);
            assert_eq!(cut(&[head, tail]), ["one", "two", "", "four"], "cut at {at}");
        }
    }

    #[test]
    fn a_line_that_is_too_long_is_left_out() {
        let long = "x".repeat(OBSERVED_LINE_BYTES);
        assert_eq!(cut(&[&long, "y\nnext\n"]), ["next"]);
        assert_eq!(cut(&[&format!("{long}y\nnext\n")]), ["next"]);
        assert_eq!(cut(&[&long, "\nnext\n"]), [long.as_str(), "next"]);
    }
}
