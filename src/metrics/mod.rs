//! Figures of the running master: counters, gauges and timers by name.
//!
//! * Does: keeps the [`Figures`] that every room adds to, and writes all of them to the log now and then.
//! * Thread `metrics`, rank 10. Calls nobody, tells nobody.
//! * Owns: the registry of figures. Adding to one is an atomic or a short lock, never a message, so a busy room
//!   pays next to nothing and nothing queues up.
//! * Around the service, pure: [`figures`] (the values), [`prometheus`] (their text for a scraper).
//! * Never: keeps a history, or lets a figure decide anything.

pub mod figures;
pub mod prometheus;
pub mod service;

pub use figures::{Counter, Figures, Gauge, Snapshot, Timer, Timing};
pub use service::Metrics;

/// What can be told to the service: nothing. Figures are shared values.
#[derive(Debug)]
pub enum Msg {}

#[cfg(test)]
mod tests;
