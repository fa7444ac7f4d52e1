//! Workers that are away: since when, and when that is told (`SL-04`, `N-WK-07`; the original's notice never went
//! out, `D-04`).

use super::Botmaster;
use super::service::Alarm;
use crate::kernel::Turn;
use crate::model::{Event, Mono, Wall};

/// Since when a worker is away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Absence {
    /// Since when it is away, or has been; at first since the master's start.
    pub since: Mono,
    pub since_wall: Wall,
    /// Whether it was told that it is missing.
    pub told: bool,
}

impl Absence {
    /// One that begins now.
    pub fn begin(turn: &Turn) -> Absence {
        Absence { since: turn.now(), since_wall: turn.wall(), told: false }
    }
}

impl Botmaster {
    /// Waits for a worker that is away, as long as it may be; its configuration may have changed.
    pub(super) fn expect_back(&mut self, name: &str) {
        let alarm = Alarm::Missing(name.to_owned());
        match self.workers.all.get(name) {
            Some(worker) if worker.is_awaited() => {
                self.timers.set(alarm, worker.absence.since + worker.config.missing_timeout);
            }
            _ => self.timers.cancel(&alarm),
        }
    }

    /// A worker has been away for too long: that is told, once.
    pub(super) fn is_missing(&mut self, name: &str, turn: &Turn) {
        let Some(worker) = self.workers.all.get_mut(name).filter(|worker| worker.is_awaited()) else {
            return;
        };
        worker.absence.told = true;
        let away_s = turn.now().since(worker.absence.since).as_secs();
        slog::warn!(turn.log(), "worker is missing"; "worker" => name, "away_s" => away_s);
        self.store.teller().tell(Event::WorkerMissing { worker: name.to_owned() });
    }
}
