//! Programs on the master.

use super::{Command, EnvValue};
use crate::config::Template;
use crate::model::Results;
use serde::Serialize;
use std::collections::BTreeMap;

/// A program on the master itself, as the master's own user (`SH-29`, `N-ST-08`).
///
/// A command line goes to `/bin/sh` and takes nothing in: what a change or a property brings along would be run
/// there. Give a list of words instead, or a variable.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MasterShell {
    /// What to run.
    pub command: Command,
    /// Where; a path that is not absolute is below the state directory, which it is if nothing is said.
    pub workdir: Option<Template>,
    /// Variables over the master's own.
    pub env: BTreeMap<String, EnvValue>,
    /// What its exit codes mean; one that is not here is a failure.
    pub decode_rc: BTreeMap<i32, Results>,
}
