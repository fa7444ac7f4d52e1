//! The two services of this room.

use super::backlog::Permit;
use super::config::Settings;
use super::engine::{Access, Connection, DbError};
use super::writer::{Committer, Job};
use crate::config::Config;
use crate::kernel::{Ranked, Refusal, Service, Turn, rank};
use crate::model::Mono;
use std::sync::Arc;

/// The writer: the only one who changes the database.
pub struct Writer {
    committer: Committer,
}

impl Writer {
    /// A writer that connects at its first `prepare`, or at its first job.
    pub fn new(settings: Settings, log: slog::Logger) -> Writer {
        Writer { committer: Committer::new(settings, log) }
    }
}

/// What the writer can be told.
pub enum WriterMsg {
    /// Do this, and count it as waiting until it is committed.
    Job(Box<dyn Job>, Permit),
}

impl Ranked for Writer {
    const RANK: u8 = rank::DB;
    const NAME: &'static str = "db-writer";
}

impl Service for Writer {
    type Msg = WriterMsg;

    fn prepare(&mut self, wanted: &Arc<Config>, _: &mut Turn) -> Result<(), Vec<Refusal>> {
        let refuse = |what: String| vec![Refusal { service: Self::NAME, what }];
        if wanted.database.url != self.committer.settings().url {
            return Err(refuse("the database cannot change while the master runs: restart it".into()));
        }
        self.committer.connect().map_err(|error| refuse(error.to_string()))
    }

    fn apply(&mut self, _: &Arc<Config>, _: &mut Turn) {}

    fn handle(&mut self, msg: WriterMsg, turn: &mut Turn) {
        let WriterMsg::Job(job, permit) = msg;
        self.committer.take(job, permit, turn.now());
    }

    fn next_wake(&self) -> Option<Mono> {
        self.committer.next_wake()
    }

    fn settle(&mut self, turn: &mut Turn) {
        self.committer.flush(turn.now());
    }

    fn stop(&mut self, turn: &mut Turn) {
        self.committer.flush(turn.now());
        if self.committer.waiting() > 0 {
            slog::error!(turn.log(), "stopped during an outage, writes are lost";
                "writes" => self.committer.waiting());
        }
    }
}

/// One reader of several; each has a connection of its own, and no lock of the writer's holds it up.
pub struct Reader {
    settings: Settings,
    connection: Option<Connection>,
}

impl Reader {
    /// A reader that connects at its first query.
    pub fn new(settings: Settings) -> Reader {
        Reader { settings, connection: None }
    }

    fn connection(&mut self) -> Result<&mut Connection, DbError> {
        match &mut self.connection {
            Some(connection) => Ok(connection),
            none => Ok(none.insert(Connection::open(&self.settings, Access::Read)?)),
        }
    }
}

/// A query for a reader.
pub trait Query: Send {
    /// The work; may run twice, of which the last one counts.
    ///
    /// # Errors
    /// See [`DbError`].
    fn run(&mut self, connection: &mut Connection) -> Result<(), DbError>;

    /// Answers.
    fn done(self: Box<Self>, outcome: Result<(), DbError>);
}

/// What a reader can be told.
pub enum ReaderMsg {
    /// Answer this.
    Query(Box<dyn Query>),
}

impl Ranked for Reader {
    const RANK: u8 = rank::DB;
    const NAME: &'static str = "db-read";
}

impl Service for Reader {
    type Msg = ReaderMsg;

    fn apply(&mut self, _: &Arc<Config>, _: &mut Turn) {}

    fn handle(&mut self, msg: ReaderMsg, _: &mut Turn) {
        let ReaderMsg::Query(mut query) = msg;
        let mut outcome = self.connection().and_then(|connection| query.run(connection));
        if outcome.as_ref().is_err_and(DbError::is_outage) {
            // The connection may have been cut long ago, unnoticed: a new one may do.
            self.connection = None;
            outcome = self.connection().and_then(|connection| query.run(connection));
        }
        query.done(outcome);
    }
}
