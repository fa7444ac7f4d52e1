//! What a plan touches of what is going on: running builds, waiting requests, connected workers (`design.md` §3).

use super::plan::{Plan, PlanStep, Unit, Verb};
use serde::Serialize;
use std::fmt;

/// What is going on, as far as a plan may touch it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Activity {
    /// The running builds.
    pub builds: Vec<Running>,
    /// How many requests wait, by builder.
    pub waiting: Vec<(String, usize)>,
    /// The connected workers, each with the builders that it serves.
    pub workers: Vec<(String, Vec<String>)>,
}

/// A running build.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Running {
    /// Its builder.
    pub builder: String,
    /// Its number within its builder.
    pub number: i64,
    /// Its worker.
    pub worker: String,
}

/// One thing that a step touches.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Touched {
    /// It goes on to its end with what it began with.
    Build(Running),
    /// So many requests wait for what changes; they are built with the new settings.
    Requests(usize),
    /// So many requests wait for what goes; they go on waiting for it.
    Stranded(usize),
    /// This connected worker is told of it.
    Worker(String),
    /// This connected worker is sent away, when its builds are done.
    SentAway(String),
}

impl fmt::Display for Touched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = |count: &usize| if *count == 1 { "request" } else { "requests" };
        match self {
            Touched::Build(Running { builder, number, worker }) => {
                write!(f, "build {builder}/{number}, running on {worker}: finished with the old settings")
            }
            Touched::Requests(count) => {
                write!(f, "{count} waiting {}: built with the new settings", plural(count))
            }
            Touched::Stranded(count) => write!(
                f,
                "{count} waiting {}: left until the builder comes back, or somebody cancels",
                plural(count)
            ),
            Touched::Worker(name) => write!(f, "connected worker {name}: it stays, and is told"),
            Touched::SentAway(name) => write!(f, "connected worker {name}: sent away once its builds end"),
        }
    }
}

impl Plan {
    /// The same plan, each step with what it touches of this.
    #[must_use]
    pub fn touching(mut self, activity: &Activity) -> Plan {
        for step in &mut self.steps {
            step.touches = activity.touched_by(step);
        }
        self
    }
}

impl Activity {
    fn touched_by(&self, step: &PlanStep) -> Vec<Touched> {
        match (&step.unit, step.verb) {
            (Unit::Builder(name), verb) => {
                let builds = self.builds.iter().filter(|build| build.builder == *name);
                let waiting = self.waiting.iter().filter(|(builder, _)| builder == name);
                let requests = waiting.map(|&(_, count)| match verb {
                    Verb::Stop => Touched::Stranded(count),
                    Verb::Reconfigure | Verb::Start => Touched::Requests(count),
                });
                let serving = self.workers.iter().filter(|(_, builders)| builders.contains(name));
                let told = serving.map(|(worker, _)| Touched::Worker(worker.clone()));
                builds.cloned().map(Touched::Build).chain(requests).chain(told).collect()
            }
            (Unit::Worker(name), verb) => {
                let builds = self.builds.iter().filter(|build| build.worker == *name);
                let connected = self.workers.iter().filter(|(worker, _)| worker == name);
                let touched = connected.map(|(worker, _)| match verb {
                    Verb::Stop => Touched::SentAway(worker.clone()),
                    Verb::Reconfigure | Verb::Start => Touched::Worker(worker.clone()),
                });
                builds.cloned().map(Touched::Build).chain(touched).collect()
            }
            _ => Vec::new(),
        }
    }
}
