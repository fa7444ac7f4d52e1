//! One cache: least recently used goes first, one fetch at a time for each key.

use crate::config;
use crate::metrics::{Counter, Figures};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};

/// All caches by name. Clones share them.
#[derive(Clone)]
pub struct Registry(Arc<Mutex<Caches>>);

struct Caches {
    figures: Figures,
    sizes: config::Caches,
    /// Those that are still used by somebody.
    made: Vec<(&'static str, Weak<dyn Resize>)>,
}

/// A cache without its types.
trait Resize: Send + Sync {
    fn resize(&self, size: usize);
}

impl Registry {
    /// No caches yet; their figures go to `figures`.
    pub fn new(figures: Figures) -> Registry {
        let caches = Caches { figures, sizes: config::Caches::default(), made: Vec::new() };
        Registry(Arc::new(Mutex::new(caches)))
    }

    /// A new cache, of the size that the configuration has for this name.
    pub fn cache<K: Ord + Clone + Send + 'static, V: Send + Sync + 'static>(
        &self,
        name: &'static str,
    ) -> Cache<K, V> {
        let mut caches = lock(&self.0);
        let held = Held {
            size: caches.sizes.size(name).max(1),
            values: BTreeMap::new(),
            by_use: BTreeMap::new(),
            uses: 0,
            in_flight: BTreeSet::new(),
        };
        let cache = Arc::new(Shared {
            held: Mutex::new(held),
            landed: Condvar::new(),
            hits: caches.figures.counter(&format!("cache_{name}_hits")),
            misses: caches.figures.counter(&format!("cache_{name}_misses")),
        });
        caches.made.retain(|(_, cache)| cache.strong_count() > 0);
        let untyped: Arc<dyn Resize> = cache.clone();
        caches.made.push((name, Arc::downgrade(&untyped)));
        Cache(cache)
    }

    /// Gives every cache the size that it now has.
    pub(super) fn resize(&self, sizes: &config::Caches) {
        let mut caches = lock(&self.0);
        caches.sizes = sizes.clone();
        for (name, cache) in &caches.made {
            if let Some(cache) = cache.upgrade() {
                cache.resize(sizes.size(name).max(1));
            }
        }
    }
}

/// A cache of values that never change. Clones share it.
pub struct Cache<K, V>(Arc<Shared<K, V>>);

impl<K, V> Clone for Cache<K, V> {
    fn clone(&self) -> Self {
        Cache(self.0.clone())
    }
}

struct Shared<K, V> {
    held: Mutex<Held<K, V>>,
    /// A fetch has ended.
    landed: Condvar,
    hits: Counter,
    misses: Counter,
}

struct Held<K, V> {
    size: usize,
    values: BTreeMap<K, (u64, Arc<V>)>,
    /// When each was used last, counted in uses.
    by_use: BTreeMap<u64, K>,
    uses: u64,
    in_flight: BTreeSet<K>,
}

impl<K: Ord + Clone, V> Cache<K, V> {
    /// The value of this key: the one held, or else what `fetch` finds. Of several who miss the same key at once
    /// one fetches and the others wait for it; where it finds nothing or fails, the next of them tries (`CA-04`).
    /// Nothing found is not remembered (`CA-05`).
    ///
    /// # Errors
    /// What `fetch` says.
    pub fn get<E>(&self, key: &K, fetch: impl FnOnce() -> Result<Option<V>, E>) -> Result<Option<Arc<V>>, E> {
        let shared = &*self.0;
        let mut held = lock(&shared.held);
        loop {
            if let Some(value) = held.find(key) {
                shared.hits.add(1);
                return Ok(Some(value));
            }
            if held.in_flight.insert(key.clone()) {
                break;
            }
            held = shared.landed.wait(held).unwrap_or_else(PoisonError::into_inner);
        }
        drop(held);
        shared.misses.add(1);
        let flight = Flight { shared, key };
        let fetched = fetch()?.map(Arc::new);
        if let Some(value) = &fetched {
            lock(&shared.held).insert(key.clone(), value.clone());
        }
        drop(flight);
        Ok(fetched)
    }
}

/// A fetch under way; its end, also by a panic, lets the others go on.
struct Flight<'a, K: Ord, V> {
    shared: &'a Shared<K, V>,
    key: &'a K,
}

impl<K: Ord, V> Drop for Flight<'_, K, V> {
    fn drop(&mut self) {
        lock(&self.shared.held).in_flight.remove(self.key);
        self.shared.landed.notify_all();
    }
}

impl<K: Ord + Clone, V> Held<K, V> {
    fn find(&mut self, key: &K) -> Option<Arc<V>> {
        let (used, value) = self.values.get_mut(key)?;
        self.uses += 1;
        self.by_use.remove(&std::mem::replace(used, self.uses));
        self.by_use.insert(self.uses, key.clone());
        Some(value.clone())
    }

    fn insert(&mut self, key: K, value: Arc<V>) {
        self.uses += 1;
        if let Some((used, _)) = self.values.insert(key.clone(), (self.uses, value)) {
            self.by_use.remove(&used);
        }
        self.by_use.insert(self.uses, key);
        self.shrink();
    }

    fn shrink(&mut self) {
        while self.values.len() > self.size {
            let Some((_, oldest)) = self.by_use.pop_first() else { return };
            self.values.remove(&oldest);
        }
    }
}

impl<K: Ord + Clone + Send, V: Send + Sync> Resize for Shared<K, V> {
    fn resize(&self, size: usize) {
        let mut held = lock(&self.held);
        held.size = size;
        held.shrink();
    }
}

/// A cache is whole after every step, and a fetch runs without the lock: a panic does not spoil it.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
