//! What holds a worker, and what it does.

use super::facts::WorkerFacts;
use super::{Explanation, Live, Reason, Subject, count, moment, obstacles, request};
use crate::botmaster::WorkerState;

/// `None` if nothing is known of it.
pub(super) fn explain(facts: &WorkerFacts, live: &Live) -> Option<Explanation> {
    let mut because: Vec<Reason> = facts.running.iter().map(|build| request::of_build(build, live)).collect();
    let subject = Subject::Worker(facts.name.clone());
    let status =
        live.snapshot.iter().flat_map(|snapshot| &snapshot.workers).find(|worker| worker.name == facts.name);
    let Some(status) = status else {
        let stored = facts.stored.as_ref()?;
        because.extend(stored.last_seen_at.map(|at| Reason::new(format!("last seen {}", moment(at)))));
        because.extend(stored.pause_reason.as_ref().map(|why| Reason::new(format!("paused: {why}"))));
        let (answer, unblock) = match live.snapshot.is_some() {
            true => ("not configured on this master", "an entry for it in the configuration"),
            false => (
                "not known to build: the build engine does not answer",
                "an engine that answers: look at `bellwether status`",
            ),
        };
        return Some(Explanation {
            subject,
            answer: answer.to_owned(),
            because,
            unblock: Some(unblock.to_owned()),
        });
    };
    let builds = live.snapshot.as_ref().map(|snapshot| snapshot.builds.as_slice()).unwrap_or_default();
    let found = obstacles::obstacles(status, None, builds, facts.stored.as_ref());
    because.extend(found.iter().map(|obstacle| Reason::new(obstacle.told())));
    because.extend(status.instance.map(|instance| Reason::new(instance.told(moment))));
    // Of one that is away, or in quarantine since it did not start, this is told already.
    let is_told = match status.instance {
        Some(_) => status.quarantined_until.is_some(),
        None => status.state == WorkerState::Away,
    };
    because.extend(
        status
            .trouble
            .as_ref()
            .filter(|_| !is_told)
            .map(|trouble| Reason::new(format!("in trouble: {trouble}"))),
    );
    for slot in &status.builders {
        let waiting = live.snapshot.iter().flat_map(|snapshot| &snapshot.waiting);
        let waiting =
            waiting.into_iter().find(|(builder, _)| *builder == slot.builder).map_or(0, |(_, count)| *count);
        let what = format!("serves builder {}, with {} waiting", slot.builder, count(waiting, "request"));
        because.push(Reason::new(what).about(Subject::Builder(slot.builder.clone())));
    }
    let (_, remedy) = obstacles::told(status, &found);
    let running = count(status.running, "build");
    let answer = match found.is_empty() {
        true => format!("free for more builds, runs {running}"),
        false => format!("takes no more builds, runs {running}"),
    };
    Some(Explanation { subject, answer, because, unblock: (!found.is_empty()).then_some(remedy) })
}
