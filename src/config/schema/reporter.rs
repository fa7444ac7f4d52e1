//! `reporters`: who tells people what happens.

use super::Secret;
use serde::Serialize;

/// One reporter (`N-RP`).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Reporter {
    /// Its name, unique among them; without one, its type.
    pub name: String,
    /// How it tells.
    #[serde(flatten)]
    pub kind: ReporterKind,
}

/// How a reporter tells.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ReporterKind {
    /// By mail. For now it tells whom a worker's `notify_on_missing` names that the worker is missing.
    Mail(Mail),
}

impl ReporterKind {
    /// Its `type` in the file.
    pub fn type_name(&self) -> &'static str {
        match self {
            ReporterKind::Mail(_) => "mail",
        }
    }
}

/// Mail, handed to a relay.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Mail {
    /// The sender's address: `ci@example.org` or `CI <ci@example.org>`.
    pub from: String,
    /// The relay's host.
    pub host: String,
    /// The relay's port: 25, 587 with `tls: starttls`, 465 with `tls: implicit`, unless `relay` names one.
    pub port: u16,
    /// How the connection is kept private. Without a word about it: `starttls` where there is a user, else none.
    pub tls: MailTls,
    /// Who logs in at the relay; `None` where that is not needed.
    pub login: Option<MailLogin>,
}

/// How the connection to a relay is kept private.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum MailTls {
    /// It is not.
    None,
    /// It becomes private after the greeting, or no mail is sent.
    Starttls,
    /// It is from the first byte on.
    Implicit,
}

/// Who logs in at a relay.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MailLogin {
    /// The user.
    pub user: String,
    /// The password.
    pub password: Secret,
}
