//! `workers`: who may connect and build.

use super::Password;
use crate::model::Properties;
use serde::Serialize;

/// One worker (`SL`).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Worker {
    /// Its name: what it logs in as.
    pub name: String,
    /// Where it runs.
    pub kind: WorkerKind,
    /// What it logs in with; `None` only for a local one, whose password the master makes up.
    pub password: Option<Password>,
    /// How many builds it runs at a time; `None` for any number (`SL-02`).
    pub max_builds: Option<u32>,
    /// Properties of its builds (`SL-05`).
    pub properties: Properties,
}

/// Where a worker runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum WorkerKind {
    /// Somewhere; it connects.
    Remote,
    /// On this machine; the master starts and stops it.
    Local,
}
