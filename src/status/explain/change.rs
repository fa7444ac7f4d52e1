//! What the schedulers made of a change, and what came of that.

use super::facts::ChangeFacts;
use super::{Explanation, Live, Reason, Subject, count, moment, request};
use crate::config::SchedulerKind;
use crate::model::{BuildsetId, Verdict};
use crate::schedulers::SchedulerStatus;
use std::collections::BTreeSet;

pub(super) fn explain(facts: &ChangeFacts, live: &Live) -> Explanation {
    let mut because: Vec<Reason> =
        facts.verdicts.iter().map(|verdict| judged(verdict, facts, live)).collect();
    let judges: BTreeSet<&str> = facts.verdicts.iter().map(|verdict| verdict.scheduler.as_str()).collect();
    let silent = live.schedulers.iter().filter(|status| follows(status) && !judges.contains(name(status)));
    because.extend(silent.map(unheard));
    let told: BTreeSet<BuildsetId> = facts.verdicts.iter().filter_map(|verdict| verdict.buildset).collect();
    for (buildset, _) in facts.buildsets.iter().filter(|(buildset, _)| !told.contains(&buildset.id)) {
        let what = format!(
            "also in buildset {}, by scheduler {}: {}",
            buildset.id, buildset.scheduler, buildset.reason
        );
        because.push(Reason::new(what).because(requests(facts, buildset.id, live)));
    }
    let (answer, unblock) = summary(facts, live);
    Explanation { subject: Subject::Change(facts.change.id), answer, because, unblock }
}

/// How it stands, and what would move it on.
fn summary(facts: &ChangeFacts, live: &Live) -> (String, Option<String>) {
    let requests: Vec<_> = facts.buildsets.iter().flat_map(|(_, requests)| requests).collect();
    let done = requests.iter().filter(|request| request.request.complete_at.is_some()).count();
    let open = requests.iter().find(|request| request.request.complete_at.is_none());
    if let Some(open) = open {
        let (_, _, unblock) = request::state(open, live);
        return (format!("{done} of {} complete", count(requests.len(), "request")), unblock);
    }
    if let Some((scheduler, important)) = facts.pending.first() {
        let unblock = match important {
            true => format!("the end of the timer of scheduler {scheduler}"),
            false => format!("an important change at scheduler {scheduler}, which takes this one along"),
        };
        return (format!("waits in {}", count(facts.pending.len(), "scheduler")), Some(unblock));
    }
    if !requests.is_empty() {
        return (format!("all of its {} complete", count(requests.len(), "request")), None);
    }
    let unblock = "a scheduler whose filter takes it, for the next change; for this one, a forced build of its revision";
    ("in no build: no scheduler asked for one".to_owned(), Some(unblock.to_owned()))
}

fn judged(verdict: &Verdict, facts: &ChangeFacts, live: &Live) -> Reason {
    let Verdict { scheduler, buildset, reason, .. } = verdict;
    if let Some(buildset) = buildset {
        let what = format!("scheduler {scheduler} took it: {reason}");
        return Reason::new(what).because(requests(facts, *buildset, live));
    }
    if let Some((_, upstream)) = facts.awaiting.iter().find(|(waiting, _)| waiting == scheduler) {
        let what = format!("scheduler {scheduler} waits for the end of buildset {upstream}");
        return Reason::new(what).because(requests(facts, *upstream, live));
    }
    let Some((_, important)) = facts.pending.iter().find(|(holding, _)| holding == scheduler) else {
        return Reason::new(format!("scheduler {scheduler} left it: {reason}"));
    };
    let mut because =
        vec![Reason::new(if *important { "it is important there" } else { "it is not important there" })];
    because.push(match live.schedulers.iter().find(|status| name(status) == scheduler) {
        None => Reason::new("the scheduler is not configured any more"),
        Some(SchedulerStatus { trouble: Some(trouble), .. }) => Reason::new(format!("in trouble: {trouble}")),
        Some(SchedulerStatus { enabled: false, .. }) => Reason::new("the scheduler is disabled"),
        Some(SchedulerStatus { builds_at: Some(at), .. }) => {
            Reason::new(format!("its timer runs until {}, if no other change comes", moment(*at)))
        }
        Some(_) => Reason::new("its timer does not run"),
    });
    Reason::new(format!("scheduler {scheduler} took it: {reason}")).because(because)
}

fn unheard(status: &SchedulerStatus) -> Reason {
    let what =
        format!("scheduler {} has not judged it: it is behind, or came later than the change", name(status));
    let trouble = status.trouble.iter().map(|trouble| Reason::new(format!("in trouble: {trouble}")));
    Reason::new(what).because(trouble.collect())
}

fn requests(facts: &ChangeFacts, buildset: BuildsetId, live: &Live) -> Vec<Reason> {
    let found = facts.buildsets.iter().find(|(found, _)| found.id == buildset);
    let requests = found.into_iter().flat_map(|(_, requests)| requests);
    requests.map(|facts| request::as_reason(facts, live)).collect()
}

fn name(status: &SchedulerStatus) -> &str {
    &status.scheduler.name
}

fn follows(status: &SchedulerStatus) -> bool {
    matches!(status.scheduler.kind, SchedulerKind::SingleBranch(_) | SchedulerKind::AnyBranch(_))
}
