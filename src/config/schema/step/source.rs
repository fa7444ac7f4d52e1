//! What all checkouts have in common, whatever tool they are made with.

use super::EnvValue;
use crate::config::Template;
use serde::Serialize;
use std::collections::BTreeMap;

/// A working tree (`SRC-02`).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Checkout {
    /// The repository's address, as the worker's tool takes it.
    pub repository: Template,
    /// The branch, where the source stamp has none; `None` for the repository's own default.
    pub branch: Option<Template>,
    /// Which of the build's source stamps; empty for the only one.
    pub codebase: Template,
    /// What becomes of files that an earlier build left.
    pub mode: SourceMode,
    /// Whether the source stamp's branch, revision and patch are left aside (`SRC-05`).
    pub always_use_latest: bool,
    /// Where, below the build directory; `None` for the builder's.
    pub workdir: Option<Template>,
    /// Variables over the builder's.
    pub env: BTreeMap<String, EnvValue>,
    /// Whether the log shows the environment.
    pub log_environ: bool,
}

/// What becomes of files that an earlier build left (`SRC-08`, `SRC-09`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SourceMode {
    /// They stay.
    Incremental,
    /// They go.
    Full(SourceMethod),
}

/// How a full checkout is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SourceMethod {
    /// Untracked files are removed, ignored ones stay.
    Clean,
    /// Untracked and ignored files are removed.
    Fresh,
    /// Everything is removed and cloned.
    Clobber,
    /// A directory beside is updated and copied.
    Copy,
    /// A directory beside is updated, and what it has under control is copied; Subversion only.
    Export,
}
