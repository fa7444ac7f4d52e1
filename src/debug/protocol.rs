//! What is said on the control socket: one JSON request a line, one JSON response a line.

use crate::botmaster::WorkerWish;
use crate::status::explain::{Explanation, Subject};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What an operator's command asks of the running master.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case", deny_unknown_fields)]
pub enum Request {
    /// How is it?
    Status,
    /// Read the configuration again; only say what would be done if `plan`.
    Reload {
        /// Do nothing but tell the plan.
        #[serde(default)]
        plan: bool,
    },
    /// Stop; after the running builds if `clean`.
    Stop {
        /// Let the running builds end, start no more.
        #[serde(default)]
        clean: bool,
    },
    /// Start builds by a force scheduler.
    Force(Force),
    /// Why is something built, or not?
    Explain {
        /// What.
        subject: Subject,
    },
    /// Pause a worker, let it build again, or send it away.
    Worker {
        /// Which.
        name: String,
        /// What is to become of it.
        wish: WorkerWish,
    },
}

/// A build asked for by a person.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Force {
    /// The force scheduler; empty for the only one that there is.
    pub scheduler: String,
    /// The builders; empty for all of the scheduler's.
    pub builders: Vec<String>,
    /// Who asks.
    pub owner: String,
    /// Why.
    pub reason: Option<String>,
    /// The branch.
    pub branch: Option<String>,
    /// The revision.
    pub revision: Option<String>,
    /// Values of the scheduler's parameters, by their names.
    pub parameters: BTreeMap<String, String>,
}

/// What the master answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "response", rename_all = "snake_case")]
pub enum Response {
    /// How it is.
    Status(Report),
    /// What became of the reload.
    Reload(ReloadReport),
    /// It will stop.
    Stopping {
        /// For people.
        message: String,
    },
    /// Builds were asked for; the rows are committed.
    Forced {
        /// The buildset.
        buildset: i64,
        /// Its requests: builder and id.
        requests: Vec<(String, i64)>,
    },
    /// Why it is so.
    Explained(Explanation),
    /// The worker will do it, or has done it.
    Steered,
    /// It will not.
    Refused {
        /// Why, a line each.
        complaints: Vec<String>,
    },
}

/// What became of a reload.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReloadReport {
    /// In a word.
    pub outcome: ReloadOutcome,
    /// The steps, a line each.
    pub plan: Vec<String>,
    /// Why it was refused, a line each.
    pub complaints: Vec<String>,
    /// What could be better in the configuration, a line each.
    pub warnings: Vec<String>,
}

/// How a reload ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReloadOutcome {
    /// The wanted configuration is in force.
    Applied,
    /// It is the one that was in force.
    Unchanged,
    /// It can't be had; the old one is in force, whole.
    Refused,
    /// Only the plan was wanted.
    Planned,
}

/// How the master is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Report {
    /// The configuration's title.
    pub title: String,
    /// The program's version.
    pub version: String,
    /// The process.
    pub pid: u32,
    /// Since when it runs, in seconds.
    pub uptime_s: u64,
    /// Where the pages are, if anywhere.
    pub url: Option<String>,
    /// How many builders there are.
    pub builders: usize,
    /// The workers.
    pub workers: Vec<WorkerReport>,
    /// The running builds: `builder/number on worker: step`.
    pub running: Vec<String>,
    /// How many requests wait for a worker.
    pub waiting_requests: usize,
    /// What is wrong, a line each: failed services, change sources that fail.
    pub troubles: Vec<String>,
}

/// How a worker is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WorkerReport {
    /// Its name.
    pub name: String,
    /// Whether it is connected.
    pub connected: bool,
    /// Builds on it.
    pub running_builds: usize,
    /// What else is to be said of it: that it is paused, in quarantine, leaving, missing.
    #[serde(default)]
    pub remarks: Vec<String>,
}
