//! The workers as values: who is there, what each is doing, and which of them takes the next build.

use super::absence::Absence;
use super::asking::Candidate;
use super::attach::{Ask, Greeting, Listed};
use super::latent::Standing;
use super::quarantine::Quarantine;
use super::steps::Abilities;
use super::wishes::Connects;
use super::{Slot, SlotState, WorkerState, WorkerStatus};
use crate::config;
use crate::model::{BuildId, Mono, Wall};
use crate::pb::Luid;
use crate::pbmanager::{ConnectionId, Protocol};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What the answer to a call is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// The greeting.
    Greeting(Ask),
    /// Whether it is there at all.
    Ping,
    /// Whether it is there, while another wants its place.
    Arbitration,
    /// The builder list, changed since the greeting.
    BuilderList,
    /// A build begins.
    StartBuild(BuildId),
    /// A command of a build: its key.
    StartCommand(u64),
    /// A shutdown.
    Shutdown,
    /// Nothing depends on it.
    Nothing,
}

/// A connection that is a worker's.
#[derive(Debug)]
pub(super) struct Session {
    pub connection: ConnectionId,
    /// The worker's Bot.
    pub mind: Luid,
    /// What it speaks.
    pub protocol: Protocol,
    /// `None` once the worker can build.
    pub greeting: Option<Greeting>,
    /// What it said of itself.
    pub info: Arc<BTreeMap<String, String>>,
    /// Its environment.
    pub environ: Arc<BTreeMap<String, String>>,
    /// What it can do.
    pub abilities: Arc<Abilities>,
    /// Its objects, by builder.
    pub builders: BTreeMap<String, Luid>,
    /// Whether each of them gets a master object; not known before the greeting is over.
    pub is_slave: bool,
    /// The builders that it was told of last.
    pub listed: Vec<Listed>,
    /// Whether it has not answered yet that it took them.
    pub is_listing: bool,
    /// Calls without an answer, by token.
    pub calls: BTreeMap<u64, Purpose>,
    /// Running commands, by key.
    pub commands: BTreeMap<u64, BuildId>,
    /// Running transfers, by the key of the master's end.
    pub transfers: BTreeMap<u64, BuildId>,
    /// When it was last heard of.
    pub heard: Mono,
    pub heard_at: Wall,
    /// Pings without a sign of life since.
    pub unanswered: u32,
    /// Whether it was told to shut down, or its connection is being closed.
    pub is_leaving: bool,
}

impl Session {
    /// Whether it can build.
    pub fn is_ready(&self) -> bool {
        self.greeting.is_none()
    }
}

/// A connection that has logged in, and is not greeted yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Arrival {
    pub connection: ConnectionId,
    pub mind: Luid,
    pub protocol: Protocol,
}

/// One worker.
#[derive(Debug)]
pub(super) struct Worker {
    pub config: config::Worker,
    /// It is not configured any more, and goes when its builds are done.
    pub is_removed: bool,
    /// Why an operator holds new builds back, if one does; empty where no reason was given.
    pub pause: Option<String>,
    pub graceful: bool,
    pub quarantine: Quarantine,
    pub absence: Absence,
    pub connects: Connects,
    pub session: Option<Session>,
    /// A second connection of the same name, which waits for the fate of the first (`BM-07`).
    pub contender: Option<Arrival>,
    /// What stands in its way.
    pub trouble: Option<String>,
    /// The builders of which it runs a build: one of each at a time.
    pub building: BTreeSet<String>,
    /// When it last got a build, counted in builds.
    pub last_used: u64,
    /// The same, for each builder that it built for.
    pub last_used_for: BTreeMap<String, u64>,
}

impl Worker {
    /// One that is away since `absence` began.
    pub fn new(config: config::Worker, absence: Absence) -> Worker {
        Worker {
            config,
            is_removed: false,
            pause: None,
            graceful: false,
            quarantine: Quarantine::default(),
            absence,
            connects: Connects::default(),
            session: None,
            contender: None,
            trouble: None,
            building: BTreeSet::new(),
            last_used: 0,
            last_used_for: BTreeMap::new(),
        }
    }

    /// Whether it can take a build of this builder now (`SL-16`).
    fn is_free_for(&self, builder: &str) -> bool {
        let has_room = self.config.max_builds.is_none_or(|most| self.building.len() < most as usize);
        let serves = |session: &Session| {
            session.is_ready() && !session.is_leaving && session.builders.contains_key(builder)
        };
        !self.is_removed
            && self.pause.is_none()
            && self.quarantine.until().is_none()
            && !self.graceful
            && has_room
            && !self.building.contains(builder)
            && (self.config.kind.latent().is_some() || self.session.as_ref().is_some_and(serves))
    }

    /// Whether it is away, should not be, and nobody was told yet.
    pub fn is_awaited(&self) -> bool {
        let is_here = self.session.as_ref().is_some_and(Session::is_ready);
        // Nobody minds that a latent one is away; that it does not come when it is started is told elsewhere.
        !is_here && !self.is_removed && !self.absence.told && self.config.kind.latent().is_none()
    }

    /// What stands between it and a build of this builder, if anything does (`SL-20`).
    fn slot(&self, builder: &str) -> SlotState {
        let pinged = |session: &Session| {
            session.calls.values().any(|purpose| matches!(purpose, Purpose::StartBuild(_)))
        };
        match &self.session {
            None => SlotState::Away,
            Some(session) if self.building.contains(builder) => {
                if pinged(session) {
                    SlotState::Pinging
                } else {
                    SlotState::Building
                }
            }
            Some(session) if session.is_ready() && session.builders.contains_key(builder) => SlotState::Idle,
            Some(_) => SlotState::Attaching,
        }
    }

    /// How it stands; `serving` are its configured builders.
    pub fn status(
        &self,
        serving: Option<&Vec<Arc<config::Builder>>>,
        instance: Option<Standing>,
        (now, wall): (Mono, Wall),
    ) -> WorkerStatus {
        let slot = |builder: &Arc<config::Builder>| Slot {
            builder: builder.name.clone(),
            state: self.slot(&builder.name),
        };
        WorkerStatus {
            name: self.config.name.clone(),
            state: match &self.session {
                None => WorkerState::Away,
                Some(session) if session.is_ready() => WorkerState::Connected,
                Some(_) => WorkerState::Attaching,
            },
            instance,
            pause: self.pause.clone(),
            quarantined_until: self.quarantine.until().map(|until| wall + until.since(now)),
            missing_since: self.absence.told.then_some(self.absence.since_wall),
            connects: self.connects.count(now),
            graceful: self.graceful,
            running: self.building.len(),
            max_builds: self.config.max_builds,
            builders: serving.into_iter().flatten().map(slot).collect(),
            trouble: self.trouble.clone(),
            protocol: self.session.as_ref().map(|session| session.protocol),
            heard_at: self.session.as_ref().map(|session| session.heard_at),
        }
    }
}

/// All workers, by name.
#[derive(Debug, Default)]
pub(super) struct Workers {
    pub all: BTreeMap<String, Worker>,
    connections: BTreeMap<ConnectionId, String>,
    uses: u64,
}

impl Workers {
    /// The workers that can take a build of this builder now: those with the fewest builds first, and of those the
    /// one that has waited longest, so that all get their share.
    pub fn free_for(&self, builder: &config::Builder) -> Vec<Candidate<'_>> {
        let free = builder.workers.iter().enumerate().filter_map(|(order, name)| {
            let worker = self.all.get(name).filter(|worker| worker.is_free_for(&builder.name))?;
            Some(Candidate {
                worker: &worker.config,
                running: worker.building.len(),
                last_used: worker.last_used,
                last_used_here: worker.last_used_for.get(&builder.name).copied(),
                order,
                info: worker.session.as_ref().map(|session| session.info.clone()).unwrap_or_default(),
            })
        });
        let mut free: Vec<_> = free.collect();
        free.sort_unstable_by_key(|free| (free.running, free.last_used, &free.worker.name));
        free
    }

    /// Takes a place on a worker for a build of this builder.
    pub fn reserve(&mut self, worker: &str, builder: &str) {
        if let Some(worker) = self.all.get_mut(worker) {
            self.uses += 1;
            worker.last_used = self.uses;
            worker.last_used_for.insert(builder.to_owned(), self.uses);
            worker.building.insert(builder.to_owned());
        }
    }

    /// Gives a place back.
    pub fn release(&mut self, worker: &str, builder: &str) {
        if let Some(worker) = self.all.get_mut(worker) {
            worker.building.remove(builder);
        }
    }

    /// Notes whose connection this is.
    pub fn connect(&mut self, connection: ConnectionId, worker: &str) {
        self.connections.insert(connection, worker.to_owned());
    }

    /// Forgets a connection; says whose it was.
    pub fn disconnect(&mut self, connection: ConnectionId) -> Option<String> {
        self.connections.remove(&connection)
    }

    /// The worker whose session this connection is.
    pub fn by_connection(&mut self, connection: ConnectionId) -> Option<(&mut Worker, &str)> {
        let name = self.connections.get(&connection)?;
        let worker = self.all.get_mut(name)?;
        let is_session = worker.session.as_ref().is_some_and(|session| session.connection == connection);
        is_session.then_some((worker, name.as_str()))
    }

    /// The session of a worker.
    pub fn session(&mut self, worker: &str) -> Option<&mut Session> {
        self.all.get_mut(worker)?.session.as_mut()
    }
}
