//! A git working tree.

use super::EnvValue;
use crate::config::{Template, duration};
use serde::Serialize;
use std::collections::BTreeMap;
use std::time::Duration;

/// A git working tree (`SRC-10` to `SRC-15`).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Git {
    /// The repository's address, as the worker's git takes it.
    pub repository: Template,
    /// The branch, where the source stamp has none; `None` for the remote's HEAD.
    pub branch: Option<Template>,
    /// Which of the build's source stamps; empty for the only one.
    pub codebase: String,
    /// What becomes of files that an earlier build left.
    pub mode: GitMode,
    /// How many commits to fetch; `None` for all.
    pub shallow: Option<u32>,
    /// Whether submodules are brought along.
    pub submodules: bool,
    /// Whether git shows its progress.
    pub progress: bool,
    /// Whether the source stamp's branch, revision and patch are left aside (`SRC-05`).
    pub always_use_latest: bool,
    /// Whether a fetch that fails is tried once more (`SRC-13`).
    pub retry_fetch: bool,
    /// Whether a fetch that fails is followed by a fresh clone (`SRC-13`).
    pub clobber_on_failure: bool,
    /// Trying the whole step again (`SRC-02`); `None` for not.
    pub retry: Option<Retry>,
    /// Where, below the build directory; `None` for the builder's.
    pub workdir: Option<Template>,
    /// Variables over the builder's.
    pub env: BTreeMap<String, EnvValue>,
    /// How long each command may be silent; `None` for any time.
    #[serde(serialize_with = "duration::serialize_option")]
    pub timeout: Option<Duration>,
    /// Whether the log shows the environment.
    pub log_environ: bool,
}

/// What becomes of files that an earlier build left (`SRC-08`, `SRC-09`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum GitMode {
    /// They stay.
    Incremental,
    /// They go.
    Full(GitMethod),
}

/// How a full checkout is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum GitMethod {
    /// Untracked files are removed, ignored ones stay.
    Clean,
    /// Untracked and ignored files are removed.
    Fresh,
    /// Everything is removed and cloned.
    Clobber,
    /// A directory beside is updated and copied.
    Copy,
}

/// Trying again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Retry {
    /// How many more times.
    pub count: u32,
    /// How long to wait before each.
    #[serde(serialize_with = "duration::serialize")]
    pub delay: Duration,
}
