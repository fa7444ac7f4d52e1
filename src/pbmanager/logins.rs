//! The user names of one room, kept in step with the configuration.

use super::{Handle, News};
use crate::config::{Config, Password};
use crate::kernel::{Offer, Ranked, Refusal};
use crate::pb::Secret;
use std::collections::{BTreeMap, BTreeSet};

/// The user names that a room has registered, and those that it is about to.
pub struct Logins<Me> {
    pb: Handle<Me>,
    news: Offer<News>,
    prepared: BTreeMap<String, Secret>,
    registered: BTreeSet<String>,
}

impl<Me: Ranked> Logins<Me> {
    /// None yet; `news` is the room's own ear.
    pub fn new(pb: Handle<Me>, news: Offer<News>) -> Logins<Me> {
        Logins { pb, news, prepared: BTreeMap::new(), registered: BTreeSet::new() }
    }

    /// Reads the passwords of the wanted names, each with what it belongs to, for people.
    ///
    /// # Errors
    /// Which passwords cannot be had.
    pub fn prepare<'a>(
        &mut self,
        wanted: impl IntoIterator<Item = (String, &'a str, &'a Password)>,
        config: &Config,
    ) -> Result<(), Vec<Refusal>> {
        self.prepared.clear();
        let mut refusals = Vec::new();
        for (whose, user, password) in wanted {
            match password.resolve(&config.secrets) {
                Ok(text) => {
                    let secret = Secret::from(text.reveal()).hashed();
                    self.prepared.insert(user.to_owned(), secret);
                }
                Err(why) => refusals.push(Refusal { service: Me::NAME, what: format!("{whose}: {why}") }),
            }
        }
        if refusals.is_empty() { Ok(()) } else { Err(refusals) }
    }

    /// Forgets what was prepared.
    pub fn abandon(&mut self) {
        self.prepared.clear();
    }

    /// Whether no name is registered.
    pub fn is_empty(&self) -> bool {
        self.registered.is_empty()
    }

    /// Registers what was prepared, and nothing else any more. Connections that are there stay.
    pub fn apply(&mut self) {
        let wanted = std::mem::take(&mut self.prepared);
        for user in self.registered.iter().filter(|user| !wanted.contains_key(*user)) {
            // Gone is a pbmanager of a tree that stops.
            let _ = self.pb.unregister(user, self.news.clone());
        }
        self.registered = wanted.keys().cloned().collect();
        for (user, secret) in wanted {
            let _ = self.pb.register(&user, secret, self.news.clone());
        }
    }
}
