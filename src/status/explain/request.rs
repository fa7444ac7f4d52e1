//! Why a request waits, who builds it, or what became of it.

use super::facts::RequestFacts;
use super::{Explanation, Live, Reason, Subject, moment, obstacles};
use crate::model::Build;

pub(super) fn explain(facts: &RequestFacts, live: &Live) -> Explanation {
    let mut because = Vec::new();
    if let Some(buildset) = &facts.buildset {
        let what = format!(
            "asked for at {} by scheduler {} in buildset {}: {}",
            moment(buildset.submitted_at),
            buildset.scheduler,
            buildset.id,
            buildset.reason
        );
        let change = |id| Reason::new(format!("with change {id}")).about(Subject::Change(id));
        because.push(Reason::new(what).because(buildset.changes.iter().copied().map(change).collect()));
    }
    because.extend(facts.builds.iter().map(|build| of_build(build, live)));
    let (answer, more, unblock) = state(facts, live);
    because.extend(more);
    Explanation { subject: Subject::Request(facts.request.id), answer, because, unblock }
}

/// How it stands, why beside its builds, and what would move it on.
pub(super) fn state(facts: &RequestFacts, live: &Live) -> (String, Vec<Reason>, Option<String>) {
    let request = &facts.request;
    let builder = &request.builder;
    if let Some(at) = request.complete_at {
        let results = request.results.map_or("without a result", |results| results.as_str());
        let outcome = request.outcome.as_ref().map(|outcome| format!(": {outcome}")).unwrap_or_default();
        let heir = facts.collapsed_into.as_ref().map(|heir| as_reason(heir, live));
        let answer = format!("complete for builder {builder} since {}, {results}{outcome}", moment(at));
        return (answer, heir.into_iter().collect(), None);
    }
    if let Some(at) = request.claimed_at {
        let (master, lives) = facts.claimed_by.clone().unwrap_or_else(|| ("(unknown)".to_owned(), false));
        let answer = format!("claimed for builder {builder} by master {master} since {}", moment(at));
        if facts.builds.iter().any(|build| build.complete_at.is_none()) && lives {
            return (answer, Vec::new(), None);
        }
        let (what, unblock) = match lives {
            true => ("no build of it runs at the moment".to_owned(), None),
            false => (
                format!("master {master} does not run"),
                Some(format!(
                    "a start of master {master}, or the moment at which another takes over what it left"
                )),
            ),
        };
        return (answer, vec![Reason::new(what)], unblock);
    }
    let waits = obstacles::of_builder(builder, Some(request), facts.ahead, &facts.workers, live);
    let answer = format!(
        "waits for builder {builder} since {}, with priority {}",
        moment(request.submitted_at),
        request.priority
    );
    (answer, waits.because, waits.unblock)
}

/// A request as a part of somebody else's explanation.
pub(super) fn as_reason(facts: &RequestFacts, live: &Live) -> Reason {
    let (answer, more, _) = state(facts, live);
    let builds = facts.builds.iter().map(|build| of_build(build, live));
    let subject = Subject::Request(facts.request.id);
    Reason::new(format!("{subject}: {answer}")).about(subject).because(builds.chain(more).collect())
}

/// A build, as its row has it and as it goes.
pub(super) fn of_build(build: &Build, live: &Live) -> Reason {
    let subject = Subject::Build { builder: build.builder.clone(), number: build.number };
    let ended = match (build.complete_at, build.results) {
        (Some(at), Some(results)) => format!("{results} at {}: {}", moment(at), build.state),
        (Some(at), None) => format!("ended at {}", moment(at)),
        (None, _) => {
            let running = live.snapshot.iter().flat_map(|snapshot| &snapshot.builds);
            let step = running.into_iter().find(|running| running.build == build.id).and_then(|running| {
                let (_, step) = running.step.as_ref()?;
                Some(format!("runs step {step}, {} of {} done", running.progress.0, running.progress.1))
            });
            step.unwrap_or_else(|| format!("runs: {}", build.state))
        }
    };
    let what = format!("{subject} on worker {} since {}: {ended}", build.worker, moment(build.started_at));
    Reason::new(what).about(subject)
}
