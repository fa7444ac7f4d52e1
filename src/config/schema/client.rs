//! Who logs in on the PB port beside workers and change sources: people's tools.

use super::{ChangeSourceKind, Config, Listen, Password, Port, SchedulerKind};
use serde::Serialize;

/// A name to log in as, and the password for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Login {
    /// The name, unique on the PB port.
    pub user: String,
    /// The password.
    pub password: Password,
}

/// Who may log in, and where (`PB-01`, `PB-06`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Gate {
    /// What they log in with.
    #[serde(flatten)]
    pub login: Login,
    /// Where they connect, as in `pb.listen`: on these places only such users are known, of this unit and of others that
    /// name the same place. Without any, they connect to the places of `pb`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub listen: Vec<Listen>,
}

impl Gate {
    /// Whether this user comes through it at this port.
    pub fn admits(&self, user: &str, port: Port) -> bool {
        self.login.user == user && Port::of(&self.listen).contains(&port)
    }
}

impl Config {
    /// The places that units have of their own, each with its unit as people call it (`PB-01`).
    pub fn own_places(&self) -> impl Iterator<Item = (String, &Listen)> {
        let sources = self.change_sources.iter().filter_map(|source| match &source.kind {
            ChangeSourceKind::Pb(pb) => Some((format!("change source {}", source.name), &pb.gate.listen)),
            _ => None,
        });
        let schedulers = self.schedulers.iter().filter_map(|scheduler| match &scheduler.kind {
            SchedulerKind::TryUserpass(tries) => {
                Some((format!("scheduler {}", scheduler.name), &tries.listen))
            }
            _ => None,
        });
        let named = |kind: &str, gate: &'_ Gate| format!("{kind} {}", gate.login.user);
        let managers = self.user_managers.iter().map(UserManager::gate);
        let managers = managers.map(move |gate| (named("user manager", gate), &gate.listen));
        let listeners = self.status.iter().map(StatusListener::gate);
        let listeners = listeners.map(move |gate| (named("status listener", gate), &gate.listen));
        let units = sources.chain(schedulers).chain(managers).chain(listeners);
        units.flat_map(|(unit, places)| places.iter().map(move |place| (unit.clone(), place)))
    }
}

/// Lets Buildbot's debug client log in as `debug` (`DG-01`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DebugClient {
    /// What it logs in with.
    pub password: Password,
}

impl DebugClient {
    /// What it logs in as.
    pub const USER: &'static str = "debug";
}

/// A way in for those who only watch (`PL-01`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum StatusListener {
    /// Buildbot's status clients, such as `buildbot statuslog`; they log in as `statusClient` unless told otherwise.
    PbListener(Gate),
}

impl StatusListener {
    /// How its clients come in.
    pub fn gate(&self) -> &Gate {
        match self {
            StatusListener::PbListener(gate) => gate,
        }
    }
}

/// A way in for those who manage users (`US-04`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum UserManager {
    /// The `buildbot user` command, which logs in with these.
    CommandLine(Gate),
}

impl UserManager {
    /// How its clients come in.
    pub fn gate(&self) -> &Gate {
        match self {
            UserManager::CommandLine(gate) => gate,
        }
    }
}
