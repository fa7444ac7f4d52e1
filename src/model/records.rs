//! What is stored about buildsets, requests, builds, steps, logs and workers: the records that the engine
//! writes and the pages read.

use super::{
    BuildId, BuildsetId, ChangeId, LogId, MasterId, Properties, RequestId, Results, SourceStamp, StepId, Wall,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;

/// What a scheduler asks for: one request for each builder named, all of the same source stamps.
#[derive(Clone, Debug, PartialEq)]
pub struct NewBuildset {
    /// The scheduler's name.
    pub scheduler: String,
    /// Why, for people.
    pub reason: String,
    /// An id of the asker's own (a try job's), empty if none.
    pub external_id: String,
    /// Which source, one per codebase.
    pub source_stamps: Vec<SourceStamp>,
    /// The changes that are in it; empty for forced and periodic ones.
    pub changes: Vec<ChangeId>,
    /// The properties, each with its source.
    pub properties: Properties,
    /// The builders, by name.
    pub builders: Vec<String>,
    /// Requests of higher priority go first.
    pub priority: i64,
    /// The build that triggered it, if one did.
    pub parent_build: Option<Parent>,
}

/// The build that triggered a buildset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parent {
    /// Which.
    pub build: BuildId,
    /// Whether it waits for the end (`N-SC-13`).
    pub waits: bool,
}

impl Parent {
    /// What the buildset is to it, in Buildbot's words.
    pub const RELATIONSHIP: &str = "Triggered from";
}

/// A stored buildset.
#[derive(Clone, Debug, PartialEq)]
pub struct Buildset {
    /// Its id.
    pub id: BuildsetId,
    /// The scheduler that made it.
    pub scheduler: String,
    /// Why.
    pub reason: String,
    /// The asker's own id.
    pub external_id: String,
    /// When it was made.
    pub submitted_at: Wall,
    /// When the last of its requests was complete.
    pub complete_at: Option<Wall>,
    /// The worst result of its requests, once complete.
    pub results: Option<Results>,
    /// Which source, one per codebase.
    pub source_stamps: Vec<SourceStamp>,
    /// The changes in it.
    pub changes: Vec<ChangeId>,
    /// Its properties.
    pub properties: Properties,
    /// The build that triggered it.
    pub parent_build: Option<Parent>,
}

/// A stored build request.
#[derive(Clone, Debug, PartialEq)]
pub struct BuildRequest {
    /// Its id.
    pub id: RequestId,
    /// Its buildset.
    pub buildset: BuildsetId,
    /// The builder's name.
    pub builder: String,
    /// Higher goes first; then the older.
    pub priority: i64,
    /// When it was made.
    pub submitted_at: Wall,
    /// The master that holds the claim.
    pub claimed_by: Option<MasterId>,
    /// Since when it is claimed.
    pub claimed_at: Option<Wall>,
    /// When it was complete.
    pub complete_at: Option<Wall>,
    /// How it ended.
    pub results: Option<Results>,
    /// Why it was not built, if it was not ("collapsed into request 17", "cancelled by alice").
    pub outcome: Option<String>,
    /// Whether a running build waits for it (`N-SC-13`).
    pub waited_for: bool,
}

impl BuildRequest {
    const COLLAPSED: &str = "collapsed into request ";

    /// The outcome of a request whose place this one takes.
    pub fn outcome_of_collapse(into: RequestId) -> String {
        format!("{}{into}", Self::COLLAPSED)
    }

    /// The request that took its place, if one did (`N-BQ-02`).
    pub fn collapsed_into(&self) -> Option<RequestId> {
        self.outcome.as_ref()?.strip_prefix(Self::COLLAPSED)?.parse().ok()
    }
}

/// A stored build.
#[derive(Clone, Debug, PartialEq)]
pub struct Build {
    /// Its id.
    pub id: BuildId,
    /// Its number within its builder, from 1.
    pub number: i64,
    /// The builder's name.
    pub builder: String,
    /// The request that it answers.
    pub request: RequestId,
    /// That request's buildset.
    pub buildset: BuildsetId,
    /// The worker's name.
    pub worker: String,
    /// The master that ran it.
    pub master: MasterId,
    /// When it began.
    pub started_at: Wall,
    /// When it ended.
    pub complete_at: Option<Wall>,
    /// What it is doing, or how it ended, in a few words.
    pub state: String,
    /// How it ended.
    pub results: Option<Results>,
    /// Why it was started.
    pub reason: String,
    /// How long its steps have waited for their locks, in all (`N-BU-02`).
    pub locks_duration: Duration,
}

/// What a step leads to: a report that it has published, a build that it has triggered (`N-BU-12`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// What it is called, for people; unique within the step.
    pub name: String,
    /// Where it leads.
    pub url: String,
}

/// A stored step.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// Its id.
    pub id: StepId,
    /// Its build.
    pub build: BuildId,
    /// Its number within the build, from 0.
    pub number: i64,
    /// Its name, unique within the build.
    pub name: String,
    /// When it began.
    pub started_at: Option<Wall>,
    /// Since when it has its locks: later than its beginning if it had to wait for them (`N-BU-02`).
    pub locks_acquired_at: Option<Wall>,
    /// When it ended.
    pub complete_at: Option<Wall>,
    /// What it is doing, or how it ended, in a few words.
    pub state: String,
    /// How it ended.
    pub results: Option<Results>,
    /// Whether pages leave it out.
    pub hidden: bool,
    /// What it leads to, in the order in which it said so.
    pub links: Vec<Link>,
}

impl Step {
    /// How long it has waited for its locks, or waits for them by `now`; nothing if it never had to.
    pub fn waited_for_locks(&self, now: Wall) -> Duration {
        let until = self.locks_acquired_at.or(self.complete_at).unwrap_or(now);
        self.started_at.map_or(Duration::ZERO, |started_at| until.since(started_at))
    }
}

/// What a log holds (`LG`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LogKind {
    /// A program's output: every line begins with its channel, `o`, `e` or `h`, in the stored form.
    #[serde(rename = "s")]
    Stdio,
    /// Plain text.
    #[serde(rename = "t")]
    Text,
    /// HTML made by a step.
    #[serde(rename = "h")]
    Html,
}

impl LogKind {
    /// Buildbot's letter for it.
    pub fn letter(self) -> char {
        match self {
            LogKind::Stdio => 's',
            LogKind::Text => 't',
            LogKind::Html => 'h',
        }
    }

    /// The kind with this letter.
    pub fn from_letter(letter: &str) -> Option<LogKind> {
        [LogKind::Stdio, LogKind::Text, LogKind::Html]
            .into_iter()
            .find(|kind| letter.chars().eq([kind.letter()]))
    }
}

/// A stored log's head: everything but its lines.
#[derive(Clone, Debug, PartialEq)]
pub struct LogInfo {
    /// Its id.
    pub id: LogId,
    /// Its step.
    pub step: StepId,
    /// Its name ("stdio").
    pub name: String,
    /// Its name in addresses: letters, digits, `_`, `-`, `.`; unique within the step.
    pub slug: String,
    /// What it holds.
    pub kind: LogKind,
    /// How many lines are stored.
    pub line_count: i64,
    /// Whether no more will come.
    pub complete: bool,
}

/// A stored worker.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WorkerInfo {
    /// Its name.
    pub name: String,
    /// When it was last connected; `None` before the first time.
    pub last_seen_at: Option<Wall>,
    /// The masters that it is connected to.
    pub connected_to: Vec<MasterId>,
    /// The masters that have it, each with a builder that it serves there.
    pub configured_on: Vec<(MasterId, String)>,
    /// What it said of itself: `admin`, `host`, `version`, `system`, ... (`SL`).
    pub info: BTreeMap<String, String>,
    /// The environment of its processes; values that may be secrets are not kept.
    pub environ: BTreeMap<String, String>,
    /// Whether it gets no new builds for now.
    pub paused: bool,
    /// Why it is paused, if somebody said so.
    pub pause_reason: Option<String>,
    /// Whether it is to leave when its builds are finished.
    pub graceful: bool,
}

impl WorkerInfo {
    /// Whether it is connected to any master.
    pub fn is_connected(&self) -> bool {
        !self.connected_to.is_empty()
    }
}

/// What became of one change at one scheduler: why it was or was not built.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// The change.
    pub change: ChangeId,
    /// The scheduler's name.
    pub scheduler: String,
    /// The buildset that it went into, if it did.
    pub buildset: Option<BuildsetId>,
    /// For people: "branch 'x' is not 'main'", "waiting for the tree to be stable", "in buildset 12".
    pub reason: String,
}
