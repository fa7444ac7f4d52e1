//! Replaces texts that must not be seen, also where a stream's pieces cut them (`N-SE-06`).
//!
//! Every byte that belongs to an occurrence is hidden, whether occurrences overlap or not: those that overlap become
//! one name, that of the longest among the first. What may still become one is held back until it is decided, which
//! is always less than the longest text; so the pieces in which a stream comes never change what is shown.

use aho_corasick::{AhoCorasick, AhoCorasickKind};
use bytes::Bytes;

/// What must not be seen.
#[derive(Debug, Default)]
pub(super) struct Redactor {
    /// In the order of their texts, each text once.
    patterns: Vec<Pattern>,
    /// The length of the longest text, in bytes.
    longest: usize,
    finder: Option<AhoCorasick>,
}

#[derive(Debug)]
struct Pattern {
    text: Vec<u8>,
    /// What is shown instead.
    shown: String,
}

/// Where a stream stands: what it holds back.
#[derive(Debug, Default)]
pub(super) struct Tail {
    held: Vec<u8>,
    /// How many of the held bytes are hidden behind a name that was already shown.
    covered: usize,
}

/// A part of a text that is hidden.
struct Cover {
    start: usize,
    end: usize,
    /// `None` for the end of one whose name was already shown.
    pattern: Option<usize>,
}

impl Redactor {
    /// From now on `texts` are shown as `<name>`. One that already has a name keeps it; none may be empty.
    pub fn add(&mut self, name: &str, texts: impl IntoIterator<Item = Vec<u8>>) {
        for text in texts.into_iter().filter(|text| !text.is_empty()) {
            if let Err(place) = self.patterns.binary_search_by(|pattern| pattern.text.cmp(&text)) {
                self.longest = self.longest.max(text.len());
                self.patterns.insert(place, Pattern { text, shown: format!("<{name}>") });
            }
        }
        // Its memory is a few dozen bytes for each byte of the texts, whatever they are; it fails only beyond 2^31.
        let finder = AhoCorasick::builder()
            .kind(Some(AhoCorasickKind::ContiguousNFA))
            .build(self.patterns.iter().map(|pattern| &pattern.text));
        self.finder = Some(finder.expect("secrets are small"));
    }

    /// A text that is whole.
    pub fn clean(&self, text: impl Into<Bytes>) -> Bytes {
        self.end(&mut Tail { held: Vec::new(), covered: 0 }, text.into())
    }

    /// The next piece of a stream: what of it, and of what was held back, can be shown.
    pub fn next(&self, tail: &mut Tail, piece: Bytes) -> Bytes {
        let Some(finder) = &self.finder else { return piece };
        let text = joined(tail, piece);
        let end = self.decided(&text);
        self.show(finder, tail, &text, end)
    }

    /// The last piece of a stream.
    pub fn end(&self, tail: &mut Tail, piece: Bytes) -> Bytes {
        let Some(finder) = &self.finder else { return piece };
        let text = joined(tail, piece);
        self.show(finder, tail, &text, text.len())
    }

    /// Up to where nothing that may follow can make an occurrence begin.
    fn decided(&self, text: &[u8]) -> usize {
        let first = (text.len() + 1).saturating_sub(self.longest);
        (first..text.len()).find(|at| self.may_become_one(&text[*at..])).unwrap_or(text.len())
    }

    /// Whether this is the beginning of a text that is longer.
    fn may_become_one(&self, start: &[u8]) -> bool {
        // The texts that begin so stand together, the shortest first.
        let place = self.patterns.partition_point(|pattern| pattern.text.as_slice() <= start);
        self.patterns.get(place).is_some_and(|pattern| pattern.text.starts_with(start))
    }

    /// Shows the text up to `end` and keeps the rest.
    fn show(&self, finder: &AhoCorasick, tail: &mut Tail, text: &Bytes, end: usize) -> Bytes {
        let covers = self.covers(finder, text, tail.covered);
        tail.held = text[end..].to_vec();
        tail.covered = 0;
        if covers.is_empty() {
            return text.slice(..end);
        }
        let (mut shown, mut at) = (Vec::with_capacity(end), 0);
        for cover in covers.iter().take_while(|cover| cover.start < end || cover.pattern.is_none()) {
            shown.extend_from_slice(&text[at..cover.start]);
            if let Some(pattern) = cover.pattern {
                shown.extend_from_slice(self.patterns[pattern].shown.as_bytes());
            }
            at = cover.end;
        }
        tail.covered = at.saturating_sub(end);
        shown.extend_from_slice(&text[at.min(end)..end]);
        shown.into()
    }

    /// The parts to hide, in order; they do not overlap. The first `covered` bytes are the end of an earlier one.
    fn covers(&self, finder: &AhoCorasick, text: &[u8], covered: usize) -> Vec<Cover> {
        let mut covers = Vec::new();
        if covered > 0 {
            covers.push(Cover { start: 0, end: covered, pattern: None });
        }
        if !finder.is_match(text) {
            return covers;
        }
        // They come in the order of their ends.
        for found in finder.find_overlapping_iter(text) {
            let mut cover =
                Cover { start: found.start(), end: found.end(), pattern: Some(found.pattern().as_usize()) };
            while let Some(last) = covers.pop_if(|last| last.end > cover.start) {
                cover.end = cover.end.max(last.end);
                if last.start < cover.start || last.pattern.is_none() {
                    (cover.start, cover.pattern) = (last.start, last.pattern);
                }
            }
            covers.push(cover);
        }
        covers
    }
}

/// What is held back, with the piece that follows it.
fn joined(tail: &mut Tail, piece: Bytes) -> Bytes {
    if tail.held.is_empty() {
        return piece;
    }
    let mut text = std::mem::take(&mut tail.held);
    text.extend_from_slice(&piece);
    text.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn redactor(secrets: &[&str]) -> Redactor {
        let mut redactor = Redactor::default();
        secrets.iter().for_each(|secret| redactor.add(&secret.to_uppercase(), [secret.as_bytes().to_vec()]));
        redactor
    }

    /// What is shown of a stream that comes in pieces which end at these places.
    fn streamed(redactor: &Redactor, text: &str, cuts: &[usize]) -> String {
        let (mut tail, mut shown, mut from) = (Tail::default(), Vec::new(), 0);
        for cut in cuts {
            shown.extend(redactor.next(&mut tail, Bytes::copy_from_slice(&text.as_bytes()[from..*cut])));
            assert!(tail.held.len() < redactor.longest.max(1), "{tail:?}");
            from = *cut;
        }
        shown.extend(redactor.end(&mut tail, Bytes::copy_from_slice(&text.as_bytes()[from..])));
        String::from_utf8(shown).unwrap()
    }

    /// The same by looking at every part of the whole text.
    fn by_definition(secrets: &[&str], text: &str) -> String {
        let mut found: Vec<(usize, usize)> = (0..text.len())
            .flat_map(|at| secrets.iter().map(move |secret| (at, secret)))
            .filter(|(at, secret)| text[*at..].starts_with(**secret))
            .map(|(at, secret)| (at, at + secret.len()))
            .collect();
        found.sort_by_key(|(start, end)| (*start, std::cmp::Reverse(*end)));
        let (mut shown, mut at) = (String::new(), 0);
        for (start, end) in found {
            if start >= at {
                shown += &format!("{}<{}>", &text[at..start], text[start..end].to_uppercase());
            }
            at = at.max(end);
        }
        shown + &text[at..]
    }

    #[test]
    fn occurrences_become_names() {
        for (secrets, text, expected) in [
            (&["hunter2"][..], "a hunter2 bhunter2hunter2", "a <HUNTER2> b<HUNTER2><HUNTER2>"),
            (&["hunter2"], "hunter hunter1 hunte", "hunter hunter1 hunte"),
            (&["abc", "cde"], "xabcdex abcd", "x<ABC>x <ABC>d"),
            (&["abc", "abcabd"], "abcabc abcabd", "<ABC><ABC> <ABCABD>"),
            (&["aba"], "ababababx", "<ABA>bx"),
            (&[], "all", "all"),
        ] {
            assert_eq!(
                String::from_utf8_lossy(&redactor(secrets).clean(text)),
                expected,
                "{secrets:?} in {text}"
            );
        }
    }

    #[test]
    fn nothing_is_held_back_that_cannot_become_a_secret() {
        let (redactor, mut tail) = (redactor(&["hunter2"]), Tail::default());
        assert_eq!(redactor.next(&mut tail, "a line\nhu".into()), "a line\n");
        assert_eq!(redactor.next(&mut tail, "h".into()), "hu");
        assert_eq!(redactor.next(&mut tail, "ut\n".into()), "hut\n");
    }

    proptest! {
        #[test]
        fn cuts_change_nothing(
            secrets in prop::collection::vec("[ab]{1,6}|[a-c]{2,4}", 0..4),
            text in "[a-c]{0,40}",
            mut cuts in prop::collection::vec(0..41_usize, 0..12),
        ) {
            let secrets: Vec<&str> = secrets.iter().map(String::as_str).collect();
            cuts.iter_mut().for_each(|cut| *cut = (*cut).min(text.len()));
            cuts.sort_unstable();
            let redactor = redactor(&secrets);
            let expected = by_definition(&secrets, &text);
            prop_assert_eq!(&streamed(&redactor, &text, &[]), &expected);
            prop_assert_eq!(&streamed(&redactor, &text, &cuts), &expected);
            let every_byte: Vec<usize> = (0..text.len()).collect();
            prop_assert_eq!(&streamed(&redactor, &text, &every_byte), &expected);
        }
    }
}
