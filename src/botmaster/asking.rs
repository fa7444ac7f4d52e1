//! Requests as conditions of the configuration see them.

use crate::config::{Collapse, Condition};
use crate::db::waiting::Waiting;
use minijinja::value::Serde;
use minijinja::{Value, context};

/// A request, with a value for each name that a condition may use of it.
pub fn request(waiting: &Waiting) -> Value {
    let stamp = waiting.stamps.first();
    let asked = waiting.asked.clone();
    let property = move |name: &str, default: Option<Value>| match asked.properties.value(name) {
        Some(value) => Serde(value).into(),
        None => default.unwrap_or_else(|| Value::from(())),
    };
    context! {
        builder => &waiting.builder,
        branch => stamp.and_then(|stamp| stamp.branch.as_deref()),
        revision => stamp.and_then(|stamp| stamp.revision.as_deref()),
        repository => stamp.map_or("", |stamp| &stamp.repository),
        project => stamp.map_or("", |stamp| &stamp.project),
        codebase => stamp.map_or("", |stamp| &stamp.codebase),
        has_changes => waiting.stamps.iter().any(|stamp| stamp.has_changes),
        priority => waiting.priority,
        reason => &waiting.asked.reason,
        scheduler => &waiting.asked.scheduler,
        property => Value::from_function(property),
    }
}

/// Whether a newer request takes the place of an older one that is [alike](super::collapse).
///
/// # Errors
/// Why the condition has no answer, in one line.
pub fn collapses(rule: &Collapse, older: &Waiting, newer: &Waiting) -> Result<bool, String> {
    match rule {
        Collapse::Never => Ok(false),
        Collapse::Alike => Ok(true),
        Collapse::If(condition) => ask_of_two(condition, older, newer),
    }
}

fn ask_of_two(condition: &Condition, older: &Waiting, newer: &Waiting) -> Result<bool, String> {
    let builder = &newer.builder;
    condition.eval(&context! { builder, older => request(older), newer => request(newer) })
}
