//! From waiting requests to running builds: reads the queue, collapses, claims, begins.

use super::Botmaster;
use super::asking::{collapses, rank, suitable};
use super::build::{Build, Input, Plan};
use super::canceller::supersedes;
use super::children::Children;
use super::distributor::{Answer, Pick};
use super::limits::{COLLAPSE_LOOK, LOOK_PAST, OUTAGE_PAUSE, QUEUE, STARTS_PER_TURN};
use super::locks::{Owner, Want, wanted};
use super::properties::{Origins, of_build};
use super::running::{Place, Running};
use super::service::Alarm;
use super::store::Write;
use super::workers::Purpose;
use crate::config::{self, Collapse};
use crate::db::requests::{Ending, Start, Started};
use crate::db::waiting::{self, Waiting};
use crate::db::{self, Claimant, DbError, IdKind, Transaction};
use crate::kernel::Turn;
use crate::model::{self, Buildset, Change, Event, RequestId, Results, Wall};
use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::ops::Range;
use std::time::Duration;

/// How many ids of logs a build gets for each of its steps, before it has to ask for more.
const LOGS_AHEAD: u32 = 2;

/// A build whose rows are written, with what it needs to begin.
struct Begun {
    started: Started,
    buildset: Buildset,
    changes: Vec<Change>,
    step_ids: Range<i64>,
    log_ids: Range<i64>,
}

impl Botmaster {
    /// Reads the whole queue, at the start.
    pub(super) fn read_queue(&mut self, turn: &mut Turn) {
        match self.db.read(|connection| waiting::after(connection, RequestId(0), QUEUE)) {
            Ok(rows) => rows.into_iter().for_each(|row| self.enqueue(row)),
            Err(error) => slog::error!(turn.log(), "the queue cannot be read"; "error" => %error),
        }
    }

    /// Reads the requests that are newer than all that were read before, and collapses what they supersede.
    pub(super) fn read_new_requests(&mut self, turn: &mut Turn) {
        let newest = self.newest;
        match self.db.read(move |connection| waiting::after(connection, newest, QUEUE)) {
            Ok(rows) => {
                for row in rows {
                    let request = row.request;
                    self.enqueue(row);
                    self.collapse_into(request, turn);
                    self.cancel_older(request, turn);
                }
            }
            // The next look at the whole queue finds them.
            Err(error) => slog::warn!(turn.log(), "new requests cannot be read"; "error" => %error),
        }
    }

    /// Compares the queue with the rows: takes in what is missing, drops what another master took.
    pub(super) fn compare_queue(&mut self, turn: &mut Turn) {
        self.store.flush();
        let newest = self.newest;
        let known: BTreeSet<RequestId> = self.queue.ids().collect();
        // Asked of the writer, who answers after all that this service has written before.
        let compared = self.db.write(move |tx| {
            let ids = waiting::ids(tx, QUEUE)?;
            let missing = match ids.iter().find(|id| !known.contains(id)) {
                Some(first) => waiting::after(tx, RequestId(first.0 - 1), QUEUE)?,
                None => Vec::new(),
            };
            Ok((ids, missing))
        });
        match compared {
            Ok((ids, missing)) => {
                self.queue.retain(&ids.into_iter().collect());
                let fresh: Vec<RequestId> =
                    missing.iter().map(|row| row.request).filter(|request| *request > newest).collect();
                missing.into_iter().for_each(|row| self.enqueue(row));
                for request in fresh {
                    self.collapse_into(request, turn);
                    self.cancel_older(request, turn);
                }
            }
            Err(error) => slog::warn!(turn.log(), "the queue cannot be read"; "error" => %error),
        }
    }

    fn enqueue(&mut self, row: Waiting) {
        self.newest = self.newest.max(row.request);
        self.put_in_line(row);
        self.may_start = true;
    }

    /// Gives a request its place in the queue.
    pub(super) fn put_in_line(&mut self, waiting: Waiting) {
        // One of a builder that is not configured waits for it to come back.
        let rank = self.builders.get(&waiting.builder).map(|builder| rank(builder, &waiting));
        // A preference that has no answer is none.
        let mut rank = rank.map(|rank| rank.unwrap_or_else(|(_, without)| without)).unwrap_or_default();
        if self.draining.is_some() && waiting.asked.waited_for {
            rank.priority = Reverse(i64::MAX);
        }
        self.queue.add(waiting, rank);
    }

    /// Gives all requests their places again, after a change of the configuration.
    pub(super) fn line_up(&mut self) {
        let all: Vec<Waiting> = self.queue.drain().collect();
        all.into_iter().for_each(|waiting| self.put_in_line(waiting));
    }

    /// Collapses what was there before the last stop or crash, when perhaps nobody could any more. What was being built
    /// then is not superfluous: its build had begun.
    pub(super) fn collapse_all(&mut self, turn: &mut Turn) {
        let newest_first: Vec<RequestId> = self.queue.ids().rev().collect();
        newest_first.into_iter().for_each(|request| self.collapse_into(request, turn));
    }

    /// Completes the older requests of the builder that this one makes superfluous (`N-BQ-02`).
    fn collapse_into(&mut self, request: RequestId, turn: &mut Turn) {
        let Some(newer) = self.queue.get(request) else { return };
        let Some(rule) = self.builders.get(&newer.builder).map(|builder| &builder.collapse_requests) else {
            return;
        };
        if *rule == Collapse::Never {
            return;
        }
        let gives_way = |older: &RequestId| {
            let older = self.queue.get(*older)?;
            collapses(rule, older, newer).inspect_err(|error| {
                slog::warn!(turn.log(), "collapse_requests has no answer: both are built"; "error" => error,
                    "builder" => &newer.builder, "older" => older.request.0, "newer" => request.0);
            })
            .ok()
        };
        let older = self.queue.superseded_by(request).into_iter().rev().take(COLLAPSE_LOOK);
        let waited = older.filter(|older| !self.interrupted.contains(older));
        let removed: Vec<RequestId> = waited.filter(|older| gives_way(older) == Some(true)).collect();
        if removed.is_empty() {
            return;
        }
        let requests = removed.into_iter().filter_map(|older| {
            let waiting = self.queue.remove(older)?;
            Some((older, waiting.builder))
        });
        let outcome = Some(model::BuildRequest::outcome_of_collapse(request));
        let ending = Ending { results: Results::Skipped, outcome };
        self.store.end_requests(requests.collect(), ending, turn.wall());
    }

    /// Cancels the requests and builds of the builder that this one makes pointless (`N-SC-18`).
    fn cancel_older(&mut self, request: RequestId, turn: &mut Turn) {
        let Some(newer) = self.queue.get(request) else { return };
        let cancellers = &self.config.old_build_cancellers;
        if cancellers.iter().all(|canceller| !canceller.builders.contains(&newer.builder)) {
            return;
        }
        let running =
            self.builds.values().filter(|running| !running.is_unwanted).map(|running| &running.request);
        let of_builder = running.filter(|older| older.builder == newer.builder);
        let is_pointless = |older: &&Waiting| {
            supersedes(cancellers, older, newer).unwrap_or_else(|error| {
                slog::warn!(turn.log(), "branch_key has no answer: nothing is cancelled"; "error" => error,
                    "older" => older.request.0, "newer" => request.0);
                false
            })
        };
        let pointless = self.queue.of_builder(&newer.builder).chain(of_builder).filter(is_pointless);
        let pointless: Vec<RequestId> = pointless.map(|older| older.request).collect();
        for older in pointless {
            let why = format!("request {request} is for newer changes of the branch");
            // One that another master has claimed meanwhile is built.
            if let Err(error) = self.cancel_request(older, &why, "", turn) {
                slog::info!(turn.log(), "an old request is not cancelled"; "request" => older.0, "why" => %error);
            }
        }
    }

    /// Whether builds can be started now, if there is anything to build. Before a clean shutdown there is still what running
    /// builds wait for (`N-SC-13`).
    pub(super) fn can_start(&self) -> bool {
        !self.queue.is_empty() && self.timers.get(&Alarm::Outage).is_none()
    }

    /// Gives requests to free workers, some at a time.
    pub(super) fn start_builds(&mut self, turn: &mut Turn) {
        let Some(claimant) = self.claimant.filter(|_| self.may_start && self.can_start()) else { return };
        let Botmaster { builders, workers, config, locks, lacking, unfit, draining, .. } = self;
        let mut pass = locks.pass();
        lacking.clear();
        unfit.clear();
        let picks = self.queue.pick(STARTS_PER_TURN, LOOK_PAST, |waiting| {
            let request = waiting.request;
            let Some(builder) = builders.get(&waiting.builder) else { return Answer::Full };
            // Those that are waited for go before it.
            if draining.is_some() && !waiting.asked.waited_for {
                return Answer::Full;
            }
            let wants = |worker: &config::Worker| {
                wanted(config, worker.locks.iter().chain(&builder.locks), &worker.name)
            };
            let free = workers.free_for(builder);
            if free.is_empty() {
                return Answer::Full;
            }
            let suitable = suitable(builder, waiting, free, turn.world().chance());
            let free: Vec<(String, Vec<Want>)> = match suitable {
                Ok(free) => free.iter().map(|free| (free.worker.name.clone(), wants(free.worker))).collect(),
                Err(why) => {
                    unfit.insert(request, format!("a condition of the builder has no answer: {why}"));
                    return Answer::Unfit;
                }
            };
            if free.is_empty() {
                let why = "neither can_start_build nor next_worker lets a worker that is free take it";
                unfit.insert(request, why.to_owned());
                return Answer::Unfit;
            }
            let mut refused = None;
            let found = free.into_iter().find(|(_, wants)| match pass.lacking(wants) {
                None => true,
                Some(lock) => {
                    refused.get_or_insert_with(|| (lock, wants.clone()));
                    false
                }
            });
            match (found, refused) {
                (Some((worker, wants)), _) => {
                    workers.reserve(&worker, &builder.name);
                    pass.take(Owner::Build(request), wants);
                    Answer::Worker(worker)
                }
                (None, Some((lock, wants))) => {
                    pass.keep(&wants);
                    lacking.insert(builder.name.clone(), lock);
                    Answer::Full
                }
                (None, None) => Answer::Full,
            }
        });
        self.may_start = picks.len() == STARTS_PER_TURN;
        if !picks.is_empty() {
            self.claim(picks, claimant, turn);
        }
    }

    /// Claims what was picked and begins its builds: one transaction for all, so that it costs one commit.
    fn claim(&mut self, picks: Vec<Pick>, claimant: Claimant, turn: &mut Turn) {
        // One more for a latent worker's preparation.
        let steps = |pick: &Pick| {
            let steps = self.builders.get(&pick.waiting.builder).map_or(0, |b| b.steps.len());
            steps + usize::from(self.latents.phase(&pick.worker).is_some())
        };
        let wanted: Vec<(Pick, u32)> =
            picks.iter().map(|pick| (pick.clone(), u32::try_from(steps(pick)).unwrap_or(u32::MAX))).collect();
        let now = turn.wall();
        let begun = self.db.write(move |tx| {
            let begun = wanted.iter().map(|(pick, steps)| begin(tx, claimant, pick, *steps, now));
            begun.collect::<Result<Vec<_>, _>>()
        });
        match begun {
            Ok(begun) => {
                for (pick, begun) in picks.into_iter().zip(begun) {
                    match begun {
                        Some(begun) => self.begin_build(pick, begun, claimant, turn),
                        // Another master has it, or somebody cancelled it.
                        None => self.give_back(&pick.worker, &pick.waiting),
                    }
                }
            }
            Err(error) if error.is_outage() => {
                slog::warn!(turn.log(), "no build can be started"; "error" => %error);
                for pick in picks {
                    self.give_back(&pick.worker, &pick.waiting);
                    self.put_in_line(pick.waiting);
                }
                self.timers.set(Alarm::Outage, turn.now() + OUTAGE_PAUSE);
            }
            // One of them has rows that make no sense, and must not hold the others up.
            Err(_) if picks.len() > 1 => {
                picks.into_iter().for_each(|pick| self.claim(vec![pick], claimant, turn));
            }
            // It stays in the rows: the next comparison with them tries it again.
            Err(error) => {
                for Pick { waiting, worker } in picks {
                    slog::error!(turn.log(), "a request cannot be built"; "request" => waiting.request.0,
                        "builder" => &waiting.builder, "error" => %error);
                    self.give_back(&worker, &waiting);
                }
            }
        }
    }

    /// What was taken for the build of a request is there for others again.
    pub(super) fn give_back(&mut self, worker: &str, request: &Waiting) {
        self.workers.release(worker, &request.builder);
        for owner in [Owner::Step(request.request), Owner::Build(request.request)] {
            self.release_locks(owner);
        }
        self.may_start = true;
    }

    fn begin_build(&mut self, pick: Pick, begun: Begun, claimant: Claimant, turn: &mut Turn) {
        let Begun { started, buildset, changes, step_ids, log_ids } = begun;
        let Started { request, build, number } = started;
        let Pick { waiting, worker } = pick;
        let builder = self.builders.get(&waiting.builder).cloned();
        let Some((builder, kept)) = builder.zip(self.workers.all.get(&worker)) else { return };
        let latent = kept.config.kind.latent().map(|latent| latent.driver.clone());
        // A latent worker is asked for once the build is there, even if it is connected.
        let session = kept.session.as_ref().filter(|_| latent.is_none());
        let place = session.and_then(|session| {
            let object = session.builders.get(&builder.name).copied()?;
            Some(Place { connection: session.connection, object })
        });
        if place.is_none() && latent.is_none() {
            return;
        }
        let info = session.map(|session| session.info.clone()).unwrap_or_default();
        let row = model::Build {
            id: build,
            number,
            builder: builder.name.clone(),
            request,
            buildset: buildset.id,
            worker: worker.clone(),
            master: claimant.master,
            started_at: turn.wall(),
            complete_at: None,
            state: String::new(),
            results: None,
            reason: buildset.reason.clone(),
            locks_duration: Duration::ZERO,
        };
        let properties = of_build(&Origins {
            global: &self.config.properties,
            changes: &changes,
            buildset: &buildset,
            build: &row,
            builder: &builder,
            worker: &kept.config,
            info: &info,
        });
        let event = Event::BuildStarted { build, builder: row.builder, number, worker: worker.clone() };
        self.store.write(build, Write::SetProperties(properties.clone()), Some(event));
        let plan = Plan {
            builder,
            number,
            reason: buildset.reason,
            stamps: buildset.source_stamps,
            changes: buildset.changes,
            files: changes.into_iter().flat_map(|change| change.told.files).collect(),
            worker: worker.clone(),
            info,
            environ: session.map(|session| session.environ.clone()).unwrap_or_default(),
            abilities: session.map(|session| session.abilities.clone()).unwrap_or_default(),
            properties,
        };
        slog::info!(turn.log(), "build begins"; "builder" => &plan.builder.name, "number" => number,
            "worker" => &worker);
        let machine = Build::new(plan, turn.now());
        self.timers.set(Alarm::Build(build), machine.deadline().unwrap_or(turn.now()));
        let running = Running {
            machine,
            request: waiting,
            is_unwanted: false,
            worker: worker.clone(),
            place,
            command: None,
            moving: None,
            errand: None,
            children: Children::new(),
            step: None,
            steps: Vec::new(),
            logs: Vec::new(),
            slugs: BTreeSet::new(),
            step_ids,
            log_ids,
        };
        self.builds.insert(build, running);
        if let Some(driver) = latent {
            self.feed(build, Input::Prepare(&driver), turn);
        } else if let Some(Place { connection, object }) = place {
            self.call(connection, &worker, object, "startBuild", Vec::new(), Purpose::StartBuild(build));
        }
    }
}

/// Claims a request and writes the row of its build; `None` if it is not to be had.
fn begin(
    tx: &mut Transaction<'_>,
    claimant: Claimant,
    pick: &Pick,
    steps: u32,
    now: Wall,
) -> Result<Option<Begun>, DbError> {
    let Some(buildset) = db::buildsets::get(tx, pick.waiting.buildset)? else { return Ok(None) };
    let start =
        Start { request: pick.waiting.request, worker: pick.worker.clone(), reason: buildset.reason.clone() };
    let Some(started) = db::requests::claim_and_start(tx, claimant, &[start], now)?.pop() else {
        return Ok(None);
    };
    Ok(Some(Begun {
        started,
        changes: db::changes::of_buildset(tx, buildset.id)?,
        buildset,
        step_ids: db::ids::reserve(tx, IdKind::Step, steps)?,
        log_ids: db::ids::reserve(tx, IdKind::Log, steps.saturating_mul(LOGS_AHEAD))?,
    }))
}
