//! The service's state and its turn.

use super::antechamber::Antechamber;
use super::distributor::Distributor;
use super::errands::Errands;
use super::latent::Latents;
use super::limits::{CHUNK_PATIENCE, HEARTBEAT, QUEUE_POLL};
use super::locals::LocalWorkers;
use super::locks::{Lock, Locks};
use super::running::Running;
use super::store::Store;
use super::workers::Workers;
use super::{Msg, Wiring, errands};
use crate::config::{Builder, Config, SecretText};
use crate::db::buildsets::Completed;
use crate::db::{self, Claimant};
use crate::kernel::{Hint, Offer, Ranked, Refusal, Service, Timers, Turn, rank};
use crate::model::{BuildId, Mono, RequestId};
use crate::pbmanager::{self, News};
use crate::schedulers;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A moment that the service waits for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Alarm {
    /// A worker's greeting has taken too long.
    Greeting(String),
    /// The old one of two connections did not answer.
    Arbitration(String),
    /// A worker is silent.
    Ping(String),
    /// A worker was told to go.
    Leaving(String),
    /// A worker has been away for long.
    Missing(String),
    /// A worker's quarantine is over.
    Quarantine(String),
    /// A build's deadline.
    Build(BuildId),
    /// Lines of logs have waited long enough.
    Chunks,
    /// The queue is read again.
    Queue,
    /// Starting builds is tried again after an outage.
    Outage,
    /// This master lives.
    Heartbeat,
    /// The processes of local workers are looked at.
    Processes,
    /// Something is due with the instance of a latent worker.
    Instance(String),
}

/// The service.
pub struct Botmaster {
    pub(super) name: String,
    pub(super) db: db::Handle<Botmaster>,
    /// Its errors say that the tree ends, when nothing is left to be done on a connection: nobody looks at them.
    pub(super) pb: pbmanager::Handle<Botmaster>,
    pub(super) ear: Offer<News>,
    pub(super) store: Store,
    /// Who claims; `None` before the first configuration.
    pub(super) claimant: Option<Claimant>,
    /// Set where another master has declared this one dead.
    fenced: Arc<AtomicBool>,
    pub(super) config: Arc<Config>,
    /// The configured builders, by name.
    pub(super) builders: BTreeMap<String, Arc<Builder>>,
    /// The configured builders of each worker, in the order of the file.
    pub(super) serving: BTreeMap<String, Vec<Arc<Builder>>>,
    /// The workers' secrets of the configuration that is being prepared.
    pub(super) prepared: BTreeMap<String, SecretText>,
    /// The workers that operators hold builds back from, and why, as the rows had it when a configuration was
    /// prepared.
    pub(super) paused: BTreeMap<String, String>,
    pub(super) workers: Workers,
    pub(super) antechamber: Antechamber,
    pub(super) locals: LocalWorkers,
    pub(super) errands: Errands,
    pub(super) schedulers: schedulers::Handle<errands::Errand>,
    /// The service's own ear for the ends of builds that others wait for.
    pub(super) child_done: Offer<Completed>,
    /// Requests, each with its builder, that nobody waits for any more.
    pub(super) orphans: Vec<(String, RequestId)>,
    pub(super) latents: Latents,
    pub(super) queue: Distributor,
    pub(super) locks: Locks,
    /// Steps that have their locks, or can never have them, and were not told yet.
    pub(super) admitted: Vec<(BuildId, Result<(), String>)>,
    /// The lock that the first request of a builder lacked when it was looked at last, with a worker that was free.
    pub(super) lacking: BTreeMap<String, Lock>,
    /// Why requests that were looked at last may be taken by nobody who is free.
    pub(super) unfit: BTreeMap<RequestId, String>,
    /// The requests that the last life of the master was building when it ended.
    pub(super) interrupted: BTreeSet<RequestId>,
    /// The largest id that the queue was ever told of.
    pub(super) newest: RequestId,
    /// Something has changed since the last time that nobody could be given anything.
    pub(super) may_start: bool,
    pub(super) builds: BTreeMap<BuildId, Running>,
    /// Those who wait for the end of the last build; `Some` once nothing new is started.
    pub(super) draining: Option<Vec<Hint<()>>>,
    pub(super) timers: Timers<Alarm>,
    last_key: u64,
}

impl Botmaster {
    /// One that serves nobody before the first configuration is applied.
    pub fn new(wiring: Wiring) -> Botmaster {
        let Wiring {
            name,
            db,
            pb,
            ear,
            events,
            launcher,
            drivers,
            reports,
            runner,
            home,
            schedulers,
            child_done,
        } = wiring;
        Botmaster {
            name,
            store: Store::new(db.clone(), events),
            db,
            pb,
            ear,
            claimant: None,
            fenced: Arc::default(),
            config: Arc::new(Config::empty()),
            builders: BTreeMap::new(),
            serving: BTreeMap::new(),
            prepared: BTreeMap::new(),
            paused: BTreeMap::new(),
            workers: Workers::default(),
            antechamber: Antechamber::default(),
            locals: LocalWorkers::new(launcher),
            errands: Errands::new(runner, home),
            schedulers,
            child_done,
            orphans: Vec::new(),
            latents: Latents::new(drivers, reports),
            queue: Distributor::default(),
            locks: Locks::default(),
            admitted: Vec::new(),
            lacking: BTreeMap::new(),
            unfit: BTreeMap::new(),
            interrupted: BTreeSet::new(),
            newest: RequestId(0),
            may_start: false,
            builds: BTreeMap::new(),
            draining: None,
            timers: Timers::default(),
            last_key: super::sessions::MASTER,
        }
    }

    /// A number that was never used in this process: for an object of ours, or a call.
    pub(super) fn key(&mut self) -> u64 {
        self.last_key += 1;
        self.last_key
    }

    fn ring(&mut self, alarm: Alarm, turn: &mut Turn) {
        match alarm {
            Alarm::Greeting(worker) => self.greeting_takes_long(&worker, turn),
            Alarm::Arbitration(worker) => {
                self.give_up(&worker, "it does not answer, and another connection wants its place", turn);
            }
            Alarm::Ping(worker) => self.check_pulse(&worker, turn),
            Alarm::Leaving(worker) => self.give_up(&worker, "it was told to shut down, and stays", turn),
            Alarm::Missing(worker) => self.is_missing(&worker, turn),
            Alarm::Quarantine(worker) => self.end_quarantine(&worker),
            Alarm::Build(build) => self.build_timer(build, turn),
            Alarm::Chunks => self.write_chunks(),
            Alarm::Queue => {
                self.timers.set(Alarm::Queue, turn.now() + QUEUE_POLL);
                self.compare_queue(turn);
            }
            Alarm::Outage => self.may_start = true,
            Alarm::Heartbeat => self.beat(turn),
            Alarm::Processes => self.watch_processes(turn),
            Alarm::Instance(worker) => self.wake_instance(&worker, turn),
        }
    }

    /// Notes that this master lives. One that was declared dead by another must not go on: its claims are void.
    fn beat(&mut self, turn: &mut Turn) {
        assert!(!self.fenced.load(Ordering::Acquire), "another master has taken this one's place");
        self.timers.set(Alarm::Heartbeat, turn.now() + HEARTBEAT);
        let Some(claimant) = self.claimant else { return };
        let (now, fenced) = (turn.wall(), self.fenced.clone());
        self.db.write_later_then(
            0,
            move |tx| db::masters::touch(tx, claimant, now),
            move |lives| fenced.store(!lives, Ordering::Release),
        );
    }

    /// Lines that wait will be written soon.
    pub(super) fn chunks_wait(&mut self, now: Mono) {
        if self.timers.get(&Alarm::Chunks).is_none() {
            self.timers.set(Alarm::Chunks, now + CHUNK_PATIENCE);
        }
    }
}

impl Ranked for Botmaster {
    const RANK: u8 = rank::BOTMASTER;
    const NAME: &'static str = "botmaster";
}

impl Service for Botmaster {
    type Msg = Msg;

    fn prepare(&mut self, wanted: &Arc<Config>, turn: &mut Turn) -> Result<(), Vec<Refusal>> {
        self.begin_life(turn)?;
        self.read_wishes()?;
        self.find_secrets(wanted)
    }

    fn abandon(&mut self) {
        self.prepared.clear();
    }

    fn apply(&mut self, wanted: &Arc<Config>, turn: &mut Turn) {
        let is_first = self.timers.get(&Alarm::Heartbeat).is_none();
        if is_first {
            self.timers.set(Alarm::Heartbeat, turn.now() + HEARTBEAT);
            self.timers.set(Alarm::Queue, turn.now() + QUEUE_POLL);
            self.read_queue(turn);
        }
        self.adopt(wanted, turn);
        self.line_up();
        if is_first {
            self.collapse_all(turn);
        }
    }

    fn handle(&mut self, msg: Msg, turn: &mut Turn) {
        match msg {
            Msg::News(news) => self.news(news, turn),
            Msg::ErrandDone(done) => self.errand_done(done, turn),
            Msg::Instance(report) => self.instance_report(report, turn),
            Msg::ChildDone(done) => self.child_done(done, turn),
            Msg::RequestsMayWait => self.read_new_requests(turn),
            Msg::StopBuild { build, reason, by, reply } => {
                reply.send(self.stop_build(build, &reason, &by, turn))
            }
            Msg::CancelRequest { request, reason, by, reply } => {
                reply.send(self.cancel_request(request, &reason, &by, turn));
            }
            Msg::Rebuild { build, by, reply } => reply.send(self.rebuild(build, &by, turn)),
            Msg::Drain { idle } => {
                self.draining.get_or_insert_default().push(idle);
                self.line_up();
                self.may_start = true;
                self.tell_if_idle();
            }
            Msg::Snapshot(reply) => reply.send(self.snapshot(turn)),
            Msg::SteerWorker { worker, wish, reply } => reply.send(self.steer_worker(&worker, wish, turn)),
        }
    }

    fn overrun(&mut self, turn: &mut Turn) {
        self.compare_queue(turn);
    }

    fn next_wake(&self) -> Option<Mono> {
        if self.may_start && self.can_start() { Some(Mono::default()) } else { self.timers.next() }
    }

    fn wake(&mut self, turn: &mut Turn) {
        while let Some(alarm) = self.timers.pop_due(turn.now()) {
            self.ring(alarm, turn);
        }
    }

    fn settle(&mut self, turn: &mut Turn) {
        // First, so that the claim of a build that is to be repeated is given up before it is made again.
        self.store.flush();
        self.cancel_orphans(turn);
        self.greet_next(turn);
        self.let_in(turn);
        self.start_builds(turn);
        self.store.flush();
    }

    fn stop(&mut self, turn: &mut Turn) {
        self.end_life(turn);
    }
}
