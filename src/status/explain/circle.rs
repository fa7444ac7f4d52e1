//! Requests that can never be built: a build that waits for them keeps what they need (`N-SC-13`).

use super::{Reason, Subject};
use crate::botmaster::{RunningBuild, Snapshot, WorkerState, WorkerStatus};
use crate::model::{BuildRequest, BuildsetId};

/// The builds that wait for this buildset, or for one that waits for it.
fn ancestors(mut buildset: BuildsetId, builds: &[RunningBuild]) -> Vec<&RunningBuild> {
    let mut found: Vec<&RunningBuild> = Vec::new();
    while let Some(parent) = builds.iter().find(|build| build.awaits.contains(&buildset)) {
        // A build waits only for what is newer than itself, so that this ends.
        found.push(parent);
        buildset = parent.buildset;
    }
    found
}

/// That, and what would end it; `None` if it is not so.
pub(super) fn circle(request: &BuildRequest, snapshot: &Snapshot) -> Option<(Reason, String)> {
    let ancestors = ancestors(request.buildset, &snapshot.builds);
    let waits = |build: &&RunningBuild| ancestors.iter().any(|ancestor| ancestor.build == build.build);
    let builder = request.builder.as_str();
    let mut keepers: Vec<&RunningBuild> = Vec::new();
    let (what, remedy) = match snapshot.lacking.iter().find(|lacking| lacking.builder == builder) {
        Some(lacking) => {
            keepers.extend(snapshot.builds.iter().filter(|build| lacking.holders.contains(&build.build)));
            let remedy = "another use of the lock, in one of the two builders".to_owned();
            (format!("the lock {}", lacking.lock), remedy)
        }
        None => {
            let is_there =
                |worker: &&WorkerStatus| worker.state == WorkerState::Connected || worker.instance.is_some();
            let serves = |worker: &&WorkerStatus| worker.builders.iter().any(|slot| slot.builder == builder);
            let mut full = Vec::new();
            for worker in snapshot.workers.iter().filter(serves).filter(is_there) {
                let here = snapshot.builds.iter().filter(|build| build.worker == worker.name);
                let (same, others): (Vec<_>, Vec<_>) = here.partition(|build| build.builder == builder);
                let is_full = worker.max_builds.is_some_and(|most| worker.running >= most as usize);
                match (same.is_empty(), is_full) {
                    (false, _) => keepers.extend(same),
                    (true, true) => {
                        full.push(worker.name.as_str());
                        keepers.extend(others);
                    }
                    // It has room.
                    (true, false) => return None,
                }
            }
            let more = if full.is_empty() {
                String::new()
            } else {
                format!("a larger `max_builds` of {}, or ", full.join(", "))
            };
            ("every worker".to_owned(), format!("{more}another worker for builder {builder}"))
        }
    };
    if keepers.is_empty() || !keepers.iter().all(waits) {
        return None;
    }
    let named = |build: &&RunningBuild| format!("{}/{}", build.builder, build.number);
    let names = keepers.iter().map(named).collect::<Vec<_>>().join(" and ");
    let about = Subject::Build { builder: keepers[0].builder.clone(), number: keepers[0].number };
    let what = format!("a circle: {names} waits for it, and keeps {what} that it could be built with");
    Some((Reason::new(what).about(about), format!("a stop of {names}; for the next time, {remedy}")))
}
