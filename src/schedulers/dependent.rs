//! `dependent`: builds what another scheduler's buildset has built, once that has ended well (`SC-09`, `N-SC-14`).
//!
//! That a scheduler awaits a buildset is a row, written in the transaction that makes the buildset and removed in the
//! one that acts on its end: so no end is missed or acted on twice, whoever restarts, reloads or is a second master.

use super::service::Schedulers;
use super::sources::Sources;
use super::{Completed, DISABLED};
use crate::config::Scheduler;
use crate::db::{self, DbError};
use crate::kernel::Turn;
use crate::model::{Buildset, Change, NewBuildset, Results};
use std::sync::Arc;

/// What comes of the end of an upstream buildset: a buildset on the same source stamps, with the same changes.
///
/// # Errors
/// It did not end well, or nobody is asked for it: why nothing is built.
pub fn buildset(
    scheduler: &Scheduler,
    upstream: &Buildset,
    changes: &[Arc<Change>],
    results: Results,
) -> Result<NewBuildset, String> {
    if !results.is_good() {
        return Err(format!("buildset {} ended in {results}", upstream.id));
    }
    let (id, of, name) = (upstream.id, &upstream.scheduler, &scheduler.name);
    let sources = Sources::new(upstream.source_stamps.clone(), changes.iter().map(Arc::as_ref));
    sources.buildset(scheduler, format!("after buildset {id} of '{of}', by scheduler '{name}'"))
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
        let mut changes = Vec::new();
        for id in &upstream.changes {
            changes.extend(self.changes.get(id, || self.db.changes().get(*id))?);
        }
        let scheduler = &self.running[at].scheduler;
        let outcome = match self.disabled.contains(&scheduler.name) {
            true => Err(DISABLED.to_owned()),
            false => buildset(scheduler, &upstream, &changes, ended.results),
        };
        let (name, now, of) = (scheduler.name.clone(), turn.wall(), scheduler.name.clone());
        let taken = self.db.write(move |tx| db::schedulers::take_ended(tx, &name, &upstream, &outcome, now));
        let added = self.unless_refused(taken, |other| other == of, turn)?;
        added.flatten().into_iter().for_each(|added| self.announce(added));
        Ok(())
    }
}
