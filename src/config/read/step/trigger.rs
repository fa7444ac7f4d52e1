//! The options of the `trigger` step.

use super::property::check_values;
use super::{OneOrMany, Read, Spanned, Table};
use crate::config::findings::Findings;
use crate::config::yaml::{Node, Value};
use crate::config::{GivenPatch, GivenStamp, Piece, StepKind, Template, Trigger, TriggerSource, Triggered};
use std::collections::BTreeMap;

pub(super) fn trigger(table: &mut Table, findings: &mut Findings) -> Option<StepKind> {
    let schedulers = table.required("schedulers", findings);
    let OneOrMany(unimportant) = table.or("unimportant_schedulers", OneOrMany(Vec::new()), findings);
    let unimportant_schedulers: Vec<Template> =
        unimportant.into_iter().map(|name: Spanned<Template>| named(name, findings)).collect();
    let wait_for_finish = table.or("wait_for_finish", false, findings);
    let source = source(table, findings);
    let set_properties = properties("set_properties", table, findings);
    let OneOrMany(copy_properties) = table.or("copy_properties", OneOrMany(Vec::new()), findings);
    let OneOrMany(schedulers) = schedulers?;
    if !unimportant_schedulers.is_empty() && !wait_for_finish {
        let hint = "add `wait_for_finish: true`, or leave it out";
        findings.complain(
            table.at(),
            "`unimportant_schedulers` means nothing to a step that does not wait",
            hint,
        );
    }
    Some(StepKind::Trigger(Box::new(Trigger {
        schedulers,
        unimportant_schedulers,
        wait_for_finish,
        source: source?,
        set_properties,
        copy_properties,
    })))
}

impl Read for Triggered {
    fn read(node: &Node, findings: &mut Findings) -> Option<Self> {
        if matches!(node.value, Value::Text(_)) {
            let scheduler = named(Spanned::read(node, findings)?, findings);
            return Some(Triggered { scheduler, set_properties: BTreeMap::new(), matrix: BTreeMap::new() });
        }
        let mut table = Table::open(node, findings)?;
        let scheduler = table.required("scheduler", findings);
        let set_properties = properties("set_properties", &mut table, findings);
        for entry in table.node("matrix", findings).map(Node::entries).unwrap_or_default() {
            if !matches!(entry.node.value, Value::List(_) | Value::Text(_)) {
                findings.complain(entry.node.at, "it must be a list, or a text that becomes one", "");
            }
        }
        let matrix = properties("matrix", &mut table, findings);
        table.finish(findings);
        Some(Triggered { scheduler: named(scheduler?, findings), set_properties, matrix })
    }
}

/// A scheduler's name. One that is known now is looked up when all is read.
fn named(name: Spanned<Template>, findings: &mut Findings) -> Template {
    let Spanned { value: name, at } = name;
    if let [Piece::Text(text)] = name.pieces() {
        findings.triggered.push(Spanned { value: text.clone(), at });
    }
    if let Some(secret) = name.secret() {
        findings.complain(at, format!("a scheduler's name may not hold the secret {secret:?}"), "");
    }
    name
}

fn properties(
    key: &'static str,
    table: &mut Table,
    findings: &mut Findings,
) -> BTreeMap<String, serde_json::Value> {
    let Some(node) = table.node(key, findings) else { return BTreeMap::new() };
    check_values(node, "a property", findings);
    Read::read(node, findings).unwrap_or_default()
}

/// What the builds build: one style of saying so, of the four.
fn source(table: &mut Table, findings: &mut Findings) -> Option<TriggerSource> {
    let update = table.optional("update_source_stamp", findings);
    let latest = table.or("always_use_latest", false, findings);
    let (one, several) = (table.node("source_stamp", findings), table.node("source_stamps", findings));
    let given = [update == Some(true), latest, one.is_some(), several.is_some()];
    if given.into_iter().filter(|given| *given).count() > 1 {
        let what = "only one of `update_source_stamp`, `always_use_latest`, `source_stamp` and `source_stamps` can be meant";
        findings.complain(table.at(), what, "");
        return None;
    }
    if let Some(node) = one.or(several) {
        check_values(node, "a source stamp", findings);
        return OneOrMany::read(node, findings).map(|OneOrMany(stamps)| TriggerSource::Given(stamps));
    }
    Some(match update {
        _ if latest => TriggerSource::Latest,
        Some(false) => TriggerSource::Same,
        Some(true) | None => TriggerSource::Updated,
    })
}

impl Read for GivenStamp {
    fn read(node: &Node, findings: &mut Findings) -> Option<Self> {
        let mut table = Table::open(node, findings)?;
        let mut text = |key| table.optional(key, findings).unwrap_or_else(|| Template::literal(""));
        let (codebase, project, repository) = (text("codebase"), text("project"), text("repository"));
        let (branch, revision) = (text("branch"), text("revision"));
        let patch = table.optional("patch", findings);
        table.finish(findings);
        Some(GivenStamp { codebase, project, repository, branch, revision, patch })
    }
}

impl Read for GivenPatch {
    fn read(node: &Node, findings: &mut Findings) -> Option<Self> {
        let mut table = Table::open(node, findings)?;
        let body = table.required("body", findings);
        let level = table.or("level", 0, findings);
        let mut text = |key| table.or(key, Template::literal(""), findings);
        let (subdir, author, comment) = (text("subdir"), text("author"), text("comment"));
        table.finish(findings);
        Some(GivenPatch { body: body?, level, subdir, author, comment })
    }
}
