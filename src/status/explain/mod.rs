//! Why something is built, or is not: the recorded chain of reasons, and what would move it on.
//!
//! Pure: [`Facts`] are read from the rows, so that they outlive a restart and tell of a build that was never made;
//! [`Live`] is what only the running services know; [`explain`] makes a tree of reasons of both. The command, the page and
//! the API resource all show that tree.

mod asker;
mod builder;
mod change;
mod circle;
mod facts;
mod obstacles;
mod request;
#[cfg(test)]
mod tests;
mod worker;

pub use asker::Asker;
pub use facts::{Facts, read};

use crate::botmaster::Snapshot;
use crate::model::{ChangeId, RequestId, Wall};
use crate::schedulers::SchedulerStatus;
use serde::{Deserialize, Serialize};
use std::fmt;

/// What can be explained, or is a part of an explanation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    /// A change: what the schedulers made of it, and what came of that.
    Change(ChangeId),
    /// A build request: what it waits for, or what became of it.
    Request(RequestId),
    /// A build: that of its request.
    Build {
        /// Its builder.
        builder: String,
        /// Its number there.
        number: i64,
    },
    /// A builder: what it waits for.
    Builder(String),
    /// A worker: what holds it.
    Worker(String),
}

impl Subject {
    /// From its kind and its id or name; a build's is `BUILDER/NUMBER`.
    ///
    /// # Errors
    /// What is wrong with it, for people.
    pub fn parse(kind: &str, name: &str) -> Result<Subject, String> {
        let number =
            |text: &str| text.parse::<i64>().map_err(|_| format!("{text:?} is not the number of a {kind}"));
        match kind {
            "change" => Ok(Subject::Change(ChangeId(number(name)?))),
            "request" => Ok(Subject::Request(RequestId(number(name)?))),
            "build" => match name.rsplit_once('/') {
                Some((builder, name)) => {
                    Ok(Subject::Build { builder: builder.to_owned(), number: number(name)? })
                }
                None => Err(format!("{name:?} is not BUILDER/NUMBER")),
            },
            "builder" => Ok(Subject::Builder(name.to_owned())),
            "worker" => Ok(Subject::Worker(name.to_owned())),
            _ => {
                Err(format!("a {kind} cannot be explained: only a change, request, build, builder or worker"))
            }
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Subject::Change(id) => write!(f, "change {id}"),
            Subject::Request(id) => write!(f, "request {id}"),
            Subject::Build { builder, number } => write!(f, "build {builder}/{number}"),
            Subject::Builder(name) => write!(f, "builder {name}"),
            Subject::Worker(name) => write!(f, "worker {name}"),
        }
    }
}

/// One reason, and the reasons for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// In words.
    pub what: String,
    /// What it is about, where that can be looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<Subject>,
    /// Why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub because: Vec<Reason>,
}

impl Reason {
    fn new(what: impl Into<String>) -> Reason {
        Reason { what: what.into(), about: None, because: Vec::new() }
    }

    fn about(self, about: Subject) -> Reason {
        Reason { about: Some(about), ..self }
    }

    fn because(self, because: Vec<Reason>) -> Reason {
        Reason { because, ..self }
    }

    fn write(&self, depth: usize, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:depth$}- {}", "", self.what, depth = depth * 2)?;
        self.because.iter().try_for_each(|reason| reason.write(depth + 1, f))
    }
}

/// The answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Explanation {
    /// What was asked about.
    pub subject: Subject,
    /// How it stands, in a sentence without its full stop.
    pub answer: String,
    /// Why.
    pub because: Vec<Reason>,
    /// What would move it on, in a sentence; `None` where nothing needs to.
    pub unblock: Option<String>,
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}: {}", self.subject, self.answer)?;
        self.because.iter().try_for_each(|reason| reason.write(1, f))?;
        self.unblock.iter().try_for_each(|unblock| writeln!(f, "What would move it on: {unblock}."))
    }
}

/// What only the running services know; without it, the rows alone are told.
#[derive(Clone, Debug, Default)]
pub struct Live {
    /// What the botmaster does; `None` if it does not answer.
    pub snapshot: Option<Snapshot>,
    /// How the schedulers are.
    pub schedulers: Vec<SchedulerStatus>,
}

/// Explains what the facts are about; `None` for a builder or worker that neither rows nor services know.
pub fn explain(facts: &Facts, live: &Live) -> Option<Explanation> {
    match facts {
        Facts::Change(facts) => Some(change::explain(facts, live)),
        Facts::Request(facts) => Some(request::explain(facts, live)),
        Facts::Builder(facts) => builder::explain(facts, live),
        Facts::Worker(facts) => worker::explain(facts, live),
    }
}

/// `2026-11-22T19:04:39Z`.
fn moment(at: Wall) -> String {
    crate::status::web::rfc3339(at)
}

/// `1 request`, `3 requests`.
fn count(n: usize, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}
