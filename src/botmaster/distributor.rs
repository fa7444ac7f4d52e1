//! The queue of requests, and who gets which worker (`BQ`): by priority, then the oldest first, over all builders.
//!
//! A picked request costs the logarithm of the queue's length; builders whose workers are all busy are passed over.

use super::collapse::{Sameness, sameness};
use crate::db::waiting::Waiting;
use crate::model::RequestId;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::Arc;

/// The place of a request in its builder's queue, and of a builder among all: the smaller is served first.
type Place = (Rank, RequestId);

/// What goes before a request's age.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rank {
    /// Its priority, the builder's added.
    pub priority: Reverse<i64>,
    /// The smaller goes first, among those of the same priority.
    pub turn: i64,
}

/// What is to become of a request that is looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// This worker is kept for it.
    Worker(String),
    /// It can't be built now; another one of the same builder perhaps can.
    Unfit,
    /// Its builder can't build anything now.
    Full,
}

/// A request that a worker was found for.
#[derive(Clone, Debug, PartialEq)]
pub struct Pick {
    /// The request.
    pub waiting: Waiting,
    /// The worker.
    pub worker: String,
}

/// All requests that wait.
#[derive(Debug, Default)]
pub struct Distributor {
    requests: BTreeMap<RequestId, (Rank, Waiting)>,
    queues: BTreeMap<Arc<str>, Queue>,
    /// The first place of each builder's queue.
    heads: BTreeSet<(Place, Arc<str>)>,
}

#[derive(Debug, Default)]
struct Queue {
    places: BTreeSet<Place>,
    same: BTreeMap<Sameness, BTreeSet<RequestId>>,
}

impl Distributor {
    /// Adds a request; one that is there already stays as it is.
    pub fn add(&mut self, waiting: Waiting, rank: Rank) {
        if self.requests.contains_key(&waiting.request) {
            return;
        }
        let place = (rank, waiting.request);
        let key: Arc<str> = match self.queues.get_key_value(waiting.builder.as_str()) {
            Some((key, _)) => key.clone(),
            None => waiting.builder.as_str().into(),
        };
        let queue = self.queues.entry(key.clone()).or_default();
        if let Some(first) = queue.places.first() {
            self.heads.remove(&(*first, key.clone()));
        }
        queue.places.insert(place);
        self.heads.extend(queue.places.first().map(|first| (*first, key)));
        if let Some(same) = sameness(&waiting) {
            queue.same.entry(same).or_default().insert(waiting.request);
        }
        self.requests.insert(waiting.request, (rank, waiting));
    }

    /// The older requests that this one, which is in the queue, makes superfluous.
    pub fn superseded_by(&self, request: RequestId) -> Vec<RequestId> {
        let Some(waiting) = self.get(request) else { return Vec::new() };
        let Some(queue) = self.queues.get(waiting.builder.as_str()) else { return Vec::new() };
        let same = sameness(waiting).and_then(|same| queue.same.get(&same));
        same.map(|same| same.range(..request).copied().collect()).unwrap_or_default()
    }

    /// A request that waits.
    pub fn get(&self, request: RequestId) -> Option<&Waiting> {
        self.requests.get(&request).map(|(_, waiting)| waiting)
    }

    /// Takes a request out.
    pub fn remove(&mut self, request: RequestId) -> Option<Waiting> {
        let (rank, waiting) = self.requests.remove(&request)?;
        let (key, _) = self.queues.get_key_value(waiting.builder.as_str())?;
        let key = key.clone();
        let queue = self.queues.get_mut(&key)?;
        if let Some(first) = queue.places.first() {
            self.heads.remove(&(*first, key.clone()));
        }
        queue.places.remove(&(rank, request));
        if let Some(same) = sameness(&waiting)
            && let Some(ids) = queue.same.get_mut(&same)
        {
            ids.remove(&request);
            if ids.is_empty() {
                queue.same.remove(&same);
            }
        }
        match queue.places.first() {
            Some(first) => drop(self.heads.insert((*first, key))),
            None => drop(self.queues.remove(&key)),
        }
        Some(waiting)
    }

    /// Keeps only the requests that are among these; for when the rows were read again.
    pub fn retain(&mut self, rows: &BTreeSet<RequestId>) {
        let gone: Vec<RequestId> = self.requests.keys().filter(|id| !rows.contains(id)).copied().collect();
        for request in gone {
            self.remove(request);
        }
    }

    /// Takes out all requests, for another order.
    pub fn drain(&mut self) -> impl Iterator<Item = Waiting> {
        std::mem::take(self).requests.into_values().map(|(_, waiting)| waiting)
    }

    /// Takes out the requests that can be built now, at most `limit`, the first place first. `reserve` finds a
    /// worker for a request and keeps it for this pick. Of each builder, as many as `look` that are unfit are passed by.
    pub fn pick(
        &mut self,
        limit: usize,
        look: usize,
        mut reserve: impl FnMut(&Waiting) -> Answer,
    ) -> Vec<Pick> {
        let mut picks = Vec::new();
        // Where each builder is looked at: behind those that were unfit.
        let mut looked: BTreeMap<Arc<str>, usize> = BTreeMap::new();
        let mut places = self.heads.clone();
        while picks.len() < limit {
            let Some((place, builder)) = places.pop_first() else { break };
            let Some((_, waiting)) = self.requests.get(&place.1) else { continue };
            let answer = reserve(waiting);
            let next = self.queues.get(&builder).and_then(|queue| {
                queue.places.range((Bound::Excluded(place), Bound::Unbounded)).next().copied()
            });
            match answer {
                Answer::Worker(worker) => {
                    picks.extend(self.remove(place.1).map(|waiting| Pick { waiting, worker }));
                }
                Answer::Unfit => {
                    let looked = looked.entry(builder.clone()).or_default();
                    *looked += 1;
                    if *looked >= look {
                        continue;
                    }
                }
                Answer::Full => continue,
            }
            places.extend(next.map(|next| (next, builder)));
        }
        picks
    }

    /// The requests of a builder.
    pub fn of_builder(&self, builder: &str) -> impl Iterator<Item = &Waiting> {
        let places = self.queues.get(builder).into_iter().flat_map(|queue| &queue.places);
        places.filter_map(|(_, request)| self.get(*request))
    }

    /// The ids of all requests that wait.
    pub fn ids(&self) -> impl DoubleEndedIterator<Item = RequestId> {
        self.requests.keys().copied()
    }

    /// How many requests wait, by builder.
    pub fn counts(&self) -> impl Iterator<Item = (&str, usize)> {
        self.queues.iter().map(|(builder, queue)| (&**builder, queue.places.len()))
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.requests.is_empty()
    }
}
