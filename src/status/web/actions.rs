//! What people can do on a page or by the API, as the rooms below carry it out.

use crate::botmaster::{Snapshot, WorkerWish};
use crate::model::{BuildId, BuildsetId, RequestId};
use crate::schedulers::{ForceRequest, SchedulerStatus};
use std::collections::BTreeMap;

/// Why something is not done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// There is no such scheduler, build, request or worker.
    Unknown(String),
    /// It came too late, or does not go: said for people.
    NotPossible(String),
    /// Fields of a form are wrong: what is wrong with each, by name.
    Fields(BTreeMap<String, String>),
    /// The world is wrong; later it may go.
    Outage(String),
}

/// The rooms below, as far as people act on them. What is answered with `Ok` is committed, or will be done.
pub trait Actions: Send + Sync + 'static {
    /// Asks a force scheduler for builds; the answer is the buildset.
    ///
    /// # Errors
    /// See [`Refused`].
    fn force(&self, request: ForceRequest) -> Result<BuildsetId, Refused>;

    /// Stops a running build.
    ///
    /// # Errors
    /// See [`Refused`].
    fn stop(&self, build: BuildId, owner: &str, reason: &str) -> Result<(), Refused>;

    /// Asks for the same build again.
    ///
    /// # Errors
    /// See [`Refused`].
    fn rebuild(&self, build: BuildId, owner: &str) -> Result<BuildsetId, Refused>;

    /// Cancels a request that waits, or stops the build of one that does not.
    ///
    /// # Errors
    /// See [`Refused`].
    fn cancel(&self, request: RequestId, owner: &str, reason: &str) -> Result<(), Refused>;

    /// Pauses a worker or lets it build again, lets it leave, or ends it.
    ///
    /// # Errors
    /// See [`Refused`].
    fn steer_worker(&self, worker: &str, wish: WorkerWish) -> Result<(), Refused>;

    /// Enables or disables a scheduler.
    ///
    /// # Errors
    /// See [`Refused`].
    fn enable_scheduler(&self, scheduler: &str, enabled: bool) -> Result<(), Refused>;

    /// What the botmaster is doing now, which is not in the rows.
    ///
    /// # Errors
    /// See [`Refused`].
    fn snapshot(&self) -> Result<Snapshot, Refused>;

    /// How each scheduler is.
    ///
    /// # Errors
    /// See [`Refused`].
    fn schedulers(&self) -> Result<Vec<SchedulerStatus>, Refused>;
}
