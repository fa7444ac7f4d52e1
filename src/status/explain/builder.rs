//! What a builder does, and what its requests wait for.

use super::facts::BuilderFacts;
use super::{Explanation, Live, Reason, Subject, count, moment, obstacles, request};

/// `None` if nothing is known of it.
pub(super) fn explain(facts: &BuilderFacts, live: &Live) -> Option<Explanation> {
    let served = live.snapshot.iter().flat_map(|snapshot| &snapshot.workers);
    let is_configured = served.flat_map(|worker| &worker.builders).any(|slot| slot.builder == facts.name);
    if !is_configured && facts.waiting.is_empty() && facts.last.is_none() {
        return None;
    }
    let mut because: Vec<Reason> = facts.running.iter().map(|build| request::of_build(build, live)).collect();
    if let Some(last) = facts.last.as_ref().filter(|last| last.complete_at.is_some()) {
        because.push(request::of_build(last, live));
    }
    let waits = obstacles::of_builder(&facts.name, None, 0, &facts.workers, live);
    because.extend(waits.because);
    because.extend(facts.waiting.iter().map(|request| {
        let subject = Subject::Request(request.id);
        let what = format!(
            "{subject} waits since {}, with priority {}",
            moment(request.submitted_at),
            request.priority
        );
        Reason::new(what).about(subject)
    }));
    let unseen = facts.waiting_count.saturating_sub(facts.waiting.len());
    if unseen > 0 {
        because.push(Reason::new(format!("{} more", count(unseen, "request"))));
    }
    let running = count(facts.running.len(), "build");
    let answer = match facts.waiting_count {
        0 => format!("{running} running, nothing waits"),
        waiting => format!("{running} running, {} waiting", count(waiting, "request")),
    };
    let unblock = waits.unblock.filter(|_| facts.waiting_count > 0);
    Some(Explanation { subject: Subject::Builder(facts.name.clone()), answer, because, unblock })
}
