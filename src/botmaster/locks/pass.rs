//! One walk over the queue of requests: each takes the locks of its build, or keeps its place for them.

use super::{Lock, Locks, Owner, Uses, Want};

/// The walk. Whoever can't have what it wants is remembered until the walk's end, so that nobody behind it in the
/// queue takes a part of that: the order of the queue is the order of the locks.
#[derive(Debug)]
pub struct Pass<'a> {
    locks: &'a mut Locks,
    uses: Uses,
}

impl<'a> Pass<'a> {
    pub(super) fn new(locks: &'a mut Locks, uses: Uses) -> Pass<'a> {
        Pass { locks, uses }
    }

    /// The first lock that keeps these from being had now.
    pub fn lacking(&self, wants: &[Want]) -> Option<Lock> {
        self.uses.lacking(wants).map(|want| want.lock.clone())
    }

    /// `owner` takes all of these, which nothing is [lacking](Pass::lacking) of.
    pub fn take(&mut self, owner: Owner, wants: Vec<Want>) {
        debug_assert!(self.lacking(&wants).is_none(), "{owner:?} takes what is not there: {wants:?}");
        self.uses.add(&wants);
        self.locks.held.insert(owner, wants);
    }

    /// Nobody behind takes these: somebody waits for them.
    pub fn keep(&mut self, wants: &[Want]) {
        self.uses.add(wants);
    }
}
