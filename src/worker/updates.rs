//! What a command has to tell the master: output gathered into few updates, and single facts.

use super::limits::{BUFFER_BYTES, BUFFER_WAIT};
use crate::model::Mono;
use crate::pb::Value;
use std::sync::Arc;

/// Where a piece of text belongs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Channel {
    /// The program's standard output, or its terminal.
    Stdout,
    /// The program's standard error.
    Stderr,
    /// What the agent itself says about the command.
    Header,
    /// A log file that is followed, by the name that the master gave it.
    Log(Arc<str>),
}

/// One entry of an `update` call (`worker-api.md` §7).
#[derive(Clone, Debug, PartialEq)]
pub struct Update {
    /// `stdout`, `rc`, ...
    pub key: &'static str,
    /// Its value.
    pub value: Value,
}

impl Update {
    /// An update other than text.
    pub fn new(key: &'static str, value: impl Into<Value>) -> Update {
        Update { key, value: value.into() }
    }

    fn text(channel: &Channel, text: String) -> Update {
        match channel {
            Channel::Stdout => Update::new("stdout", text),
            Channel::Stderr => Update::new("stderr", text),
            Channel::Header => Update::new("header", text),
            Channel::Log(name) => Update::new("log", Value::tuple([&**name, &text])),
        }
    }

    /// The argument of the `update` call: a list with one pair, whose number nobody reads.
    pub fn to_argument(&self) -> Value {
        let entry = Value::dict([(self.key, self.value.clone())]);
        Value::List(vec![Value::List(vec![entry, Value::Int(0)])])
    }
}

/// What went wrong, without the number of the error, which people do not need.
pub fn reason(error: &std::io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or_default().to_owned()
}

/// Text in the order in which it came, until it is enough or old enough to be sent.
#[derive(Debug, Default)]
pub struct Buffer {
    pieces: Vec<(Channel, String)>,
    bytes: usize,
    since: Mono,
}

impl Buffer {
    /// Adds text; neighbours of one channel become one piece, unless it would be too long to be sent.
    pub fn push(&mut self, now: Mono, channel: &Channel, text: &str) {
        if text.is_empty() {
            return;
        }
        if self.pieces.is_empty() {
            self.since = now;
        }
        self.bytes += text.len();
        let mut rest = text;
        while !rest.is_empty() {
            let (head, tail) = rest.split_at(fitting(rest, BUFFER_BYTES));
            match self.pieces.last_mut() {
                Some((last, piece)) if last == channel && piece.len() + head.len() <= 2 * BUFFER_BYTES => {
                    piece.push_str(head);
                }
                _ => self.pieces.push((channel.clone(), head.to_owned())),
            }
            rest = tail;
        }
    }

    /// When it must be sent; at once when it is full, never while it is empty.
    pub fn due(&self) -> Option<Mono> {
        match self.bytes {
            0 => None,
            BUFFER_BYTES.. => Some(self.since),
            _ => Some(self.since + BUFFER_WAIT),
        }
    }

    /// Takes everything out.
    pub fn take(&mut self) -> impl Iterator<Item = Update> + use<> {
        self.bytes = 0;
        std::mem::take(&mut self.pieces).into_iter().map(|(channel, text)| Update::text(&channel, text))
    }
}

/// The most bytes, up to `limit`, that do not cut a character; more where the first one is longer.
fn fitting(text: &str, limit: usize) -> usize {
    let ends = (1..=limit.min(text.len())).rev().find(|&end| text.is_char_boundary(end));
    ends.unwrap_or_else(|| text.chars().next().map_or(0, char::len_utf8))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const NOW: Mono = Mono(Duration::from_secs(9));

    #[test]
    fn neighbours_join_and_the_order_stays() {
        let mut buffer = Buffer::default();
        assert_eq!(buffer.due(), None);
        let log = Channel::Log("test.log".into());
        for (channel, text) in [
            (&Channel::Header, "h\n"),
            (&Channel::Stdout, "a\n"),
            (&Channel::Stdout, "b\n"),
            (&Channel::Stderr, "c\n"),
            (&Channel::Stderr, ""),
            (&Channel::Stdout, "d\n"),
            (&log, "l\n"),
        ] {
            buffer.push(NOW, channel, text);
        }
        assert_eq!(buffer.due(), Some(NOW + BUFFER_WAIT));
        let updates: Vec<Update> = buffer.take().collect();
        let expected = [
            Update::new("header", "h\n"),
            Update::new("stdout", "a\nb\n"),
            Update::new("stderr", "c\n"),
            Update::new("stdout", "d\n"),
            Update::new("log", Value::tuple(["test.log", "l\n"])),
        ];
        assert_eq!(updates, expected);
        assert_eq!((buffer.due(), buffer.take().count()), (None, 0));
    }

    #[test]
    fn a_full_buffer_is_due_at_once() {
        let mut buffer = Buffer::default();
        buffer.push(NOW, &Channel::Stdout, &"x".repeat(BUFFER_BYTES));
        assert_eq!(buffer.due(), Some(NOW));
    }

    #[test]
    fn a_text_too_long_for_one_update_comes_in_several() {
        let mut buffer = Buffer::default();
        let text = "x€".repeat(BUFFER_BYTES);
        buffer.push(NOW, &Channel::Header, &text);
        let pieces: Vec<Update> = buffer.take().collect();
        let texts: Vec<&str> = pieces.iter().filter_map(|update| update.value.as_str()).collect();
        assert!(texts.iter().all(|piece| piece.len() <= 2 * BUFFER_BYTES), "{:?}", texts.len());
        assert!(texts.concat() == text, "nothing is lost");
    }

    #[test]
    fn the_argument_is_a_list_of_one_pair() {
        let entry = Value::dict([("rc", 0)]);
        let expected = Value::List(vec![Value::List(vec![entry, Value::Int(0)])]);
        assert_eq!(Update::new("rc", 0).to_argument(), expected);
    }
}
