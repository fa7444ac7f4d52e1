//! Schedulers that go by the clock: when each asks next, and what for (`SC-10` to `SC-15`).
//!
//! When a scheduler last asked is in its row, and is changed there in the transaction that makes the buildset, and
//! only from what this master believes: so of several masters, or of several lives of one, one asks. A time that was
//! missed because no master ran is made up for once.

use super::change_driven::Lanes;
use super::limits::CLOCK_LOOK;
use super::service::{Running, Schedulers};
use super::sources::Sources;
use crate::config::{Config, Scheduler, Timed, Times};
use crate::db::{self, DbError};
use crate::kernel::Turn;
use crate::model::{ChangeId, NewBuildset, Wall};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What a scheduler that goes by the clock keeps in its row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Clock {
    /// When its time was last, or when it came to be; `None` before the first time of one that asks at once.
    pub since: Option<Wall>,
    /// Whether it follows changes.
    pub follows: bool,
    /// Whether its time was last while it asked only if something had changed (`N-SC-06`).
    pub by_changes: bool,
}

impl Clock {
    /// From a row; what is not a clock's is as good as nothing.
    pub fn read(state: &Value) -> Option<Clock> {
        serde_json::from_value(state.clone()).ok()
    }

    /// Of a scheduler that is new.
    pub fn new(settings: &Timed, now: Wall) -> Clock {
        let since = match settings.times {
            Times::Every(_) => None,
            Times::At { .. } => Some(now),
        };
        Clock { since, follows: settings.only_if_changed, by_changes: false }
    }

    /// When it asks next; `None` for never.
    pub fn next(&self, settings: &Timed, site: Option<&str>) -> Option<Wall> {
        self.since.map_or(Some(Wall::default()), |since| settings.times.next(since, site))
    }

    /// Its time has come: what it keeps from now on, and whether it asks for a build.
    pub fn strike(
        self,
        settings: &Timed,
        important_waits: bool,
        now: Wall,
        site: Option<&str>,
    ) -> (Clock, bool) {
        let forced = |times: &Times| {
            let next = self.since.and_then(|since| times.next(since, site));
            next.is_some_and(|next| next <= now)
        };
        let asks = !settings.only_if_changed
            || !self.by_changes
            || important_waits
            || settings.force_at.as_ref().is_some_and(forced);
        (Clock { since: Some(now), by_changes: settings.only_if_changed, ..self }, asks)
    }

    /// As it is kept.
    pub(super) fn row(&self) -> Value {
        let since = self.since.map(|since| since.0);
        serde_json::json!({"since": since, "follows": self.follows, "by_changes": self.by_changes})
    }
}

/// What it asks for: all changes that wait, and the newest revision of each codebase that has none.
///
/// # Errors
/// Why it asks for nothing.
pub fn buildset(
    config: &Config,
    scheduler: &Scheduler,
    settings: &Timed,
    lanes: &Lanes,
) -> Result<NewBuildset, String> {
    let mut sources = Sources::of_changes(lanes.all());
    sources.add_latest(scheduler.codebases(&config.codebases), settings.branch.as_deref());
    sources.buildset(scheduler, format!("its time has come, by scheduler '{}'", scheduler.name))
}

impl Schedulers {
    /// When the clock of the scheduler at this place strikes next.
    pub(super) fn strikes_at(&self, at: usize) -> Option<Wall> {
        let running = &self.running[at];
        let clock = running.loaded.as_ref()?.clock?;
        clock.next(running.scheduler.kind.timed()?, self.config.timezone.as_deref())
    }

    /// When some clock strikes next: `None` if none does.
    pub(super) fn next_strike(&self) -> Option<Wall> {
        let enabled = (0..self.running.len()).filter(|at| self.is_enabled(&self.running[*at]));
        enabled.filter_map(|at| self.strikes_at(at)).min()
    }

    /// Lets the clocks strike whose time has come, and says when the next one's comes.
    pub(super) fn strike(&mut self, turn: &Turn) -> Result<(), DbError> {
        for at in 0..self.running.len() {
            let strikes = self.strikes_at(at).is_some_and(|next| next <= turn.wall());
            if strikes && self.is_enabled(&self.running[at]) {
                self.strike_one(at, turn)?;
            }
        }
        let pause = self.next_strike().map(|next| next.since(turn.wall()).min(CLOCK_LOOK));
        self.clock_look = pause.map(|pause| turn.now() + pause);
        Ok(())
    }

    fn strike_one(&mut self, at: usize, turn: &Turn) -> Result<(), DbError> {
        let Running { scheduler, loaded: Some(loaded) } = &self.running[at] else { return Ok(()) };
        let (Some(settings), Some(clock)) = (scheduler.kind.timed(), loaded.clock) else { return Ok(()) };
        let site = self.config.timezone.as_deref();
        let (after, asks) = clock.strike(settings, loaded.lanes.has_important(), turn.wall(), site);
        let new = asks.then(|| buildset(&self.config, scheduler, settings, &loaded.lanes));
        let waiting: Vec<ChangeId> = loaded.lanes.all().iter().map(|change| change.id).collect();
        let (name, now) = (scheduler.name.clone(), turn.wall());
        let (old_row, new_row) = (clock.row(), after.row());
        let of = name.clone();
        let struck = self.db.write(move |tx| {
            db::schedulers::swap_state(tx, &name, &old_row, &new_row)?;
            let flush = |new| db::schedulers::flush(tx, &name, new, &waiting, now);
            Ok(new.as_ref().map(flush).transpose()?.flatten())
        });
        let Some(added) = self.unless_refused(struck, |other| other == of, turn)? else { return Ok(()) };
        if let Some(loaded) = &mut self.running[at].loaded {
            loaded.clock = Some(after);
            if asks {
                loaded.lanes.built_all();
            }
        }
        added.into_iter().for_each(|added| self.announce(added));
        Ok(())
    }
}
