//! Properties: named JSON values, each with the source that set it (`PR`).

use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// A property's value and who set it, as the build page shows it ("Scheduler", "Change", "Force Build Form").
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Property {
    /// The value: any JSON.
    pub value: Value,
    /// Who set it.
    pub source: String,
}

/// A set of properties, by name.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Properties(BTreeMap<String, Property>);

impl Properties {
    /// Sets a property; one of the same name is replaced.
    pub fn set(&mut self, name: impl Into<String>, value: impl Into<Value>, source: impl Into<String>) {
        self.0.insert(name.into(), Property { value: value.into(), source: source.into() });
    }

    /// Takes all of `other` in; where both have a name, `other` wins.
    pub fn update(&mut self, other: &Properties) {
        for (name, property) in &other.0 {
            self.0.insert(name.clone(), property.clone());
        }
    }

    /// The property of this name.
    pub fn get(&self, name: &str) -> Option<&Property> {
        self.0.get(name)
    }

    /// The value of this name.
    pub fn value(&self, name: &str) -> Option<&Value> {
        self.0.get(name).map(|property| &property.value)
    }

    /// Removes the property of this name.
    pub fn remove(&mut self, name: &str) -> Option<Property> {
        self.0.remove(name)
    }

    /// All of them, in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Property)> {
        self.0.iter().map(|(name, property)| (name.as_str(), property))
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Python's truth of a value that may not be there.
    pub fn is_true(value: Option<&Value>) -> bool {
        match value {
            None | Some(Value::Null) => false,
            Some(Value::Bool(holds)) => *holds,
            Some(Value::Number(number)) => number.as_f64() != Some(0.0),
            Some(Value::String(text)) => !text.is_empty(),
            Some(Value::Array(items)) => !items.is_empty(),
            Some(Value::Object(entries)) => !entries.is_empty(),
        }
    }

    /// A property's value as the text that `%(prop:name)s` puts in its place: a string as it is, null as
    /// nothing, any other value as JSON.
    pub fn render(value: &Value) -> String {
        match value {
            Value::Null => String::new(),
            Value::String(text) => text.clone(),
            other => other.to_string(),
        }
    }
}

impl FromIterator<(String, Property)> for Properties {
    fn from_iter<I: IntoIterator<Item = (String, Property)>>(entries: I) -> Properties {
        Properties(entries.into_iter().collect())
    }
}
