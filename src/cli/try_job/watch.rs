//! Waiting for the builds of a job (`clients.md` §5).

use super::super::pb_client::{Client, ClientError, Heard};
use crate::model::Results;
use crate::pb::{Luid, Value};
use std::collections::BTreeMap;
use std::fmt;

/// The object of ours that the master calls.
const OBSERVER: u64 = 1;

/// How often the master may tell how much time a build has left, in seconds.
const ETA_EVERY_S: i64 = 20;

/// How a builder's part has ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    results: Option<Results>,
    text: String,
}

impl Outcome {
    /// Whether all is well; warnings are not.
    pub fn is_success(&self) -> bool {
        self.results == Some(Results::Success)
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.results {
            Some(results) => write!(out, "{results}")?,
            None => out.write_str("not built")?,
        }
        if self.text.is_empty() { Ok(()) } else { write!(out, " ({})", self.text) }
    }
}

/// What is awaited.
struct Watch<'a> {
    client: &'a mut Client,
    quiet: bool,
    outcomes: BTreeMap<String, Outcome>,
    /// Builds that have not ended, by the token of the question that their end answers.
    running: BTreeMap<u64, (String, Luid)>,
    /// The question that the end of the whole buildset answers; a master of today has no answer to it.
    whole: u64,
    /// Whether the whole buildset has ended: a builder may have no build of its own.
    has_ended: bool,
}

/// Follows the builds of a buildset until all have ended; how each builder's has.
///
/// # Errors
/// See [`ClientError`].
pub fn watch(
    client: &mut Client,
    buildset: Luid,
    quiet: bool,
) -> Result<BTreeMap<String, Outcome>, ClientError> {
    let requests = client.call(buildset, "getBuildRequests", &[])?;
    let whole = client.begin(buildset, "waitUntilFinished", &[])?;
    let (outcomes, running) = (BTreeMap::new(), BTreeMap::new());
    let mut watch = Watch { client, quiet, outcomes, running, whole, has_ended: false };
    for request in requests.as_items().unwrap_or_default() {
        let Some([name, request]) = request.as_items() else { continue };
        let (Some(name), Some(request)) = (name.to_str_lossy(), request.as_remote()) else { continue };
        watch.outcomes.insert(name.into_owned(), Outcome::default());
        watch.client.call(request, "subscribe", &[Value::local(OBSERVER)])?;
    }
    while !watch.is_over() {
        let heard = watch.client.hear()?;
        watch.on(heard)?;
    }
    Ok(watch.outcomes)
}

impl Watch<'_> {
    fn is_over(&self) -> bool {
        let is_final = |outcome: &Outcome| outcome.results.is_some_and(|results| results != Results::Retry);
        self.running.is_empty() && (self.has_ended || self.outcomes.values().all(is_final))
    }

    fn on(&mut self, heard: Heard) -> Result<(), ClientError> {
        match heard {
            Heard::Answered { token, answer } if self.whole == token => self.has_ended = answer.is_ok(),
            Heard::Answered { token, answer } => {
                if let Some((builder, build)) = self.running.remove(&token) {
                    answer.map_err(ClientError::Refused)?;
                    self.ended(builder, build)?;
                }
            }
            Heard::Called { method, args } => match (method.as_str(), &args[..]) {
                ("newbuild", [build, builder, ..]) => {
                    if let (Some(build), Some(builder)) = (build.as_remote(), builder.to_str_lossy()) {
                        self.began(builder.into_owned(), build)?;
                    }
                }
                ("stepStarted", [builder, _, step, ..]) => self.say(builder, step, "begins"),
                ("buildETAUpdate", [builder, _, eta]) => self.say_eta(builder, eta),
                _ => {}
            },
        }
        Ok(())
    }

    fn began(&mut self, builder: String, build: Luid) -> Result<(), ClientError> {
        if !self.quiet {
            println!("{builder}: a build begins");
        }
        self.client.begin(build, "subscribe", &[Value::local(OBSERVER), ETA_EVERY_S.into()])?;
        let end = self.client.begin(build, "waitUntilFinished", &[])?;
        self.running.insert(end, (builder, build));
        Ok(())
    }

    fn ended(&mut self, builder: String, build: Luid) -> Result<(), ClientError> {
        let results = self.client.call(build, "getResults", &[])?.as_int().and_then(Results::from_number);
        let text = self.client.call(build, "getText", &[])?;
        let words = text.as_items().unwrap_or_default().iter().filter_map(Value::to_str_lossy);
        let text = words.collect::<Vec<_>>().join(" ");
        let outcome = Outcome { results, text };
        if results == Some(Results::Retry) && !self.quiet {
            println!("{builder}: {outcome}; it is built again");
        }
        self.outcomes.insert(builder, outcome);
        Ok(())
    }

    fn say(&self, builder: &Value, step: &Value, what: &str) {
        if let (false, Some(builder), Some(step)) = (self.quiet, builder.to_str_lossy(), step.to_str_lossy())
        {
            println!("{builder}: {step} {what}");
        }
    }

    fn say_eta(&self, builder: &Value, eta: &Value) {
        if let (false, Some(builder), Some(eta)) = (self.quiet, builder.to_str_lossy(), eta.as_f64()) {
            println!("{builder}: {eta:.0} s left");
        }
    }
}
