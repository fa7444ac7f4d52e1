//! Caches of rows by name, with their sizes from the configuration.
//!
//! * Does: sizes every [`Cache`] that a room has made of a [`Registry`], and counts its hits and misses.
//! * Thread `caches`, rank 15. Calls nobody, tells nobody.
//! * Owns: the registry. A cache itself is shared memory of those who use it: a hit costs a lock, not a message.
//! * Only what never changes is kept (changes, source stamps), so a cache cannot be stale, whoever writes.
//! * Never: fetches anything itself, or holds a lock while somebody does.

mod cache;
pub mod service;

pub use cache::{Cache, Registry};
pub use service::Caches;

/// What can be told to the service: nothing. Caches are shared values.
#[derive(Debug)]
pub enum Msg {}

#[cfg(test)]
mod tests;
