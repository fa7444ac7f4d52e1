//! `schedulers`: when to build what.

use super::filter::told;
use super::{ChangeFilter, Codebase, Listen, Login, Timed};
use crate::config::{Condition, Formula, Glob, Pattern, duration};
use crate::model::{NewChange, Properties};
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

/// One scheduler (`SC-01`).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Scheduler {
    /// Its name, unique among them; its stored state belongs to it.
    pub name: String,
    /// The builders it asks, by name, globs resolved, at least one.
    pub builders: Vec<String>,
    /// Which of them it asks only for some changes: one that is here is asked if one of its rules holds (`N-SC-03`).
    /// In the file, an entry of `builders` with `files`, `when` or both is such a rule.
    pub builder_rules: Vec<BuilderRule>,
    /// The codebases that its buildsets have a source stamp of each; changes of others are not for it. `None` for
    /// those of its changes, or where it has none, of the site.
    pub codebases: Option<Vec<Codebase>>,
    /// Properties of its buildsets (`PR-03`). `%(prop:...)s` and `%(src:...)s` are those of the sources (`N-SC-04`).
    pub properties: Properties,
    /// Why, as the buildsets say, filled in like properties; `None` for the scheduler's own words (`N-SC-04`).
    pub reason: Option<String>,
    /// Requests of higher priority go first (`N-SC-04`).
    pub priority: i64,
    /// The same as an expression over the newest change, such as `10 if branch == 'main' else 0`.
    pub priority_by: Option<Formula>,
    /// When it asks.
    #[serde(flatten)]
    pub kind: SchedulerKind,
}

/// For which changes a scheduler asks a builder: all that is said must hold.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BuilderRule {
    /// The builder.
    pub builder: String,
    /// What a file of the changes must look like: one file that does is enough; `*` is any text, `/` included.
    pub files: Vec<Glob>,
    /// What must hold of the newest change, with the files of all. A condition that uses `path` is asked for each
    /// file, and one file is enough.
    pub when: Option<Condition>,
}

impl BuilderRule {
    /// Whether it lets this change through. What cannot be answered does: it is better to build once too often.
    fn holds(&self, change: &NewChange) -> bool {
        let like = |file: &String| self.files.iter().any(|glob| glob.is_match(file));
        let files_fit = self.files.is_empty() || change.files.is_empty() || change.files.iter().any(like);
        let asked = |when: &Condition| when.eval_of_files(&told(change), &change.files).unwrap_or(true);
        files_fit && self.when.as_ref().is_none_or(asked)
    }
}

impl Scheduler {
    /// The builders to ask for this change, which stands for all that a buildset has.
    pub fn builders_for(&self, change: &NewChange) -> Vec<String> {
        let is_asked = |builder: &&String| {
            let mut rules = self.builder_rules.iter().filter(|rule| rule.builder == **builder).peekable();
            rules.peek().is_none() || rules.any(|rule| rule.holds(change))
        };
        self.builders.iter().filter(is_asked).cloned().collect()
    }

    /// The priority of a buildset of this change.
    ///
    /// # Errors
    /// Why it cannot be told, in one line.
    pub fn priority_for(&self, change: &NewChange) -> Result<i64, String> {
        match &self.priority_by {
            Some(formula) => formula.number(&told(change)),
            None => Ok(self.priority),
        }
    }

    /// The codebases of its buildsets, where `site` are those of the site.
    pub fn codebases<'a>(&'a self, site: &'a [Codebase]) -> &'a [Codebase] {
        self.codebases.as_deref().unwrap_or(site)
    }
}

/// When a scheduler asks for builds.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SchedulerKind {
    /// On changes; one timer for all of them (`SC-02` to `SC-06`).
    SingleBranch(ChangeDriven),
    /// On changes; a timer for each branch of each repository (`SC-07`, `N-SC-01`).
    AnyBranch(ChangeDriven),
    /// Again and again, so long after the last time (`SC-10`).
    Periodic(Timed),
    /// At times of the calendar (`SC-11`).
    Nightly(Timed),
    /// When a buildset of the scheduler of this name has ended well, on the same source stamps (`SC-09`).
    Dependent {
        /// The scheduler after whose buildsets it asks.
        upstream: String,
    },
    /// When somebody says so (`SC-21`).
    Force(Box<Force>),
    /// When a developer sends a patch: each logs in with one of these on the PB port (`SC-18`).
    TryUserpass(TryUserpass),
    /// When a developer leaves a patch in a directory (`SC-17`).
    TryJobdir(TryJobdir),
    /// When a step of another build says so, which may wait for the end (`SC-16`).
    Triggerable,
}

impl SchedulerKind {
    /// Its `type` in the file.
    pub fn type_name(&self) -> &'static str {
        match self {
            SchedulerKind::SingleBranch(_) => "single_branch",
            SchedulerKind::AnyBranch(_) => "any_branch",
            SchedulerKind::Periodic(_) => "periodic",
            SchedulerKind::Nightly(_) => "nightly",
            SchedulerKind::Dependent { .. } => "dependent",
            SchedulerKind::Force(_) => "force",
            SchedulerKind::TryUserpass(_) => "try_userpass",
            SchedulerKind::TryJobdir(_) => "try_jobdir",
            SchedulerKind::Triggerable => "triggerable",
        }
    }

    /// The times, of one that goes by the clock.
    pub fn timed(&self) -> Option<&Timed> {
        match self {
            SchedulerKind::Periodic(timed) | SchedulerKind::Nightly(timed) => Some(timed),
            _ => None,
        }
    }

    /// The scheduler after whose buildsets it asks, if it does.
    pub fn upstream(&self) -> Option<&str> {
        if let SchedulerKind::Dependent { upstream } = self { Some(upstream) } else { None }
    }

    /// The form, of one that people start.
    pub fn form(&self) -> Option<&Force> {
        if let SchedulerKind::Force(force) = self { Some(force) } else { None }
    }
}

/// Where developers leave patches.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TryJobdir {
    /// A maildir, to which `buildbot tryserver --jobdir` writes; made where it is missing.
    pub jobdir: PathBuf,
    /// How often to look for new jobs.
    #[serde(serialize_with = "duration::serialize")]
    pub poll_interval: Duration,
}

/// What a `try_userpass` scheduler has of its own.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TryUserpass {
    /// Who may send patches.
    pub users: Vec<Login>,
    /// Where they connect, as in `pb.listen`; without any, to the places of `pb`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub listen: Vec<Listen>,
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

impl ChangeDriven {
    /// Whether this change is important. One that names no files is, where the condition is about files: it
    /// is better to build once too often.
    ///
    /// # Errors
    /// Why the condition has no answer, in one line; then the change does not count (`SM-03`).
    pub fn is_important(&self, change: &NewChange) -> Result<bool, String> {
        let Some(condition) = &self.file_is_important else { return Ok(true) };
        condition.eval_of_files(&told(change), &change.files)
    }
}

/// The form by which people ask for a build (`N-FS`).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Force {
    /// The form's title.
    pub label: String,
    /// What its button says.
    pub button_name: String,
    /// The reason that its buildsets get, where `%(owner)s` and `%(reason)s` are filled in; `None` for the form's own
    /// words (`N-FS-08`).
    pub reason_string: Option<String>,
    /// Whether it has a field for the priority, whose default is the scheduler's (`N-FS-08`).
    pub ask_priority: bool,
    /// Whether it takes a patch to lay over each codebase: a file, and who made it and why (`N-FS-04`).
    pub ask_patch: bool,
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
    /// The fields that become properties. A scheduler with `codebases` of its own has `branch`, `revision`,
    /// `repository` and `project` for each, called `app_branch` where the codebase is `app` (`N-FS-02`).
    pub parameters: Vec<Parameter>,
}

/// One field of a force form (`FS-01`, `N-FS-03`).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Parameter {
    /// The property that it sets.
    pub name: String,
    /// What stands beside it.
    pub label: String,
    /// What stands on its tab where it is in a group with tabs; its label where this is empty.
    pub tab_label: String,
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
    /// How many characters it may have, of a file how many bytes; `None` for any number, of a file 10 MiB.
    pub max_size: Option<usize>,
    /// What other fields are set to when this one is set, by its value, in a browser that runs scripts.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub autopopulate: BTreeMap<String, BTreeMap<String, String>>,
}

impl Parameter {
    /// One that may be left as it is: empty.
    pub fn new(name: &str, kind: ParameterKind) -> Parameter {
        Parameter {
            name: name.to_owned(),
            label: name.to_owned(),
            tab_label: String::new(),
            tooltip: String::new(),
            kind,
            default: "".into(),
            required: false,
            hide: false,
            regex: None,
            max_size: None,
            autopopulate: BTreeMap::new(),
        }
    }

    /// What the form calls it in a group whose own name there is `group`, which is empty at the top (`N-FS-06`).
    pub fn field(&self, group: &str) -> String {
        match (group, self.name.as_str()) {
            ("", name) => name.to_owned(),
            (group, "") => group.to_owned(),
            (group, name) => format!("{group}_{name}"),
        }
    }
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
    /// A text file to send along; the property is what it holds.
    File,
    /// A property of any name (`FS-08`): two fields, `NAME_name` and `NAME_value`.
    AnyProperty,
    /// One of the workers of the scheduler's builders, or empty for any; a builder heeds it that has
    /// `next_worker: {property: NAME}` (`N-FS-05`).
    WorkerChoice,
    /// A group, whose property is a mapping of its fields (`N-FS-06`). Without a name of its own it only stands
    /// around them, and each is a property.
    Nested {
        /// How it looks.
        layout: Layout,
        /// In how many columns, 1 to 4.
        columns: u32,
        /// What is in it.
        fields: Vec<Parameter>,
    },
}

/// How a group of fields looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Layout {
    /// Nothing is around them.
    Simple,
    /// A frame with the label is around them.
    Vertical,
    /// Each is in a part of its own that can be opened.
    Tabs,
}

#[cfg(test)]
mod tests {
    use super::ChangeDriven;
    use crate::config::{ChangeFilter, Condition, FILE_IS_IMPORTANT};
    use crate::model::NewChange;

    fn is_important(condition: &str, files: &[&str]) -> Result<bool, String> {
        let driven = ChangeDriven {
            change_filter: ChangeFilter::default(),
            tree_stable_timer: None,
            file_is_important: Some(Condition::new(condition, FILE_IS_IMPORTANT).unwrap()),
            only_important: false,
        };
        let mut change = NewChange {
            author: "alice".to_owned(),
            files: files.iter().map(|file| (*file).to_owned()).collect(),
            ..NewChange::default()
        };
        change.properties.set("event", "push", "Change");
        driven.is_important(&change)
    }

    #[test]
    fn one_important_file_makes_a_change_important() {
        let outside = "not path.startswith('docs/')";
        assert_eq!(is_important(outside, &["docs/a", "src/b"]), Ok(true));
        assert_eq!(is_important(outside, &["docs/a", "docs/b"]), Ok(false));
        assert_eq!(is_important(outside, &[]), Ok(true));
    }

    #[test]
    fn a_condition_on_the_change_is_asked_once() {
        assert_eq!(is_important("author == 'bob'", &["a"]), Ok(false));
        assert_eq!(is_important("files | length < 2 and branch is none", &[]), Ok(true));
        assert_eq!(is_important("property('event') == 'push'", &["a"]), Ok(true));
        assert_eq!(
            is_important("property('x', 'none') == 'none' and property('x') is none", &["a"]),
            Ok(true)
        );
    }

    #[test]
    fn a_condition_without_an_answer_is_an_error() {
        assert!(is_important("author + 1 > 2", &["a"]).is_err());
    }

    #[test]
    fn every_name_has_a_value() {
        for name in FILE_IS_IMPORTANT {
            is_important(name, &["a"]).unwrap_or_else(|why| panic!("{name}: {why}"));
        }
    }
}
