//! Fills templates in and asks conditions, with what a build knows (`N-PR-01` to `N-PR-04`).

use crate::botmaster::limits::SECRET_BYTES;
use crate::config::{Condition, Form, Piece, SecretText, Selector, Template};
use crate::model::{Properties, Results, SourceStamp};
use minijinja::context;
use minijinja::value::Serde;
use serde_json::Value;
use std::cell::RefCell;
use std::collections::BTreeMap;

/// Finds secrets: by name, its text or why it cannot be had.
pub type Secrets<'a> = dyn Fn(&str) -> Result<SecretText, String> + 'a;

/// What a build knows.
pub struct Scene<'a> {
    /// Its properties.
    pub properties: &'a Properties,
    /// Its source stamps.
    pub stamps: &'a [SourceStamp],
    /// What its worker said of itself.
    pub worker: &'a BTreeMap<String, String>,
    /// Who knows the secrets.
    pub secrets: &'a Secrets<'a>,
    /// The secrets that were asked for: from then on no log may show them.
    pub hidden: RefCell<Vec<(String, SecretText)>>,
}

impl Scene<'_> {
    /// Fills a template in. Only a secret can be missing: anything else that is not there is no text.
    ///
    /// # Errors
    /// What is missing, in one line.
    pub fn text(&self, template: &Template) -> Result<String, String> {
        self.fill(template, true)
    }

    /// The same for people: a secret is its name, so that words can be taken out of the text.
    ///
    /// # Errors
    /// What is missing, in one line.
    pub fn shown(&self, template: &Template) -> Result<String, String> {
        self.fill(template, false)
    }

    fn fill(&self, template: &Template, reveals: bool) -> Result<String, String> {
        template.fill(&|selector, is_bare| match selector {
            Selector::Secret(name) if is_bare && !reveals => Ok(Some(Value::from(format!("<{name}>")))),
            _ => self.value(selector),
        })
    }

    /// Fills a template in and keeps the kind of the value where it is nothing but a property (`N-PR-05`): a list
    /// stays a list.
    ///
    /// # Errors
    /// What is missing, in one line.
    pub fn whole(&self, template: &Template) -> Result<Value, String> {
        let [Piece::Value { selector: Selector::Property(name), form }] = template.pieces() else {
            return self.text(template).map(Value::String);
        };
        match (self.properties.value(name), form) {
            (Some(value), None | Some(Form::IfAbsent(_))) => Ok(value.clone()),
            (Some(value), Some(Form::IfFalse(_))) if Properties::is_true(Some(value)) => Ok(value.clone()),
            (None, Some(Form::IfAbsent(other))) | (_, Some(Form::IfFalse(other))) => self.whole(other),
            _ => self.text(template).map(Value::String),
        }
    }

    /// Fills the words of a command in, each as it is and as people may see it. A word that is nothing but a
    /// property which is a list becomes its items, at any depth (`N-PR-07`).
    ///
    /// # Errors
    /// What is missing, in one line.
    pub fn words(&self, words: &[Template]) -> Result<Vec<(String, String)>, String> {
        let mut filled = Vec::new();
        for word in words {
            match self.whole(word)? {
                Value::Array(items) => flatten(&items, &mut filled),
                value => filled.push((Properties::render(&value), self.shown(word)?)),
            }
        }
        Ok(filled)
    }

    /// Fills in every template of a JSON value, in keys too (`PR-13`); a text that is nothing but a property
    /// becomes its value.
    ///
    /// # Errors
    /// What is missing, or wrong, in one line.
    pub fn json(&self, value: &Value) -> Result<Value, String> {
        Ok(match value {
            Value::String(text) => self.whole(&Template::new(text)?)?,
            Value::Array(items) => {
                Value::Array(items.iter().map(|item| self.json(item)).collect::<Result<_, _>>()?)
            }
            Value::Object(entries) => {
                let entry = |(key, value): (&String, &Value)| {
                    Ok((self.text(&Template::new(key)?)?, self.json(value)?))
                };
                Value::Object(entries.iter().map(entry).collect::<Result<_, String>>()?)
            }
            plain => plain.clone(),
        })
    }

    /// The stamp of this codebase.
    pub fn stamp(&self, codebase: &str) -> Option<&SourceStamp> {
        self.stamps.iter().find(|stamp| stamp.codebase == codebase)
    }

    fn value(&self, selector: &Selector) -> Result<Option<Value>, String> {
        Ok(match selector {
            Selector::Property(name) => self.properties.value(name).cloned(),
            Selector::Worker(name) => self.worker.get(name).map(|text| Value::from(text.as_str())),
            Selector::Source { codebase, attribute } => {
                self.stamp(codebase).and_then(|stamp| attribute.of(stamp)).map(Value::from)
            }
            Selector::Secret(name) => {
                let text = (self.secrets)(name)?;
                if !SECRET_BYTES.contains(&text.reveal().len()) {
                    let (least, most) = (SECRET_BYTES.start(), SECRET_BYTES.end());
                    return Err(format!(
                        "secret {name:?}: only one of {least} to {most} bytes can be kept out of logs"
                    ));
                }
                let value = Value::from(text.reveal());
                self.hidden.borrow_mut().push((name.clone(), text));
                Some(value)
            }
        })
    }
}

fn flatten(items: &[Value], filled: &mut Vec<(String, String)>) {
    for item in items {
        match item {
            Value::Array(items) => flatten(items, filled),
            item => filled.push((Properties::render(item), Properties::render(item))),
        }
    }
}

/// What a condition about a step is asked about, beside the scene.
pub struct Moment<'a> {
    /// The builder's name.
    pub builder: &'a str,
    /// The build's number.
    pub number: i64,
    /// Why it was started.
    pub reason: &'a str,
    /// The worker's name.
    pub worker: &'a str,
    /// The files that its changes touch.
    pub files: &'a [String],
    /// How the build goes so far.
    pub results: Results,
    /// How the step went, once it is done.
    pub result: Option<Results>,
}

/// Asks a condition (`ST-04`, `ST-05`).
///
/// # Errors
/// What went wrong, in one line.
pub fn ask(condition: &Condition, scene: &Scene<'_>, moment: &Moment<'_>) -> Result<bool, String> {
    let stamp = scene.stamps.first();
    let properties = scene.properties.clone();
    let property = move |name: &str, default: Option<minijinja::Value>| match properties.value(name) {
        Some(value) => Serde(value).into(),
        None => default.unwrap_or_else(|| minijinja::Value::from(())),
    };
    condition.eval(&context! {
        branch => stamp.and_then(|stamp| stamp.branch.as_deref()),
        revision => stamp.and_then(|stamp| stamp.revision.as_deref()),
        repository => stamp.map_or("", |stamp| &stamp.repository),
        project => stamp.map_or("", |stamp| &stamp.project),
        codebase => stamp.map_or("", |stamp| &stamp.codebase),
        builder => moment.builder,
        number => moment.number,
        reason => moment.reason,
        worker => moment.worker,
        files => Serde(moment.files),
        results => moment.results.as_str(),
        result => moment.result.map(Results::as_str),
        property => minijinja::Value::from_function(property),
    })
}
