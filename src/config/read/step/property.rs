//! The options of the steps that set properties.

use super::{OneOrMany, Read, Table, one_of, programs};
use crate::config::findings::Findings;
use crate::config::yaml::{Node, Value};
use crate::config::{
    Extract, Output, Search, SetProperties, SetPropertiesFromCommand, SetPropertiesFromEnv, SetProperty,
    SetPropertyFrom, StepKind, Template,
};

/// Without a value it takes what a command says.
pub(super) fn set_property(table: &mut Table, findings: &mut Findings) -> Option<StepKind> {
    let property = table.required("property", findings);
    let from = match (table.node("value", findings), table.node("command", findings)) {
        (Some(value), None) => {
            check_values(value, "a property", findings);
            serde_json::Value::read(value, findings).map(SetPropertyFrom::Value)
        }
        (None, Some(command)) => {
            let program = programs::program(table, findings);
            let strip = table.or("strip", true, findings);
            let output = output(table, findings);
            Read::read(command, findings).map(|command| SetPropertyFrom::Output {
                shell: Box::new(program.with(command)),
                strip,
                output,
            })
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

/// The same for `what` is shown on pages: none may be a secret (`N-SE-08`).
pub(super) fn check_values(node: &Node, what: &str, findings: &mut Findings) {
    match &node.value {
        Value::Text(_) => {
            if let Some(name) = Template::read(node, findings).as_ref().and_then(Template::secret) {
                let hint = "use the secret itself where it is needed";
                findings.complain(node.at, format!("{what} may not hold the secret {name:?}"), hint);
            }
        }
        Value::List(nodes) => nodes.iter().for_each(|node| check_values(node, what, findings)),
        Value::Map(entries) => entries.iter().for_each(|entry| check_values(&entry.node, what, findings)),
        _ => {}
    }
}

pub(super) fn set_properties(table: &mut Table, findings: &mut Findings) -> Option<StepKind> {
    let values = table.node("properties", findings);
    if values.is_none() {
        table.missing("properties", findings);
    }
    check_values(values?, "a property", findings);
    Read::read(values?, findings).map(|values| StepKind::SetProperties(SetProperties(values)))
}

/// One property, or those that are read out of the output.
pub(super) fn set_property_from_command(table: &mut Table, findings: &mut Findings) -> Option<StepKind> {
    let shell = programs::program(table, findings);
    let command = table.required("command", findings);
    let output = output(table, findings);
    let property = table.node("property", findings);
    let extract = table.node("extract", findings);
    match (property, extract) {
        (Some(property), None) => {
            let strip = table.or("strip", true, findings);
            let property = Template::read(property, findings);
            let from = SetPropertyFrom::Output { shell: Box::new(shell.with(command?)), strip, output };
            Some(StepKind::SetProperty(SetProperty { property: property?, from }))
        }
        (None, Some(extract)) => {
            let extract = Extract::read(extract, findings);
            let config = SetPropertiesFromCommand { shell: shell.with(command?), output, extract: extract? };
            Some(StepKind::SetPropertiesFromCommand(Box::new(config)))
        }
        _ => {
            findings.complain(table.at(), "it must have either `property` or `extract`", "");
            None
        }
    }
}

fn output(table: &mut Table, findings: &mut Findings) -> Output {
    let include_stdout = table.or("include_stdout", true, findings);
    let include_stderr = table.or("include_stderr", false, findings);
    if !include_stdout && !include_stderr {
        findings.complain(
            table.at(),
            "nothing of what the program says is looked at",
            "include one of the two",
        );
    }
    Output { include_stdout, include_stderr }
}

impl Read for Extract {
    fn read(node: &Node, findings: &mut Findings) -> Option<Self> {
        if !matches!(node.value, Value::Map(_)) {
            return one_of(node, &[("json", true), ("lines", false)], findings)
                .map(|json| if json { Extract::Json } else { Extract::Lines });
        }
        let mut table = Table::open(node, findings)?;
        let regex: Option<Search> = table.required("regex", findings);
        table.finish(findings);
        if regex.as_ref().is_some_and(|regex| regex.groups().next().is_none()) {
            findings.complain(node.at, "the expression has no named group", "write `(?P<name>...)`");
        }
        regex.map(Extract::Regex)
    }
}

pub(super) fn set_properties_from_env(table: &mut Table, findings: &mut Findings) -> Option<StepKind> {
    let OneOrMany(variables) = table.required("variables", findings)?;
    let source = table.or("source", "WorkerEnvironment".to_owned(), findings);
    Some(StepKind::SetPropertiesFromEnv(SetPropertiesFromEnv { variables, source }))
}
