//! What the configuration decides about requests that wait: which gives way, which is next, and who builds it. Pure.

use super::distributor::Rank;
use crate::config::{Builder, Collapse, Condition, NextBuild, NextWorker, Worker};
use crate::db::waiting::Waiting;
use minijinja::value::Serde;
use minijinja::{Value, context};
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A request, with a value for each name that a condition may use of it.
pub fn request(waiting: &Waiting) -> Value {
    let stamp = waiting.stamps.first();
    let asked = waiting.asked.clone();
    let property = move |name: &str, default: Option<Value>| match asked.properties.value(name) {
        Some(value) => Serde(value).into(),
        None => default.unwrap_or_else(|| Value::from(())),
    };
    context! {
        builder => &waiting.builder,
        branch => stamp.and_then(|stamp| stamp.branch.as_deref()),
        revision => stamp.and_then(|stamp| stamp.revision.as_deref()),
        repository => stamp.map_or("", |stamp| &stamp.repository),
        project => stamp.map_or("", |stamp| &stamp.project),
        codebase => stamp.map_or("", |stamp| &stamp.codebase),
        has_changes => waiting.stamps.iter().any(|stamp| stamp.has_changes),
        priority => waiting.priority,
        reason => &waiting.asked.reason,
        scheduler => &waiting.asked.scheduler,
        property => Value::from_function(property),
    }
}

/// Whether a newer request takes the place of an older one that is [alike](super::collapse).
///
/// # Errors
/// Why the condition has no answer, in one line.
pub fn collapses(rule: &Collapse, older: &Waiting, newer: &Waiting) -> Result<bool, String> {
    match rule {
        Collapse::Never => Ok(false),
        Collapse::Alike => Ok(true),
        Collapse::If(condition) => ask_of_two(condition, older, newer),
    }
}

fn ask_of_two(condition: &Condition, older: &Waiting, newer: &Waiting) -> Result<bool, String> {
    let builder = &newer.builder;
    condition.eval(&context! { builder, older => request(older), newer => request(newer) })
}

/// The place of a request among those that wait.
///
/// # Errors
/// Why the condition has no answer, and the place without it.
pub fn rank(builder: &Builder, waiting: &Waiting) -> Result<Rank, (String, Rank)> {
    let at = |turn| Rank { priority: Reverse(waiting.priority.saturating_add(builder.priority)), turn };
    match &builder.next_build {
        NextBuild::Oldest => Ok(at(0)),
        NextBuild::Newest => Ok(at(-waiting.request.0)),
        NextBuild::Prefer(condition) => match condition.eval(&request(waiting)) {
            Ok(preferred) => Ok(at(i64::from(!preferred))),
            Err(why) => Err((why, at(1))),
        },
    }
}

/// A worker that could take a build now.
#[derive(Clone, Debug)]
pub struct Candidate<'a> {
    /// Which.
    pub worker: &'a Worker,
    /// How many builds it runs.
    pub running: usize,
    /// When it last got a build, counted in builds.
    pub last_used: u64,
    /// The same, of this builder's.
    pub last_used_here: Option<u64>,
    /// Its place among the builder's workers.
    pub order: usize,
    /// What it told of itself.
    pub info: Arc<BTreeMap<String, String>>,
}

/// The workers that may take a request, the best first; of `free`, the least busy come first.
///
/// # Errors
/// Why a condition has no answer: then nobody may.
pub fn suitable<'a>(
    builder: &Builder,
    waiting: &Waiting,
    mut free: Vec<Candidate<'a>>,
    chance: &mut fastrand::Rng,
) -> Result<Vec<Candidate<'a>>, String> {
    match &builder.next_worker {
        NextWorker::LeastBusy => {}
        NextWorker::Random => chance.shuffle(&mut free),
        NextWorker::InOrder => free.sort_by_key(|free| free.order),
        NextWorker::LastUsed => free.sort_by_key(|free| Reverse(free.last_used_here)),
        NextWorker::Property(name) => {
            if let Some(wanted) = waiting.asked.properties.value(name).and_then(serde_json::Value::as_str) {
                free.retain(|free| free.worker.name == wanted);
            }
        }
        NextWorker::Prefer(condition) => {
            let mut others = Vec::new();
            let mut preferred = Vec::new();
            for free in free {
                if ask_of_worker(condition, waiting, &free)? {
                    preferred.push(free)
                } else {
                    others.push(free)
                }
            }
            preferred.append(&mut others);
            free = preferred;
        }
    }
    let Some(condition) = &builder.can_start_build else { return Ok(free) };
    let mut fit = Vec::new();
    for free in free {
        if ask_of_worker(condition, waiting, &free)? {
            fit.push(free);
        }
    }
    Ok(fit)
}

fn ask_of_worker(condition: &Condition, waiting: &Waiting, free: &Candidate<'_>) -> Result<bool, String> {
    let told = free.info.clone();
    let info = move |name: &str, default: Option<Value>| match told.get(name) {
        Some(value) => Value::from(value.as_str()),
        None => default.unwrap_or_else(|| Value::from(())),
    };
    let (worker, running, info) = (&free.worker.name, free.running, Value::from_function(info));
    condition.eval(&context! { worker, running, info, ..request(waiting) })
}
