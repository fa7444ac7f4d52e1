//! What a service is: ranks, mailboxes, threads, supervision, the world (time and randomness), the simulator.
//!
//! A service is a value with a [`Service::handle`] that is given one message at a time, together with the
//! [`Turn`] it happens in. The same value runs on a thread of its own ([`host`]) or, seeded and in virtual
//! time, beside all others on one thread ([`sim`]); it cannot tell which.
//!
//! Four ways to speak, and no other:
//!
//! | way | waits | towards | when the inbox is full |
//! |---|---|---|---|
//! | [`Address::call`] | for the answer | lower ranks only | waits |
//! | [`Address::push`] | for room | lower ranks only | waits |
//! | [`Hint::tell`] | never | anyone | is dropped, and sets the receiver's overrun flag |
//! | [`Offer::offer`] | never | anyone | is handed back |
//!
//! A waiting word towards the same or a higher rank does not build ([`rank`]). A lower room cannot import a
//! higher one, so it speaks upward through a [`Hint`] or an [`Offer`] of its own news type, wired by the tree.

mod ground;
pub mod host;
pub mod limits;
mod mailbox;
pub mod program;
pub mod rank;
mod service;
pub mod sim;
pub mod supervise;
pub mod thread;
mod timers;
mod world;

pub use ground::{Ground, Threads};
pub use mailbox::{Address, Bell, Door, Gone, Hint, Inbox, Offer, Reply, mailbox};
pub use rank::Ranked;
pub use service::{Control, Refusal, Service, Turn};
pub use timers::Timers;
pub use world::World;

#[cfg(test)]
mod tests;
