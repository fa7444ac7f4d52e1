//! Several programs in one step.

use super::Shell;
use crate::config::Flags;
use serde::Serialize;

/// Several programs, one after another (`N-ST-02`). Those that are nothing once they are filled in are left out; if all
/// are, the step is skipped. What counts for the step is the worst of them, by their flags.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ShellSequence {
    /// The programs: each a command, or `{command: ..., log: ..., halt_on_failure: ...}`.
    pub parts: Vec<SequencePart>,
}

/// One of them.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SequencePart {
    /// The program.
    #[serde(flatten)]
    pub shell: Shell,
    /// The log that its output goes to; `None` for the step's own.
    pub log: Option<String>,
    /// What its result means for the step.
    #[serde(flatten)]
    pub flags: Flags,
}
