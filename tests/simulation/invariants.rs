//! What must hold: always, and once all is calm.

use crate::driver::Acknowledged;
use crate::house::House;
use bellwether::botmaster::WorkerState;
use bellwether::db::DbError;
use bellwether::model::{Build, Results};
use std::collections::BTreeSet;

fn read<R>(outcome: Result<R, DbError>) -> Result<R, String> {
    outcome.map_err(|error| format!("the database cannot be read: {error}"))
}

/// How long a worker may be silent and still count as connected, in microseconds.
const SILENCE_US: i64 = 30_000_000;

/// A request is built once at a time; no worker has more than it may, and no lock; none that is dead counts as connected for long;
/// no master's word breaks the protocol.
pub fn check_always(house: &mut House) -> Result<(), String> {
    let now = house.sim.world().wall();
    let snapshot = house.tree.botmaster.snapshot().map_err(|gone| gone.to_string())?;
    for worker in snapshot.workers.iter().filter(|worker| worker.state == WorkerState::Connected) {
        if worker.heard_at.is_none_or(|heard| now.0 - heard.0 > SILENCE_US) {
            return Err(format!(
                "{} counts as connected, but is silent since {:?}",
                worker.name, worker.heard_at
            ));
        }
    }
    let mut running = BTreeSet::new();
    let builds = read(house.tree.db.builds().running())?;
    check_locks(&builds)?;
    for build in builds {
        if !running.insert(build.request) {
            return Err(format!("request {} is built twice at the same time", build.request));
        }
    }
    let allowed = |worker: &str| {
        let most = house.running.worker(worker).and_then(|worker| worker.max_builds);
        most.map_or(usize::MAX, |most| most as usize)
    };
    if let Some(offence) = house.cloud.offence(allowed) {
        return Err(offence);
    }
    for peer in &house.peers {
        let allowed = allowed(&peer.name);
        if peer.busiest > allowed {
            return Err(format!("{} ran {} builds at once, may run {allowed}", peer.name, peer.busiest));
        }
        if let Some(offence) = peer.offences.first() {
            return Err(offence.clone());
        }
    }
    Ok(())
}

/// What the site's configurations say of locks, in other words: `fast`, `slow` and `cloudy` have the disk of their worker to
/// themselves; `extra` is alone with `site`, `other` takes both units of it, `fast` one.
fn check_locks(running: &[Build]) -> Result<(), String> {
    let count =
        |builders: &[&str]| running.iter().filter(|build| builders.contains(&&*build.builder)).count();
    for worker in ["w1", "w2", "w3"] {
        let has_disk =
            |build: &&Build| build.worker == worker && ["fast", "slow", "cloudy"].contains(&&*build.builder);
        if running.iter().filter(has_disk).count() > 1 {
            return Err(format!("the disk of {worker} is used twice: {running:?}"));
        }
    }
    let units = 2 * count(&["other"]) + count(&["fast"]);
    if units > 2 || count(&["extra"]) > 1 || count(&["extra"]) == 1 && units > 0 {
        return Err(format!("too many hold the lock of the site: {running:?}"));
    }
    Ok(())
}

/// Nothing waits, nothing runs, every acknowledged change was judged by every scheduler, and what was to be
/// built has been. Gives the number of builds.
pub fn check_at_end(house: &House, acknowledged: &Acknowledged) -> Result<u64, String> {
    let db = &house.tree.db;
    if let Some(build) = read(db.builds().running())?.first() {
        return Err(format!("build {} of {} never ends: {}", build.number, build.builder, build.state));
    }
    if let Some(buildset) = read(db.buildsets().open())?.first() {
        let requests = read(db.requests().of_buildset(buildset.id))?;
        let snapshot = house.tree.botmaster.snapshot().map_err(|gone| gone.to_string())?;
        return Err(format!("{buildset:?} is never complete: {requests:#?}\n{snapshot:#?}"));
    }
    if let Some(worker) = house.cloud.leftover() {
        return Err(format!("an instance of {worker} is never stopped"));
    }
    for buildset in &acknowledged.buildsets {
        let stored = read(db.buildsets().get(*buildset))?.ok_or(format!("buildset {buildset} is lost"))?;
        if stored.complete_at.is_none() {
            return Err(format!("buildset {buildset} was asked for and is not complete"));
        }
    }
    for change in &acknowledged.changes {
        let verdicts = read(db.changes().verdicts(*change))?;
        for scheduler in ["main", "any"] {
            let Some(verdict) = verdicts.iter().find(|verdict| verdict.scheduler == scheduler) else {
                return Err(format!("scheduler {scheduler} has not judged change {change}"));
            };
            let told = read(db.changes().get(*change))?.ok_or(format!("change {change} is lost"))?.told;
            let branch = told.branch.unwrap_or_default();
            let important = scheduler == "main" || !told.files.iter().all(|file| file.starts_with("docs/"));
            let matches = branch == "main" || branch == "dev" && scheduler == "any";
            if matches && important && verdict.buildset.is_none() {
                return Err(format!("change {change} was not built by {scheduler}: {}", verdict.reason));
            }
            if !matches && (verdict.buildset.is_some() || verdict.reason.is_empty()) {
                return Err(format!("change {change} is no change of {scheduler}, but: {verdict:?}"));
            }
        }
    }
    builds_make_sense(house)
}

/// Each request that was built has one build that counts; all others of it were lost and tried again.
fn builds_make_sense(house: &House) -> Result<u64, String> {
    let builds = read(house.tree.db.builds().recent(bellwether::db::builds::Filter::default(), u32::MAX))?;
    let mut counted = BTreeSet::new();
    for build in &builds {
        let Some(results) = build.results else {
            return Err(format!("build {} of {} has no result", build.number, build.builder));
        };
        if results != Results::Retry && !counted.insert(build.request) {
            return Err(format!("request {} was built to an end twice", build.request));
        }
        for step in read(house.tree.db.steps().of_build(build.id))? {
            if step.started_at.is_some() && step.complete_at.is_none() {
                return Err(format!("step {} of build {} never ended", step.name, build.id));
            }
            if let Some(log) = read(house.tree.db.logs().of_step(step.id))?.iter().find(|log| !log.complete) {
                return Err(format!("log {} of step {} never ended", log.name, step.name));
            }
        }
    }
    Ok(builds.len() as u64)
}
