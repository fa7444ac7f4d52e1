//! The options of every step that runs a program.

use super::{Loose, Read, Table, one_of};
use crate::config::findings::Findings;
use crate::config::yaml::{Node, Value};
use crate::config::{Command, EnvValue, LogFile, Shell, Template};
use crate::model::Results;
use std::collections::BTreeMap;

/// All about a program but what it is.
#[derive(Clone)]
pub(super) struct Program(Shell);

impl Program {
    /// The whole: this program.
    pub(super) fn with(self, command: Command) -> Shell {
        Shell { command, ..self.0 }
    }
}

/// Reads everything but the command.
pub(super) fn program(table: &mut Table, findings: &mut Findings) -> Program {
    let signals = ["KILL", "TERM", "INT", "HUP", "QUIT", "USR1", "USR2"];
    let signals: Vec<(&str, &str)> = signals.iter().map(|name| (*name, *name)).collect();
    let interrupt_signal = table.node("interrupt_signal", findings);
    let interrupt_signal =
        interrupt_signal.and_then(|node| one_of(node, &signals, findings)).unwrap_or("KILL");
    Program(Shell {
        command: Command::Words(Vec::new()),
        workdir: table.optional("workdir", findings),
        env: env(table, findings),
        sigterm_time: table.optional("sigterm_time", findings),
        interrupt_signal: interrupt_signal.to_owned(),
        max_lines: table.optional("max_lines", findings),
        use_pty: table.or("use_pty", false, findings),
        initial_stdin: table.optional("initial_stdin", findings),
        want_stdout: table.or("want_stdout", true, findings),
        want_stderr: table.or("want_stderr", true, findings),
        log_environ: table.or("log_environ", true, findings),
        log_files: table.or("log_files", BTreeMap::new(), findings),
        lazy_log_files: table.or("lazy_log_files", false, findings),
        decode_rc: table
            .node("decode_rc", findings)
            .and_then(|node| decode_rc(node, findings))
            .unwrap_or_else(|| BTreeMap::from([(0, Results::Success)])),
    })
}

/// Reads `env`.
pub(super) fn env(table: &mut Table, findings: &mut Findings) -> BTreeMap<String, EnvValue> {
    table.or("env", BTreeMap::new(), findings)
}

impl Read for EnvValue {
    fn read(node: &Node, findings: &mut Findings) -> Option<Self> {
        match node.value {
            Value::Null => Some(EnvValue::Unset),
            Value::List(_) => words(node, findings).map(EnvValue::Path),
            _ => Loose::read(node, findings).map(|Loose(text)| EnvValue::Text(text)),
        }
    }
}

impl Read for Command {
    fn read(node: &Node, findings: &mut Findings) -> Option<Self> {
        let command = match node.value {
            Value::List(_) => Command::Words(words(node, findings)?),
            _ => Command::Line(Template::read(node, findings)?),
        };
        let empty = match &command {
            Command::Line(line) => line.as_str().trim().is_empty(),
            Command::Words(words) => words.is_empty(),
        };
        if empty {
            findings.complain(node.at, "the command is empty", "");
        }
        Some(command)
    }
}

/// A list of words; lists in it are taken apart.
fn words(node: &Node, findings: &mut Findings) -> Option<Vec<Template>> {
    match &node.value {
        Value::List(nodes) => {
            let words: Option<Vec<_>> = nodes.iter().map(|node| words(node, findings)).collect();
            words.map(|words| words.into_iter().flatten().collect())
        }
        _ => Loose::read(node, findings).map(|Loose(word)| vec![word]),
    }
}

/// A path, or a mapping.
impl Read for LogFile {
    fn read(node: &Node, findings: &mut Findings) -> Option<Self> {
        if !matches!(node.value, Value::Map(_)) {
            return Template::read(node, findings).map(|filename| LogFile { filename, follow: false });
        }
        let mut table = Table::open(node, findings)?;
        let filename = table.required("filename", findings);
        let follow = table.or("follow", false, findings);
        table.finish(findings);
        Some(LogFile { filename: filename?, follow })
    }
}

/// A mapping from exit codes to results.
pub(super) fn decode_rc(node: &Node, findings: &mut Findings) -> Option<BTreeMap<i32, Results>> {
    Table::open(node, findings)?;
    let results: Vec<(&str, Results)> =
        Results::ALL.iter().map(|result| (result.as_str(), *result)).collect();
    let mut codes = BTreeMap::new();
    for entry in node.entries() {
        let result = one_of(&entry.node, &results, findings);
        match entry.key.parse() {
            Ok(code) => drop(result.map(|result| codes.insert(code, result))),
            Err(_) => findings.complain(entry.key_at, format!("`{}` is not an exit code", entry.key), ""),
        }
    }
    Some(codes)
}
