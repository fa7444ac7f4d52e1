//! What is looked for within a log: chunk after chunk, so that a log of any size costs the memory of one.

use super::app::App;
use super::fault::Fault;
use crate::db::logs;
use crate::model::{Lines, LogId, LogInfo, LogKind};
use crate::status::limits::{SEARCH_BYTES, SEARCH_LINE_BYTES, SEARCH_PATTERN_BYTES};
use regex::bytes::{Regex, RegexBuilder};
use serde::Serialize;
use std::borrow::Cow;
use std::ops::Range;
use std::sync::LazyLock;

/// What terminals take for colours and the like: nobody sees it, and nobody looks for it.
static ESCAPES: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"(?-u)\x1b\[[0-?]*[ -/]*[@-~]").expect("a fixed expression"));

/// What is looked for. It is found in linear time, whatever it is.
#[derive(Clone, Debug)]
pub(super) struct Needle(Regex);

impl Needle {
    /// A part of a line, in letters of either case; or, if it is one, a regular expression as it stands.
    pub(super) fn new(text: &str, is_regex: bool) -> Result<Needle, Fault> {
        if text.is_empty() || text.len() > SEARCH_PATTERN_BYTES {
            return Err(Fault::Bad(format!("q: it must have from 1 to {SEARCH_PATTERN_BYTES} bytes")));
        }
        let pattern = if is_regex { text.to_owned() } else { regex::escape(text) };
        let regex = RegexBuilder::new(&pattern).case_insensitive(!is_regex).build();
        regex.map(Needle).map_err(|error| Fault::Bad(format!("q: {error}")))
    }
}

/// A line in which it is.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Hit {
    /// The line's number, from 0.
    pub(super) line: i64,
    /// Its channel: `o`, `e` or `h`; a log without channels has only `o`.
    pub(super) channel: char,
    /// The line, or its part around the first match where it is long.
    pub(super) content: String,
    /// Where in the content the first match is.
    #[serde(skip)]
    pub(super) part: Range<usize>,
}

/// Some of the lines in which it is.
#[derive(Debug, Default)]
pub(super) struct Hits {
    /// In order.
    pub(super) hits: Vec<Hit>,
    /// From which line to look on, if this is not all.
    pub(super) next: Option<i64>,
}

/// Looks for `needle` from line `first` on, until `limit` lines have it, or so much was read that others have their
/// turn first.
pub(super) async fn search(
    app: &App,
    log: &LogInfo,
    needle: &Needle,
    first: i64,
    limit: usize,
) -> Result<Hits, Fault> {
    let (mut found, mut next, mut read_bytes) = (Hits::default(), first, 0);
    while read_bytes < SEARCH_BYTES {
        let (id, kind, needle, room) = (log.id, log.kind, needle.clone(), limit - found.hits.len());
        let Some(looked) = look(app, id, kind, needle, next, room).await? else { return Ok(found) };
        next = looked.next;
        read_bytes += looked.bytes;
        found.hits.extend(looked.hits);
        if found.hits.len() >= limit {
            break;
        }
    }
    found.next = (next < log.line_count).then_some(next);
    Ok(found)
}

/// What one chunk came to.
struct Looked {
    hits: Vec<Hit>,
    next: i64,
    bytes: usize,
}

async fn look(
    app: &App,
    log: LogId,
    kind: LogKind,
    needle: Needle,
    line: i64,
    room: usize,
) -> Result<Option<Looked>, Fault> {
    app.read(move |connection| {
        let chunk = logs::chunk(connection, log, line)?;
        Ok(chunk.map(|chunk| within(&chunk, kind, &needle, room)))
    })
    .await
}

fn within(chunk: &Lines, kind: LogKind, Needle(regex): &Needle, room: usize) -> Looked {
    let mut looked = Looked { hits: Vec::new(), next: chunk.first_line, bytes: chunk.text.len() };
    for stored in chunk.text.split_inclusive(|byte| *byte == b'\n') {
        if looked.hits.len() >= room {
            break;
        }
        let line = stored.strip_suffix(b"\n").unwrap_or(stored);
        let (channel, text) = match (kind, line.split_first()) {
            (LogKind::Stdio, Some((channel, text))) => (char::from(*channel), text),
            _ => ('o', line),
        };
        let text = match memchr::memchr(b'\x1b', text) {
            Some(_) => ESCAPES.replace_all(text, &b""[..]),
            None => Cow::Borrowed(text),
        };
        if let Some(part) = regex.find(&text) {
            let (content, part) = around(&text, part.range());
            looked.hits.push(Hit { line: looked.next, channel, content, part });
        }
        looked.next += 1;
    }
    looked
}

/// A line as text, with where the match then is; of a long line, what is around the match.
fn around(text: &[u8], part: Range<usize>) -> (String, Range<usize>) {
    let from =
        if text.len() > SEARCH_LINE_BYTES { part.start.saturating_sub(SEARCH_LINE_BYTES / 4) } else { 0 };
    let to = text.len().min(from + SEARCH_LINE_BYTES);
    let (start, end) = (part.start.clamp(from, to), part.end.clamp(from, to));
    let mut content = String::from_utf8_lossy(&text[from..start]).into_owned();
    let begin = content.len();
    content += &String::from_utf8_lossy(&text[start..end]);
    let end_of_part = content.len();
    content += &String::from_utf8_lossy(&text[end..to]);
    (content, begin..end_of_part)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str, needle: &str, is_regex: bool, room: usize) -> (Vec<(i64, char, String)>, i64) {
        let chunk = Lines { first_line: 7, line_count: 3, text: text.as_bytes().to_vec() };
        let needle = Needle::new(needle, is_regex).expect("a pattern");
        let looked = within(&chunk, LogKind::Stdio, &needle, room);
        let hits =
            looked.hits.into_iter().map(|hit| (hit.line, hit.channel, hit.content[hit.part].to_owned()));
        (hits.collect(), looked.next)
    }

    #[test]
    fn parts_are_found_in_either_case_and_expressions_as_they_stand() {
        let text = "oall is well\ne\u{1b}[1;31mERR\u{1b}[0mOR: a.c\nherror (1)\n";
        let hit = |line, channel, part: &str| (line, channel, part.to_owned());
        assert_eq!(found(text, "error", false, 9), (vec![hit(8, 'e', "ERROR"), hit(9, 'h', "error")], 10));
        assert_eq!(found(text, "error", true, 9), (vec![hit(9, 'h', "error")], 10));
        assert_eq!(found(text, r"^[A-Z]+: \w", true, 9), (vec![hit(8, 'e', "ERROR: a")], 10));
        assert_eq!(found(text, "r (1)", false, 9), (vec![hit(9, 'h', "r (1)")], 10));
        // The letter of the channel is no part of the line.
        assert_eq!(found(text, "oall", false, 9), (vec![], 10));
        assert_eq!(found(text, "l", false, 1), (vec![hit(7, 'o', "l")], 8));
    }

    #[test]
    fn of_a_long_line_the_match_is_shown() {
        let text = format!("{}here€{}", "x".repeat(SEARCH_LINE_BYTES * 3), "y".repeat(SEARCH_LINE_BYTES * 3));
        let at = SEARCH_LINE_BYTES * 3;
        let (content, part) = around(text.as_bytes(), at..at + 7);
        assert_eq!(&content[part], "here€");
        assert!(content.len() <= SEARCH_LINE_BYTES, "{}", content.len());
    }

    #[test]
    fn what_cannot_be_looked_for_is_refused() {
        for (text, is_regex) in [("", false), ("(", true), (r"(a)\1", true), (r"((x{999}){999}){999}", true)]
        {
            assert!(Needle::new(text, is_regex).is_err(), "{text}");
        }
    }
}
