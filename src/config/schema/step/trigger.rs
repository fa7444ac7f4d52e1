//! Builds by other schedulers, out of a build.

use crate::config::Template;
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// Starts builds by triggerable schedulers (`SH-30`, `N-SC-10`): all that it names or, if a name is wrong, none, and then
/// it fails.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Trigger {
    /// What is triggered: a name, a list of names, or entries with more about them. A name that is filled in may come to
    /// nothing, which is left out, or to a list.
    pub schedulers: Vec<Triggered>,
    /// Those of them whose builds have no say in how the step ends.
    pub unimportant_schedulers: Vec<Template>,
    /// Whether the step lasts until the builds are done, and ends as the worst of them; if not, it has done well as soon
    /// as they are asked for. Builds that are waited for are cancelled where the step is stopped or its worker is lost,
    /// and after a crash of the master: the build is then repeated, and triggers them anew.
    pub wait_for_finish: bool,
    /// What they build.
    pub source: TriggerSource,
    /// Properties that they get; any JSON, and texts are filled in.
    pub set_properties: BTreeMap<String, Value>,
    /// Names of properties of this build that they get too, under their own names.
    pub copy_properties: Vec<String>,
}

/// One of the things that are triggered.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Triggered {
    /// The scheduler. The same may be triggered several times.
    pub scheduler: Template,
    /// Properties over those of the step.
    pub set_properties: BTreeMap<String, Value>,
    /// Properties with several values each: the scheduler is triggered once for each combination. A value is a list, or
    /// a text such as `%(prop:platforms)s` that is filled in and becomes one (`N-SC-12`).
    pub matrix: BTreeMap<String, Value>,
}

/// What triggered builds are to build.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TriggerSource {
    /// `update_source_stamp: true`, the default: what this build does, at the revisions that it got.
    Updated,
    /// `update_source_stamp: false`: what this build was asked to.
    Same,
    /// `always_use_latest: true`: the newest of each codebase.
    Latest,
    /// `source_stamp`, `source_stamps`: these; of other codebases the newest.
    Given(Vec<GivenStamp>),
}

/// A source stamp to be filled in.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct GivenStamp {
    /// The codebase; empty for the only one.
    pub codebase: Template,
    /// The project.
    pub project: Template,
    /// The repository's address.
    pub repository: Template,
    /// The branch; nothing for the default one.
    pub branch: Template,
    /// The revision; nothing for the newest.
    pub revision: Template,
    /// A patch to lay over it.
    pub patch: Option<GivenPatch>,
}

/// A patch to be filled in.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct GivenPatch {
    /// The diff.
    pub body: Template,
    /// How many leading path components to strip.
    pub level: u32,
    /// The directory in which to lay it on.
    pub subdir: Template,
    /// Who made it.
    pub author: Template,
    /// Why.
    pub comment: Template,
}
