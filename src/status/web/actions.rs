//! What people can do on a page or by the API, as the rooms below carry it out.

use crate::model::{BuildId, BuildsetId, RequestId};
use serde_json::Value;
use std::collections::BTreeMap;

/// A force form, filled in.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ask {
    /// Who asks: "anonymous" where nobody logs in.
    pub owner: String,
    /// The builders to build on; none for all of the scheduler's.
    pub builders: Vec<String>,
    /// The fields by name: text, a number, a truth value, or a list of text.
    pub fields: BTreeMap<String, Value>,
}

/// Why something is not done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// There is no such scheduler, build or request.
    Unknown(String),
    /// It came too late, or does not go: said for people.
    NotPossible(String),
    /// Fields of a form are wrong: what is wrong with each, by name.
    Fields(BTreeMap<String, String>),
    /// The world is wrong; later it may go.
    Outage(String),
}

/// The rooms below, as far as people act on them. Everything that is answered with `Ok` is committed.
pub trait Actions: Send + Sync + 'static {
    /// Asks a force scheduler for builds.
    ///
    /// # Errors
    /// See [`Refused`].
    fn force(&self, scheduler: &str, ask: Ask) -> Result<Forced, Refused>;

    /// Stops a running build.
    ///
    /// # Errors
    /// See [`Refused`].
    fn stop(&self, build: BuildId, owner: &str, reason: &str) -> Result<(), Refused>;

    /// Asks for the same build again.
    ///
    /// # Errors
    /// See [`Refused`].
    fn rebuild(&self, build: BuildId, owner: &str) -> Result<Forced, Refused>;

    /// Cancels a request that waits, or stops the build of one that does not.
    ///
    /// # Errors
    /// See [`Refused`].
    fn cancel(&self, request: RequestId, owner: &str, reason: &str) -> Result<(), Refused>;

    /// Why requests wait, for people; a request that is not in the answer waits for its turn.
    fn why_waiting(&self, requests: &[RequestId]) -> BTreeMap<RequestId, String>;
}

/// What a force or a rebuild made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forced {
    /// The buildset.
    pub buildset: BuildsetId,
    /// Its requests, each with its builder's name.
    pub requests: Vec<(String, RequestId)>,
}
