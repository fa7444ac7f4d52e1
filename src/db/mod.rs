//! All SQL, behind handles with verbs; one writer, several readers, two engines.
//!
//! * Does: stores and finds changes, buildsets, requests, builds, steps, logs, workers, users and kept state.
//! * Threads `db-writer` (one, it alone writes, in group commits) and `db-read` (several), rank 20; `db-keeper`, which
//!   packs finished logs through them, rank 22.
//! * Calls nobody, tells nobody: who has written something tells others of it, after the commit.
//! * Owns: connections, migrations, every statement. SQLite and PostgreSQL give the same answers.
//! * Never: answers before the commit, loses a write to an outage, decides anything about builds.

mod backlog;
pub mod builds;
pub mod buildsets;
pub mod changes;
pub mod config;
pub mod engine;
pub mod expectations;
pub mod ids;
mod jobs;
pub mod keeper;
pub mod limits;
pub mod listing;
pub mod logs;
pub mod masters;
pub mod migrate;
pub mod names;
pub mod packing;
pub mod requests;
pub mod schedulers;
pub mod service;
pub mod sourcestamps;
pub mod state;
pub mod steps;
pub mod users;
pub mod waiting;
pub mod workers;
pub mod writer;

pub use backlog::{Backlog, Permit};
pub use config::Settings;
pub use engine::{Connection, DbError, Transaction};
pub use ids::IdKind;
pub use keeper::Keeper;
pub use masters::Claimant;
pub use service::{Reader, Writer};

use crate::kernel::{Address, Door, Gone, Ranked};
use jobs::{Ask, Later};
use service::{ReaderMsg, WriterMsg};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use writer::Job;

/// The database's services as the tree sees them: their doors, from which it makes handles.
#[derive(Clone)]
pub struct Database {
    writer: Door<Writer>,
    readers: Vec<Door<Reader>>,
    backlog: Backlog,
    turns: Arc<AtomicUsize>,
}

impl Database {
    /// The database behind these doors. Without a reader, the writer answers queries too.
    pub fn new(writer: Door<Writer>, readers: Vec<Door<Reader>>) -> Database {
        Database { writer, readers, backlog: Backlog::default(), turns: Arc::default() }
    }

    /// A handle for `Me`.
    pub fn handle<Me: Ranked>(&self) -> Handle<Me> {
        Handle {
            writer: self.writer.address(),
            readers: self.readers.iter().map(Door::address).collect(),
            backlog: self.backlog.clone(),
            turns: self.turns.clone(),
        }
    }
}

/// `Me`'s way to the database.
pub struct Handle<Me> {
    writer: Address<Me, Writer>,
    readers: Vec<Address<Me, Reader>>,
    backlog: Backlog,
    /// Which reader is asked next.
    turns: Arc<AtomicUsize>,
}

impl<Me> Clone for Handle<Me> {
    fn clone(&self) -> Self {
        Handle {
            writer: self.writer.clone(),
            readers: self.readers.clone(),
            backlog: self.backlog.clone(),
            turns: self.turns.clone(),
        }
    }
}

impl<Me: Ranked> Handle<Me> {
    /// Runs `work` in a transaction, and waits for its commit. It may run more than once, of which one run counts.
    ///
    /// # Errors
    /// See [`DbError`]; nothing is written then.
    pub fn write<R, F>(&self, work: F) -> Result<R, DbError>
    where
        R: Send + 'static,
        F: FnMut(&mut Transaction<'_>) -> Result<R, DbError> + Send + 'static,
    {
        let permit = self.backlog.enter(0);
        self.writer.call(|reply| WriterMsg::Job(Box::new(Ask::new(work, reply)), permit)).map_err(gone)?
    }

    /// Runs `work` in a transaction, after all that was sent before it, and does not wait. `bytes` is about its
    /// size. Where too much waits already, this waits until that is committed.
    pub fn write_later<F>(&self, bytes: usize, work: F)
    where
        F: FnMut(&mut Transaction<'_>) -> Result<(), DbError> + Send + 'static,
    {
        self.write_later_then(bytes, work, |()| ());
    }

    /// As [`Handle::write_later`]; `then` runs on the writer's thread once the work is committed, with what the
    /// work returned. It must not wait.
    pub fn write_later_then<R, F, T>(&self, bytes: usize, work: F, then: T)
    where
        R: Send + 'static,
        F: FnMut(&mut Transaction<'_>) -> Result<R, DbError> + Send + 'static,
        T: FnOnce(R) + Send + 'static,
    {
        self.submit(bytes, Box::new(Later::new(work, then)));
    }

    /// Sends a job; see [`Handle::write_later`].
    fn submit(&self, bytes: usize, job: Box<dyn Job>) {
        if self.backlog.is_full() {
            // The answer tells only that the wait is over: an outage keeps what waits, and slows the caller down.
            let _ = self.write(|_| Ok(()));
        }
        // Gone is a writer whose tree stops: the rows end where a crash would have ended them.
        let _ = self.writer.push(WriterMsg::Job(job, self.backlog.enter(bytes)));
    }

    /// Runs `work` on a connection that only reads. It may run twice, of which one run counts.
    ///
    /// # Errors
    /// See [`DbError`].
    pub fn read<R, F>(&self, mut work: F) -> Result<R, DbError>
    where
        R: Send + 'static,
        F: FnMut(&mut Connection) -> Result<R, DbError> + Send + 'static,
    {
        let turn = self.turns.fetch_add(1, Ordering::Relaxed);
        match self.readers.get(turn % self.readers.len().max(1)) {
            Some(reader) => {
                reader.call(|reply| ReaderMsg::Query(Box::new(Ask::new(work, reply)))).map_err(gone)?
            }
            None => self.write(move |tx| work(tx)),
        }
    }

    /// How much waits for its commit.
    pub fn backlog(&self) -> &Backlog {
        &self.backlog
    }

    /// The verbs about ids.
    pub fn ids(&self) -> ids::Ids<'_, Me> {
        ids::Ids(self)
    }

    /// The verbs about masters.
    pub fn masters(&self) -> masters::Masters<'_, Me> {
        masters::Masters(self)
    }

    /// The verbs about the ids of what is known by name.
    pub fn names(&self) -> names::Names<'_, Me> {
        names::Names(self)
    }

    /// The verbs about changes.
    pub fn changes(&self) -> changes::Changes<'_, Me> {
        changes::Changes(self)
    }

    /// The verbs about buildsets.
    pub fn buildsets(&self) -> buildsets::Buildsets<'_, Me> {
        buildsets::Buildsets(self)
    }

    /// The verbs about build requests.
    pub fn requests(&self) -> requests::Requests<'_, Me> {
        requests::Requests(self)
    }

    /// The verbs about builds.
    pub fn builds(&self) -> builds::Builds<'_, Me> {
        builds::Builds(self)
    }

    /// The verbs about how long things take.
    pub fn expectations(&self) -> expectations::Expectations<'_, Me> {
        expectations::Expectations(self)
    }

    /// The verbs about steps.
    pub fn steps(&self) -> steps::Steps<'_, Me> {
        steps::Steps(self)
    }

    /// The verbs about logs.
    pub fn logs(&self) -> logs::Logs<'_, Me> {
        logs::Logs(self)
    }

    /// The verbs about workers.
    pub fn workers(&self) -> workers::Workers<'_, Me> {
        workers::Workers(self)
    }

    /// The verbs about schedulers.
    pub fn schedulers(&self) -> schedulers::Schedulers<'_, Me> {
        schedulers::Schedulers(self)
    }

    /// The verbs about users.
    pub fn users(&self) -> users::Users<'_, Me> {
        users::Users(self)
    }

    /// The verbs about kept state.
    pub fn state(&self) -> state::State<'_, Me> {
        state::State(self)
    }
}

fn gone(error: Gone) -> DbError {
    DbError::Outage(error.to_string())
}
