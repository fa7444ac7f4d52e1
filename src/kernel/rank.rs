//! The ranks of the services, and the rule that a waiting word goes down.
//!
//! Whoever may wait for a service stands above it, so no circle of waiting can come about: the tree cannot
//! deadlock. The comparison is a constant, so a wait in the wrong direction is a compile error:
//!
//! ```compile_fail
//! use bellwether::kernel::{rank, Ranked};
//! struct Low;
//! impl Ranked for Low { const RANK: u8 = 10; const NAME: &'static str = "low"; }
//! struct High;
//! impl Ranked for High { const RANK: u8 = 20; const NAME: &'static str = "high"; }
//! const { rank::assert_downward::<Low, High>() }
//! ```
//!
//! ```
//! use bellwether::kernel::{rank, Ranked};
//! struct Low;
//! impl Ranked for Low { const RANK: u8 = 10; const NAME: &'static str = "low"; }
//! struct High;
//! impl Ranked for High { const RANK: u8 = 20; const NAME: &'static str = "high"; }
//! const { rank::assert_downward::<High, Low>() }
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
