//! What a step's observers make of the lines that they find (`N-ST-12`).

use crate::botmaster::limits::STATE_PAUSE;
use crate::botmaster::steps::{End, LineCutter};
use crate::config::{Observer, Step};
use crate::model::{Channel, Mono, Results};
use regex::Captures;
use std::collections::BTreeMap;

/// The source of properties that observers set.
const SOURCE: &str = "Observer";

/// What was found so far.
#[derive(Debug, Default)]
pub(super) struct Watch {
    /// By the name of the log, empty for the main one, and the channel.
    cutters: BTreeMap<(String, bool), LineCutter>,
    found: Found,
    /// When the step last said what it is doing.
    said_at: Option<Mono>,
}

#[derive(Debug, Default)]
struct Found {
    values: BTreeMap<String, String>,
    counts: BTreeMap<String, u64>,
    result: Option<Results>,
    state: Option<String>,
}

impl Watch {
    /// Takes a piece of a log's; what the step says that it is doing, if that is new.
    pub fn hear(
        &mut self,
        step: &Step,
        log: &str,
        channel: Channel,
        text: &[u8],
        now: Mono,
    ) -> Option<String> {
        if channel == Channel::Header || !step.observe.iter().any(|observer| is_about(observer, log)) {
            return None;
        }
        let Watch { cutters, found, said_at } = self;
        let cutter = cutters.entry((log.to_owned(), channel == Channel::Stderr)).or_default();
        cutter.push(text, |line| found.line(&step.observe, log, line));
        if found.state.is_none() || said_at.is_some_and(|said| now < said + STATE_PAUSE) {
            return None;
        }
        *said_at = Some(now);
        found.state.take()
    }

    /// Puts what was found beside what the step itself found.
    pub fn finish(&mut self, step: &Step, end: &mut End) {
        let Watch { cutters, found, .. } = self;
        for ((log, _), cutter) in cutters {
            cutter.finish(|line| found.line(&step.observe, log, line));
        }
        for (name, value) in std::mem::take(&mut found.values) {
            end.properties.set(name, value, SOURCE);
        }
        for observer in &step.observe {
            if let Some(name) = &observer.count {
                end.properties.set(name, found.counts.get(name).copied().unwrap_or(0), SOURCE);
            }
        }
        if let Some(result) = found.result {
            end.results = end.results.worst(result);
        }
    }
}

impl Found {
    fn line(&mut self, observers: &[Observer], log: &str, line: &str) {
        for observer in observers.iter().filter(|observer| is_about(observer, log)) {
            let Some(parts) = observer.pattern.captures(line) else { continue };
            if let Some(name) = &observer.property {
                self.values.insert(name.clone(), value(&parts).to_owned());
            }
            if let Some(name) = &observer.count {
                *self.counts.entry(name.clone()).or_default() += 1;
            }
            if let Some(state) = &observer.state {
                let mut text = String::new();
                parts.expand(state, &mut text);
                self.state = Some(text);
            }
            self.result = match (self.result, observer.result) {
                (Some(before), Some(result)) => Some(before.worst(result)),
                (before, result) => before.or(result),
            };
        }
    }
}

fn is_about(observer: &Observer, log: &str) -> bool {
    observer.log.as_deref().unwrap_or_default() == log
}

/// The group that is meant.
fn value<'t>(parts: &Captures<'t>) -> &'t str {
    let part = parts.name("value").or_else(|| parts.get(1)).or_else(|| parts.get(0));
    part.map_or("", |part| part.as_str())
}
