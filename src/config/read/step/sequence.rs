//! The options of `shell_sequence`.

use super::{Read, Table, programs};
use crate::config::findings::Findings;
use crate::config::yaml::{Node, Value};
use crate::config::{Command, Flags, SequencePart, ShellSequence, StepKind};

pub(super) fn shell_sequence(table: &mut Table, findings: &mut Findings) -> Option<StepKind> {
    let program = programs::program(table, findings);
    let commands: Vec<Part> = table.required("commands", findings)?;
    if commands.is_empty() {
        findings.complain(table.at(), "there is nothing to run", "");
    }
    let part = |Part { command, log, flags }| {
        let shell = program.clone().with(command);
        SequencePart { shell, log, flags }
    };
    Some(StepKind::ShellSequence(ShellSequence { parts: commands.into_iter().map(part).collect() }))
}

struct Part {
    command: Command,
    log: Option<String>,
    flags: Flags,
}

/// A command, or a mapping.
impl Read for Part {
    fn read(node: &Node, findings: &mut Findings) -> Option<Self> {
        let usual = Flags { flunk_on_failure: true, ..Flags::default() };
        if !matches!(node.value, Value::Map(_)) {
            return Command::read(node, findings).map(|command| Part { command, log: None, flags: usual });
        }
        let mut table = Table::open(node, findings)?;
        let command = table.required("command", findings);
        let log = table.optional("log", findings);
        let flags = flags(usual, &mut table, findings);
        table.finish(findings);
        Some(Part { command: command?, log, flags })
    }
}

/// What a result means, where it may say so.
pub(super) fn flags(usual: Flags, table: &mut Table, findings: &mut Findings) -> Flags {
    Flags {
        halt_on_failure: table.or("halt_on_failure", usual.halt_on_failure, findings),
        flunk_on_failure: table.or("flunk_on_failure", usual.flunk_on_failure, findings),
        flunk_on_warnings: table.or("flunk_on_warnings", usual.flunk_on_warnings, findings),
        warn_on_failure: table.or("warn_on_failure", usual.warn_on_failure, findings),
        warn_on_warnings: table.or("warn_on_warnings", usual.warn_on_warnings, findings),
    }
}
