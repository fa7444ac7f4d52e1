//! From a log's bytes to HTML: everything escaped, colours and styles of terminals as classes, all other control
//! sequences left out. Pure.

use std::fmt::Write;

/// What a terminal would write with at one place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Pen {
    ink: Option<u8>,
    paper: Option<u8>,
    bold: bool,
    faint: bool,
    italic: bool,
    underline: bool,
    inverse: bool,
    struck: bool,
}

impl Pen {
    fn is_plain(&self) -> bool {
        *self == Pen::default()
    }

    /// The pen's classes: `f` and `g` with the colour's number for ink and paper, a letter for each style.
    fn open(&self, html: &mut String) {
        html.push_str("<span class=\"");
        let (ink, paper) = if self.inverse { (self.paper, self.ink) } else { (self.ink, self.paper) };
        let mut space = "";
        let mut class = |on: bool, name: std::fmt::Arguments<'_>| {
            if on {
                // Writing to a String does not fail.
                let _ = write!(html, "{space}{name}");
                space = " ";
            }
        };
        class(self.inverse && ink.is_none(), format_args!("fi"));
        class(self.inverse && paper.is_none(), format_args!("gi"));
        class(ink.is_some(), format_args!("f{}", ink.unwrap_or_default()));
        class(paper.is_some(), format_args!("g{}", paper.unwrap_or_default()));
        class(self.bold, format_args!("b"));
        class(self.faint, format_args!("d"));
        class(self.italic, format_args!("i"));
        class(self.underline, format_args!("u"));
        class(self.struck, format_args!("s"));
        html.push_str("\">");
    }

    /// Takes in the numbers of one "select graphic rendition" (`ESC [ ... m`).
    fn select(&mut self, parameters: &str) {
        let mut numbers = parameters.split([';', ':']).map(|n| n.parse::<u16>().unwrap_or(0));
        while let Some(number) = numbers.next() {
            match number {
                0 => *self = Pen::default(),
                1 => self.bold = true,
                2 => self.faint = true,
                3 => self.italic = true,
                4 => self.underline = true,
                7 => self.inverse = true,
                9 => self.struck = true,
                22 => (self.bold, self.faint) = (false, false),
                23 => self.italic = false,
                24 => self.underline = false,
                27 => self.inverse = false,
                29 => self.struck = false,
                30..=37 => self.ink = Some((number - 30) as u8),
                38 => self.ink = extended(&mut numbers).or(self.ink),
                39 => self.ink = None,
                40..=47 => self.paper = Some((number - 40) as u8),
                48 => self.paper = extended(&mut numbers).or(self.paper),
                49 => self.paper = None,
                90..=97 => self.ink = Some((number - 82) as u8),
                100..=107 => self.paper = Some((number - 92) as u8),
                _ => {}
            }
        }
    }
}

/// The colour after 38 or 48: one of 256 by its number, or by red, green and blue the one of them that is nearest.
fn extended(numbers: &mut impl Iterator<Item = u16>) -> Option<u8> {
    match numbers.next()? {
        5 => u8::try_from(numbers.next()?).ok(),
        2 => {
            let mut part = || numbers.next().map(|n| n.min(255) as u8);
            Some(nearest([part()?, part()?, part()?]))
        }
        _ => None,
    }
}

/// The steps of the palette's cube of 6 by 6 by 6 colours.
const STEPS: [u8; 6] = [0, 95, 135, 175, 215, 255];

/// Red, green and blue of the palette's colours from 16 on: the cube, then 24 greys.
fn of_palette(colour: u8) -> [u8; 3] {
    match colour.checked_sub(232) {
        Some(grey) => [8 + 10 * grey; 3],
        None => {
            let at = usize::from(colour.saturating_sub(16));
            [STEPS[at / 36], STEPS[at / 6 % 6], STEPS[at % 6]]
        }
    }
}

fn nearest(wanted: [u8; 3]) -> u8 {
    let distance = |colour: u8| -> u32 {
        let each = of_palette(colour).into_iter().zip(wanted);
        each.map(|(a, b)| u32::from(a.abs_diff(b)).pow(2)).sum()
    };
    (16..=255).min_by_key(|colour| distance(*colour)).unwrap_or(15)
}

/// The style rules of the palette's colours from 16 on; the first 16 are the style sheet's own.
pub(super) fn palette_rules() -> String {
    let mut rules = String::new();
    for colour in 16..=255 {
        let [r, g, b] = of_palette(colour);
        let _ = write!(
            rules,
            ".f{colour}{{color:#{r:02x}{g:02x}{b:02x}}}.g{colour}{{background:#{r:02x}{g:02x}{b:02x}}}"
        );
    }
    rules
}

/// Renders one line with this pen, which goes on to the next line as it is at the end of this one.
pub(super) fn line(pen: &mut Pen, text: &[u8], html: &mut String) {
    let text = String::from_utf8_lossy(text);
    let mut rest: &str = &text;
    while !rest.is_empty() {
        let end = rest.find('\x1b').unwrap_or(rest.len());
        run(pen, &rest[..end], html);
        rest = &rest[end..];
        if rest.is_empty() {
            break;
        }
        let (sequence, after) = split_sequence(rest);
        if let Some(parameters) = sequence.strip_prefix("\x1b[").and_then(|s| s.strip_suffix('m')) {
            pen.select(parameters);
        }
        rest = after;
    }
}

/// A piece of text written with one pen.
fn run(pen: &Pen, text: &str, html: &mut String) {
    if text.is_empty() {
        return;
    }
    if !pen.is_plain() {
        pen.open(html);
    }
    escape(text, html);
    if !pen.is_plain() {
        html.push_str("</span>");
    }
}

/// Splits the control sequence at the head of `text`, which begins with an escape, from what follows. One that
/// the line's end cuts off is all there is.
fn split_sequence(text: &str) -> (&str, &str) {
    let bytes = text.as_bytes();
    let end = match bytes.get(1) {
        // A control sequence: parameters, then one final byte.
        Some(b'[') => bytes[2..].iter().position(|byte| (0x40..=0x7e).contains(byte)).map(|at| 2 + at + 1),
        // A title or a link: up to a bell, or an escape with a backslash.
        Some(b']') => bytes[2..].iter().position(|byte| *byte == 7 || *byte == 0x1b).map(|at| {
            let at = 2 + at;
            if bytes[at] == 0x1b && bytes.get(at + 1) == Some(&b'\\') { at + 2 } else { at + 1 }
        }),
        // A choice of character set takes one more.
        Some(b'(' | b')') => Some(3),
        Some(_) => Some(2),
        None => None,
    };
    let mut end = end.unwrap_or(bytes.len()).min(bytes.len());
    while !text.is_char_boundary(end) {
        end += 1;
    }
    text.split_at(end)
}

/// Escapes what HTML would take for its own; control characters but the tab are left out.
fn escape(text: &str, html: &mut String) {
    for c in text.chars() {
        match c {
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '&' => html.push_str("&amp;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            '\t' => html.push(c),
            c if c.is_control() => {}
            c => html.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn html(lines: &[&str]) -> String {
        let mut pen = Pen::default();
        let mut html = String::new();
        for text in lines {
            line(&mut pen, text.as_bytes(), &mut html);
        }
        html
    }

    #[test]
    fn colours_and_styles() {
        for (text, wanted) in [
            ("plain", "plain"),
            ("\x1b[31mred\x1b[0m.", "<span class=\"f1\">red</span>."),
            ("\x1b[1;32mok\x1b[22m!", "<span class=\"f2 b\">ok</span><span class=\"f2\">!</span>"),
            ("\x1b[mreset", "reset"),
            ("\x1b[97;104mx", "<span class=\"f15 g12\">x</span>"),
            ("\x1b[38;5;208mx\x1b[39my", "<span class=\"f208\">x</span>y"),
            ("\x1b[48;5;17mx", "<span class=\"g17\">x</span>"),
            ("\x1b[38;2;255;0;0mx", "<span class=\"f196\">x</span>"),
            ("\x1b[38:2:255:255:255mx", "<span class=\"f231\">x</span>"),
            ("\x1b[2;3;4;9mx", "<span class=\"d i u s\">x</span>"),
            ("\x1b[7mx", "<span class=\"fi gi\">x</span>"),
            ("\x1b[31;7mx", "<span class=\"fi g1\">x</span>"),
            ("\x1b[38;5mx", "x"),
            ("\x1b[38;5;999mx", "x"),
            ("\x1b[999mx", "x"),
        ] {
            assert_eq!(html(&[text]), wanted, "{text:?}");
        }
    }

    #[test]
    fn other_sequences_are_left_out() {
        for (text, wanted) in [
            ("a\x1b[Kb", "ab"),
            ("a\x1b[2;3Hb", "ab"),
            ("\x1b]0;title\x07a", "a"),
            ("\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"),
            ("\x1b(Ba", "a"),
            ("a\x1b", "a"),
            ("a\x1b[31", "a"),
            ("\x1b\u{e4}a", "a"),
            ("a\x00\x07b\tc", "ab\tc"),
        ] {
            assert_eq!(html(&[text]), wanted, "{text:?}");
        }
    }

    #[test]
    fn a_pen_goes_on_to_the_next_line() {
        assert_eq!(html(&["\x1b[31ma", "b"]), "<span class=\"f1\">a</span><span class=\"f1\">b</span>");
    }

    #[test]
    fn what_is_no_text_is_replaced() {
        let mut out = String::new();
        line(&mut Pen::default(), b"a\xffb", &mut out);
        assert_eq!(out, "a\u{fffd}b");
    }

    proptest! {
        /// Whatever a program writes, the only tags are this file's own.
        #[test]
        fn nothing_gets_through(text in "(\\x1b\\[[0-9;]{0,8}[a-zA-Z]|\\x1b|[<>&\"'a-z\\]\\\\ ä]){0,40}") {
            let out = html(&[&text]);
            let mut rest: &str = &out;
            let mut open = 0;
            while let Some(at) = rest.find('<') {
                rest = &rest[at..];
                if let Some(after) = rest.strip_prefix("</span>") {
                    open -= 1;
                    rest = after;
                } else {
                    let after = rest.strip_prefix("<span class=\"").expect("a tag of our own");
                    let (classes, after) = after.split_once("\">").expect("closed");
                    prop_assert!(classes.bytes().all(|b| b.is_ascii_alphanumeric() || b == b' '));
                    open += 1;
                    rest = after;
                }
                prop_assert!(open == 0 || open == 1);
            }
            prop_assert_eq!(open, 0);
        }
    }
}
