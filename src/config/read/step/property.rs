//! The options of the steps that set properties.

use super::{OneOrMany, Read, Table, programs};
use crate::config::findings::Findings;
use crate::config::yaml::{Node, Value};
use crate::config::{SetProperties, SetPropertiesFromEnv, SetProperty, SetPropertyFrom, StepKind, Template};

/// Without a value it takes what a command says.
pub(super) fn set_property(table: &mut Table, findings: &mut Findings) -> Option<StepKind> {
    let property = table.required("property", findings);
    let from = match (table.node("value", findings), table.node("command", findings)) {
        (Some(value), None) => {
            check_templates(value, findings);
            serde_json::Value::read(value, findings).map(SetPropertyFrom::Value)
        }
        (None, Some(command)) => {
            let program = programs::program(table, findings);
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
pub(super) fn check_templates(node: &Node, findings: &mut Findings) {
    match &node.value {
        Value::Text(_) => drop(Template::read(node, findings)),
        Value::List(nodes) => nodes.iter().for_each(|node| check_templates(node, findings)),
        Value::Map(entries) => entries.iter().for_each(|entry| check_templates(&entry.node, findings)),
        _ => {}
    }
}

pub(super) fn set_properties(table: &mut Table, findings: &mut Findings) -> Option<StepKind> {
    let values = table.node("properties", findings);
    if values.is_none() {
        table.missing("properties", findings);
    }
    check_templates(values?, findings);
    Read::read(values?, findings).map(|values| StepKind::SetProperties(SetProperties(values)))
}

pub(super) fn set_properties_from_env(table: &mut Table, findings: &mut Findings) -> Option<StepKind> {
    let OneOrMany(variables) = table.required("variables", findings)?;
    let source = table.or("source", "WorkerEnvironment".to_owned(), findings);
    Some(StepKind::SetPropertiesFromEnv(SetPropertiesFromEnv { variables, source }))
}
