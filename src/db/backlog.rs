//! How much waits for its commit: counted in jobs and in bytes, so that it stays bounded.

use super::limits::{UNFLUSHED_BYTES, UNFLUSHED_JOBS};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What waits for its commit, over all callers.
#[derive(Clone, Debug, Default)]
pub struct Backlog(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    jobs: AtomicUsize,
    bytes: AtomicUsize,
}

impl Backlog {
    /// Counts one job of about `bytes` bytes, for as long as the permit lives.
    pub fn enter(&self, bytes: usize) -> Permit {
        self.0.jobs.fetch_add(1, Ordering::AcqRel);
        self.0.bytes.fetch_add(bytes, Ordering::AcqRel);
        Permit { backlog: self.clone(), bytes }
    }

    /// Whether who adds more should wait first.
    pub fn is_full(&self) -> bool {
        self.bytes() >= UNFLUSHED_BYTES || self.jobs() >= UNFLUSHED_JOBS
    }

    /// How many bytes wait.
    pub fn bytes(&self) -> usize {
        self.0.bytes.load(Ordering::Acquire)
    }

    /// How many jobs wait.
    pub fn jobs(&self) -> usize {
        self.0.jobs.load(Ordering::Acquire)
    }
}

/// One job's part of the backlog, until it is dropped.
#[derive(Debug)]
pub struct Permit {
    backlog: Backlog,
    bytes: usize,
}

impl Permit {
    /// The job's size.
    pub fn bytes(&self) -> usize {
        self.bytes
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.backlog.0.jobs.fetch_sub(1, Ordering::AcqRel);
        self.backlog.0.bytes.fetch_sub(self.bytes, Ordering::AcqRel);
    }
}
