//! The user names of one room, kept in step with the configuration.

use super::{Handle, News};
use crate::config::{Config, Gate, Listen, Password, Port};
use crate::kernel::{Offer, Ranked, Refusal};
use crate::pb::Secret;
use std::collections::{BTreeMap, BTreeSet};

/// A user name that a configuration wants.
pub struct WantedLogin<'a> {
    /// What it belongs to, for people.
    pub whose: String,
    /// The name.
    pub user: &'a str,
    /// The password.
    pub password: &'a Password,
    /// Where it is known, if not where all others are.
    pub listen: &'a [Listen],
}

impl<'a> WantedLogin<'a> {
    /// That of a gate.
    pub fn of(whose: String, gate: &'a Gate) -> WantedLogin<'a> {
        let Gate { login, listen } = gate;
        WantedLogin { whose, user: &login.user, password: &login.password, listen }
    }
}

/// The user names that a room has registered, and those that it is about to.
pub struct Logins<Me> {
    pb: Handle<Me>,
    news: Offer<News>,
    prepared: BTreeMap<(Port, String), Secret>,
    registered: BTreeSet<(Port, String)>,
}

impl<Me: Ranked> Logins<Me> {
    /// None yet; `news` is the room's own ear.
    pub fn new(pb: Handle<Me>, news: Offer<News>) -> Logins<Me> {
        Logins { pb, news, prepared: BTreeMap::new(), registered: BTreeSet::new() }
    }

    /// Reads the passwords of the wanted names.
    ///
    /// # Errors
    /// Which passwords cannot be had.
    pub fn prepare<'a>(
        &mut self,
        wanted: impl IntoIterator<Item = WantedLogin<'a>>,
        config: &Config,
    ) -> Result<(), Vec<Refusal>> {
        self.prepared.clear();
        let mut refusals = Vec::new();
        for WantedLogin { whose, user, password, listen } in wanted {
            match password.resolve(&config.secrets) {
                Ok(text) => {
                    let secret = Secret::from(text.reveal()).hashed();
                    let names = Port::of(listen).into_iter().map(|port| (port, user.to_owned()));
                    self.prepared.extend(names.map(|name| (name, secret.clone())));
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
        for (port, user) in self.registered.iter().filter(|name| !wanted.contains_key(*name)) {
            // Gone is a pbmanager of a tree that stops.
            let _ = self.pb.unregister_at(*port, user, self.news.clone());
        }
        self.registered = wanted.keys().cloned().collect();
        for ((port, user), secret) in wanted {
            let _ = self.pb.register_at(port, &user, secret, self.news.clone());
        }
    }
}
