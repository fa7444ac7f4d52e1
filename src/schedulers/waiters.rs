//! Who waits for a triggered buildset, and is told once it is complete (`SC-16`). Who waits does not survive the end
//! of the process, and neither does the build that waits.

use super::limits::{RETRY_PAUSE, WAITERS_LOOK};
use super::service::Schedulers;
use super::{Trigger, TriggerError, trigger};
use crate::db::buildsets::{Added, Completed};
use crate::db::{self, DbError};
use crate::kernel::{Offer, Turn};
use crate::model::{BuildsetId, Mono};
use std::collections::BTreeMap;
use std::fmt;

/// Whom to tell that a buildset is complete. Told once; offered again where it had no room.
#[derive(Clone)]
pub struct Waiter(pub Offer<Completed>);

impl fmt::Debug for Waiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Waiter")
    }
}

/// Those who wait.
#[derive(Debug, Default)]
pub(super) struct Waiters {
    waiting: BTreeMap<BuildsetId, Waiter>,
    look_at: Mono,
}

impl Waiters {
    /// Somebody waits for these.
    pub(super) fn add(&mut self, buildsets: Vec<BuildsetId>, waiter: &Waiter) {
        self.waiting.extend(buildsets.into_iter().map(|buildset| (buildset, waiter.clone())));
        self.look();
    }

    /// When to look at the rows next: they say too what another master has completed, of which nobody tells.
    pub(super) fn next_look(&self) -> Option<Mono> {
        (!self.waiting.is_empty()).then_some(self.look_at)
    }

    /// Some buildset may have become complete.
    pub(super) fn look(&mut self) {
        self.look_at = Mono::default();
    }
}

impl Schedulers {
    /// Makes the buildsets of triggers, all or none.
    pub(super) fn trigger(&self, wanted: Vec<Trigger>, turn: &Turn) -> Result<Vec<Added>, TriggerError> {
        let new = wanted.into_iter().map(|wanted| trigger::buildset(&self.config, wanted));
        let new = new.collect::<Result<Vec<_>, _>>()?;
        let now = turn.wall();
        let added = self.db.write(move |tx| {
            new.iter().map(|new| db::buildsets::add(tx, new, now)).collect::<Result<Vec<_>, _>>()
        });
        let added = added.map_err(|error| TriggerError::Outage(error.to_string()))?;
        added.iter().for_each(|added| self.announce(added.clone()));
        Ok(added)
    }

    /// Tells those whose buildsets are complete.
    pub(super) fn tell_waiters(&mut self, turn: &Turn) -> Result<(), DbError> {
        if self.waiters.next_look().is_none_or(|at| turn.now() < at) {
            return Ok(());
        }
        let ids: Vec<BuildsetId> = self.waiters.waiting.keys().copied().collect();
        let completed = self.db.read(move |connection| db::buildsets::completed(connection, &ids))?;
        let mut pause = WAITERS_LOOK;
        for completed in completed {
            let told = self.waiters.waiting.get(&completed.id).map(|waiter| waiter.0.offer(completed));
            if let Some(Err(Some(_))) = told {
                pause = RETRY_PAUSE;
            } else {
                self.waiters.waiting.remove(&completed.id);
            }
        }
        self.waiters.look_at = turn.now() + pause;
        Ok(())
    }
}
