//! What is going on, told to whoever watches: the event hub, and the listeners that watch for people.
//!
//! * Does: takes events from all rooms, hands each to every subscriber; starts and stops the web listener and the
//!   reporters.
//! * Thread `status`, rank 80; `web`, and `mail` for each mail reporter, rank 82. Calls db, schedulers and botmaster; is told by all of them.
//! * Owns: the subscriptions, the web listener's socket and thread, the letters that wait for a relay.
//! * A subscriber that is slow is told that it missed something, and reads the database again.
//! * Never: waits for a subscriber, keeps what happened (the rows do), decides anything about builds.

pub mod clients;
pub mod explain;
pub mod hub;
pub mod limits;
pub mod mail;
mod reporters;
pub mod service;
pub mod web;

pub use hub::{Heard, Subscription};
pub use reporters::ReporterStatus;
pub use service::{Parts, Status};

use crate::kernel::{Address, Bell, Gone, Ranked, Reply};
use crate::model::Event;
use std::net::SocketAddr;

/// What can be told to the service.
pub enum Msg {
    /// Something happened. Lossy: wire it with [`Door::hint`](crate::kernel::Door::hint).
    News(Event),
    /// See [`Handle::subscribe`].
    Subscribe {
        /// How many events wait for the subscriber at most.
        capacity: usize,
        /// Rung when there is something to hear.
        bell: Option<Bell>,
        /// Where the subscription goes.
        reply: Reply<Subscription>,
    },
    /// See [`Handle::web_address`].
    WebAddress(Reply<Option<SocketAddr>>),
    /// The web listener's thread has ended without being told to.
    WebEnded,
    /// See [`Handle::reporters`].
    Reporters(Reply<Vec<ReporterStatus>>),
    /// The thread of a reporter has ended.
    ReporterEnded,
}

/// The way to the service from above.
pub struct Handle<Me>(Address<Me, Status>);

impl<Me> Clone for Handle<Me> {
    fn clone(&self) -> Self {
        Handle(self.0.clone())
    }
}

impl<Me: Ranked> Handle<Me> {
    /// From the service's address.
    pub fn new(address: Address<Me, Status>) -> Handle<Me> {
        Handle(address)
    }

    /// From now on, every event. At most `capacity` of them wait to be heard; `bell` is rung when one comes.
    /// Drop the subscription to end it. To miss nothing: subscribe, then read the database, then listen.
    ///
    /// # Errors
    /// The service has ended.
    pub fn subscribe(&self, capacity: usize, bell: Option<Bell>) -> Result<Subscription, Gone> {
        self.0.call(|reply| Msg::Subscribe { capacity, bell, reply })
    }

    /// Where the web pages are served, if they are: with port 0 in the configuration, the port that was given.
    ///
    /// # Errors
    /// The service has ended.
    pub fn web_address(&self) -> Result<Option<SocketAddr>, Gone> {
        self.0.call(Msg::WebAddress)
    }

    /// How each reporter is.
    ///
    /// # Errors
    /// The service has ended.
    pub fn reporters(&self) -> Result<Vec<ReporterStatus>, Gone> {
        self.0.call(Msg::Reporters)
    }
}

#[cfg(test)]
mod tests;
