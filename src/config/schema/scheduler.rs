//! `schedulers`: when to build what.

use super::ChangeFilter;
use crate::config::{Condition, Pattern, duration};
use crate::model::Properties;
use serde::Serialize;
use serde_json::Value;
use std::time::Duration;

/// One scheduler (`SC-01`).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Scheduler {
    /// Its name, unique among them; its stored state belongs to it.
    pub name: String,
    /// The builders it asks, by name, globs resolved, at least one.
    pub builders: Vec<String>,
    /// Properties of its buildsets (`PR-03`).
    pub properties: Properties,
    /// Why, as the buildsets say; `None` for the scheduler's own words (`N-SC-04`).
    pub reason: Option<String>,
    /// Requests of higher priority go first (`N-SC-04`).
    pub priority: i64,
    /// When it asks.
    #[serde(flatten)]
    pub kind: SchedulerKind,
}

/// When a scheduler asks for builds.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SchedulerKind {
    /// On changes; one timer for all of them (`SC-02` to `SC-06`).
    SingleBranch(ChangeDriven),
    /// On changes; a timer for each branch of each repository (`SC-07`, `N-SC-01`).
    AnyBranch(ChangeDriven),
    /// When somebody says so (`SC-21`).
    Force(Box<Force>),
}

impl SchedulerKind {
    /// Its `type` in the file.
    pub fn type_name(&self) -> &'static str {
        match self {
            SchedulerKind::SingleBranch(_) => "single_branch",
            SchedulerKind::AnyBranch(_) => "any_branch",
            SchedulerKind::Force(_) => "force",
        }
    }
}

/// What the schedulers that follow changes have in common.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ChangeDriven {
    /// Which changes it looks at.
    pub change_filter: ChangeFilter,
    /// How long no change may come before it asks; `None` to ask at once for each important one.
    #[serde(serialize_with = "duration::serialize_option")]
    pub tree_stable_timer: Option<Duration>,
    /// Whether a change is important. A condition that uses `path` is asked for each file of the change, and
    /// one file is enough; any other is asked once. `None`: every change is.
    pub file_is_important: Option<Condition>,
    /// Whether unimportant changes are left out altogether.
    pub only_important: bool,
}

/// The form by which people ask for a build (`N-FS`).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Force {
    /// The form's title.
    pub label: String,
    /// What its button says.
    pub button_name: String,
    /// The field for the reason.
    pub reason: Parameter,
    /// The field for who asks; not shown to somebody who is logged in.
    pub username: Parameter,
    /// The field for the branch.
    pub branch: Parameter,
    /// The field for the revision.
    pub revision: Parameter,
    /// The field for the repository.
    pub repository: Parameter,
    /// The field for the project.
    pub project: Parameter,
    /// The fields that become properties.
    pub parameters: Vec<Parameter>,
}

/// One field of a force form (`FS-01`, `N-FS-03`).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Parameter {
    /// The property that it sets.
    pub name: String,
    /// What stands beside it.
    pub label: String,
    /// What shows when the pointer rests on it.
    pub tooltip: String,
    /// What it is.
    pub kind: ParameterKind,
    /// Its value until somebody changes it: text, a number, a truth value, or a list of text.
    pub default: Value,
    /// Whether it may not be empty.
    pub required: bool,
    /// Whether it is not shown.
    pub hide: bool,
    /// What a text must look like, from its start.
    pub regex: Option<Pattern>,
    /// How many characters it may have; `None` for any number.
    pub max_size: Option<usize>,
}

/// What a field of a force form is (`FS-02` to `FS-06`).
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ParameterKind {
    /// One line of text.
    String {
        /// How many characters it shows.
        size: u32,
    },
    /// Several lines of text.
    Text {
        /// How many columns it shows.
        cols: u32,
        /// How many rows it shows.
        rows: u32,
    },
    /// A whole number.
    Int {
        /// How many digits it shows.
        size: u32,
    },
    /// Yes or no.
    Bool,
    /// Some of a list.
    Choice {
        /// The list.
        choices: Vec<String>,
        /// Whether nothing but these is taken.
        strict: bool,
        /// Whether more than one may be taken.
        multiple: bool,
    },
    /// Not shown; always the default, whatever is sent.
    Fixed,
    /// Who asks.
    UserName {
        /// How many characters it shows.
        size: u32,
        /// Whether it must be `Name <address>`.
        need_email: bool,
    },
}
