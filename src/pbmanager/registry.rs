//! The user names, their secrets and their owners.

use super::News;
use crate::kernel::{Offer, World};
use crate::pb::login::{CHALLENGE_BYTES, Checker};
use crate::pb::{Proof, Secret};
use std::collections::BTreeMap;

/// What is known of one user.
pub(super) struct Entry {
    pub(super) secret: Secret,
    /// Whether workers of every protocol may use the name.
    pub(super) is_worker: bool,
    pub(super) owner: Offer<News>,
}

/// All user names.
#[derive(Default)]
pub(super) struct Registry(BTreeMap<String, Entry>);

impl Registry {
    pub(super) fn insert(&mut self, user: String, entry: Entry) {
        self.0.insert(user, entry);
    }

    /// Removes the user if it is this owner's.
    pub(super) fn remove(&mut self, user: &str, owner: &Offer<News>) {
        if self.get(user).is_some_and(|entry| entry.owner.is_same(owner)) {
            self.0.remove(user);
        }
    }

    pub(super) fn get(&self, user: &str) -> Option<&Entry> {
        self.0.get(user)
    }

    /// Whether this is a worker's name, and its password.
    pub(super) fn is_worker(&self, user: &str, password: &str) -> bool {
        self.get(user).is_some_and(|entry| entry.is_worker && entry.secret.is(password))
    }

    /// What checks a login against these names.
    pub(super) fn checker<'a>(&'a self, world: &'a mut World) -> impl Checker + 'a {
        Check { registry: self, world }
    }
}

struct Check<'a> {
    registry: &'a Registry,
    world: &'a mut World,
}

impl Checker for Check<'_> {
    fn challenge(&mut self) -> [u8; CHALLENGE_BYTES] {
        let mut challenge = [0; CHALLENGE_BYTES];
        self.world.entropy(&mut challenge);
        challenge
    }

    fn check(&mut self, username: &str, proof: &Proof) -> bool {
        self.registry.get(username).is_some_and(|entry| proof.matches(&entry.secret))
    }
}
