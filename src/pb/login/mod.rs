//! Proving who calls: the two steps of a login (`pb.md` §8), for the end that asks and the end that checks.

mod challenge;
mod client;
mod server;

pub use challenge::{CHALLENGE_BYTES, Proof, Secret};
pub use client::{ClientLogin, LoginProgress};
pub use server::{Checker, LOGIN_KEYS, Login, LoginStep};
