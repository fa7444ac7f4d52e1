//! A plan: what a reload, a start or a stop does, in the order in which it is done.

use super::touched::Touched;
use serde::{Serialize, Serializer};
use std::fmt;
use std::net::SocketAddr;

/// What is to be done, in order: stops from the top of the tree, then the rest from its bottom.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Plan {
    /// The steps.
    pub steps: Vec<PlanStep>,
}

/// One step of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PlanStep {
    /// What to do.
    pub verb: Verb,
    /// To what.
    pub unit: Unit,
    /// What is different; empty unless the verb is to reconfigure.
    pub changes: Vec<FieldChange>,
    /// What it touches of what is going on; see [`Plan::touching`].
    pub touches: Vec<Touched>,
}

/// What to do to a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verb {
    /// It goes. What it is running is finished first.
    Stop,
    /// It stays and takes on its new settings. What it is running goes on with the old ones.
    Reconfigure,
    /// It comes.
    Start,
}

/// What a plan can stop, reconfigure or start on its own.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Unit {
    /// What all read at use: title, addresses, time zone, properties, providers of secrets.
    Site,
    /// The metrics.
    Metrics,
    /// The caches.
    Caches,
    /// The database.
    Database,
    /// How long rows are kept.
    Retention,
    /// The settings of all connections of the PB port.
    Pb,
    /// The PB port, on one address.
    PbListener(SocketAddr),
    /// An address where workers connect that speak msgpack.
    MsgpackListener(SocketAddr),
    /// The rules of codebases.
    Codebases,
    /// A user manager, by the user name of its clients.
    UserManager(String),
    /// A change source, by name.
    ChangeSource(String),
    /// A scheduler, by name.
    Scheduler(String),
    /// What cancels builds that newer ones make pointless.
    OldBuildCancellers,
    /// A lock, by name.
    Lock(String),
    /// A builder, by name.
    Builder(String),
    /// A worker, by name.
    Worker(String),
    /// A reporter, by name.
    Reporter(String),
    /// The web server.
    Www,
    /// A listener for those who watch, by the user name of its clients.
    StatusListener(String),
    /// The control socket.
    ControlSocket,
    /// The debug client's way in.
    DebugClient,
}

/// One setting that is different.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FieldChange {
    /// Which: a path below the unit.
    pub field: String,
    /// What it was, in short.
    pub old: String,
    /// What it will be, in short.
    pub new: String,
}

impl Unit {
    /// The rank of the service that owns it, and then its order among that service's units: builders come
    /// before the workers that serve them (`RF-04`).
    fn rank(&self) -> (u8, u8) {
        match self {
            Unit::Site => (0, 0),
            Unit::Metrics => (10, 0),
            Unit::Caches => (15, 0),
            Unit::Database => (20, 0),
            Unit::Retention => (20, 1),
            Unit::Pb => (25, 0),
            Unit::PbListener(_) | Unit::MsgpackListener(_) => (25, 1),
            Unit::UserManager(_) => (30, 0),
            Unit::Codebases => (40, 0),
            Unit::ChangeSource(_) => (40, 1),
            Unit::Scheduler(_) => (50, 0),
            Unit::OldBuildCancellers | Unit::Lock(_) => (60, 0),
            Unit::Builder(_) => (60, 1),
            Unit::Worker(_) => (60, 2),
            Unit::Reporter(_) => (80, 1),
            Unit::Www => (80, 0),
            Unit::StatusListener(_) => (82, 0),
            Unit::ControlSocket => (85, 0),
            Unit::DebugClient => (85, 1),
        }
    }
}

impl Plan {
    /// Puts steps in order. Those of equal rank stay as they are.
    pub(super) fn in_order(steps: Vec<PlanStep>) -> Plan {
        let (mut stops, mut rest): (Vec<_>, Vec<_>) =
            steps.into_iter().partition(|step| step.verb == Verb::Stop);
        stops.sort_by_key(|step| std::cmp::Reverse(step.unit.rank()));
        rest.sort_by_key(|step| step.unit.rank());
        stops.append(&mut rest);
        Plan { steps: stops }
    }

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unit::Site => f.write_str("site"),
            Unit::Metrics => f.write_str("metrics"),
            Unit::Caches => f.write_str("caches"),
            Unit::Database => f.write_str("database"),
            Unit::Retention => f.write_str("retention"),
            Unit::Pb => f.write_str("pb"),
            Unit::PbListener(address) => write!(f, "pb listener {address}"),
            Unit::MsgpackListener(address) => write!(f, "msgpack listener {address}"),
            Unit::Codebases => f.write_str("codebases"),
            Unit::OldBuildCancellers => f.write_str("old_build_cancellers"),
            Unit::UserManager(user) => write!(f, "user manager {user}"),
            Unit::ChangeSource(name) => write!(f, "change source {name}"),
            Unit::Scheduler(name) => write!(f, "scheduler {name}"),
            Unit::Lock(name) => write!(f, "lock {name}"),
            Unit::Builder(name) => write!(f, "builder {name}"),
            Unit::Worker(name) => write!(f, "worker {name}"),
            Unit::Reporter(name) => write!(f, "reporter {name}"),
            Unit::Www => f.write_str("www"),
            Unit::StatusListener(user) => write!(f, "status listener {user}"),
            Unit::ControlSocket => f.write_str("control socket"),
            Unit::DebugClient => f.write_str("debug client"),
        }
    }
}

impl Serialize for Unit {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl fmt::Display for Verb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Verb::Stop => "stop",
            Verb::Reconfigure => "reconfigure",
            Verb::Start => "start",
        })
    }
}

impl fmt::Display for PlanStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:11} {}", self.verb, self.unit)?;
        for FieldChange { field, old, new } in &self.changes {
            write!(f, "\n{:11}   {field}: {old} -> {new}", "")?;
        }
        for touched in &self.touches {
            write!(f, "\n{:11}   touches {touched}", "")?;
        }
        Ok(())
    }
}

impl fmt::Display for Plan {
    /// One line a step, with the changed settings and what it touches below it; no line end after the last.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return f.write_str("nothing to do");
        }
        for (number, step) in self.steps.iter().enumerate() {
            if number > 0 {
                f.write_str("\n")?;
            }
            step.fmt(f)?;
        }
        Ok(())
    }
}
