//! The options of the steps that read a program's output, and of `observe`.

use super::{OneOrMany, Read, Table, one_of, programs};
use crate::config::findings::Findings;
use crate::config::yaml::Node;
use crate::config::{Command, Compile, Observer, Pattern, Search, StepKind, Suppression, Template, Test};
use crate::model::Results;

/// The patterns of Buildbot's, and of GNU make's lines.
const WARNING: &str = ".*warning[: ].*";
const ENTER: &str = "make.*: Entering directory [\"`'](.*)['`\"]";
const LEAVE: &str = "make.*: Leaving directory";

pub(super) fn compile(table: &mut Table, findings: &mut Findings) -> Option<StepKind> {
    let program = programs::program(table, findings);
    let command: Command = table.or("command", line("make all")?, findings);
    Some(StepKind::Compile(Box::new(Compile {
        shell: program.with(command),
        warning_pattern: table.or("warning_pattern", Pattern::new(WARNING).ok()?, findings),
        warning_extractor: table.optional("warning_extractor", findings),
        directory_enter_pattern: table.or("directory_enter_pattern", Pattern::new(ENTER).ok()?, findings),
        directory_leave_pattern: table.or("directory_leave_pattern", Pattern::new(LEAVE).ok()?, findings),
        suppression_file: table.optional("suppression_file", findings),
        suppression_list: table.or("suppression_list", Vec::new(), findings),
        max_warn_count: table.optional("max_warn_count", findings),
    })))
}

pub(super) fn test(table: &mut Table, findings: &mut Findings) -> Option<StepKind> {
    let program = programs::program(table, findings);
    let command: Command = table.or("command", line("make test")?, findings);
    let junit: OneOrMany<Template> = table.or("junit", OneOrMany(Vec::new()), findings);
    let patterns: OneOrMany<Search> = table.or("test_patterns", OneOrMany(Vec::new()), findings);
    Some(StepKind::Test(Box::new(Test {
        shell: program.with(command),
        junit: junit.0,
        test_patterns: patterns.0,
    })))
}

fn line(text: &str) -> Option<Command> {
    Template::new(text).ok().map(Command::Line)
}

impl Read for Suppression {
    fn read(node: &Node, findings: &mut Findings) -> Option<Self> {
        let mut table = Table::open(node, findings)?;
        let file = table.optional("file", findings);
        let text = table.optional("text", findings);
        let lines: Option<OneOrMany<u64>> = table.optional("lines", findings);
        let lines = match lines.as_ref().map(|OneOrMany(lines)| &lines[..]) {
            None => None,
            Some([one]) => Some((*one, *one)),
            Some([first, last]) => Some((*first, *last)),
            Some(_) => {
                findings.complain(
                    node.at,
                    "`lines` must be a line, or the first and the last of several",
                    "",
                );
                None
            }
        };
        table.finish(findings);
        Some(Suppression { file, text, lines })
    }
}

impl Read for Observer {
    fn read(node: &Node, findings: &mut Findings) -> Option<Self> {
        let mut table = Table::open(node, findings)?;
        let pattern = table.required("pattern", findings);
        let results = [Results::Warnings, Results::Failure, Results::Exception];
        let results = results.map(|result| (result.as_str(), result));
        let log = table.optional("log", findings);
        let property = table.optional("property", findings);
        let count = table.optional("count", findings);
        let state = table.optional("state", findings);
        let result = table.node("result", findings).and_then(|node| one_of(node, &results, findings));
        if property.is_none() && count.is_none() && state.is_none() && result.is_none() {
            let hint = "give it a `property`, `count`, `state` or `result`";
            findings.complain(node.at, "it does nothing with the lines that it finds", hint);
        }
        table.finish(findings);
        Some(Observer { pattern: pattern?, log, property, count, state, result })
    }
}
