//! The form of a `force` scheduler.

use super::{Read, Spanned, Table, one_of};
use crate::config::findings::Findings;
use crate::config::yaml::{Node, Value};
use crate::config::{Force, Layout, Parameter, ParameterKind, Pattern};
use std::collections::{BTreeMap, BTreeSet};

/// The names that a form uses for itself.
const STANDARD: [&str; 8] =
    ["reason", "username", "branch", "revision", "repository", "project", "priority", "patch"];

/// Reads the keys that only this type has.
pub(super) fn force(table: &mut Table, name: &str, findings: &mut Findings) -> Force {
    let label = table.or("label", name.to_owned(), findings);
    let button_name = table.or("button_name", name.to_owned(), findings);
    let reason_string = table.optional("reason_string", findings);
    let ask_priority = table.or("ask_priority", false, findings);
    let ask_patch = table.or("ask_patch", false, findings);
    let mut field = |key: &'static str, label: &str, kind: ParameterKind, default: &str| {
        let standard =
            Parameter { label: label.to_owned(), default: default.into(), ..Parameter::new(key, kind) };
        match table.node(key, findings) {
            Some(node) => standard_field(node, &standard, findings).unwrap_or(standard),
            None => standard,
        }
    };
    let text = |size| ParameterKind::String { size };
    let mut force = Force {
        label,
        button_name,
        reason_string,
        ask_priority,
        ask_patch,
        reason: field("reason", "Reason", text(20), "force build"),
        username: field("username", "Your name", ParameterKind::UserName { size: 30, need_email: true }, ""),
        branch: field("branch", "Branch", text(10), ""),
        revision: field("revision", "Revision", text(10), ""),
        repository: field("repository", "Repository", text(10), ""),
        project: field("project", "Project", text(10), ""),
        parameters: Vec::new(),
    };
    let mut names: BTreeSet<String> = STANDARD.iter().map(|name| (*name).to_owned()).collect();
    let parameters: Vec<Spanned<Parameter>> = table.or("parameters", Vec::new(), findings);
    for Spanned { value, at } in parameters {
        let mut fields = Vec::new();
        fields_of(&value, "", &mut fields);
        for field in fields {
            if !names.insert(field.clone()) {
                let what = format!("the form has another field `{field}`");
                findings.complain(at, what, "names must be unique");
            }
        }
        force.parameters.push(value);
    }
    force
}

/// The names by which a parameter is sent.
fn fields_of(parameter: &Parameter, group: &str, fields: &mut Vec<String>) {
    let own = parameter.field(group);
    match &parameter.kind {
        ParameterKind::Nested { fields: inner, .. } => {
            inner.iter().for_each(|inner| fields_of(inner, &own, fields));
        }
        ParameterKind::AnyProperty => fields.extend([format!("{own}_name"), format!("{own}_value")]),
        _ => fields.push(own),
    }
}

/// One of the standard fields: text makes it fixed, a mapping changes what it names.
fn standard_field(node: &Node, standard: &Parameter, findings: &mut Findings) -> Option<Parameter> {
    if let Value::Text(text) = &node.value {
        let default = text.as_str().into();
        return Some(Parameter { kind: ParameterKind::Fixed, hide: true, default, ..standard.clone() });
    }
    parameter(node, Some(standard), findings)
}

impl Read for Parameter {
    fn read(node: &Node, findings: &mut Findings) -> Option<Self> {
        parameter(node, None, findings)
    }
}

fn parameter(node: &Node, standard: Option<&Parameter>, findings: &mut Findings) -> Option<Parameter> {
    let mut table = Table::open(node, findings)?;
    let type_node = table.node("type", findings);
    let is_group = |node: &Node| matches!(&node.value, Value::Text(text) if text.as_str() == "nested");
    let name = match standard {
        Some(standard) => Some(standard.name.clone()),
        None if type_node.is_some_and(is_group) => Some(table.or("name", String::new(), findings)),
        None => table.required("name", findings),
    };
    let shown = name.clone().unwrap_or_default();
    let label = table.or("label", standard.map_or(shown, |standard| standard.label.clone()), findings);
    let tab_label = table.or("tab_label", String::new(), findings);
    let tooltip = table.or("tooltip", String::new(), findings);
    let required = table.or("required", false, findings);
    let regex: Option<Pattern> = table.optional("regex", findings);
    let max_size = table.optional("max_size", findings);
    let kind = match (type_node, standard) {
        (Some(node), _) => kind(node, &mut table, findings)?,
        (None, Some(standard)) => standard.kind.clone(),
        (None, None) => ParameterKind::String { size: table.or("size", 10, findings) },
    };
    let hide = table.or("hide", kind == ParameterKind::Fixed, findings);
    let default = match table.node("default", findings) {
        Some(node) => default(node, &kind, findings)?,
        None => standard.map_or_else(|| empty(&kind), |standard| standard.default.clone()),
    };
    let autopopulate = table.or("autopopulate", BTreeMap::new(), findings);
    table.finish(findings);
    let name = name?;
    Some(Parameter {
        name,
        label,
        tab_label,
        tooltip,
        kind,
        default,
        required,
        hide,
        regex,
        max_size,
        autopopulate,
    })
}

/// Reads the type and the keys that only it has.
fn kind(node: &Node, table: &mut Table, findings: &mut Findings) -> Option<ParameterKind> {
    let types = [
        "string",
        "text",
        "int",
        "bool",
        "choice",
        "fixed",
        "user_name",
        "file",
        "any_property",
        "worker_choice",
        "nested",
    ];
    let types: Vec<(&str, &str)> = types.iter().map(|name| (*name, *name)).collect();
    Some(match one_of(node, &types, findings)? {
        "string" => ParameterKind::String { size: table.or("size", 10, findings) },
        "text" => {
            ParameterKind::Text { cols: table.or("cols", 80, findings), rows: table.or("rows", 20, findings) }
        }
        "int" => ParameterKind::Int { size: table.or("size", 10, findings) },
        "bool" => ParameterKind::Bool,
        "choice" => ParameterKind::Choice {
            choices: table.required("choices", findings)?,
            strict: table.or("strict", true, findings),
            multiple: table.or("multiple", false, findings),
        },
        "user_name" => ParameterKind::UserName {
            size: table.or("size", 30, findings),
            need_email: table.or("need_email", true, findings),
        },
        "file" => ParameterKind::File,
        "worker_choice" => ParameterKind::WorkerChoice,
        "any_property" => ParameterKind::AnyProperty,
        "nested" => {
            let layouts =
                [("simple", Layout::Simple), ("vertical", Layout::Vertical), ("tabs", Layout::Tabs)];
            let layout = table.node("layout", findings);
            let layout = layout.and_then(|node| one_of(node, &layouts, findings)).unwrap_or(Layout::Vertical);
            let columns: Option<Spanned<u32>> = table.optional("columns", findings);
            if let Some(columns) = &columns
                && !(1..=4).contains(&columns.value)
            {
                findings.complain(columns.at, "a group has 1 to 4 columns", "");
            }
            let columns = columns.map_or(1, |columns| columns.value);
            ParameterKind::Nested { layout, columns, fields: table.required("fields", findings)? }
        }
        _ => ParameterKind::Fixed,
    })
}

/// Reads a default of the type that the field has.
fn default(node: &Node, kind: &ParameterKind, findings: &mut Findings) -> Option<serde_json::Value> {
    match kind {
        ParameterKind::Int { .. } => i64::read(node, findings).map(Into::into),
        ParameterKind::Bool => bool::read(node, findings).map(Into::into),
        ParameterKind::Fixed => serde_json::Value::read(node, findings),
        ParameterKind::Choice { choices, strict, multiple } => {
            let chosen: Vec<String> =
                if *multiple { Vec::read(node, findings)? } else { vec![String::read(node, findings)?] };
            if let Some(other) = chosen.iter().find(|chosen| *strict && !choices.contains(chosen)) {
                findings.complain(
                    node.at,
                    format!("the default {other:?} is none of the choices"),
                    "add it to them, or say `strict: false`",
                );
            }
            if *multiple { Some(chosen.into()) } else { chosen.into_iter().next().map(Into::into) }
        }
        _ => String::read(node, findings).map(Into::into),
    }
}

/// What a field holds if nothing is said.
fn empty(kind: &ParameterKind) -> serde_json::Value {
    match kind {
        ParameterKind::Int { .. } => 0.into(),
        ParameterKind::Bool => false.into(),
        ParameterKind::Choice { multiple: true, .. } => Vec::<String>::new().into(),
        ParameterKind::Choice { choices, .. } => choices.first().map_or("", String::as_str).into(),
        _ => "".into(),
    }
}
