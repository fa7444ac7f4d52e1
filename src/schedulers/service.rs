//! The service's state and its turn.

use super::change_driven::{Grouping, Lane, Lanes};
use super::classify::{Share, by_changes};
use super::limits::{CHANGES_PER_BATCH, RETRY_PAUSE};
use super::timed::Clock;
use super::waiters::Waiters;
use super::{Added, DISABLED, ForceError, ForceRequest, Msg, SchedulerStatus, force, jobdir};
use crate::caches::{Cache, Registry};
use crate::config::{ChangeDriven, Config, Scheduler, SchedulerKind};
use crate::db::{self, DbError};
use crate::kernel::{Hint, Ranked, Refusal, Service, Timers, Turn, rank};
use crate::metrics::{Counter, Figures, Gauge};
use crate::model::{Change, ChangeId, Event, Mono};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What the service is made of.
#[derive(Clone)]
pub struct Parts {
    /// The database.
    pub db: db::Handle<Schedulers>,
    /// Where its cache of changes is made.
    pub caches: Registry,
    /// Botmaster: requests were committed.
    pub requested: Hint<Added>,
    /// Status.
    pub events: Hint<Event>,
    /// Where its figures are made.
    pub figures: Figures,
}

/// The service.
pub struct Schedulers {
    pub(super) db: db::Handle<Schedulers>,
    pub(super) changes: Cache<ChangeId, Change>,
    requested: Hint<Added>,
    pub(super) events: Hint<Event>,
    buildsets_added: Counter,
    num_schedulers: Gauge,
    pub(super) config: Arc<Config>,
    pub(super) running: Vec<Running>,
    /// When to look into the job directory of which scheduler.
    pub(super) looks: Timers<String>,
    /// Who waits for the end of which buildset.
    pub(super) waiters: Waiters,
    /// Those that are to make no buildsets.
    pub(super) disabled: BTreeSet<String>,
    /// How many buildsets of its upstream each awaits.
    pub(super) awaited: BTreeMap<String, i64>,
    /// When to look at the rows that other masters, and the ends of buildsets, change.
    pub(super) rows_look: Mono,
    /// When to look at the wall clock next, for the schedulers that go by it.
    pub(super) clock_look: Option<Mono>,
    /// The rows do not know yet which schedulers follow changes now.
    retires: bool,
    /// There may be changes that are not classified.
    behind: bool,
    /// The database was out of reach at the last try.
    outage: Option<Outage>,
}

/// Why nothing goes on, and when to try again.
struct Outage {
    why: String,
    retry_at: Mono,
}

/// A configured scheduler.
pub(super) struct Running {
    pub(super) scheduler: Scheduler,
    /// What it has loaded; `None` before, and always for one that keeps nothing in rows.
    pub(super) loaded: Option<Loaded>,
}

/// What a scheduler has loaded of its rows.
pub(super) struct Loaded {
    cursor: ChangeId,
    pub(super) lanes: Lanes,
    /// Of one that goes by the clock.
    pub(super) clock: Option<Clock>,
}

impl Schedulers {
    /// A service without schedulers.
    pub fn new(parts: Parts) -> Schedulers {
        Schedulers {
            db: parts.db,
            changes: parts.caches.cache("changes"),
            requested: parts.requested,
            events: parts.events,
            buildsets_added: parts.figures.counter("added_buildsets"),
            num_schedulers: parts.figures.gauge("num_schedulers"),
            config: Arc::new(Config::empty()),
            running: Vec::new(),
            looks: Timers::default(),
            waiters: Waiters::default(),
            disabled: BTreeSet::new(),
            awaited: BTreeMap::new(),
            rows_look: Mono::default(),
            clock_look: None,
            retires: false,
            behind: false,
            outage: None,
        }
    }

    /// Does all that is to be done now: rows of removed schedulers, rows of new ones, one batch of changes, lanes
    /// that are due.
    fn advance(&mut self, turn: &Turn) -> Result<(), DbError> {
        if self.retires {
            self.retire()?;
            self.retires = false;
        }
        for at in 0..self.running.len() {
            self.load(at, turn)?;
        }
        self.look_at_rows(turn)?;
        if self.behind {
            self.behind = self.classify(turn)?;
        }
        while let Some((at, lane)) = self.due(turn.now()) {
            self.build(at, &lane, turn)?;
        }
        self.strike(turn)?;
        self.take_jobs(turn)?;
        self.tell_waiters(turn)
    }

    /// Notes in the rows of all schedulers that keep nothing there any more, whether they went by a reload, became
    /// others of the same name, or were missing when the master started.
    fn retire(&self) -> Result<(), DbError> {
        let following = self.running.iter().filter(|running| keeps_rows(&running.scheduler.kind));
        let following: BTreeSet<String> = following.map(|running| running.scheduler.name.clone()).collect();
        self.db.write(move |tx| {
            for name in db::schedulers::names(tx)?.iter().filter(|name| !following.contains(*name)) {
                db::schedulers::set_state(tx, name, &json!({"removed": true}))?;
                db::schedulers::set_upstream(tx, name, None)?;
            }
            Ok(())
        })
    }

    /// Loads the rows of a scheduler, if that is not done yet.
    fn load(&mut self, at: usize, turn: &Turn) -> Result<(), DbError> {
        let Running { scheduler, loaded: None } = &self.running[at] else { return Ok(()) };
        if !keeps_rows(&scheduler.kind) {
            return Ok(());
        }
        let (name, now) = (scheduler.name.clone(), turn.wall());
        let begun = scheduler.kind.timed().map(|settings| Clock::new(settings, now));
        let upstream = scheduler.kind.upstream().map(str::to_owned);
        let (stored, clock) = self.db.write(move |tx| {
            let stored = db::schedulers::load(tx, &name)?;
            db::schedulers::set_upstream(tx, &name, upstream.as_deref())?;
            let kept =
                begun.and_then(|begun| Some(Clock { follows: begun.follows, ..Clock::read(&stored.state)? }));
            let wanted = kept.or(begun);
            let state = wanted.as_ref().map_or(Value::Null, Clock::row);
            if stored.state == state {
                return Ok((stored, wanted));
            }
            // It comes back, or begins to follow changes, or does no more: what happened while it was away is as
            // little its business as what was before it.
            let newest = db::changes::latest(tx)?;
            db::schedulers::classify(tx, &name, (stored.cursor, newest), &[])?;
            if wanted.is_some() || upstream.is_some() {
                db::schedulers::forget_all(tx, &name)?;
            }
            db::schedulers::set_state(tx, &name, &state)?;
            Ok((db::schedulers::load(tx, &name)?, wanted))
        })?;
        let (grouping, timer) = match follows(&scheduler.kind) {
            Some((grouping, settings)) => (grouping, settings.tree_stable_timer),
            None => (Grouping::UntilTime, None),
        };
        let mut lanes = Lanes::new(grouping, timer);
        for (id, important) in stored.pending {
            if let Some(change) = self.changes.get(&id, || self.db.changes().get(id))? {
                lanes.add(&change, important, turn.now());
            }
        }
        self.running[at].loaded = Some(Loaded { cursor: stored.cursor, lanes, clock });
        self.behind = true;
        Ok(())
    }

    /// Classifies one batch of changes for all schedulers that have not seen it, in one transaction. Returns
    /// whether there may be more.
    fn classify(&mut self, turn: &Turn) -> Result<bool, DbError> {
        let following = self.running.iter().filter(|running| follows(&running.scheduler.kind).is_some());
        let cursors = following.filter_map(|running| Some(running.loaded.as_ref()?.cursor));
        let Some(from) = cursors.min() else { return Ok(false) };
        let changes = self.db.changes().since(from, CHANGES_PER_BATCH)?;
        let Some(to) = changes.last().map(|change| change.id) else { return Ok(false) };
        let shares: Vec<Share> =
            self.running.iter().filter_map(|running| running.share(to, &changes, &self.disabled)).collect();
        let (written, now) = (shares.clone(), turn.wall());
        let added = self.db.write(move |tx| {
            let each = written.iter().map(|share| share.write(tx, now));
            each.collect::<Result<Vec<_>, _>>()
        });
        let added = self.unless_refused(added, |_| true, turn)?;
        for share in shares.iter().filter(|_| added.is_some()) {
            let same = |running: &&mut Running| running.scheduler.name == share.scheduler;
            let Some(loaded) = self.running.iter_mut().find(same).and_then(|found| found.loaded.as_mut())
            else {
                continue;
            };
            loaded.cursor = share.cursor();
            for (change, important) in &share.waiting {
                loaded.lanes.add(change, *important, turn.now());
            }
        }
        for added in added.into_iter().flatten().flatten() {
            self.announce(added);
        }
        Ok(true)
    }

    /// A lane that is due, and whose it is.
    fn due(&self, now: Mono) -> Option<(usize, Lane)> {
        let lane = |running: &Running| running.loaded.as_ref()?.lanes.due(now).cloned();
        let enabled = self.running.iter().enumerate().filter(|(_, running)| self.is_enabled(running));
        let mut lanes = enabled.filter_map(|(at, running)| Some((at, lane(running)?)));
        lanes.next()
    }

    /// Makes the buildset of a lane.
    fn build(&mut self, at: usize, lane: &Lane, turn: &Turn) -> Result<(), DbError> {
        let Running { scheduler, loaded: Some(loaded) } = &mut self.running[at] else { return Ok(()) };
        let new = by_changes(scheduler, loaded.lanes.of(lane));
        let waiting: Vec<ChangeId> = loaded.lanes.of(lane).map(|change| change.id).collect();
        let (name, now, of) = (scheduler.name.clone(), turn.wall(), scheduler.name.clone());
        let added = self.db.write(move |tx| db::schedulers::flush(tx, &of, &new, &waiting, now));
        let Some(added) = self.unless_refused(added, |other| other == name, turn)? else { return Ok(()) };
        if let Some(loaded) = &mut self.running[at].loaded {
            loaded.lanes.built(lane);
        }
        added.into_iter().for_each(|added| self.announce(added));
        Ok(())
    }

    /// A refusal means that another master was faster: the schedulers in question read their rows again.
    pub(super) fn unless_refused<T>(
        &mut self,
        outcome: Result<T, DbError>,
        of: impl Fn(&str) -> bool,
        turn: &Turn,
    ) -> Result<Option<T>, DbError> {
        match outcome {
            Ok(done) => Ok(Some(done)),
            Err(DbError::Refused(why)) => {
                slog::info!(turn.log(), "another master was faster, rows are read again"; "why" => why);
                for running in self.running.iter_mut().filter(|running| of(&running.scheduler.name)) {
                    running.loaded = None;
                }
                self.behind = true;
                Ok(None)
            }
            Err(other) => Err(other),
        }
    }

    fn force(&mut self, request: &ForceRequest, turn: &Turn) -> Result<Added, ForceError> {
        let (scheduler, form) = force::scheduler(&self.config, &request.scheduler)?;
        if self.disabled.contains(&scheduler.name) {
            return Err(force::disabled().into());
        }
        let new = force::buildset(&self.config, scheduler, form, request)?;
        let added = self.db.buildsets().add(new, turn.wall());
        let added = added.map_err(|error| ForceError::Outage(error.to_string()))?;
        self.announce(added.clone());
        Ok(added)
    }

    /// Tells of a buildset that is committed.
    pub(super) fn announce(&self, added: Added) {
        self.buildsets_added.add(1);
        self.events.tell(Event::BuildsetAdded { buildset: added.id });
        for (builder, request) in &added.requests {
            self.events.tell(Event::RequestAdded { request: *request, builder: builder.clone() });
        }
        self.requested.tell(added);
    }

    /// Some buildset is complete, or may be.
    fn buildset_ended(&mut self) {
        self.waiters.look();
        if self.running.iter().any(|running| running.scheduler.kind.upstream().is_some()) {
            self.rows_look = Mono::default();
        }
    }

    fn statuses(&self, turn: &Turn) -> Vec<SchedulerStatus> {
        let status = |(at, running): (usize, &Running)| {
            let lanes = running.loaded.as_ref().map(|loaded| &loaded.lanes);
            let trouble = self.outage.as_ref().filter(|_| keeps_rows(&running.scheduler.kind));
            let lane_at = lanes.and_then(Lanes::next_due).map(|at| turn.wall() + at.since(turn.now()));
            let builds_at = lane_at.or_else(|| self.strikes_at(at));
            let awaits = self.awaited.get(&running.scheduler.name).copied().unwrap_or(0);
            SchedulerStatus {
                scheduler: running.scheduler.clone(),
                enabled: self.is_enabled(running),
                pending: lanes.map_or(0, Lanes::waiting),
                awaits: usize::try_from(awaits).unwrap_or(0),
                builds_at: builds_at.filter(|_| self.is_enabled(running)),
                trouble: trouble.map(|outage| outage.why.clone()),
            }
        };
        self.running.iter().enumerate().map(status).collect()
    }
}

impl Running {
    /// Its part of a batch; `None` if it has seen it.
    fn share(&self, to: ChangeId, changes: &[Change], disabled: &BTreeSet<String>) -> Option<Share> {
        let cursor = self.loaded.as_ref()?.cursor;
        let following = follows(&self.scheduler.kind)?;
        if cursor >= to {
            return None;
        }
        Some(match disabled.contains(&self.scheduler.name) {
            true => Share::of_none(&self.scheduler, (cursor, to), changes, DISABLED),
            false => Share::new(&self.scheduler, following, (cursor, to), changes),
        })
    }
}

/// How a scheduler follows changes, if it does.
fn follows(kind: &SchedulerKind) -> Option<(Grouping, &ChangeDriven)> {
    match kind {
        SchedulerKind::SingleBranch(settings) => Some((Grouping::Together, settings)),
        SchedulerKind::AnyBranch(settings) => Some((Grouping::EachBranch, settings)),
        SchedulerKind::Periodic(timed) | SchedulerKind::Nightly(timed) => {
            timed.only_if_changed.then_some((Grouping::UntilTime, &timed.changes))
        }
        SchedulerKind::Force(_)
        | SchedulerKind::TryUserpass(_)
        | SchedulerKind::TryJobdir(_)
        | SchedulerKind::Dependent { .. }
        | SchedulerKind::Triggerable => None,
    }
}

/// Whether such a scheduler keeps something in rows.
fn keeps_rows(kind: &SchedulerKind) -> bool {
    follows(kind).is_some() || kind.timed().is_some() || kind.upstream().is_some()
}

impl Ranked for Schedulers {
    const RANK: u8 = rank::SCHEDULERS;
    const NAME: &'static str = "schedulers";
}

impl Service for Schedulers {
    type Msg = Msg;

    fn prepare(&mut self, wanted: &Arc<Config>, _: &mut Turn) -> Result<(), Vec<Refusal>> {
        let mut refusals = Vec::new();
        for scheduler in &wanted.schedulers {
            if let SchedulerKind::TryJobdir(settings) = &scheduler.kind
                && let Err(error) = jobdir::make(&settings.jobdir)
            {
                let (name, directory) = (&scheduler.name, settings.jobdir.display());
                let what = format!("scheduler {name}: no job directory can be made at {directory}: {error}");
                refusals.push(Refusal { service: Self::NAME, what });
            }
        }
        if refusals.is_empty() { Ok(()) } else { Err(refusals) }
    }

    /// A scheduler that is configured as before goes on undisturbed; one that is not reads its rows again, and its
    /// timer runs its full length.
    fn apply(&mut self, wanted: &Arc<Config>, turn: &mut Turn) {
        let mut before = std::mem::take(&mut self.running);
        self.looks = Timers::default();
        for scheduler in &wanted.schedulers {
            if matches!(scheduler.kind, SchedulerKind::TryJobdir(_)) {
                self.looks.set(scheduler.name.clone(), turn.now());
            }
            let same = before.iter().position(|running| running.scheduler == *scheduler);
            self.running.push(match same {
                Some(at) => before.swap_remove(at),
                None => Running { scheduler: scheduler.clone(), loaded: None },
            });
        }
        self.retires = true;
        self.num_schedulers.set(self.running.len());
        self.config = wanted.clone();
        self.behind = true;
        self.rows_look = Mono::default();
        self.outage = None;
        // A new scheduler has its cursor when this returns, so that it takes every change from here on.
        self.settle(turn);
    }

    fn handle(&mut self, msg: Msg, turn: &mut Turn) {
        match msg {
            Msg::ChangeAdded(_) => self.behind = true,
            Msg::Force { request, reply } => reply.send(self.force(&request, turn)),
            Msg::Request { wish, reply } => reply.send(self.request(*wish, turn)),
            Msg::Try { scheduler, job, reply } => reply.send(self.try_job(&scheduler, *job, turn)),
            Msg::Trigger { triggers, reply } => reply.send(self.trigger(triggers, turn)),
            Msg::Wait { buildsets, waiter } => self.waiters.add(buildsets, &waiter),
            Msg::BuildsetComplete(_) => self.buildset_ended(),
            Msg::Enable { scheduler, enabled, reply } => reply.send(self.enable(&scheduler, enabled, turn)),
            Msg::Snapshot(reply) => reply.send(self.statuses(turn)),
        }
    }

    fn overrun(&mut self, _: &mut Turn) {
        self.behind = true;
        self.buildset_ended();
    }

    fn next_wake(&self) -> Option<Mono> {
        if let Some(outage) = &self.outage {
            return Some(outage.retry_at);
        }
        if self.behind {
            return Some(Mono::default());
        }
        let enabled = self.running.iter().filter(|running| self.is_enabled(running));
        let lanes = enabled.filter_map(|running| running.loaded.as_ref()?.lanes.next_due());
        let rows_look = (!self.running.is_empty()).then_some(self.rows_look);
        lanes
            .chain(rows_look)
            .chain(self.looks.next())
            .chain(self.waiters.next_look())
            .chain(self.clock_look)
            .min()
    }

    fn settle(&mut self, turn: &mut Turn) {
        if self.outage.as_ref().is_some_and(|outage| turn.now() < outage.retry_at) {
            return;
        }
        let before = self.outage.take();
        match (self.advance(turn), before) {
            (Ok(()), None) => {}
            (Ok(()), Some(_)) => slog::info!(turn.log(), "schedulers go on"),
            (Err(error), before) => {
                let why = error.to_string();
                if before.is_none_or(|before| before.why != why) {
                    slog::error!(turn.log(), "schedulers cannot go on"; "why" => &why);
                }
                self.outage = Some(Outage { why, retry_at: turn.now() + RETRY_PAUSE });
            }
        }
    }
}
