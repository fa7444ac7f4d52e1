//! `steps`: what all types have in common, and which type a step is.

mod files;
mod git;
mod hg;
mod http;
mod output;
mod patience;
mod property;
mod sequence;
mod source;
mod svn;
mod transfer;
mod trigger;

use super::{Loose, OneOrMany, Read, Spanned, Table, condition, one_of, shell as programs};
use crate::config::condition::{DO_STEP_IF, HIDE_STEP_IF};
use crate::config::findings::{Findings, nearest};
use crate::config::yaml::{Entry, Node, Value};
use crate::config::{Command, MasterShell, Piece, Step, StepKind, Template};
use crate::model::Results;
use std::collections::BTreeMap;

/// A type of step: its name, its principal option, which its short form names, and the flags whose defaults depend
/// on it (`ST-02`).
struct Type {
    name: &'static str,
    principal: &'static str,
    read: fn(&mut Table, &mut Findings) -> Option<StepKind>,
    halt_on_failure: bool,
}

/// One whose failure ends the build.
const fn halting(
    name: &'static str,
    principal: &'static str,
    read: fn(&mut Table, &mut Findings) -> Option<StepKind>,
) -> Type {
    Type { name, principal, read, halt_on_failure: true }
}

/// One after whose failure the build goes on.
const fn tolerant(
    name: &'static str,
    principal: &'static str,
    read: fn(&mut Table, &mut Findings) -> Option<StepKind>,
) -> Type {
    Type { name, principal, read, halt_on_failure: false }
}

const TYPES: &[Type] = &[
    tolerant("shell", "command", shell),
    halting("compile", "command", output::compile),
    tolerant("test", "command", output::test),
    tolerant("shell_sequence", "commands", sequence::shell_sequence),
    tolerant("http", "url", http::http),
    tolerant("assert", "condition", assert),
    tolerant("log", "content", log),
    halting("master_shell", "command", master_shell),
    halting("git", "repository", git::git),
    halting("hg", "repository", hg::hg),
    halting("svn", "repository", svn::svn),
    tolerant("set_property", "property", property::set_property),
    tolerant("set_properties", "properties", property::set_properties),
    tolerant("set_property_from_command", "command", property::set_property_from_command),
    tolerant("set_properties_from_env", "variables", property::set_properties_from_env),
    halting("file_upload", "from", transfer::file_upload),
    halting("directory_upload", "from", transfer::directory_upload),
    halting("multiple_file_upload", "from", transfer::multiple_file_upload),
    halting("file_download", "from", transfer::file_download),
    halting("string_download", "content", transfer::string_download),
    halting("json_string_download", "content", transfer::json_string_download),
    halting("json_properties_download", "to", transfer::json_properties_download),
    tolerant("trigger", "schedulers", trigger::trigger),
    halting("make_directory", "dir", files::make_directory),
    halting("remove_directory", "dir", files::remove_directory),
    halting("copy_directory", "from", files::copy_directory),
    halting("remove_file", "file", files::remove_file),
    halting("file_exists", "file", files::file_exists),
];

impl Read for Step {
    fn read(node: &Node, findings: &mut Findings) -> Option<Self> {
        Table::open(node, findings)?;
        let (kind, long) = long_form(node, findings)?;
        let mut table = Table::open(&long, findings)?;
        table.node("type", findings);
        let OneOrMany(locks) = table.or("locks", OneOrMany(Vec::new()), findings);
        let read = (kind.read)(&mut table, findings)?;
        let step = Step {
            name: table.or("name", Template::literal(kind.name), findings),
            description: description(table.node("description", findings), findings),
            description_done: description(table.node("description_done", findings), findings),
            description_suffix: description(table.node("description_suffix", findings), findings),
            halt_on_failure: table.or("halt_on_failure", kind.halt_on_failure, findings),
            flunk_on_failure: table.or("flunk_on_failure", true, findings),
            flunk_on_warnings: table.or("flunk_on_warnings", false, findings),
            // Tests that fail are to be seen even where somebody says that they do not count (`ST-02`).
            warn_on_failure: table.or("warn_on_failure", kind.name == "test", findings),
            warn_on_warnings: table.or("warn_on_warnings", false, findings),
            always_run: table.or("always_run", false, findings),
            do_step_if: table
                .node("do_step_if", findings)
                .and_then(|node| condition(node, DO_STEP_IF, findings)),
            hide_step_if: table
                .node("hide_step_if", findings)
                .and_then(|node| condition(node, HIDE_STEP_IF, findings)),
            observe: table.or("observe", Vec::new(), findings),
            locks,
            patience: patience::patience(&read, &mut table, findings),
            kind: read,
        };
        table.finish(findings);
        Some(step)
    }
}

/// The step's type, and the step in its long form: `- shell: make` is `{type: shell, command: make}`.
fn long_form(node: &Node, findings: &mut Findings) -> Option<(&'static Type, Node)> {
    let names: Vec<&str> = TYPES.iter().map(|kind| kind.name).collect();
    if let Some(kind) = node.get("type") {
        let name = String::read(kind, findings)?;
        let found = TYPES.iter().find(|kind| kind.name == name);
        if found.is_none() {
            findings.complain(kind.at, format!("unknown type {name:?} of step"), nearest(&name, &names));
        }
        return found.map(|kind| (kind, node.clone()));
    }
    let mut long = node.clone();
    if let Value::Map(entries) = &mut long.value {
        for entry in entries {
            if let Some(kind) = TYPES.iter().find(|kind| kind.name == entry.key) {
                kind.principal.clone_into(&mut entry.key);
                return Some((kind, long));
            }
        }
    }
    let wrong = node.entries().iter().find_map(|entry: &Entry| {
        Some((entry, nearest(&entry.key, &names))).filter(|(_, hint)| hint.starts_with("did"))
    });
    match wrong {
        Some((entry, hint)) => findings.complain(entry.key_at, format!("unknown key `{}`", entry.key), hint),
        None => findings.complain(
            node.at,
            "it is not said what this step does",
            format!("give it a `type`: {}", names.join(", ")),
        ),
    }
    None
}

/// A description: text, or a list of words.
fn description(node: Option<&Node>, findings: &mut Findings) -> Option<Template> {
    let OneOrMany::<Spanned<String>>(words) = OneOrMany::read(node?, findings)?;
    for word in &words {
        if let Err(why) = Template::new(&word.value) {
            findings.complain(word.at, format!("wrong text to fill in: {why}"), "");
        }
    }
    let words: Vec<String> = words.into_iter().map(|word| word.value).collect();
    Template::new(&words.join(" ")).ok().filter(|template| !template.pieces().is_empty())
}

fn shell(table: &mut Table, findings: &mut Findings) -> Option<StepKind> {
    let program = programs::program(table, findings);
    let command = table.required("command", findings);
    Some(StepKind::Shell(program.with(command?)))
}

fn assert(table: &mut Table, findings: &mut Findings) -> Option<StepKind> {
    let node = table.node("condition", findings);
    if node.is_none() {
        table.missing("condition", findings);
    }
    condition(node?, DO_STEP_IF, findings).map(StepKind::Assert)
}

fn log(table: &mut Table, findings: &mut Findings) -> Option<StepKind> {
    let node = table.node("content", findings);
    if node.is_none() {
        table.missing("content", findings);
    }
    property::check_templates(node?, findings);
    serde_json::Value::read(node?, findings).map(StepKind::Log)
}

fn master_shell(table: &mut Table, findings: &mut Findings) -> Option<StepKind> {
    let node = table.node("command", findings);
    if node.is_none() {
        table.missing("command", findings);
    }
    let command = Command::read(node?, findings);
    if let Some(Command::Line(line)) = &command
        && line.pieces().iter().any(|piece| !matches!(piece, Piece::Text(_)))
    {
        findings.complain(
            node?.at,
            "a command line for the master's own shell takes nothing in: it would be run there",
            "give a list of words, or put it in a variable by `env`",
        );
    }
    let codes = table.node("decode_rc", findings);
    Some(StepKind::MasterShell(MasterShell {
        workdir: table.optional("workdir", findings),
        env: programs::env(table, findings),
        decode_rc: codes
            .and_then(|node| programs::decode_rc(node, findings))
            .unwrap_or_else(|| BTreeMap::from([(0, Results::Success)])),
        command: command?,
    }))
}
