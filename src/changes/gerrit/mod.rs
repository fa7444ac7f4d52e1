//! `gerrit`: listens to the events of a Gerrit server over ssh (`CS-13`..`CS-15`, `N-CS-06`).
//!
//! `ssh SERVER gerrit stream-events` prints one event a line for as long as it lives; when it ends, it is started again.
//! What decides is pure: [`event`]; [`stream`] runs ssh. What happens while it is not connected is not told: the server
//! keeps no events for those who are away.

pub mod event;
pub mod look;
pub mod stream;

pub use look::{GerritLook, Settings};

#[cfg(test)]
mod tests;
