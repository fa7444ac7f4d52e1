//! `{{ name }}`: variables and matrix values, put in when the file is loaded.
//!
//! A text that is one `{{ ... }}` and nothing else becomes the value itself, whatever its type; anywhere else
//! the value's text is put in. Between the braces stands an expression of the template language; nothing else
//! of it is special, so that `${#list}` and `{%` reach the shell as they are.

use super::Findings;
use super::condition::{LANGUAGE, one_line};
use super::yaml::{Entry, Node, Place, Value};
use minijinja::value::ValueKind;
use std::collections::BTreeMap;

/// Variables, by name.
#[derive(Clone, Debug, Default)]
pub(super) struct Scope(BTreeMap<String, minijinja::Value>);

impl Scope {
    /// Sets a variable.
    pub(super) fn set(&mut self, name: &str, node: &Node) {
        self.0.insert(name.to_owned(), value_of(node));
    }

    /// A copy of this node with everything put in.
    pub(super) fn fill(&self, node: &Node, findings: &mut Findings) -> Node {
        let value = match &node.value {
            Value::Text(text) if text.contains("{{") => self.fill_text(text, node.at, findings),
            Value::List(nodes) => Value::List(nodes.iter().map(|node| self.fill(node, findings)).collect()),
            Value::Map(entries) => Value::Map(
                entries
                    .iter()
                    .map(|entry| Entry { node: self.fill(&entry.node, findings), ..entry.clone() })
                    .collect(),
            ),
            value => value.clone(),
        };
        Node { value, at: node.at }
    }

    fn fill_text(&self, text: &str, at: Place, findings: &mut Findings) -> Value {
        match self.try_fill(text, at) {
            Ok(value) => value,
            Err(why) => {
                findings.complain(at, why, "to have braces as they are, write {{ '{{' }} for them");
                Value::Text(text.to_owned())
            }
        }
    }

    fn try_fill(&self, text: &str, at: Place) -> Result<Value, String> {
        let mut filled = String::new();
        let mut rest = text;
        while let Some(start) = rest.find("{{") {
            let inside = &rest[start + 2..];
            let end = end_of_expression(inside).ok_or("`{{` is not closed")?;
            let (expression, after) = (inside[..end].trim(), &inside[end + 2..]);
            let value = self.evaluate(expression)?;
            if filled.is_empty() && start == 0 && after.is_empty() {
                return node_value(&value, at);
            }
            filled += &rest[..start];
            filled += &value.to_string();
            rest = after;
        }
        Ok(Value::Text(filled + rest))
    }

    fn evaluate(&self, expression: &str) -> Result<minijinja::Value, String> {
        let told = |error| format!("`{{{{ {expression} }}}}`: {}", one_line(&error));
        let compiled = LANGUAGE.compile_expression(expression).map_err(told)?;
        let value = compiled.eval(&self.0).map_err(told)?;
        if value.is_undefined() {
            let known: Vec<&str> = self.0.keys().map(String::as_str).collect();
            let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            return Err(format!("`{{{{ {expression} }}}}` has no value (variables here: {known})"));
        }
        Ok(value)
    }
}

/// Where the expression ends: at `}}` outside of quotes.
fn end_of_expression(text: &str) -> Option<usize> {
    let mut quote = None;
    for (at, c) in text.char_indices() {
        match quote {
            Some(open) if c == open => quote = None,
            Some(_) => {}
            None if c == '\'' || c == '"' => quote = Some(c),
            None if text[at..].starts_with("}}") => return Some(at),
            None => {}
        }
    }
    None
}

/// A node as a value of the template language.
fn value_of(node: &Node) -> minijinja::Value {
    match &node.value {
        Value::Null => minijinja::Value::from(()),
        Value::Bool(value) => minijinja::Value::from(*value),
        Value::Int(value) => minijinja::Value::from(*value),
        Value::Float(value) => minijinja::Value::from(*value),
        Value::Text(value) => minijinja::Value::from(value.as_str()),
        Value::List(nodes) => nodes.iter().map(value_of).collect(),
        Value::Map(entries) => {
            entries.iter().map(|entry| (entry.key.clone(), value_of(&entry.node))).collect()
        }
    }
}

/// A value of the template language as a node at this place.
fn node_value(value: &minijinja::Value, at: Place) -> Result<Value, String> {
    let told = |error| one_line(&error);
    Ok(match value.kind() {
        ValueKind::None => Value::Null,
        ValueKind::Bool => Value::Bool(value.is_true()),
        ValueKind::Number => match i64::try_from(value.clone()) {
            Ok(number) => Value::Int(number),
            Err(_) => Value::Float(f64::try_from(value.clone()).map_err(told)?),
        },
        ValueKind::Seq | ValueKind::Iterable => {
            let nodes =
                value.try_iter().map_err(told)?.map(|item| Ok(Node { value: node_value(&item, at)?, at }));
            Value::List(nodes.collect::<Result<_, String>>()?)
        }
        ValueKind::Map => {
            let mut entries = Vec::new();
            for key in value.try_iter().map_err(told)? {
                let node = Node { value: node_value(&value.get_item(&key).map_err(told)?, at)?, at };
                entries.push(Entry { key: key.to_string(), key_at: at, node });
            }
            Value::Map(entries)
        }
        _ => Value::Text(value.to_string()),
    })
}
