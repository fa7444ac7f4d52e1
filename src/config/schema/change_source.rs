//! `change_sources`: who tells about changes.

use super::Password;
use crate::config::{Glob, duration};
use serde::Serialize;
use std::time::Duration;

/// One change source.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ChangeSource {
    /// Its name, unique among them.
    pub name: String,
    /// What it listens to.
    #[serde(flatten)]
    pub kind: ChangeSourceKind,
}

/// What a change source listens to.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeSourceKind {
    /// Looks at a git repository now and then.
    GitPoller(GitPoller),
    /// Lets `bellwether sendchange` and its like log in on the PB port.
    Pb(PbSource),
}

impl ChangeSourceKind {
    /// Its `type` in the file.
    pub fn type_name(&self) -> &'static str {
        match self {
            ChangeSourceKind::GitPoller(_) => "git_poller",
            ChangeSourceKind::Pb(_) => "pb",
        }
    }
}

/// Looks at a git repository now and then (`N-CS-01`, `N-CS-02`).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct GitPoller {
    /// The repository's address, as git takes it.
    pub repository: String,
    /// Which branches.
    pub branches: Branches,
    /// How long from one look to the next.
    #[serde(serialize_with = "duration::serialize")]
    pub poll_interval: Duration,
    /// Whether to look as soon as the master starts.
    pub poll_at_launch: bool,
    /// The project of its changes.
    pub project: String,
    /// The category of its changes.
    pub category: Option<String>,
}

/// Which branches a poller looks at.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Branches {
    /// The one that the remote's HEAD names.
    Default,
    /// All.
    All,
    /// Those with a name like one of these.
    Matching(Vec<Glob>),
}

/// Lets a tool log in and tell about changes (`CM`).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PbSource {
    /// What it logs in as.
    pub user: String,
    /// What it logs in with.
    pub password: Password,
    /// Only files below this prefix count, and lose it; a change without any is a change still.
    pub prefix: Option<String>,
}
