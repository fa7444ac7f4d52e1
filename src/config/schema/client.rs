//! Who logs in on the PB port beside workers and change sources: people's tools.

use super::Password;
use serde::Serialize;

/// A name to log in as, and the password for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Login {
    /// The name, unique on the PB port.
    pub user: String,
    /// The password.
    pub password: Password,
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
    PbListener(Login),
}

impl StatusListener {
    /// What its clients log in as, and with.
    pub fn login(&self) -> &Login {
        match self {
            StatusListener::PbListener(login) => login,
        }
    }
}

/// A way in for those who manage users (`US-04`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum UserManager {
    /// The `buildbot user` command, which logs in with these.
    CommandLine(Login),
}

impl UserManager {
    /// What its clients log in as, and with.
    pub fn login(&self) -> &Login {
        match self {
            UserManager::CommandLine(login) => login,
        }
    }
}
