//! `change_filter`.

use super::{OneOrMany, Read, Table, condition};
use crate::config::findings::Findings;
use crate::config::yaml::{Node, Value};
use crate::config::{CHANGE, ChangeFilter, FieldFilter, SourceStampFilter, VALUE};
use std::collections::BTreeMap;

/// A mapping of fields, or a text that is a condition on the whole.
impl Read for ChangeFilter {
    fn read(node: &Node, findings: &mut Findings) -> Option<Self> {
        if matches!(node.value, Value::Text(_)) {
            let condition = Some(condition(node, CHANGE, findings)?);
            return Some(ChangeFilter { condition, ..ChangeFilter::default() });
        }
        let mut table = Table::open(node, findings)?;
        let whole = table.node("condition", findings);
        let filter = ChangeFilter {
            branch: field(&mut table, "branch", "branches", findings),
            project: field(&mut table, "project", "projects", findings),
            repository: field(&mut table, "repository", "repositories", findings),
            category: field(&mut table, "category", "categories", findings),
            codebase: field(&mut table, "codebase", "codebases", findings),
            properties: table.or("properties", BTreeMap::new(), findings),
            condition: whole.and_then(|node| condition(node, CHANGE, findings)),
        };
        table.finish(findings);
        Some(filter)
    }
}

impl Read for SourceStampFilter {
    fn read(node: &Node, findings: &mut Findings) -> Option<Self> {
        let mut table = Table::open(node, findings)?;
        let filter = SourceStampFilter {
            branch: field(&mut table, "branch", "branches", findings),
            project: field(&mut table, "project", "projects", findings),
            repository: field(&mut table, "repository", "repositories", findings),
            codebase: field(&mut table, "codebase", "codebases", findings),
        };
        table.finish(findings);
        Some(filter)
    }
}

/// The filter of a field, which may stand under its name or the name's plural.
fn field(
    table: &mut Table,
    singular: &'static str,
    plural: &'static str,
    findings: &mut Findings,
) -> FieldFilter {
    let one = table.node(singular, findings);
    let many = table.node(plural, findings);
    if let (Some(_), Some(many)) = (one, many) {
        findings.complain(many.at, format!("`{singular}` is given too"), "keep one of the two");
    }
    one.or(many).and_then(|node| FieldFilter::read(node, findings)).unwrap_or_default()
}

/// One value, a list of values, or a mapping with `is`, `is_not`, `match`, `match_not`, `condition`.
impl Read for FieldFilter {
    fn read(node: &Node, findings: &mut Findings) -> Option<Self> {
        if !matches!(node.value, Value::Map(_)) {
            return values(node, findings).map(FieldFilter::is);
        }
        let mut table = Table::open(node, findings)?;
        let is = table.node("is", findings).and_then(|node| values(node, findings));
        let is_not = table.node("is_not", findings).and_then(|node| values(node, findings));
        let OneOrMany(matches) = table.or("match", OneOrMany(Vec::new()), findings);
        let OneOrMany(matches_not) = table.or("match_not", OneOrMany(Vec::new()), findings);
        let holds = table.node("condition", findings);
        let condition = holds.and_then(|node| condition(node, VALUE, findings));
        table.finish(findings);
        Some(FieldFilter { is, is_not: is_not.unwrap_or_default(), matches, matches_not, condition })
    }
}

/// One value or a list; null is one of the values.
fn values(node: &Node, findings: &mut Findings) -> Option<Vec<Option<String>>> {
    match node.value {
        Value::List(_) => Vec::read(node, findings),
        _ => Option::<String>::read(node, findings).map(|value| vec![value]),
    }
}
