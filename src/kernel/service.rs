//! The contract of a service: what the kernel asks of it, and what it gets in each turn.

use super::{Inbox, Ranked, Reply, World};
use crate::config::Config;
use crate::model::{Mono, Wall};
use std::sync::Arc;
use std::time::Duration;

/// A child service of the master: a value that reacts. It never waits but through its addresses, and it reads
/// time and randomness only from the [`Turn`].
///
/// A reload is three controls: `prepare` on every service, lowest rank first; if one refuses, `abandon` on
/// all; else `apply` on all, lowest first. The first start is the same from the empty configuration.
pub trait Service: Ranked + Send + 'static {
    /// What it can be told: a closed set.
    type Msg: Send + 'static;

    /// Whether its thread runs only when no other wants to.
    const IN_BACKGROUND: bool = false;

    /// Checks that the wanted configuration can be had, and lays by what it needs (sockets, files) without
    /// changing anything that shows. What it refuses, it says for people.
    fn prepare(&mut self, wanted: &Arc<Config>, turn: &mut Turn) -> Result<(), Vec<Refusal>> {
        let _ = (wanted, turn);
        Ok(())
    }

    /// Throws away what `prepare` laid by.
    fn abandon(&mut self) {}

    /// Makes the wanted configuration, which `prepare` accepted, the one in force. Must not fail.
    fn apply(&mut self, wanted: &Arc<Config>, turn: &mut Turn);

    /// One message.
    fn handle(&mut self, msg: Self::Msg, turn: &mut Turn);

    /// Hints were dropped: read again from the database what they may have told.
    fn overrun(&mut self, turn: &mut Turn) {
        let _ = turn;
    }

    /// When [`Service::wake`] is due next, if at all.
    fn next_wake(&self) -> Option<Mono> {
        None
    }

    /// A deadline has come.
    fn wake(&mut self, turn: &mut Turn) {
        let _ = turn;
    }

    /// The end of each turn that did something: the place to send on what the turn has gathered.
    fn settle(&mut self, turn: &mut Turn) {
        let _ = turn;
    }

    /// Waits until there may be something to do, and does none of it: time goes by in here, and the next turn
    /// begins after it. Services that wait for sockets too override it, give their mailbox a bell that ends the
    /// wait, and have [`Service::next_wake`] due at once if something came.
    fn wait(&mut self, inbox: &Inbox<Self>, timeout: Option<Duration>)
    where
        Self: Sized,
    {
        inbox.wait(timeout);
    }

    /// The last call: put in order what must be, within moments. Services of lower rank still run.
    fn stop(&mut self, turn: &mut Turn) {
        let _ = turn;
    }
}

/// What one service can't do of a wanted configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Which service.
    pub service: &'static str,
    /// What, and why, for people.
    pub what: String,
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.service, self.what)
    }
}

/// What the root tells a service. Read before any message.
#[derive(Debug)]
pub enum Control {
    /// See [`Service::prepare`].
    Prepare(Arc<Config>, Reply<Result<(), Vec<Refusal>>>),
    /// See [`Service::abandon`].
    Abandon(Reply<()>),
    /// See [`Service::apply`].
    Apply(Arc<Config>, Reply<()>),
    /// See [`Service::stop`]; the service's loop ends.
    Stop(Reply<()>),
}

/// The moment in which a service acts: the time, chance, and where to log.
pub struct Turn<'a> {
    world: &'a mut World,
    log: &'a slog::Logger,
    now: Mono,
}

impl<'a> Turn<'a> {
    /// A turn that begins now.
    pub fn begin(world: &'a mut World, log: &'a slog::Logger) -> Turn<'a> {
        let now = world.now();
        Turn { world, log, now }
    }

    /// When this turn began.
    pub fn now(&self) -> Mono {
        self.now
    }

    /// The wall clock.
    pub fn wall(&self) -> Wall {
        self.world.wall()
    }

    /// Randomness, time and entropy.
    pub fn world(&mut self) -> &mut World {
        self.world
    }

    /// This service's log.
    pub fn log(&self) -> &'a slog::Logger {
        self.log
    }
}
