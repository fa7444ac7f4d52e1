//! Schedulers that follow others: each upstream is there, and none follows itself (`CFG-07`).

use crate::config::findings::{Findings, nearest};
use crate::config::read::scheduler::ReadScheduler;
use std::collections::{BTreeMap, BTreeSet};

/// Complains about upstreams that are not there, and about schedulers that would wait for themselves.
pub(super) fn check_upstreams(schedulers: &[ReadScheduler], findings: &mut Findings) {
    let known = || schedulers.iter().filter_map(|read| Some(&read.scheduler.as_ref()?.value));
    let upstreams: BTreeMap<&str, &str> =
        known().filter_map(|scheduler| Some((scheduler.name.as_str(), scheduler.kind.upstream()?))).collect();
    // What cannot be read may be the upstream: its own complaint is enough.
    let all_read = schedulers.iter().all(|read| read.scheduler.is_some());
    for read in schedulers {
        let (Some(scheduler), Some(at)) = (&read.scheduler, read.upstream_at) else { continue };
        let (name, Some(upstream)) = (&scheduler.value.name, scheduler.value.kind.upstream()) else {
            continue;
        };
        if !known().any(|other| other.name == upstream) {
            if all_read {
                let names: Vec<&str> = known().map(|other| other.name.as_str()).collect();
                findings.complain(
                    at,
                    format!("no scheduler is called {upstream:?}"),
                    nearest(upstream, &names),
                );
            }
        } else if let Some(round) = round(name, &upstreams) {
            let message = format!("it would wait for itself: {}", round.join(" after "));
            findings.complain(at, message, "let the first of them follow changes");
        }
    }
}

/// The way from a scheduler by its upstreams back to it, if there is one.
fn round<'a>(name: &'a str, upstreams: &BTreeMap<&'a str, &'a str>) -> Option<Vec<&'a str>> {
    let (mut way, mut seen, mut next) = (vec![name], BTreeSet::new(), name);
    while let Some(upstream) = upstreams.get(next) {
        way.push(upstream);
        if *upstream == name {
            return Some(way);
        }
        if !seen.insert(*upstream) {
            return None;
        }
        next = upstream;
    }
    None
}
