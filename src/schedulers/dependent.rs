//! `dependent`: builds what another scheduler's buildset has built, once that has ended well (`SC-09`, `N-SC-14`).
//!
//! That a scheduler awaits a buildset is a row, written in the transaction that makes the buildset and removed in the
//! one that acts on its end: so no end is missed or acted on twice, whoever restarts, reloads or is a second master.

use super::change_driven::properties;
use super::service::Schedulers;
use super::{Completed, DISABLED};
use crate::config::Scheduler;
use crate::db::{self, DbError};
use crate::kernel::Turn;
use crate::model::{Buildset, NewBuildset, Results};

/// What comes of the end of an upstream buildset: a buildset on the same source stamps.
///
/// # Errors
/// It did not end well: why nothing is built.
pub fn buildset(scheduler: &Scheduler, upstream: &Buildset, results: Results) -> Result<NewBuildset, String> {
    if !results.is_good() {
        return Err(format!("buildset {} ended in {results}", upstream.id));
    }
    let after = || format!("after buildset {} of '{}'", upstream.id, upstream.scheduler);
    Ok(NewBuildset {
        scheduler: scheduler.name.clone(),
        reason: scheduler
            .reason
            .clone()
            .unwrap_or_else(|| format!("{}, by scheduler '{}'", after(), scheduler.name)),
        external_id: String::new(),
        source_stamps: upstream.source_stamps.clone(),
        changes: upstream.changes.clone(),
        properties: properties(scheduler),
        builders: scheduler.builders.clone(),
        priority: scheduler.priority,
        parent_build: None,
    })
}

impl Schedulers {
    /// Acts on the ends of buildsets that schedulers await, and counts those that they go on awaiting.
    pub(super) fn follow_upstreams(&mut self, turn: &Turn) -> Result<(), DbError> {
        for at in 0..self.running.len() {
            let scheduler = &self.running[at].scheduler;
            if scheduler.kind.upstream().is_none() {
                continue;
            }
            let name = scheduler.name.clone();
            for ended in self.db.read(move |connection| db::schedulers::ended(connection, &name))? {
                self.follow(at, ended, turn)?;
            }
        }
        self.awaited = self.db.read(db::schedulers::awaited)?;
        Ok(())
    }

    fn follow(&mut self, at: usize, ended: Completed, turn: &Turn) -> Result<(), DbError> {
        let Some(upstream) = self.db.buildsets().get(ended.id)? else { return Ok(()) };
        let scheduler = &self.running[at].scheduler;
        let outcome = match self.disabled.contains(&scheduler.name) {
            true => Err(DISABLED.to_owned()),
            false => buildset(scheduler, &upstream, ended.results),
        };
        let (name, now, of) = (scheduler.name.clone(), turn.wall(), scheduler.name.clone());
        let taken = self.db.write(move |tx| db::schedulers::take_ended(tx, &name, &upstream, &outcome, now));
        let added = self.unless_refused(taken, |other| other == of, turn)?;
        added.flatten().into_iter().for_each(|added| self.announce(added));
        Ok(())
    }
}
