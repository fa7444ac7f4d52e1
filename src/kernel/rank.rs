//! The ranks of the services, and the rule that a waiting word goes down.
//!
//! Whoever may wait for a service stands above it, so no circle of waiting can come about: the tree cannot
//! deadlock. The comparison is a constant, so a wait in the wrong direction is a compile error:
//!
//! ```
//! # use bellwether::kernel::{Address, Gone, Ranked, rank};
//! # use bellwether::metrics::{Metrics, Msg};
//! struct Above;
//! impl Ranked for Above { const RANK: u8 = rank::METRICS + 1; const NAME: &'static str = "above"; }
//! fn wait(metrics: &Address<Above, Metrics>, msg: Msg) -> Result<(), Gone> { metrics.push(msg) }
//! # std::hint::black_box(wait as fn(&_, _) -> _);
//! ```
//!
//! ```compile_fail,E0080
//! # use bellwether::kernel::{Address, Gone, Ranked, rank};
//! # use bellwether::metrics::{Metrics, Msg};
//! struct Below;
//! impl Ranked for Below { const RANK: u8 = rank::METRICS - 1; const NAME: &'static str = "below"; }
//! fn wait(metrics: &Address<Below, Metrics>, msg: Msg) -> Result<(), Gone> { metrics.push(msg) }
//! # std::hint::black_box(wait as fn(&_, _) -> _);
//! ```

/// A place in the order of the tree: a service, or a thread that speaks for one (a poller, a listener).
pub trait Ranked {
    /// Higher ranks may wait for lower ones; never the other way, nor for their own.
    const RANK: u8;
    /// Its name in logs, metrics and thread lists.
    const NAME: &'static str;
}

/// Compiles only where `Me` stands above `To`.
pub const fn assert_downward<Me: Ranked, To: Ranked>() {
    assert!(
        Me::RANK > To::RANK,
        "a waiting call may only target a lower rank: tell it upward with a Hint or an Offer"
    );
}

/// `metrics`.
pub const METRICS: u8 = 10;
/// `caches`.
pub const CACHES: u8 = 15;
/// `db`: the writer and the readers.
pub const DB: u8 = 20;
/// `db`: the housekeeper.
pub const KEEPER: u8 = 22;
/// `pbmanager`.
pub const PBMANAGER: u8 = 25;
/// `users`.
pub const USERS: u8 = 30;
/// `changes`.
pub const CHANGES: u8 = 40;
/// A change source's own thread, which speaks to `changes`.
pub const CHANGE_SOURCE: u8 = 45;
/// `schedulers`.
pub const SCHEDULERS: u8 = 50;
/// `botmaster`.
pub const BOTMASTER: u8 = 60;
/// `status`: the event hub.
pub const STATUS: u8 = 80;
/// A status listener's own thread: web, mail, ...
pub const LISTENER: u8 = 82;
/// `debug`.
pub const DEBUG: u8 = 85;
/// `master`: the main thread.
pub const MASTER: u8 = 100;
