//! Deadlines by key: at most one for each key, the earliest first.

use crate::model::Mono;
use std::collections::{BTreeMap, BTreeSet};

/// Deadlines of a service's many small machines.
#[derive(Clone, Debug)]
pub struct Timers<K> {
    by_time: BTreeSet<(Mono, K)>,
    by_key: BTreeMap<K, Mono>,
}

impl<K: Ord + Clone> Default for Timers<K> {
    fn default() -> Self {
        Timers { by_time: BTreeSet::new(), by_key: BTreeMap::new() }
    }
}

impl<K: Ord + Clone> Timers<K> {
    /// Sets the deadline of `key`, in place of one that it has.
    pub fn set(&mut self, key: K, at: Mono) {
        self.cancel(&key);
        self.by_time.insert((at, key.clone()));
        self.by_key.insert(key, at);
    }

    /// Takes the deadline of `key` away, if it has one.
    pub fn cancel(&mut self, key: &K) {
        if let Some(at) = self.by_key.remove(key) {
            self.by_time.remove(&(at, key.clone()));
        }
    }

    /// The deadline of `key`.
    pub fn get(&self, key: &K) -> Option<Mono> {
        self.by_key.get(key).copied()
    }

    /// The earliest deadline.
    pub fn next(&self) -> Option<Mono> {
        self.by_time.first().map(|(at, _)| *at)
    }

    /// The earliest key whose deadline is not after `now`.
    pub fn due(&self, now: Mono) -> Option<&K> {
        self.by_time.first().filter(|(at, _)| *at <= now).map(|(_, key)| key)
    }

    /// Takes out the earliest key whose deadline is not after `now`.
    pub fn pop_due(&mut self, now: Mono) -> Option<K> {
        let key = self.due(now)?.clone();
        self.cancel(&key);
        Some(key)
    }
}
