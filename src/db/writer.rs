//! Group commit: jobs in, one transaction for many of them, answers after the commit. Pure but for the connection:
//! time is an argument.
//!
//! An outage keeps the jobs, in order, and tries the same ones again; so a job may run more than once, of which
//! one run counts. No answer is given before the commit. A caller that waits is told of the outage after
//! [`CALLER_PATIENCE`], and its job is dropped; what nobody waits for is kept until it is committed.

use super::backlog::Permit;
use super::config::Settings;
use super::engine::{Access, Connection, DbError, Transaction};
use super::limits::{BYTES_PER_COMMIT, CALLER_PATIENCE, FIRST_PAUSE, JOBS_PER_COMMIT, LONGEST_PAUSE};
use super::migrate::migrate;
use crate::model::Mono;
use std::collections::VecDeque;
use std::time::Duration;

/// A piece of work for the writer.
pub trait Job: Send {
    /// Work that needs no transaction, done once.
    ///
    /// # Errors
    /// The job is not run then; its end is this.
    fn prepare(&mut self, tools: &mut Tools) -> Result<(), DbError> {
        let _ = tools;
        Ok(())
    }

    /// The work; may run several times, of which the last one counts.
    ///
    /// # Errors
    /// See [`DbError`]: an outage is tried again, anything else undoes this job alone.
    fn run(&mut self, tx: &mut Transaction<'_>) -> Result<(), DbError>;

    /// The end: it is committed, or it will not be.
    fn done(self: Box<Self>, outcome: Result<(), DbError>);

    /// Whether a caller waits for the end, and so is told of an error.
    fn has_caller(&self) -> bool;
}

/// What jobs prepare with: made once, used by all.
pub struct Tools {
    compressor: zstd::bulk::Compressor<'static>,
    /// Room for the largest frame so far.
    frame: Vec<u8>,
}

/// Measured on compiler output in chunks of 64 KiB: level 1 takes 735 MB/s to a 7.4th, level 3 659 MB/s to a 7.2nd.
const COMPRESSION_LEVEL: i32 = 1;

impl Tools {
    fn new() -> Result<Tools, DbError> {
        let compressor = zstd::bulk::Compressor::new(COMPRESSION_LEVEL).map_err(compression_failed)?;
        Ok(Tools { compressor, frame: Vec::new() })
    }

    /// Compresses into one zstd frame, which takes no more memory than its length.
    ///
    /// # Errors
    /// A bug: there is no text that zstd refuses.
    pub fn pack(&mut self, text: &[u8]) -> Result<Vec<u8>, DbError> {
        self.frame.clear();
        self.frame.reserve(zstd::compress_bound(text.len()));
        self.compressor.compress_to_buffer(text, &mut self.frame).map_err(compression_failed)?;
        Ok(self.frame.clone())
    }
}

fn compression_failed(error: std::io::Error) -> DbError {
    DbError::Bug(format!("compression: {error}"))
}

/// A job that waits for its commit.
struct Waiting {
    job: Box<dyn Job>,
    /// Held until the end.
    permit: Permit,
    since: Mono,
}

/// The world was wrong at the last try.
struct Outage {
    since: Mono,
    pause: Duration,
    retry_at: Mono,
}

/// The queue of jobs and the connection that commits them.
pub struct Committer {
    settings: Settings,
    log: slog::Logger,
    tools: Option<Tools>,
    connection: Option<Connection>,
    queue: VecDeque<Waiting>,
    outage: Option<Outage>,
    /// The ends of the first jobs of the queue, whose commit was cut short: it may have happened.
    doubtful: Vec<Result<(), DbError>>,
}

impl Committer {
    /// An empty queue; connects when there is something to write.
    pub fn new(settings: Settings, log: slog::Logger) -> Committer {
        Committer {
            settings,
            log,
            tools: None,
            connection: None,
            queue: VecDeque::new(),
            outage: None,
            doubtful: Vec::new(),
        }
    }

    /// The settings.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Connects and brings the schema up to date, if that is not done yet.
    ///
    /// # Errors
    /// See [`DbError`].
    pub fn connect(&mut self) -> Result<(), DbError> {
        if self.connection.is_none() {
            let mut connection = Connection::open(&self.settings, Access::Write)?;
            migrate(&mut connection)?;
            self.connection = Some(connection);
        }
        Ok(())
    }

    /// Takes a job.
    pub fn take(&mut self, mut job: Box<dyn Job>, permit: Permit, now: Mono) {
        let tools = match &mut self.tools {
            Some(tools) => Ok(tools),
            None => Tools::new().map(|tools| self.tools.insert(tools)),
        };
        match tools.and_then(|tools| job.prepare(tools)) {
            Ok(()) => self.queue.push_back(Waiting { job, permit, since: now }),
            Err(error) => end(&self.log, job, Err(error)),
        }
    }

    /// Commits all that waits, unless there is an outage and its pause is not over.
    pub fn flush(&mut self, now: Mono) {
        if self.outage.as_ref().is_some_and(|outage| now < outage.retry_at) {
            return self.dismiss(now);
        }
        while !self.queue.is_empty() {
            match self.commit_some() {
                Ok(ends) => {
                    self.recovered(now);
                    let jobs: Vec<Waiting> = self.queue.drain(..ends.len()).collect();
                    for (waiting, outcome) in jobs.into_iter().zip(ends) {
                        // First, so that who hears of the end finds the room.
                        drop(waiting.permit);
                        end(&self.log, waiting.job, outcome);
                    }
                }
                Err(error) => {
                    self.failed(&error, now);
                    return self.dismiss(now);
                }
            }
        }
    }

    /// When [`Committer::flush`] has something to do that no new job brings about.
    pub fn next_wake(&self) -> Option<Mono> {
        let outage = self.outage.as_ref()?;
        let callers = self.queue.iter().filter(|waiting| waiting.job.has_caller());
        let impatient = callers.map(|waiting| waiting.since + CALLER_PATIENCE).min();
        let dismissal = impatient.filter(|_| self.doubtful.is_empty());
        Some(dismissal.map_or(outage.retry_at, |at| at.min(outage.retry_at)))
    }

    /// One transaction with the first jobs of the queue; returns the end of each.
    fn commit_some(&mut self) -> Result<Vec<Result<(), DbError>>, DbError> {
        self.connect()?;
        let Some(connection) = &mut self.connection else { return Ok(Vec::new()) };
        if self.outage.is_some() {
            let did_commit = connection.mend()?;
            let doubtful = std::mem::take(&mut self.doubtful);
            if did_commit {
                return Ok(doubtful);
            }
        }
        let mut tx = connection.begin()?;
        let (mut ends, mut bytes) = (Vec::new(), 0);
        for waiting in self.queue.iter_mut().take(JOBS_PER_COMMIT) {
            bytes += waiting.permit.bytes();
            if bytes > BYTES_PER_COMMIT && !ends.is_empty() {
                break;
            }
            tx.begin_job()?;
            match waiting.job.run(&mut tx) {
                Ok(()) => {
                    tx.keep_job()?;
                    ends.push(Ok(()));
                }
                Err(error) if error.is_outage() => return Err(error),
                Err(error) => {
                    tx.undo_job()?;
                    ends.push(Err(error));
                }
            }
        }
        match tx.commit() {
            Ok(()) => Ok(ends),
            Err(error) => {
                self.doubtful = ends;
                Err(error)
            }
        }
    }

    fn failed(&mut self, error: &DbError, now: Mono) {
        let (since, pause) = match &self.outage {
            Some(outage) => (outage.since, (outage.pause * 2).min(LONGEST_PAUSE)),
            None => {
                slog::warn!(self.log, "the database is out of reach, writes wait"; "error" => %error);
                (now, FIRST_PAUSE)
            }
        };
        self.outage = Some(Outage { since, pause, retry_at: now + pause });
    }

    fn recovered(&mut self, now: Mono) {
        if let Some(outage) = self.outage.take() {
            let lasted_ms = u64::try_from(now.since(outage.since).as_millis()).unwrap_or(u64::MAX);
            slog::info!(self.log, "the database is in reach again"; "lasted_ms" => lasted_ms);
        }
    }

    /// Tells the callers who have waited long enough. Not while a commit is in doubt: what they would be told
    /// might be untrue.
    fn dismiss(&mut self, now: Mono) {
        if !self.doubtful.is_empty() {
            return;
        }
        let too_long =
            |waiting: &Waiting| waiting.job.has_caller() && now.since(waiting.since) >= CALLER_PATIENCE;
        let (dismissed, kept) = self.queue.drain(..).partition::<VecDeque<_>, _>(too_long);
        self.queue = kept;
        for waiting in dismissed {
            let error = DbError::Outage("it did not come back in time; nothing was written".into());
            end(&self.log, waiting.job, Err(error));
        }
    }

    /// How many jobs wait for their commit.
    pub fn waiting(&self) -> usize {
        self.queue.len()
    }
}

fn end(log: &slog::Logger, job: Box<dyn Job>, outcome: Result<(), DbError>) {
    if let Err(error) = &outcome
        && !job.has_caller()
    {
        slog::error!(log, "a write that nobody waits for failed"; "error" => %error);
    }
    job.done(outcome);
}
