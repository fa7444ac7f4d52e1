//! Where workers wait for their greeting when many come at once, as after a restart of the master: the first come
//! are greeted first, so many at a time, so that the first can build while the last still wait. One that takes long
//! to answer gives its place up to the next, and is greeted on. Pure.

use super::limits::GREETINGS;
use super::workers::Arrival;
use crate::pbmanager::ConnectionId;
use std::collections::{BTreeSet, VecDeque};

/// A worker that has logged in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Guest {
    pub name: String,
    pub arrival: Arrival,
}

/// Who is being greeted, and who waits for it.
#[derive(Debug, Default)]
pub(super) struct Antechamber {
    greeted: BTreeSet<ConnectionId>,
    waiting: VecDeque<Guest>,
}

impl Antechamber {
    /// A worker has come.
    pub fn enter(&mut self, guest: Guest) {
        self.waiting.push_back(guest);
    }

    /// Who is to be greeted now, if there is a place.
    pub fn next(&mut self) -> Option<Guest> {
        if self.greeted.len() >= GREETINGS {
            return None;
        }
        let guest = self.waiting.pop_front()?;
        self.greeted.insert(guest.arrival.connection);
        Some(guest)
    }

    /// Gives up a place: the greeting is done, takes long, or will not be. False if there was none to give up.
    pub fn leave(&mut self, connection: ConnectionId) -> bool {
        self.waiting.retain(|guest| guest.arrival.connection != connection);
        self.greeted.remove(&connection)
    }
}
