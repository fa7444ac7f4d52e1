//! The user names, their secrets and their owners.

use super::News;
use crate::config::Port;
use crate::kernel::{Offer, World};
use crate::pb::login::{CHALLENGE_BYTES, Checker};
use crate::pb::{Proof, Secret};
use std::collections::BTreeMap;
use std::net::SocketAddr;

/// What is known of one user.
pub(super) struct Entry {
    pub(super) secret: Secret,
    /// Whether workers of every protocol may use the name.
    pub(super) is_worker: bool,
    pub(super) owner: Offer<News>,
}

/// All user names, by the ports where they are known.
#[derive(Default)]
pub(super) struct Registry(BTreeMap<Port, BTreeMap<String, Entry>>);

/// Where a connection came in.
#[derive(Clone, Copy)]
pub(super) struct Entrance {
    /// The place, as configured.
    pub(super) address: SocketAddr,
    /// Whether all shared names are known there.
    pub(super) is_shared: bool,
}

impl Registry {
    pub(super) fn insert(&mut self, port: Port, user: String, entry: Entry) {
        self.0.entry(port).or_default().insert(user, entry);
    }

    /// Removes the user if it is this owner's.
    pub(super) fn remove(&mut self, port: Port, user: &str, owner: &Offer<News>) {
        let Some(names) = self.0.get_mut(&port) else { return };
        if names.get(user).is_some_and(|entry| entry.owner.is_same(owner)) {
            names.remove(user);
        }
        if names.is_empty() {
            self.0.remove(&port);
        }
    }

    /// The names that are known to who came in there.
    pub(super) fn names(&self, entrance: Entrance) -> Names<'_> {
        Names { registry: self, entrance }
    }
}

/// The user names that are known at one place.
pub(super) struct Names<'a> {
    registry: &'a Registry,
    entrance: Entrance,
}

impl<'a> Names<'a> {
    /// The user, and the port that knows him: the place's own before the shared one.
    pub(super) fn get(&self, user: &str) -> Option<(Port, &'a Entry)> {
        let own = Some(Port::Own(self.entrance.address));
        let shared = self.entrance.is_shared.then_some(Port::Shared);
        let mut ports = own.into_iter().chain(shared);
        ports.find_map(|port| Some((port, self.registry.0.get(&port)?.get(user)?)))
    }

    /// Whether this is a worker's name, and its password.
    pub(super) fn is_worker(&self, user: &str, password: &str) -> bool {
        self.get(user).is_some_and(|(_, entry)| entry.is_worker && entry.secret.is(password))
    }

    /// What checks a login against these names.
    pub(super) fn checker<'b>(&'b self, world: &'b mut World) -> impl Checker + 'b {
        Check { names: self, world }
    }
}

struct Check<'a> {
    names: &'a Names<'a>,
    world: &'a mut World,
}

impl Checker for Check<'_> {
    fn challenge(&mut self) -> [u8; CHALLENGE_BYTES] {
        let mut challenge = [0; CHALLENGE_BYTES];
        self.world.entropy(&mut challenge);
        challenge
    }

    fn check(&mut self, username: &str, proof: &Proof) -> bool {
        self.names.get(username).is_some_and(|(_, entry)| proof.matches(&entry.secret))
    }
}
