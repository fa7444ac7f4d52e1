//! One command on a worker: what is asked of it, and what comes back until it is complete (`worker-api.md` §6, §7).

use super::files::{Kept, Transfer};
use super::limits::{CAPTURED_BYTES, OTHER_BYTES, OTHER_UPDATES};
use crate::model::Channel;
use crate::pb::{Failure, Value};
use bytes::Bytes;
use std::collections::BTreeMap;
use std::time::Duration;

/// A command to be run.
#[derive(Clone, Debug, PartialEq)]
pub struct Command {
    /// Its name on the wire.
    pub name: &'static str,
    /// Its arguments.
    pub args: Vec<(&'static str, Value)>,
    /// Whether its standard output is kept, for whoever asked.
    pub capture: bool,
    /// Whether its standard error is kept too.
    pub capture_errors: bool,
    /// The log that its output goes to; `None` for the step's main one.
    pub log: Option<String>,
    /// How long it may take to end when it is interrupted, by its own settings.
    pub grace: Duration,
    /// What moves between the worker and the master's disk meanwhile.
    pub transfer: Option<Transfer>,
    /// What the log says of it before it begins, in lines.
    pub notes: String,
}

impl Command {
    /// One whose output goes into the log only.
    pub fn new(name: &'static str, args: Vec<(&'static str, Value)>) -> Command {
        Command {
            name,
            args,
            capture: false,
            capture_errors: false,
            log: None,
            grace: Duration::ZERO,
            transfer: None,
            notes: String::new(),
        }
    }

    /// Whether this argument is a limit.
    fn limits(&self, argument: &str) -> bool {
        self.args.iter().any(|(name, value)| *name == argument && *value != Value::None)
    }

    /// The same, its standard output kept.
    pub fn captured(self) -> Command {
        Command { capture: true, ..self }
    }
}

/// What a command came to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outcome {
    /// Its exit code; `None` if it never told one.
    pub rc: Option<i64>,
    /// Its standard output, if that was to be kept; at most [`CAPTURED_BYTES`] of it.
    pub stdout: Vec<u8>,
    /// The same of its standard error.
    pub stderr: Vec<u8>,
    /// Why the worker ended it, if it did: `timeout`, `timeout_without_output`, `max_lines_failure`.
    pub failure_reason: Option<String>,
    /// Updates under other names, in order.
    pub others: BTreeMap<String, Vec<Value>>,
    /// What went wrong on the master's side of a transfer.
    pub trouble: Option<String>,
    /// What a transfer left behind.
    pub kept: Kept,
}

/// Where a piece of output belongs.
#[derive(Clone, Debug, PartialEq)]
pub enum Output {
    /// Into the step's main log.
    Main(Channel, Bytes),
    /// Into the log of a file that is followed.
    File(String, Bytes),
}

/// What the worker sees to by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Watched {
    /// That the command says something from time to time.
    pub silence: bool,
    /// That it ends in time.
    pub time: bool,
}

/// A command that runs.
#[derive(Debug)]
pub struct Running {
    capture: bool,
    capture_errors: bool,
    /// See [`Command::log`].
    pub log: Option<String>,
    /// Whether something moves to or from the master's disk.
    pub transfers: bool,
    /// See [`Command::grace`].
    pub grace: Duration,
    /// Whether the worker itself sees to it that the command is not silent, or at work, for too long.
    pub watched: Watched,
    outcome: Outcome,
    /// How many values under other names were kept, and how large they are.
    others: (usize, usize),
}

impl Running {
    /// It has been asked for.
    pub fn new(command: &Command) -> Running {
        Running {
            capture: command.capture,
            capture_errors: command.capture_errors,
            log: command.log.clone(),
            transfers: command.transfer.is_some(),
            grace: command.grace,
            watched: Watched { silence: command.limits("timeout"), time: command.limits("maxTime") },
            outcome: Outcome::default(),
            others: (0, 0),
        }
    }

    /// Takes the argument of one `update` call: a list of `[dict, number]`. What has no meaning is kept or left
    /// out, never an error (`worker-api.md` §7).
    pub fn update(&mut self, updates: &Value, output: &mut Vec<Output>) {
        let entries = updates.as_items().unwrap_or_default();
        let dicts = entries.iter().filter_map(|entry| entry.as_items()?.first()?.as_dict());
        for (key, value) in dicts.flatten() {
            if let Some(key) = key.as_str() {
                self.take(key, value, output);
            }
        }
    }

    fn take(&mut self, key: &str, value: &Value, output: &mut Vec<Output>) {
        match key {
            "stdout" => {
                let text = piece(value);
                if self.capture {
                    keep(&mut self.outcome.stdout, &text);
                }
                output.push(Output::Main(Channel::Stdout, text));
            }
            "stderr" => {
                let text = piece(value);
                if self.capture_errors {
                    keep(&mut self.outcome.stderr, &text);
                }
                output.push(Output::Main(Channel::Stderr, text));
            }
            "header" => output.push(Output::Main(Channel::Header, piece(value))),
            "log" => {
                if let Some([name, text]) = value.as_items()
                    && let Some(name) = name.as_str()
                {
                    output.push(Output::File(name.to_owned(), piece(text)));
                }
            }
            "rc" => {
                self.outcome.rc = value.as_int();
                let code = value.as_int().map_or_else(|| "unknown".to_owned(), |code| code.to_string());
                let line = format!("program finished with exit code {code}\n");
                output.push(Output::Main(Channel::Header, line.into()));
            }
            "failure_reason" => self.outcome.failure_reason = value.as_str().map(str::to_owned),
            "elapsed" => {}
            other => {
                let (count, bytes) = (self.others.0 + 1, self.others.1 + other.len() + weight(value));
                if count <= OTHER_UPDATES && bytes <= OTHER_BYTES {
                    self.others = (count, bytes);
                    self.outcome.others.entry(other.to_owned()).or_default().push(value.clone());
                }
            }
        }
    }

    /// It is complete.
    pub fn finish(self) -> Outcome {
        self.outcome
    }
}

/// Keeps what there is room for.
fn keep(kept: &mut Vec<u8>, text: &[u8]) {
    let room = CAPTURED_BYTES.saturating_sub(kept.len());
    kept.extend_from_slice(&text[..text.len().min(room)]);
}

/// About how many bytes a value takes.
fn weight(value: &Value) -> usize {
    let inside = match value {
        Value::Text(text) => text.len(),
        Value::Bytes(bytes) => bytes.len(),
        Value::Dict(pairs) => pairs.iter().map(|(key, value)| weight(key) + weight(value)).sum(),
        other => other.as_items().unwrap_or_default().iter().map(weight).sum(),
    };
    size_of::<Value>() + inside
}

/// Text of either form, without copying it.
fn piece(value: &Value) -> Bytes {
    value.as_bytes().cloned().unwrap_or_default()
}

/// A failure in the words of a log.
pub fn told(failure: &Failure) -> String {
    let mut text = format!("{}: {}\n", failure.class, failure.value);
    if !failure.traceback.trim().is_empty() {
        text += &failure.traceback;
        if !text.ends_with('\n') {
            text.push('\n');
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};

    fn check(updates: &[Value], expected: Expect) {
        let mut running = Running::new(&Command { capture: true, ..Command::new("shell", Vec::new()) });
        let mut output = Vec::new();
        for update in updates {
            running.update(update, &mut output);
        }
        let mut text: String = output.iter().map(|output| format!("{output:?}\n")).collect();
        text += &format!("{:?}\n", running.finish());
        expected.assert_eq(&text);
    }

    fn update(key: &str, value: impl Into<Value>) -> Value {
        Value::List(vec![Value::List(vec![Value::dict([(key, value.into())]), Value::Int(0)])])
    }

    #[test]
    fn output_goes_where_it_belongs() {
        let log = Value::tuple([Value::from("test.log"), Value::bytes("line\n")]);
        check(
            &[update("header", "make\n"), update("stdout", Value::bytes("a\n")), update("stderr", "b")],
            expect![[r#"
                Main(Header, b"make\n")
                Main(Stdout, b"a\n")
                Main(Stderr, b"b")
                Outcome { rc: None, stdout: [97, 10], stderr: [], failure_reason: None, others: {}, trouble: None, kept: Nothing }
            "#]],
        );
        check(
            &[update("log", log), update("rc", 2), update("elapsed", 0.5), update("stdout", "late")],
            expect![[r#"
                File("test.log", b"line\n")
                Main(Header, b"program finished with exit code 2\n")
                Main(Stdout, b"late")
                Outcome { rc: Some(2), stdout: [108, 97, 116, 101], stderr: [], failure_reason: None, others: {}, trouble: None, kept: Nothing }
            "#]],
        );
    }

    #[test]
    fn what_nobody_asked_for_does_not_fill_the_memory() {
        let mut running = Running::new(&Command::new("shell", Vec::new()));
        let large = update("chatter", Value::list((0..8).map(|_| Value::bytes(vec![b'x'; 100_000]))));
        for _ in 0..100 {
            running.update(&large, &mut Vec::new());
        }
        assert_eq!(running.finish().others["chatter"].len(), OTHER_BYTES / 800_000);
    }

    #[test]
    fn what_has_no_meaning_is_no_fault() {
        check(
            &[update("files", vec!["a"]), Value::None, Value::list([Value::Int(1)]), update("log", 3)],
            expect![[r#"
                Outcome { rc: None, stdout: [], stderr: [], failure_reason: None, others: {"files": [List([Text("a")])]}, trouble: None, kept: Nothing }
            "#]],
        );
    }
}
