//! `change_filter`.

use super::{OneOrMany, Read, Table};
use crate::config::findings::Findings;
use crate::config::yaml::{Node, Value};
use crate::config::{ChangeFilter, FieldFilter};

impl Read for ChangeFilter {
    fn read(node: &Node, findings: &mut Findings) -> Option<Self> {
        let mut table = Table::open(node, findings)?;
        let mut field = |singular, plural| {
            let one = table.node(singular, findings);
            let many = table.node(plural, findings);
            if let (Some(_), Some(many)) = (one, many) {
                findings.complain(many.at, format!("`{singular}` is given too"), "keep one of the two");
            }
            let filter = one.or(many).and_then(|node| FieldFilter::read(node, findings));
            filter.unwrap_or_default()
        };
        let filter = ChangeFilter {
            branch: field("branch", "branches"),
            project: field("project", "projects"),
            repository: field("repository", "repositories"),
            category: field("category", "categories"),
            codebase: field("codebase", "codebases"),
        };
        table.finish(findings);
        Some(filter)
    }
}

/// One value, a list of values, or a mapping with `is`, `is_not`, `match`, `match_not`.
impl Read for FieldFilter {
    fn read(node: &Node, findings: &mut Findings) -> Option<Self> {
        if !matches!(node.value, Value::Map(_)) {
            return Some(FieldFilter { is: Some(values(node, findings)?), ..FieldFilter::default() });
        }
        let mut table = Table::open(node, findings)?;
        let is = table.node("is", findings).and_then(|node| values(node, findings));
        let is_not = table.node("is_not", findings).and_then(|node| values(node, findings));
        let OneOrMany(matches) = table.or("match", OneOrMany(Vec::new()), findings);
        let OneOrMany(matches_not) = table.or("match_not", OneOrMany(Vec::new()), findings);
        table.finish(findings);
        Some(FieldFilter { is, is_not: is_not.unwrap_or_default(), matches, matches_not })
    }
}

/// One value or a list; null is one of the values.
fn values(node: &Node, findings: &mut Findings) -> Option<Vec<Option<String>>> {
    match node.value {
        Value::List(_) => Vec::read(node, findings),
        _ => Option::<String>::read(node, findings).map(|value| vec![value]),
    }
}
