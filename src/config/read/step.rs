//! `steps`: what all types have in common, and which type a step is.

use super::shell::{self, Program};
use super::{OneOrMany, Read, Spanned, Table, condition, one_of};
use crate::config::condition::{DO_STEP_IF, HIDE_STEP_IF};
use crate::config::findings::{Findings, nearest};
use crate::config::yaml::{Entry, Node, Value};
use crate::config::{Git, GitMethod, GitMode, Retry, SetProperty, SetPropertyFrom, Step, StepKind, Template};
use std::time::Duration;

/// A type of step: its name, its principal option, which its short form names, and the two flags whose
/// defaults depend on it (`ST-02`).
struct Type {
    name: &'static str,
    principal: &'static str,
    read: fn(&mut Table, &mut Findings) -> Option<StepKind>,
    halt_on_failure: bool,
    flunk_on_failure: bool,
}

const TYPES: &[Type] = &[
    Type { name: "shell", principal: "command", read: shell, halt_on_failure: false, flunk_on_failure: true },
    Type { name: "git", principal: "repository", read: git, halt_on_failure: true, flunk_on_failure: true },
    Type {
        name: "set_property",
        principal: "property",
        read: set_property,
        halt_on_failure: false,
        flunk_on_failure: true,
    },
];

impl Read for Step {
    fn read(node: &Node, findings: &mut Findings) -> Option<Self> {
        Table::open(node, findings)?;
        let (kind, long) = long_form(node, findings)?;
        let mut table = Table::open(&long, findings)?;
        table.node("type", findings);
        let step = Step {
            name: table.or("name", Template::literal(kind.name), findings),
            description: description(table.node("description", findings), findings),
            description_done: description(table.node("description_done", findings), findings),
            halt_on_failure: table.or("halt_on_failure", kind.halt_on_failure, findings),
            flunk_on_failure: table.or("flunk_on_failure", kind.flunk_on_failure, findings),
            flunk_on_warnings: table.or("flunk_on_warnings", false, findings),
            warn_on_failure: table.or("warn_on_failure", false, findings),
            warn_on_warnings: table.or("warn_on_warnings", false, findings),
            always_run: table.or("always_run", false, findings),
            do_step_if: table
                .node("do_step_if", findings)
                .and_then(|node| condition(node, DO_STEP_IF, findings)),
            hide_step_if: table
                .node("hide_step_if", findings)
                .and_then(|node| condition(node, HIDE_STEP_IF, findings)),
            kind: (kind.read)(&mut table, findings)?,
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
    let program: Program = shell::program(table, findings);
    let command = table.required("command", findings);
    Some(StepKind::Shell(program.with(command?)))
}

/// Without a value it takes what a command says.
fn set_property(table: &mut Table, findings: &mut Findings) -> Option<StepKind> {
    let property = table.required("property", findings);
    let from = match (table.node("value", findings), table.node("command", findings)) {
        (Some(value), None) => {
            check_templates(value, findings);
            serde_json::Value::read(value, findings).map(SetPropertyFrom::Value)
        }
        (None, Some(command)) => {
            let program = shell::program(table, findings);
            let strip = table.or("strip", true, findings);
            Read::read(command, findings)
                .map(|command| SetPropertyFrom::Output { shell: Box::new(program.with(command)), strip })
        }
        _ => {
            findings.complain(table.at(), "it must have either `value` or `command`", "");
            return None;
        }
    };
    Some(StepKind::SetProperty(SetProperty { property: property?, from: from? }))
}

/// Checks every text in a value.
fn check_templates(node: &Node, findings: &mut Findings) {
    match &node.value {
        Value::Text(_) => drop(Template::read(node, findings)),
        Value::List(nodes) => nodes.iter().for_each(|node| check_templates(node, findings)),
        Value::Map(entries) => entries.iter().for_each(|entry| check_templates(&entry.node, findings)),
        _ => {}
    }
}

fn git(table: &mut Table, findings: &mut Findings) -> Option<StepKind> {
    let repository = table.required("repository", findings);
    let modes = [("incremental", false), ("full", true)];
    let full = table.node("mode", findings).and_then(|node| one_of(node, &modes, findings)).unwrap_or(false);
    let methods = [
        ("clean", GitMethod::Clean),
        ("fresh", GitMethod::Fresh),
        ("clobber", GitMethod::Clobber),
        ("copy", GitMethod::Copy),
    ];
    let method = table.node("method", findings);
    if let (false, Some(method)) = (full, method) {
        findings.complain(method.at, "a method belongs to `mode: full`", "say that, or leave the method out");
    }
    let method = method.and_then(|node| one_of(node, &methods, findings)).unwrap_or(GitMethod::Fresh);
    let branch: Option<Template> = table.optional("branch", findings);
    let git = Git {
        repository: repository?,
        branch: branch.filter(|branch| branch.as_str() != "HEAD"),
        codebase: table.or("codebase", String::new(), findings),
        mode: if full { GitMode::Full(method) } else { GitMode::Incremental },
        shallow: table.node("shallow", findings).and_then(|node| shallow(node, findings)),
        submodules: table.or("submodules", false, findings),
        progress: table.or("progress", true, findings),
        always_use_latest: table.or("always_use_latest", false, findings),
        retry_fetch: table.or("retry_fetch", false, findings),
        clobber_on_failure: table.or("clobber_on_failure", false, findings),
        retry: table.optional("retry", findings),
        workdir: table.optional("workdir", findings),
        env: shell::env(table, findings),
        timeout: table.nullable_or("timeout", Some(shell::TIMEOUT), findings),
        log_environ: table.or("log_environ", true, findings),
    };
    Some(StepKind::Git(git))
}

/// A number of commits; `true` is one.
fn shallow(node: &Node, findings: &mut Findings) -> Option<u32> {
    match node.value {
        Value::Bool(shallow) => shallow.then_some(1),
        _ => u32::read(node, findings).filter(|depth| *depth > 0),
    }
}

impl Read for Retry {
    fn read(node: &Node, findings: &mut Findings) -> Option<Self> {
        let mut table = Table::open(node, findings)?;
        let count = table.required("count", findings);
        let delay = table.or("delay", Duration::ZERO, findings);
        table.finish(findings);
        Some(Retry { count: count?, delay })
    }
}
