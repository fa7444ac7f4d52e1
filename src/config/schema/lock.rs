//! `locks`: what only so many builds or steps use at a time.

use serde::Serialize;
use std::collections::BTreeMap;

/// One lock (`LK-01`, `LK-02`, `N-LK-01`). It is known by its name over reloads (`N-LK-07`).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Lock {
    /// Its name.
    pub name: String,
    /// Whose it is.
    pub scope: LockScope,
    /// How many units it has, at least one.
    pub max_count: u32,
    /// How many it has on the workers of these names, instead; only for a lock of workers.
    pub max_count_for_worker: BTreeMap<String, u32>,
}

/// Whose a lock is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LockScope {
    /// One for the whole master.
    Master,
    /// One for each worker.
    Worker,
}

/// How a builder, a step or a worker uses a lock (`LK-03`, `LK-04`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LockUse {
    /// Which lock.
    pub lock: String,
    /// In which way.
    #[serde(flatten)]
    pub mode: LockMode,
}

/// In which way a lock is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "mode", rename_all = "snake_case")]
pub enum LockMode {
    /// Beside others, taking so many of its units (`N-LK-02`).
    Counting {
        /// How many.
        count: u32,
    },
    /// Alone.
    Exclusive,
}

impl Lock {
    /// How many units it has for who works on this worker.
    pub fn capacity(&self, worker: &str) -> u32 {
        self.max_count_for_worker.get(worker).copied().unwrap_or(self.max_count)
    }
}
