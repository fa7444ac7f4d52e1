//! Steps that set properties.

use super::Shell;
use crate::config::{Search, Template};
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// Setting a property (`SH-11`).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SetProperty {
    /// Its name.
    pub property: Template,
    /// Where its value comes from.
    pub from: SetPropertyFrom,
}

/// Where a property's value comes from.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SetPropertyFrom {
    /// The file: any JSON; every text in it is a template whose syntax was checked.
    Value(Value),
    /// What a program says.
    Output {
        /// The program.
        shell: Box<Shell>,
        /// Whether white space around what it says is dropped.
        strip: bool,
        /// What of what it says is meant.
        #[serde(flatten)]
        output: Output,
    },
}

/// Which output of a program is meant; where it is both, what it says on its standard error stands last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Output {
    /// Its standard output; that is so if nothing else is said.
    pub include_stdout: bool,
    /// Its standard error.
    pub include_stderr: bool,
}

/// Setting several properties.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(transparent)]
pub struct SetProperties(
    /// By name: any JSON; every text in it is a template whose syntax was checked.
    pub BTreeMap<String, Value>,
);

/// Properties from the worker's environment, as it was when the worker started (`SH-24`).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SetPropertiesFromEnv {
    /// The names of the variables, and of the properties. On Windows the case of a variable means nothing.
    pub variables: Vec<String>,
    /// Where the properties are said to come from.
    pub source: String,
}

/// Setting properties from what a program says (`SH-11`, `N-ST-03`). None is set unless the program succeeds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SetPropertiesFromCommand {
    /// The program.
    pub shell: Shell,
    /// What of what it says is meant.
    #[serde(flatten)]
    pub output: Output,
    /// How that is read.
    pub extract: Extract,
}

/// How properties are read out of a text.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Extract {
    /// It is a JSON object, with a property in each entry.
    Json,
    /// Each line that reads `name=value` is a property.
    Lines,
    /// Each named group of the expression is a property, where it takes part in what is found first.
    Regex(Search),
}
