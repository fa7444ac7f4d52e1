//! What each kind of step does: machines that say which command comes next, and how the step ends.

mod git;
mod program;
mod set_property;
mod shell;

use super::command::{Command, Outcome};
use super::render::Scene;
use crate::config::{Builder, StepKind};
use crate::model::{Properties, Results};
use std::collections::BTreeMap;
use std::time::Duration;

/// What a worker can do, as far as a step has to know.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Abilities(pub BTreeMap<String, String>);

impl Abilities {
    /// Whether it knows this command. One that did not tell its commands is believed to know all.
    pub fn has(&self, command: &str) -> bool {
        self.0.is_empty() || self.0.contains_key(command)
    }

    /// Whether its version of this command is `wanted` or newer.
    pub fn has_version(&self, command: &str, wanted: &str) -> bool {
        let numbers = |version: &str| -> Vec<u64> {
            version.split('.').map(|part| part.parse().unwrap_or(0)).collect()
        };
        self.0.get(command).is_some_and(|version| numbers(version) >= numbers(wanted))
    }
}

/// What a step has around it.
pub struct Site<'a> {
    /// What can be filled into templates.
    pub scene: &'a Scene<'a>,
    /// The builder.
    pub builder: &'a Builder,
    /// What the worker can do.
    pub abilities: &'a Abilities,
}

/// What a step does next.
#[derive(Clone, Debug, PartialEq)]
pub enum Next {
    /// Run this command; [`Machine::go_on`] gets what it came to.
    Run(Command),
    /// Wait that long; [`Machine::go_on`] then gets no outcome.
    Wait(Duration),
    /// It is done.
    Done(End),
}

/// How a step ended.
#[derive(Clone, Debug, PartialEq)]
pub struct End {
    /// Its result.
    pub results: Results,
    /// More about it, in a word or two: the exit code, "timed out".
    pub detail: Option<String>,
    /// The properties that it sets.
    pub properties: Properties,
    /// What it says of its own trouble, for a log.
    pub complaint: Option<String>,
}

impl End {
    /// With nothing more to say.
    pub fn plain(results: Results) -> End {
        End { results, detail: None, properties: Properties::default(), complaint: None }
    }

    /// The machinery is broken.
    pub fn exception(complaint: impl Into<String>) -> End {
        End { complaint: Some(complaint.into()), ..End::plain(Results::Exception) }
    }
}

/// One step at work.
#[derive(Debug)]
pub enum Machine {
    /// A program.
    Shell(shell::Shell),
    /// A git working tree.
    Git(Box<git::Git>),
    /// A property.
    SetProperty(set_property::SetProperty),
}

impl Machine {
    /// Begins: fills the templates in.
    ///
    /// # Errors
    /// What cannot be filled in, in one line.
    pub fn begin(kind: &StepKind, site: &Site<'_>) -> Result<(Machine, Next), String> {
        Ok(match kind {
            StepKind::Shell(config) => {
                let (shell, next) = shell::Shell::begin(config, site)?;
                (Machine::Shell(shell), next)
            }
            StepKind::Git(config) => {
                let (git, next) = git::Git::begin(config, site)?;
                (Machine::Git(Box::new(git)), next)
            }
            StepKind::SetProperty(config) => {
                let (set, next) = set_property::SetProperty::begin(config, site)?;
                (Machine::SetProperty(set), next)
            }
        })
    }

    /// Goes on after a command, or after a wait.
    pub fn go_on(&mut self, outcome: Option<Outcome>) -> Next {
        match self {
            Machine::Shell(shell) => shell.go_on(&outcome.unwrap_or_default()),
            Machine::Git(git) => git.go_on(outcome),
            Machine::SetProperty(set) => set.go_on(&outcome.unwrap_or_default()),
        }
    }

    /// What it does, in its own words.
    pub fn description(&self) -> &str {
        match self {
            Machine::Shell(shell) => shell.description(),
            Machine::Git(_) => "update",
            Machine::SetProperty(set) => set.description(),
        }
    }

    /// The logs that it has from its first moment, beside the main one.
    pub fn files(&self) -> &[String] {
        match self {
            Machine::Shell(shell) => shell.files(),
            Machine::Git(_) | Machine::SetProperty(_) => &[],
        }
    }

    /// A text that it shows in a log of its own: name and content.
    pub fn exhibit(&self) -> Option<(&'static str, &str)> {
        match self {
            Machine::Git(git) => git.patch().map(|patch| ("patch", patch)),
            Machine::SetProperty(set) => set.exhibit(),
            Machine::Shell(_) => None,
        }
    }
}
