//! From what the configuration says to what is wanted of the manager.

use super::{Amount, Lock, Want};
use crate::config::{Config, LockMode, LockScope, LockUse};

/// What these uses come to on this worker. A lock that is not configured any more is nobody's: whoever still names
/// it has begun before it went.
pub fn wanted<'u>(config: &Config, uses: impl IntoIterator<Item = &'u LockUse>, worker: &str) -> Vec<Want> {
    let want = |LockUse { lock, mode }: &LockUse| {
        let lock = config.lock(lock)?;
        let (owner, capacity) = match lock.scope {
            LockScope::Master => (None, lock.max_count),
            LockScope::Worker => (Some(worker.to_owned()), lock.capacity(worker)),
        };
        let amount = match *mode {
            LockMode::Counting { count } => Amount::Units(count),
            LockMode::Exclusive => Amount::Exclusive,
        };
        Some(Want { lock: Lock { name: lock.name.clone(), worker: owner }, amount, capacity })
    };
    uses.into_iter().filter_map(want).collect()
}
