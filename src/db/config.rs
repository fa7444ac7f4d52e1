//! The database's settings: which one, and how carefully it is written.

use crate::config::DatabaseUrl;
use std::time::Duration;

/// How to reach the database and how carefully to write it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Where it is (`DB-01`).
    pub url: DatabaseUrl,
    /// Whether a commit is on the disk before it is answered. Only tests and simulations can do without.
    pub durable: bool,
    /// How long to wait for a lock, or for a connection, before it counts as an outage.
    pub busy_timeout: Duration,
    /// How many connections read.
    pub readers: usize,
}

impl Settings {
    /// The defaults, for this database.
    pub fn new(url: DatabaseUrl) -> Settings {
        Settings { url, durable: true, busy_timeout: Duration::from_secs(5), readers: 2 }
    }
}
