//! Reading the fields of a form, each by what it is; everything that is wrong is kept, by field.

use super::limits::FILE_BYTES;
use crate::config::{Parameter, ParameterKind};
use crate::users::Identity;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

/// What a text may hold where the configuration has no expression for it. No option of a version control system
/// begins like it.
#[derive(Clone, Copy)]
pub(super) struct Charset {
    /// Signs that it may hold beside letters, digits and `_`.
    signs: &'static str,
}

/// A branch's name, as Buildbot takes it (`SC-22`).
pub(super) const BRANCH: Charset = Charset { signs: ".+/~-" };

/// The name and the value of a property that somebody adds (`FS-08`).
const ANY_PROPERTY: Charset = Charset { signs: ".-/~:" };

/// A revision, as Buildbot takes it (`SC-22`).
pub(super) const REVISION: Charset = Charset { signs: " .-/" };

impl Charset {
    fn objection(self, text: &str) -> Option<String> {
        if text.starts_with('-') {
            return Some("it must not begin with '-'".to_owned());
        }
        let wrong = text.chars().find(|c| !c.is_alphanumeric() && *c != '_' && !self.signs.contains(*c))?;
        Some(format!("it must not hold {wrong:?}"))
    }
}

/// A form that is being read.
pub(super) struct Form<'a> {
    fields: &'a BTreeMap<String, Value>,
    known: BTreeSet<String>,
    wrong: BTreeMap<String, String>,
}

impl<'a> Form<'a> {
    /// Nothing of it is read yet.
    pub(super) fn new(fields: &'a BTreeMap<String, Value>) -> Form<'a> {
        Form { fields, known: BTreeSet::new(), wrong: BTreeMap::new() }
    }

    /// Notes that a field is wrong.
    pub(super) fn refuse(&mut self, field: &str, what: impl Into<String>) {
        self.wrong.insert(field.to_owned(), what.into());
    }

    /// What is wrong, by field; a field that nobody has asked for is.
    pub(super) fn finish(mut self) -> BTreeMap<String, String> {
        for unknown in self.fields.keys().filter(|field| !self.known.contains(*field)) {
            self.wrong.insert(unknown.clone(), "the form has no such field".to_owned());
        }
        self.wrong
    }

    /// A field may be sent, but nothing is asked of it.
    pub(super) fn pass(&mut self, parameter: &Parameter) {
        self.known.insert(parameter.name.clone());
    }

    /// The text of a field; empty where it is wrong.
    pub(super) fn text(&mut self, parameter: &Parameter) -> String {
        self.value(parameter).as_ref().map(text_of).unwrap_or_default()
    }

    /// The text of a field that may hold only these signs, unless its expression says what it may be.
    pub(super) fn text_of(&mut self, parameter: &Parameter, charset: Charset) -> String {
        let text = self.text(parameter);
        if parameter.regex.is_none()
            && let Some(objection) = charset.objection(&text)
        {
            self.refuse(&parameter.name, objection);
        }
        text
    }

    /// The value of a field; `None` where it is wrong.
    pub(super) fn value(&mut self, parameter: &Parameter) -> Option<Value> {
        self.value_at(parameter, parameter.name.clone())
    }

    fn value_at(&mut self, parameter: &Parameter, field: String) -> Option<Value> {
        let read = read(parameter, self.fields.get(&field));
        let value = read.map_err(|what| self.refuse(&field, what)).ok();
        self.known.insert(field);
        value
    }

    /// Puts what a parameter comes to, whatever it is, into the properties, or into those of the group that it is in.
    pub(super) fn collect(&mut self, parameter: &Parameter, group: &str, into: &mut Map<String, Value>) {
        let field = parameter.field(group);
        match &parameter.kind {
            ParameterKind::Nested { fields, .. } if parameter.name.is_empty() => {
                fields.iter().for_each(|inner| self.collect(inner, &field, into));
            }
            ParameterKind::Nested { fields, .. } => {
                let mut inside = Map::new();
                fields.iter().for_each(|inner| self.collect(inner, &field, &mut inside));
                into.insert(parameter.name.clone(), inside.into());
            }
            ParameterKind::AnyProperty => {
                let [name, value] = any_property(&field).map(|part| self.text_of(&part, ANY_PROPERTY));
                match (name.is_empty(), value.is_empty()) {
                    (false, _) if into.contains_key(&name) => {
                        self.refuse(&format!("{field}_name"), "the form has a field of this name");
                    }
                    (false, _) => drop(into.insert(name, value.into())),
                    (true, false) => self.refuse(&format!("{field}_name"), "a value needs a name"),
                    (true, true) => {}
                }
            }
            _ => {
                if let Some(value) = self.value_at(parameter, field) {
                    into.insert(parameter.name.clone(), value);
                }
            }
        }
    }
}

/// The two fields of a property of any name, where the form calls it so.
pub fn any_property(field: &str) -> [Parameter; 2] {
    [("name", "Name"), ("value", "Value")].map(|(part, label)| Parameter {
        label: label.to_owned(),
        ..Parameter::new(&format!("{field}_{part}"), ParameterKind::String { size: 20 })
    })
}

/// Reads what was sent for one field, or its default where nothing was.
fn read(parameter: &Parameter, sent: Option<&Value>) -> Result<Value, String> {
    let sent = match &parameter.kind {
        // Whatever is sent (`FS-02`).
        ParameterKind::Fixed => return Ok(parameter.default.clone()),
        _ => sent.unwrap_or(&parameter.default),
    };
    if parameter.required && is_empty(sent) {
        return Err("it is required".to_owned());
    }
    match &parameter.kind {
        ParameterKind::Fixed => Ok(parameter.default.clone()),
        ParameterKind::String { .. } | ParameterKind::Text { .. } | ParameterKind::File => {
            check(parameter, text_of(sent)).map(Value::String)
        }
        ParameterKind::UserName { need_email, .. } => {
            let text = check(parameter, text_of(sent))?;
            if *need_email && !text.is_empty() && !Identity::parse(&text).is_complete() {
                return Err("it must be a name and a mail address: Name <address>".to_owned());
            }
            Ok(Value::String(text))
        }
        ParameterKind::Int { .. } => {
            let text = text_of(sent);
            text.trim().parse::<i64>().map(Value::from).map_err(|_| format!("{text:?} is not a whole number"))
        }
        ParameterKind::Bool => match text_of(sent).as_str() {
            "true" | "on" | "yes" | "1" => Ok(Value::Bool(true)),
            "false" | "off" | "no" | "0" | "" => Ok(Value::Bool(false)),
            other => Err(format!("{other:?} is neither true nor false")),
        },
        ParameterKind::Choice { choices, strict, multiple } => {
            let chosen = match sent {
                Value::Array(items) if *multiple => items.iter().map(text_of).collect(),
                Value::Null => Vec::new(),
                one => vec![text_of(one)],
            };
            if let Some(other) = chosen.iter().find(|chosen| *strict && !choices.contains(chosen)) {
                return Err(format!("{other:?} is none of: {}", choices.join(", ")));
            }
            for text in &chosen {
                check(parameter, text.clone())?;
            }
            if *multiple {
                Ok(chosen.into())
            } else {
                Ok(chosen.into_iter().next().unwrap_or_default().into())
            }
        }
        // `Fields` has made it a choice.
        ParameterKind::WorkerChoice => check(parameter, text_of(sent)).map(Value::String),
        // Of several fields, which `Form::collect` reads one by one.
        ParameterKind::AnyProperty | ParameterKind::Nested { .. } => {
            Err("it is none field but several".to_owned())
        }
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.iter().all(is_empty),
        Value::Bool(_) | Value::Number(_) | Value::Object(_) => false,
    }
}

/// One text: of a field that was sent more than once, the last. So a page can send `false` hidden before a
/// checkbox, which is not sent at all when it is not ticked.
fn text_of(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(items) => items.last().map(text_of).unwrap_or_default(),
        Value::Bool(_) | Value::Number(_) | Value::Object(_) => value.to_string(),
    }
}

/// The text, if it is of the length and the look that the parameter wants.
fn check(parameter: &Parameter, text: String) -> Result<String, String> {
    let (length, unit, most) = match parameter.kind {
        ParameterKind::File => (text.len(), "bytes", Some(parameter.max_size.unwrap_or(FILE_BYTES))),
        _ => (text.chars().count(), "characters", parameter.max_size),
    };
    if text.contains('\0') {
        return Err("it must not hold '\\0'".to_owned());
    }
    if let Some(most) = most.filter(|most| length > *most) {
        return Err(format!("it has {length} {unit}, {most} at most"));
    }
    match &parameter.regex {
        Some(regex) if !regex.is_match(&text) => Err(format!("it does not match /{}/", regex.as_str())),
        _ => Ok(text),
    }
}
