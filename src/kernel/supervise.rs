//! Supervision: what follows when a service's thread panics. Pure; `host.rs` carries it out.

use super::limits::{RESTART_PAUSE, RESTART_WINDOW, RESTARTS};
use crate::model::Mono;
use std::time::Duration;

/// Whether the tree can do without the service for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Importance {
    /// Its end ends the tree, in order, with a failing exit code: the service manager starts the process anew,
    /// and rows make that cheap.
    Vital,
    /// It is started again after a pause; after too many times in too short a time it is marked failed, which
    /// shows, and the rest goes on.
    Restartable,
}

/// What to do after a panic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Start it again after this long.
    RestartAfter(Duration),
    /// Leave it down.
    GiveUp,
}

/// How often one service has panicked lately.
#[derive(Debug, Default)]
pub struct Supervision {
    panics: Vec<Mono>,
}

impl Supervision {
    /// Notes a panic and judges.
    pub fn panicked(&mut self, importance: Importance, now: Mono) -> Verdict {
        self.panics.retain(|at| now.since(*at) < RESTART_WINDOW);
        self.panics.push(now);
        if importance == Importance::Vital || self.panics.len() > RESTARTS {
            return Verdict::GiveUp;
        }
        let doublings = u32::try_from(self.panics.len() - 1).unwrap_or(u32::MAX);
        Verdict::RestartAfter(RESTART_PAUSE.saturating_mul(2_u32.saturating_pow(doublings)))
    }
}

/// What the root hears of its children.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// It panicked and will be started again.
    Restarting {
        /// Its name.
        service: String,
        /// What the panic said.
        cause: String,
    },
    /// It is down for good.
    Failed {
        /// Its name.
        service: String,
        /// What the panic said.
        cause: String,
        /// Whether the tree must go down with it.
        vital: bool,
    },
}
