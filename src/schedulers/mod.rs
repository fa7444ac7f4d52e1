//! Schedulers: state machines that turn changes, and people's wishes, into buildsets.
//!
//! * Does: classifies each change once for each scheduler, waits for trees to be stable, makes buildsets.
//! * Thread `schedulers`, rank 50. Calls db; is told of changes; tells botmaster that requests may wait and status
//!   what was made, after the commit.
//! * Owns: the schedulers' timers. What they must not forget are rows: the cursor, the verdicts, the waiting changes.
//! * Around the service, pure: [`change_driven`] (lanes and timers), [`importance`], [`fields`] and [`force`] (a form to a buildset),
//!   [`dependent`] (one buildset after another), [`sources`] (what to build to the buildset), [`try_job`] (a developer's patch to a buildset), [`job_file`].
//! * Never: classifies from a message (it reads the rows after its cursor), or gives a change to a scheduler twice.

pub mod change_driven;
mod classify;
pub mod dependent;
mod enabling;
pub mod fields;
pub mod force;
pub mod form;
pub mod job_file;
mod jobdir;
pub mod importance;
pub mod limits;
pub mod service;
pub mod try_job;
pub mod timed;
pub mod trigger;
mod trying;
pub mod sources;
mod waiters;
pub mod wish;

pub use crate::db::buildsets::{Added, Completed};
pub use enabling::EnableError;
pub use force::{ForceError, ForceRefused, ForceRequest};
pub use service::{Parts, Schedulers};
pub use trigger::{Trigger, TriggerError};
pub use try_job::{TryError, TryJob};
pub use waiters::Waiter;
pub use wish::{RequestError, Wish};

use crate::config::Scheduler;
use crate::kernel::{Address, Gone, Ranked, Reply};
use crate::model::{BuildsetId, ChangeId, Wall};

/// Why a scheduler that is disabled does nothing.
const DISABLED: &str = "the scheduler is disabled";

/// What can be told to the service.
#[derive(Debug)]
pub enum Msg {
    /// This change, and all before it, are committed.
    ChangeAdded(ChangeId),
    /// See [`Handle::force`].
    Force {
        /// What is wanted.
        request: Box<ForceRequest>,
        /// What was made, once it is committed.
        reply: Reply<Result<Added, ForceError>>,
    },
    /// See [`Handle::request`].
    Request {
        /// What is wanted.
        wish: Box<Wish>,
        /// What was made, once it is committed.
        reply: Reply<Result<Added, RequestError>>,
    },
    /// See [`Handle::try_job`].
    Try {
        /// The try scheduler.
        scheduler: String,
        /// What is wanted.
        job: Box<TryJob>,
        /// What was made, once it is committed.
        reply: Reply<Result<Added, TryError>>,
    },
    /// See [`Handle::trigger`].
    Trigger {
        /// What is wanted.
        triggers: Vec<Trigger>,
        /// What was made, once it is committed.
        reply: Reply<Result<Vec<Added>, TriggerError>>,
    },
    /// See [`Handle::wait`].
    Wait {
        /// For which.
        buildsets: Vec<BuildsetId>,
        /// Whom to tell.
        waiter: Waiter,
    },
    /// See [`Handle::enable`].
    Enable {
        /// The scheduler.
        scheduler: String,
        /// Whether it is to make buildsets.
        enabled: bool,
        /// Answered once it is committed.
        reply: Reply<Result<(), EnableError>>,
    },
    /// This master has completed a buildset.
    BuildsetComplete(BuildsetId),
    /// See [`Handle::snapshot`].
    Snapshot(Reply<Vec<SchedulerStatus>>),
}

/// How a scheduler is.
#[derive(Clone, Debug, PartialEq)]
pub struct SchedulerStatus {
    /// As configured: name, type, builders; for a force scheduler, the form.
    pub scheduler: Scheduler,
    /// Whether it may make buildsets (`N-SC-15`).
    pub enabled: bool,
    /// How many changes wait in it for a build.
    pub pending: usize,
    /// How many buildsets of its upstream it waits for.
    pub awaits: usize,
    /// When it will build next if nothing else happens.
    pub builds_at: Option<Wall>,
    /// What is wrong with it, for people; `None` if all is well.
    pub trouble: Option<String>,
}

/// `Me`'s way to the service.
pub struct Handle<Me>(Address<Me, Schedulers>);

impl<Me> Clone for Handle<Me> {
    fn clone(&self) -> Self {
        Handle(self.0.clone())
    }
}

impl<Me: Ranked> Handle<Me> {
    /// From the service's address.
    pub fn new(address: Address<Me, Schedulers>) -> Handle<Me> {
        Handle(address)
    }

    /// Starts builds by a force scheduler; when this returns, the buildset and its requests are committed.
    ///
    /// # Errors
    /// A refusal names each field that is wrong; else the database is out of reach, and nothing was made.
    pub fn force(&self, request: ForceRequest) -> Result<Added, ForceError> {
        let request = Box::new(request);
        let forced = self.0.call(|reply| Msg::Force { request, reply });
        forced.map_err(|gone| ForceError::Outage(gone.to_string()))?
    }

    /// Asks for a build past all schedulers; when this returns, the buildset and its request are committed.
    ///
    /// # Errors
    /// No builder is called so, or the database is out of reach.
    pub fn request(&self, wish: Wish) -> Result<Added, RequestError> {
        let wish = Box::new(wish);
        let made = self.0.call(|reply| Msg::Request { wish, reply });
        made.map_err(|gone| RequestError::Outage(gone.to_string()))?
    }

    /// Takes a developer's job for a try scheduler; when this returns, the buildset and its requests are committed.
    ///
    /// # Errors
    /// See [`TryError`]: nothing was made.
    pub fn try_job(&self, scheduler: &str, job: TryJob) -> Result<Added, TryError> {
        let (scheduler, job) = (scheduler.to_owned(), Box::new(job));
        let tried = self.0.call(|reply| Msg::Try { scheduler, job, reply });
        tried.map_err(|gone| TryError::Outage(gone.to_string()))?
    }

    /// Starts builds by triggerable schedulers, all of them or none; when this returns, the buildsets and their requests
    /// are committed, in the order of the triggers.
    ///
    /// # Errors
    /// See [`TriggerError`]: nothing was made.
    pub fn trigger(&self, triggers: Vec<Trigger>) -> Result<Vec<Added>, TriggerError> {
        let made = self.0.call(|reply| Msg::Trigger { triggers, reply });
        made.map_err(|gone| TriggerError::Outage(gone.to_string()))?
    }

    /// Lets a scheduler make buildsets, or none, until it is told otherwise, whatever restarts (`N-SC-15`). One that
    /// is disabled leaves the changes that come; what waits in it goes on waiting.
    ///
    /// # Errors
    /// No scheduler is called so, or the database is out of reach.
    pub fn enable(&self, scheduler: &str, enabled: bool) -> Result<(), EnableError> {
        let scheduler = scheduler.to_owned();
        let done = self.0.call(|reply| Msg::Enable { scheduler, enabled, reply });
        done.map_err(|gone| EnableError::Outage(gone.to_string()))?
    }

    /// Has `waiter` told, once for each of these buildsets, when it is complete, or that it was already. As long as
    /// this process lives.
    ///
    /// # Errors
    /// The service has ended.
    pub fn wait(&self, buildsets: Vec<BuildsetId>, waiter: Waiter) -> Result<(), Gone> {
        self.0.push(Msg::Wait { buildsets, waiter })
    }

    /// How each scheduler is, in the order of the configuration.
    ///
    /// # Errors
    /// The service has ended.
    pub fn snapshot(&self) -> Result<Vec<SchedulerStatus>, Gone> {
        self.0.call(Msg::Snapshot)
    }
}

#[cfg(test)]
mod tests;
