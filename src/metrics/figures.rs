//! The values: each is found once by its name, and then added to without a look-up.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How many of its last samples a timer shows the mean of (`MET-02`).
pub const SAMPLES: usize = 10;

/// All figures. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Figures(Arc<Mutex<Registry>>);

#[derive(Debug, Default)]
struct Registry {
    counters: BTreeMap<String, Counter>,
    gauges: BTreeMap<String, Gauge>,
    timers: BTreeMap<String, Timer>,
}

impl Figures {
    /// The counter of this name, made if there is none: lower-case letters, digits and `_`.
    pub fn counter(&self, name: &str) -> Counter {
        lock(&self.0).counters.entry(name.to_owned()).or_default().clone()
    }

    /// The gauge of this name, made if there is none.
    pub fn gauge(&self, name: &str) -> Gauge {
        lock(&self.0).gauges.entry(name.to_owned()).or_default().clone()
    }

    /// The timer of this name, made if there is none.
    pub fn timer(&self, name: &str) -> Timer {
        lock(&self.0).timers.entry(name.to_owned()).or_default().clone()
    }

    /// All values as they are now.
    pub fn snapshot(&self) -> Snapshot {
        let registry = lock(&self.0);
        Snapshot {
            counters: registry.counters.iter().map(|(name, counter)| (name.clone(), counter.get())).collect(),
            gauges: registry.gauges.iter().map(|(name, gauge)| (name.clone(), gauge.get())).collect(),
            timers: registry.timers.iter().map(|(name, timer)| (name.clone(), timer.timing())).collect(),
        }
    }
}

/// Only goes up.
#[derive(Clone, Debug, Default)]
pub struct Counter(Arc<AtomicU64>);

impl Counter {
    /// Adds.
    pub fn add(&self, count: u64) {
        self.0.fetch_add(count, Ordering::Relaxed);
    }

    /// The sum so far.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Goes up and down.
#[derive(Clone, Debug, Default)]
pub struct Gauge(Arc<AtomicI64>);

impl Gauge {
    /// Sets it.
    pub fn set(&self, value: usize) {
        self.0.store(i64::try_from(value).unwrap_or(i64::MAX), Ordering::Relaxed);
    }

    /// Where it stands.
    pub fn get(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// How long something takes.
#[derive(Clone, Debug, Default)]
pub struct Timer(Arc<Mutex<Samples>>);

#[derive(Debug, Default)]
struct Samples {
    count: u64,
    total: Duration,
    last: VecDeque<Duration>,
}

impl Timer {
    /// Adds a sample.
    pub fn observe(&self, took: Duration) {
        let mut samples = lock(&self.0);
        samples.count += 1;
        samples.total = samples.total.saturating_add(took);
        if samples.last.len() == SAMPLES {
            samples.last.pop_front();
        }
        samples.last.push_back(took);
    }

    fn timing(&self) -> Timing {
        let samples = lock(&self.0);
        let sum: Duration = samples.last.iter().sum();
        let among = u32::try_from(samples.last.len().max(1)).unwrap_or(u32::MAX);
        Timing { count: samples.count, total: samples.total, recent_mean: sum / among }
    }
}

/// The values of all figures at one moment, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// What only goes up.
    pub counters: BTreeMap<String, u64>,
    /// What goes up and down.
    pub gauges: BTreeMap<String, i64>,
    /// What takes time.
    pub timers: BTreeMap<String, Timing>,
}

/// A timer's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// How many samples there were.
    pub count: u64,
    /// Their sum.
    pub total: Duration,
    /// The mean of the last [`SAMPLES`].
    pub recent_mean: Duration,
}

/// A figure is whole after every step, so a panic of another thread does not spoil it.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
