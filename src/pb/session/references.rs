//! Objects that cross the wire by reference, counted exactly (`pb.md` §6): a wrong count closes the connection.

use super::Fatal;
use crate::pb::banana::{EncodeError, Sexp};
use crate::pb::jelly::{Export, Resolve};
use crate::pb::limits::{EXPORTS_MAX, IMPORTS_MAX};
use crate::pb::value::{Luid, Target};
use std::collections::BTreeMap;

/// Objects of ours that the peer holds.
#[derive(Debug, Default)]
pub(super) struct Exports {
    last: i64,
    by_luid: BTreeMap<Luid, (Target, u64)>,
    by_target: BTreeMap<Target, Luid>,
    /// What the message being written has lent so far.
    lent: Vec<Luid>,
}

impl Exports {
    pub fn len(&self) -> usize {
        self.by_luid.len()
    }

    /// The message is written: what it lent counts.
    pub fn keep(&mut self) {
        self.lent.clear();
    }

    /// The message is not sent after all.
    pub fn take_back(&mut self) {
        for luid in std::mem::take(&mut self.lent) {
            self.decref(luid);
        }
    }

    /// The peer drops one reference; says whose last one it was, or `None` if there was none to drop.
    pub fn decref(&mut self, luid: Luid) -> Option<Dropped> {
        let (target, count) = self.by_luid.get_mut(&luid)?;
        *count -= 1;
        if *count > 0 {
            return Some(Dropped::One);
        }
        let target = *target;
        self.by_luid.remove(&luid);
        self.by_target.remove(&target);
        Some(Dropped::Last(target))
    }
}

/// What a decref took away.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Dropped {
    One,
    Last(Target),
}

impl Export for Exports {
    fn export(&mut self, target: Target) -> Result<Luid, EncodeError> {
        let luid = match self.by_target.get(&target) {
            Some(&luid) => luid,
            None if self.by_luid.len() >= EXPORTS_MAX => return Err(EncodeError::TooManyExports),
            None => {
                self.last += 1;
                let luid = Luid(self.last);
                self.by_target.insert(target, luid);
                luid
            }
        };
        self.by_luid.entry(luid).or_insert((target, 0)).1 += 1;
        self.lent.push(luid);
        Ok(luid)
    }
}

impl Resolve for Exports {
    fn resolve(&self, name: &Sexp) -> Option<Target> {
        match name {
            Sexp::Bytes(name) if name == "root" => Some(Target::Root),
            Sexp::Int(n) => self.by_luid.get(&Luid(*n)).map(|(target, _)| *target),
            _ => None,
        }
    }
}

/// Objects of the peer that we hold: how often each was received.
#[derive(Debug, Default)]
pub(super) struct Imports {
    counts: BTreeMap<Luid, u64>,
}

impl Imports {
    pub fn len(&self) -> usize {
        self.counts.len()
    }

    pub fn receive(&mut self, luid: Luid) -> Result<(), Fatal> {
        *self.counts.entry(luid).or_insert(0) += 1;
        if self.counts.len() > IMPORTS_MAX { Err(Fatal::TooManyReferences) } else { Ok(()) }
    }

    /// Forgets the object; says how many references there were to give back.
    pub fn release(&mut self, luid: Luid) -> u64 {
        self.counts.remove(&luid).unwrap_or(0)
    }

    /// Forgets one reference; says whether there was one to give back.
    pub fn release_one(&mut self, luid: Luid) -> bool {
        let Some(count) = self.counts.get_mut(&luid) else { return false };
        *count -= 1;
        if *count == 0 {
            self.counts.remove(&luid);
        }
        true
    }
}
