//! What the originals did.
//!
//! Measured on 22 November 2026, from outside, with other fake workers that spoke the same protocol, on a
//! machine with two cores (AMD EPYC, virtual) and 24 GiB: another run than any that this program prints, so a
//! comparison tells orders of magnitude. 0.8.6p1 ran on Python 2.7.18 and Twisted 12.1.0, 4.3.0 on Python
//! 3.11.7 and Twisted 26.10.0, both on SQLite 3.40.1. 4.3.0's figures are single runs, to be read to one digit.

/// When these figures were taken.
pub const DATE: &str = "2026-11-22";

/// One figure of each original; `None` where none was taken.
#[derive(Clone, Copy, Debug)]
pub struct Baseline {
    /// Buildbot 0.8.6p1.
    pub v0_8_6: Option<f64>,
    /// Buildbot 4.3.0 on SQLite.
    pub v4_3_0: Option<f64>,
}

const fn both(v0_8_6: f64, v4_3_0: f64) -> Baseline {
    Baseline { v0_8_6: Some(v0_8_6), v4_3_0: Some(v4_3_0) }
}

/// For what was not measured.
pub const NONE: Baseline = Baseline { v0_8_6: None, v4_3_0: None };

/// Seconds from exec until served, with the database made before.
pub const START_10: Baseline = both(0.43, 1.59);
/// See [`START_10`].
pub const START_1000: Baseline = both(1.99, 13.7);
/// MiB resident after that.
pub const RSS_10: Baseline = both(47.0, 93.0);
/// See [`RSS_10`].
pub const RSS_1000: Baseline = both(76.0, 99.0);

/// Builds per second, until the last command's end; 250 builds.
pub const PAIRS: Baseline = both(7.0, 3.1);
/// Seconds of processor per build.
pub const PAIRS_CPU: Baseline = both(0.22, 0.30);
/// Builds per second, until the last command's end; 100 builds.
pub const POOL: Baseline = both(25.0, 3.8);
/// Seconds of processor per build.
pub const POOL_CPU: Baseline = both(0.051, 0.24);
/// Seconds from request to build start, of an idle master; from the request in the database, not from the change.
pub const TRICKLE_P50: Baseline = both(0.034, 0.226);
/// See [`TRICKLE_P50`].
pub const TRICKLE_P99: Baseline = both(0.042, 0.274);

/// Figures of 64 MiB of log.
#[derive(Clone, Copy, Debug)]
pub struct Logs {
    /// MiB per second, until stored.
    pub rate: Baseline,
    /// Seconds of processor per MiB.
    pub cpu: Baseline,
    /// MiB resident at the most.
    pub peak_rss: Baseline,
    /// Stored bytes per byte of log.
    pub stored: Baseline,
}

/// From one worker.
pub const LOGS_1: Logs = Logs {
    rate: both(10.0, 1.5),
    cpu: both(0.094, 0.62),
    peak_rss: both(55.0, 167.0),
    stored: both(0.21, 0.30),
};
/// From eight; the stored bytes were not taken apart.
pub const LOGS_8: Logs = Logs {
    rate: both(16.0, 2.7),
    cpu: both(0.109, 0.53),
    peak_rss: both(116.0, 166.0),
    stored: both(0.21, 0.30),
};

/// Seconds until 1000 workers were connected, 64 at a time, on 100 builders.
pub const CONNECT: Baseline = both(26.0, 15.5);
/// Seconds of processor for that and what follows; 4.3.0 was stopped after 200.
pub const CONNECT_CPU: Baseline = both(40.0, 200.0);
/// KiB resident per idle worker.
pub const WORKER_RSS: Baseline = both(27.0, 22.0);

/// Requests per second for the list of 1000 builders as JSON, a connection each.
pub const WEB: Baseline = both(0.5, 8.6);
/// Seconds of processor per request.
pub const WEB_CPU: Baseline = both(3.0, 0.118);
