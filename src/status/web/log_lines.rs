//! Lines of a log as HTML: numbered, each an anchor, with its channel and its colours.

use super::ansi::{self, Pen};
use crate::db::{Connection, DbError, logs};
use crate::model::{LogInfo, LogKind};
use maud::{Markup, PreEscaped, html};
use std::fmt::Write;

/// How many lines before the first one are read for the colour that they leave it.
const LINES_BEFORE: i64 = 100;

/// Some lines of a log, rendered.
pub(super) struct Shown {
    /// The number of the first, from 0.
    pub(super) first: i64,
    /// The number of the line after the last.
    pub(super) next: i64,
    html: String,
}

impl Shown {
    /// The lines, to stand in a `pre`.
    pub(super) fn lines(&self) -> Markup {
        PreEscaped(self.html.clone())
    }

    /// A block of its own, which the script lets grow while the log does: `address` is the log page's. Lines
    /// link to themselves below `prefix`.
    pub(super) fn block(&self, log: &LogInfo, address: &str) -> Markup {
        html! {
            pre.log tabindex="0" aria-label={ "Log " (log.name) } data-log=(log.id) data-next=(self.next)
                data-more=[(!log.complete).then(|| format!("{address}/lines"))] { (self.lines()) }
        }
    }
}

/// Reads and renders up to `count` lines from line `first` on. The lines link to `address`, which may be empty.
pub(super) fn read(
    connection: &mut Connection,
    log: &LogInfo,
    first: i64,
    count: i64,
    address: &str,
) -> Result<Shown, DbError> {
    let before = first.clamp(0, LINES_BEFORE);
    let lines = logs::read_lines(connection, log.id, first - before, count.saturating_add(before))?;
    let mut pen = Pen::default();
    let mut shown = Shown { first, next: first, html: String::with_capacity(lines.text.len() * 2) };
    for (number, text) in (lines.first_line..).zip(lines.text.split_inclusive(|byte| *byte == b'\n')) {
        let text = text.strip_suffix(b"\n").unwrap_or(text);
        let (channel, text) = match (log.kind, text.split_first()) {
            (LogKind::Stdio, Some((channel, text))) => (*channel, text),
            _ => (b'o', text),
        };
        if number < first {
            // Only for the pen that it leaves.
            ansi::line(&mut pen, text, &mut String::new());
        } else {
            line(&mut shown.html, &mut pen, channel, text, number + 1, address);
            shown.next = number + 1;
        }
    }
    Ok(shown)
}

/// What a channel is called, for who cannot see its colour; nothing for the usual one.
fn channel_class(channel: u8) -> &'static str {
    match channel {
        b'e' => "l err",
        b'h' => "l head",
        _ => "l",
    }
}

fn line(html: &mut String, pen: &mut Pen, channel: u8, text: &[u8], number: i64, address: &str) {
    let class = channel_class(channel);
    // Writing to a String does not fail. Only on the log's own page a line is what its number leads to.
    let _ = if address.is_empty() {
        write!(html, "<span class=\"{class}\" id=\"L{number}\"><a href=\"#L{number}\"")
    } else {
        write!(html, "<span class=\"{class}\"><a href=\"{address}?line={number}#L{number}\"")
    };
    let _ = write!(html, " aria-label=\"Line {number}\" data-n=\"{number}\"></a>");
    if channel == b'h' {
        // The master's and the worker's own words have no colours, and leave the program's alone.
        ansi::line(&mut Pen::default(), text, html);
    } else {
        ansi::line(pen, text, html);
    }
    html.push_str("\n</span>");
}
