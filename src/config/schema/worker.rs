//! `workers`: who may connect and build.

use super::{Latent, LockUse, Password};
use crate::config::duration;
use crate::model::Properties;
use serde::Serialize;
use std::time::Duration;

/// One worker (`SL`, `N-WK-01`).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Worker {
    /// Its name: what it logs in as.
    pub name: String,
    /// Where it runs.
    pub kind: WorkerKind,
    /// What it logs in with; `None` for a local one, and for a latent one that has none: the master makes one up.
    pub password: Option<Password>,
    /// How many builds it runs at a time; `None` for any number (`SL-02`).
    pub max_builds: Option<u32>,
    /// What its builds hold, before all other locks (`SL-06`).
    pub locks: Vec<LockUse>,
    /// Properties of its builds (`SL-05`).
    pub properties: Properties,
    /// Properties of its builds where nothing else sets them.
    pub default_properties: Properties,
    /// `keepalive_interval`: how long it may be silent before it is asked whether it is there. As long again, and
    /// a third, later it counts as lost, if it does not answer; raise it for a worker that is often too busy to
    /// answer (`SL-07`).
    pub keepalive: Keepalive,
    /// Whom to tell when it stays away: addresses of mail (`SL-03`). It needs a reporter of type `mail`.
    pub notify_on_missing: Vec<String>,
    /// How long it may be away, since the master's start or since it was lost, before it counts as missing
    /// (`SL-04`): an hour where nothing is said. A latent one, of which nobody minds that it is away: how long it may
    /// take to connect once it is started, 20 minutes where nothing is said.
    #[serde(serialize_with = "duration::serialize")]
    pub missing_timeout: Duration,
}

/// How long a worker may be silent before it is asked whether it is there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Keepalive {
    /// As long as `pb.keepalive` says.
    #[default]
    Usual,
    /// This long.
    After(#[serde(serialize_with = "duration::serialize")] Duration),
    /// For ever: it is never asked.
    Never,
}

/// Where a worker runs.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum WorkerKind {
    /// Somewhere; it connects.
    Remote,
    /// On this machine; the master starts and stops it.
    Local,
    /// It is started when a build wants it, and stopped when it has been idle.
    Latent(Box<Latent>),
}

impl WorkerKind {
    /// The word for it in the configuration.
    pub fn type_name(&self) -> &'static str {
        match self {
            WorkerKind::Remote => "remote",
            WorkerKind::Local => "local",
            WorkerKind::Latent(latent) => latent.driver.type_name(),
        }
    }

    /// What it has as a latent one.
    pub fn latent(&self) -> Option<&Latent> {
        match self {
            WorkerKind::Latent(latent) => Some(latent),
            WorkerKind::Remote | WorkerKind::Local => None,
        }
    }
}
