//! Workers, builders, builds, steps and the build request distributor: the heart of the master.
//!
//! * Does: gives waiting requests to free workers, runs each build's steps there, stores what comes of it.
//! * Thread `botmaster`, rank 60. Calls db, pbmanager and, by errands, the schedulers; tells, after each commit, what happened ([`Event`]).
//! * Owns: the workers' sessions, the queue of requests, the running builds, the child processes of local workers,
//!   the instances of latent ones, the threads of [`errands`] (files that builds bring and fetch).
//! * Around the service, pure: [`attach`] (a worker's greeting), [`distributor`] (who builds what), [`canceller`] (what is
//!   pointless), [`build`] and [`steps`] (what a build does next), [`render`] (`%(...)s`), [`logs`] (output to lines).
//! * Never: loses a request (the rows are the truth), runs a program but a local worker, waits for a worker.

mod absence;
mod adopt;
mod antechamber;
mod asked;
pub mod asking;
pub mod attach;
pub mod build;
pub mod canceller;
mod children;
pub mod collapse;
pub mod command;
mod dispatch;
pub mod distributor;
pub mod errands;
pub mod files;
pub mod http;
mod junit;
pub mod latent;
pub mod limits;
pub mod local;
mod locals;
mod locking;
pub mod locks;
pub mod logs;
pub mod programs;
mod properties;
mod pulse;
mod quarantine;
pub mod render;
mod running;
pub mod service;
mod sessions;
pub mod step;
pub mod steps;
pub mod store;
mod transfers;
mod wishes;
mod workers;

#[cfg(test)]
mod tests;

pub use service::Botmaster;

use crate::db::{self, buildsets::Completed};
use crate::kernel::{Address, Door, Gone, Hint, Offer, Ranked, Reply};
use crate::model::{BuildId, BuildsetId, Event, RequestId, StepId, Wall};
use crate::pbmanager::{self, News, Protocol};
use crate::schedulers;
use serde::{Deserialize, Serialize};

/// What can be told to the service.
pub enum Msg {
    /// From a worker's connection.
    News(News),
    /// An errand of a build's is done.
    ErrandDone(errands::Done),
    /// From the driver of a latent worker.
    Instance(latent::Report),
    /// Builds that somebody waits for, or did, are done.
    ChildDone(Completed),
    /// Requests were added, or freed by another master: the rows tell which.
    RequestsMayWait,
    /// See [`Handle::stop_build`].
    StopBuild {
        /// Which.
        build: BuildId,
        /// Why, for people.
        reason: String,
        /// Who wants it.
        by: String,
        /// Whether it will be.
        reply: Reply<Result<(), Refused>>,
    },
    /// See [`Handle::cancel_request`].
    CancelRequest {
        /// Which.
        request: RequestId,
        /// Why, for people.
        reason: String,
        /// Who wants it.
        by: String,
        /// Whether it is, or will be.
        reply: Reply<Result<(), Refused>>,
    },
    /// See [`Handle::rebuild`].
    Rebuild {
        /// Which.
        build: BuildId,
        /// Who wants it.
        by: String,
        /// The buildset that was made.
        reply: Reply<Result<BuildsetId, Refused>>,
    },
    /// See [`Handle::drain`].
    Drain {
        /// Told, once, when nothing runs any more.
        idle: Hint<()>,
    },
    /// See [`Handle::snapshot`].
    Snapshot(Reply<Snapshot>),
    /// See [`Handle::steer_worker`].
    SteerWorker {
        /// Which.
        worker: String,
        /// What.
        wish: WorkerWish,
        /// Whether it is done, or will be.
        reply: Reply<Result<(), Refused>>,
    },
}

/// Why the service does not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// There is no such build.
    #[error("there is no build {0}")]
    NoSuchBuild(BuildId),
    /// The build does not run here (any more).
    #[error("build {0} is not running here")]
    NotRunning(BuildId),
    /// There is no such request.
    #[error("there is no request {0}")]
    NoSuchRequest(RequestId),
    /// The request is complete already.
    #[error("request {0} is complete already")]
    Complete(RequestId),
    /// Another master builds what the request asks for.
    #[error("request {0} is being built by another master")]
    ClaimedElsewhere(RequestId),
    /// The builder is not configured any more.
    #[error("builder {0:?} is not configured")]
    NoSuchBuilder(String),
    /// The worker is not configured.
    #[error("worker {0:?} is not configured")]
    NoSuchWorker(String),
    /// The worker is not connected.
    #[error("worker {0:?} is not connected")]
    NotConnected(String),
    /// The database is out of reach.
    #[error("{0}")]
    Outage(#[from] db::DbError),
}

/// What the service is doing, at one moment: what is not in the rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// The configured workers, and those that finish a build after they were removed, by name.
    pub workers: Vec<WorkerStatus>,
    /// The running builds, the oldest first.
    pub builds: Vec<RunningBuild>,
    /// How many requests wait, by builder; builders without any are left out.
    pub waiting: Vec<(String, usize)>,
    /// The lock that keeps a builder with a free worker from its next build, and the builds that hold it.
    pub lacking: Vec<Lacking>,
    /// Why requests at the front of their builders' queues may be taken by no worker that is free.
    pub unfit: Vec<(RequestId, String)>,
    /// Whether new builds are held back for a clean shutdown.
    pub draining: bool,
}

/// A lock that somebody waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lacking {
    /// The builder that waits.
    pub builder: String,
    /// The lock, for people.
    pub lock: String,
    /// The builds that hold it.
    pub holders: Vec<BuildId>,
}

impl Lacking {
    /// Who holds it, among these builds, for people.
    fn told(&self, builds: &[RunningBuild]) -> String {
        let holds = |build: &&RunningBuild| self.holders.contains(&build.build);
        let holders = builds.iter().filter(holds).map(|build| format!("{}/{}", build.builder, build.number));
        let holders: Vec<String> = holders.collect();
        match holders.as_slice() {
            [] => format!("it needs the lock {}, which is kept for those ahead", self.lock),
            holders => format!("it needs the lock {}, which {} has", self.lock, holders.join(", ")),
        }
    }
}

impl Snapshot {
    /// Why a request for this builder is not being built, for people.
    pub fn why_waiting(&self, builder: &str) -> String {
        let serves = |worker: &&WorkerStatus| worker.builders.iter().any(|served| served.builder == builder);
        let serving: Vec<&WorkerStatus> = self.workers.iter().filter(serves).collect();
        let here: Vec<_> = serving
            .iter()
            .filter(|worker| worker.state == WorkerState::Connected || worker.instance.is_some())
            .collect();
        let names = |workers: &[&WorkerStatus]| {
            workers.iter().map(|worker| worker.name.as_str()).collect::<Vec<_>>().join(", ")
        };
        let lacking = self.lacking.iter().find(|lacking| lacking.builder == builder);
        match () {
            () if self.draining => "the master starts no more builds: it is about to stop".to_owned(),
            () if serving.is_empty() => "the builder is not configured, or has no workers".to_owned(),
            () if here.is_empty() => format!("no worker of the builder is connected: {}", names(&serving)),
            () if here.iter().all(|worker| worker.pause.is_some()) => {
                "every connected worker is paused".to_owned()
            }
            () if here.iter().all(|worker| worker.pause.is_some() || worker.quarantined_until.is_some()) => {
                "every connected worker is paused, or in quarantine after an exception".to_owned()
            }
            () if lacking.is_some() => lacking.map(|lacking| lacking.told(&self.builds)).unwrap_or_default(),
            () => "every connected worker is busy, or other requests go first".to_owned(),
        }
    }
}

/// A worker at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkerStatus {
    /// Its name.
    pub name: String,
    /// What it is doing.
    pub state: WorkerState,
    /// How the instance of a latent worker stands; `None` if it is not latent.
    pub instance: Option<latent::Standing>,
    /// Why an operator holds new builds back, if one does; empty where no reason was given.
    pub pause: Option<String>,
    /// Until when it gets no builds, since some ended as exceptions (`N-WK-03`).
    pub quarantined_until: Option<Wall>,
    /// Since when it is missing: away for longer than it may be.
    pub missing_since: Option<Wall>,
    /// How often it connected within the last hour (`SL-14`).
    pub connects: usize,
    /// Whether it leaves as soon as its builds are done.
    pub graceful: bool,
    /// How many builds it runs.
    pub running: usize,
    /// How many it may run at a time; `None` for any number.
    pub max_builds: Option<u32>,
    /// The configured builders that it serves, and how it stands with each.
    pub builders: Vec<Slot>,
    /// What stands in its way, if something does: a secret that is missing, a process that dies.
    pub trouble: Option<String>,
    /// What it speaks, if it is connected (`N-PT-01`).
    pub protocol: Option<Protocol>,
    /// When it was last heard of, if it is connected.
    pub heard_at: Option<Wall>,
}

/// A worker's place for builds of one builder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slot {
    /// The builder.
    pub builder: String,
    /// How it stands.
    pub state: SlotState,
}

/// How a worker stands with one of its builders (`SL-20`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SlotState {
    /// The worker is not connected.
    Away,
    /// The worker is being greeted, or has not taken the builder yet.
    Attaching,
    /// It can take a build.
    Idle,
    /// It was told of a build, and has not answered yet.
    Pinging,
    /// It builds.
    Building,
}

/// What an operator wishes of a worker (`N-WK-02`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WorkerWish {
    /// Give it no new builds; why, for people, or empty. Kept over a restart. It ends a quarantine.
    Pause(String),
    /// Give it builds again. It ends a quarantine too.
    Unpause,
    /// Let it end what it builds, then shut it down (`SL-13`).
    Leave,
    /// Shut it down now; what it builds is built again.
    Kill,
}

/// How far a worker has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WorkerState {
    /// It is not connected.
    Away,
    /// It is being greeted.
    Attaching,
    /// It can build.
    Connected,
}

/// A running build.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunningBuild {
    /// Its id.
    pub build: BuildId,
    /// Its number within its builder.
    pub number: i64,
    /// Its builder.
    pub builder: String,
    /// Its worker.
    pub worker: String,
    /// The request that it answers.
    pub request: RequestId,
    /// That request's buildset.
    pub buildset: BuildsetId,
    /// The buildsets that it triggered and waits for.
    pub awaits: Vec<BuildsetId>,
    /// The current step's id and name; `None` before the first.
    pub step: Option<(StepId, String)>,
    /// How many of its steps are done, and how many there are.
    pub progress: (usize, usize),
    /// Whether somebody has asked to stop it.
    pub stopping: bool,
}

/// The way to the service from above.
pub struct Handle<Me>(Address<Me, Botmaster>);

impl<Me> Clone for Handle<Me> {
    fn clone(&self) -> Self {
        Handle(self.0.clone())
    }
}

impl<Me: Ranked> Handle<Me> {
    /// From the service's address.
    pub fn new(address: Address<Me, Botmaster>) -> Handle<Me> {
        Handle(address)
    }

    /// Stops a running build: its step is interrupted, the rest is left out but for steps that always run, and
    /// it ends as cancelled. `Ok(Ok(()))` means that it will; the end comes as an [`Event`].
    ///
    /// # Errors
    /// The build does not run here.
    pub fn stop_build(&self, build: BuildId, reason: &str, by: &str) -> Result<Result<(), Refused>, Gone> {
        let (reason, by) = (reason.to_owned(), by.to_owned());
        self.0.call(|reply| Msg::StopBuild { build, reason, by, reply })
    }

    /// Cancels a request: one that waits is complete as cancelled, committed, when this returns; of one that
    /// is being built, the build is stopped (`N-BQ-06`).
    ///
    /// # Errors
    /// There is no such request, it is complete, or the database is out of reach.
    pub fn cancel_request(
        &self,
        request: RequestId,
        reason: &str,
        by: &str,
    ) -> Result<Result<(), Refused>, Gone> {
        let (reason, by) = (reason.to_owned(), by.to_owned());
        self.0.call(|reply| Msg::CancelRequest { request, reason, by, reply })
    }

    /// Asks for a build of the same source stamps, at the revisions that this build got, with the same
    /// properties but those set at run time (`BD-19`). Committed when this returns.
    ///
    /// # Errors
    /// There is no such build or builder, or the database is out of reach.
    pub fn rebuild(&self, build: BuildId, by: &str) -> Result<Result<BuildsetId, Refused>, Gone> {
        let by = by.to_owned();
        self.0.call(|reply| Msg::Rebuild { build, by, reply })
    }

    /// From now on nothing new is started; `idle` is told when nothing runs any more, perhaps at once. For a
    /// clean shutdown.
    pub fn drain(&self, idle: Hint<()>) -> Result<(), Gone> {
        self.0.push(Msg::Drain { idle })
    }

    /// What the service is doing now.
    pub fn snapshot(&self) -> Result<Snapshot, Gone> {
        self.0.call(Msg::Snapshot)
    }

    /// Does what an operator wishes of a worker. A pause, and its end, are committed when this returns.
    ///
    /// # Errors
    /// There is no such worker, it is not connected and so can be sent nowhere, or the database is out of reach.
    pub fn steer_worker(&self, worker: &str, wish: WorkerWish) -> Result<Result<(), Refused>, Gone> {
        let worker = worker.to_owned();
        self.0.call(|reply| Msg::SteerWorker { worker, wish, reply })
    }
}

/// What the tree gives the service.
pub struct Wiring {
    /// This master's name: its row, with its claims, belongs to it.
    pub name: String,
    /// The way to the database.
    pub db: db::Handle<Botmaster>,
    /// The way to the workers.
    pub pb: pbmanager::Handle<Botmaster>,
    /// The service's own ear for its workers: [`ear`].
    pub ear: Offer<News>,
    /// Whoever wants to know what happens.
    pub events: Hint<Event>,
    /// How the processes of local workers are started.
    pub launcher: Box<dyn local::Launcher>,
    /// Who does what may take long.
    pub runner: Box<dyn errands::Runner>,
    /// The service's own address for those who do it: the door's.
    pub home: Address<errands::Errand, Botmaster>,
    /// How the instances of latent workers are started.
    pub drivers: Box<dyn latent::Drivers>,
    /// The service's own ear for their drivers: [`reports`].
    pub reports: Offer<latent::Report>,
    /// Who is asked for the builds that builds trigger, by an errand.
    pub schedulers: schedulers::Handle<errands::Errand>,
    /// The service's own ear for their ends: [`child_done`].
    pub child_done: Offer<Completed>,
}

/// The ear that pbmanager speaks into.
pub fn ear(door: &Door<Botmaster>) -> Offer<News> {
    door.offer(Msg::News, |msg| match msg {
        Msg::News(news) => Some(news),
        _ => None,
    })
}

/// The ear that the drivers of latent workers speak into.
pub fn reports(door: &Door<Botmaster>) -> Offer<latent::Report> {
    door.offer(Msg::Instance, |msg| match msg {
        Msg::Instance(report) => Some(report),
        _ => None,
    })
}

/// The ear for the ends of builds that others wait for.
pub fn child_done(door: &Door<Botmaster>) -> Offer<Completed> {
    door.offer(Msg::ChildDone, |msg| match msg {
        Msg::ChildDone(done) => Some(done),
        _ => None,
    })
}

/// The hint for whoever adds requests.
pub fn requests_may_wait(door: &Door<Botmaster>) -> Hint<()> {
    door.hint(|()| Msg::RequestsMayWait)
}
