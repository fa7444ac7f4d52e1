//! Several files as one: lists are appended, mappings merged, a scalar set twice is an error.

use super::Findings;
use super::yaml::{Entry, Node, Sources, Value};

/// Takes what stands in `more` into `base`.
pub(super) fn merge(base: &mut Node, more: Node, sources: &Sources, findings: &mut Findings) {
    match (&mut base.value, more.value) {
        (Value::Map(entries), Value::Map(added)) => {
            for entry in added {
                merge_entry(entries, entry, sources, findings);
            }
        }
        (Value::List(nodes), Value::List(added)) => nodes.extend(added),
        (Value::Null, value) => *base = Node { value, at: more.at },
        (_, Value::Null) => {}
        _ => findings.complain(
            more.at,
            format!("it is set in {} too", sources.short(base.at)),
            "only lists and mappings can be spread over files: keep one of the two",
        ),
    }
}

fn merge_entry(entries: &mut Vec<Entry>, entry: Entry, sources: &Sources, findings: &mut Findings) {
    match entries.iter_mut().find(|own| own.key == entry.key) {
        Some(own) => merge(&mut own.node, entry.node, sources, findings),
        None => entries.push(entry),
    }
}
