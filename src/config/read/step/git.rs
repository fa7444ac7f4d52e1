//! The options of `git`.

use super::source::{METHODS, checkout};
use super::{OneOrMany, Read, Table};
use crate::config::findings::{Findings, nearest};
use crate::config::read::Loose;
use crate::config::yaml::{Node, Value};
use crate::config::{Git, StepKind, Template};
use std::collections::BTreeMap;

pub(super) fn git(table: &mut Table, findings: &mut Findings) -> Option<StepKind> {
    let repository = table.required("repository", findings);
    let checkout = checkout(repository, &METHODS, table, findings);
    let shallow = table.node("shallow", findings).and_then(|node| shallow(node, findings));
    let description = table.node("get_description", findings).and_then(|node| description(node, findings));
    let OneOrMany(filters) = table.or("filters", OneOrMany(Vec::new()), findings);
    let config: BTreeMap<String, Loose<Template>> = table.or("config", BTreeMap::new(), findings);
    let submodules = table.or("submodules", false, findings);
    let git = Git {
        shallow,
        submodules,
        remote_submodules: table.or("remote_submodules", false, findings),
        progress: table.or("progress", true, findings),
        tags: table.or("tags", false, findings),
        retry_fetch: table.or("retry_fetch", false, findings),
        clobber_on_failure: table.or("clobber_on_failure", false, findings),
        origin: table.optional("origin", findings),
        reference: table.optional("reference", findings),
        filters,
        config: config.into_iter().map(|(name, Loose(value))| (name, value)).collect(),
        get_description: description,
        gerrit: table.or("gerrit", false, findings),
        checkout: checkout?,
    };
    Some(StepKind::Git(Box::new(git)))
}

/// A number of commits; `true` is one.
fn shallow(node: &Node, findings: &mut Findings) -> Option<u32> {
    match node.value {
        Value::Bool(shallow) => shallow.then_some(1),
        _ => u32::read(node, findings).filter(|depth| *depth > 0),
    }
}

/// What `git describe` is asked with: `true` for none of its options, or a table of them.
fn description(node: &Node, findings: &mut Findings) -> Option<Vec<String>> {
    const FLAGS: [&str; 8] =
        ["tags", "all", "always", "contains", "long", "exact_match", "first_parent", "dirty"];
    const NUMBERS: [&str; 2] = ["abbrev", "candidates"];
    const PATTERNS: [&str; 2] = ["match", "exclude"];
    if let Value::Bool(asked) = node.value {
        return asked.then(Vec::new);
    }
    Table::open(node, findings)?;
    let mut words = Vec::new();
    for entry in node.entries() {
        let (key, option) = (entry.key.as_str(), format!("--{}", entry.key.replace('_', "-")));
        if FLAGS.contains(&key) {
            words.extend(bool::read(&entry.node, findings).filter(|set| *set).map(|_| option));
        } else if NUMBERS.contains(&key) {
            words.extend(u32::read(&entry.node, findings).map(|number| format!("{option}={number}")));
        } else if PATTERNS.contains(&key) {
            let patterns = OneOrMany::<String>::read(&entry.node, findings);
            words.extend(patterns.into_iter().flat_map(|list| list.0).map(|glob| format!("{option}={glob}")));
        } else {
            let names = [&FLAGS[..], &NUMBERS, &PATTERNS].concat();
            findings.complain(entry.key_at, format!("unknown key `{key}`"), nearest(key, &names));
        }
    }
    Some(words)
}
