//! One client: who it is, what it waits for, what it watches. Pure.

use super::object::Object;
use crate::model::{BuildId, LogId, Mono, RequestId};
use crate::pb::{Luid, Request};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// What a user name lets a client do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// Send jobs to this scheduler, and watch them.
    Try { scheduler: String },
    /// Watch everything.
    Watch,
}

/// How much a subscriber hears; each word brings all before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Mode {
    Builders,
    Builds,
    Steps,
    Logs,
    Full,
}

impl Mode {
    /// The mode of this name.
    pub(super) fn of(name: &str) -> Option<Mode> {
        Some(match name {
            "builders" => Mode::Builders,
            "builds" => Mode::Builds,
            "steps" => Mode::Steps,
            "logs" => Mode::Logs,
            "full" => Mode::Full,
            _ => return None,
        })
    }
}

/// Who hears of everything.
#[derive(Debug)]
pub(super) struct Subscription {
    pub(super) mode: Mode,
    /// Whom to call.
    pub(super) target: Luid,
    /// How often it hears how long a build will take; never if zero.
    pub(super) interval: Duration,
    /// How many lines of each open log it has got.
    pub(super) sent_lines: BTreeMap<LogId, i64>,
}

/// Who hears of one build.
#[derive(Debug)]
pub(super) struct Watch {
    /// How often it hears how long the build will take, and when it does next.
    pub(super) eta: Option<(Duration, Mono)>,
}

/// One client.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) role: Role,
    /// Calls that are answered when what they wait for is complete.
    pub(super) awaited: BTreeMap<Object, Vec<Request>>,
    /// Who is told of a build's steps.
    pub(super) builds: BTreeMap<(BuildId, Luid), Watch>,
    /// Who is told of a request's builds, and of which it was.
    pub(super) requests: BTreeMap<(RequestId, Luid), BTreeSet<BuildId>>,
    pub(super) subscription: Option<Subscription>,
    /// When its subscription hears next how long builds will take.
    pub(super) eta_at: Option<Mono>,
}

impl Connection {
    /// One that has just logged in.
    pub(super) fn new(role: Role) -> Connection {
        Connection {
            role,
            awaited: BTreeMap::new(),
            builds: BTreeMap::new(),
            requests: BTreeMap::new(),
            subscription: None,
            eta_at: None,
        }
    }

    /// Those who are told of this build's steps.
    pub(super) fn watchers(&self, build: BuildId) -> impl Iterator<Item = Luid> {
        let first = (build, Luid(i64::MIN));
        self.builds.range(first..=(build, Luid(i64::MAX))).map(|((_, watcher), _)| *watcher)
    }

    /// Whether an object of the client's is still to be called some day.
    pub(super) fn needs(&self, object: Luid) -> bool {
        self.builds.keys().any(|(_, watcher)| *watcher == object)
            || self.requests.keys().any(|(_, watcher)| *watcher == object)
            || self.subscription.as_ref().is_some_and(|subscription| subscription.target == object)
    }

    /// The subscription, if it is to hear of this.
    pub(super) fn hears(&self, mode: Mode) -> Option<Luid> {
        let subscription = self.subscription.as_ref()?;
        (subscription.mode >= mode).then_some(subscription.target)
    }

    /// When it is to be told how long builds will take.
    pub(super) fn next_eta(&self) -> Option<Mono> {
        let watches = self.builds.values().filter_map(|watch| Some(watch.eta?.1));
        watches.chain(self.eta_at).min()
    }
}
