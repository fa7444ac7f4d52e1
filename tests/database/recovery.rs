//! What a restart, or another master, makes of what a master left running.

use crate::engines::{Place, at, commit, on_both};
use crate::rows::{add_requests, claim, master, start as request_start};
use bellwether::db::masters::{Recovered, recover, silent, start};
use bellwether::db::requests::{claim_and_start, unclaimed};
use bellwether::db::{Connection, builds, logs, steps, workers};
use bellwether::kernel::thread::spawn;
use bellwether::model::{BuildId, LogId, LogInfo, LogKind, Results, Step, StepId};
use std::collections::BTreeMap;

on_both!(
    a_restart_ends_what_ran_and_frees_what_was_claimed,
    what_another_master_runs_is_left_alone,
    a_silent_master_is_recovered_and_fenced_off,
);

fn running_step(connection: &mut Connection, build: BuildId) -> (StepId, LogId) {
    let step = Step {
        id: StepId(1),
        build,
        number: 0,
        name: "compile".into(),
        started_at: Some(at(2)),
        locks_acquired_at: None,
        complete_at: None,
        state: "compiling".into(),
        results: None,
        hidden: false,
        links: Vec::new(),
    };
    let log = LogInfo {
        id: LogId(1),
        step: step.id,
        name: "stdio".into(),
        slug: "stdio".into(),
        kind: LogKind::Stdio,
        line_count: 0,
        complete: false,
    };
    commit(connection, |tx| {
        steps::start(tx, &step)?;
        logs::create(tx, &log)
    });
    (step.id, log.id)
}

fn a_restart_ends_what_ran_and_frees_what_was_claimed(place: Place) {
    let mut connection = place.open();
    let earlier = master(&mut connection, "a");
    let ids = add_requests(&mut connection, &["one", "two", "three"]);
    let started = claim(&mut connection, earlier, &ids[..2]);
    let (step, log) = running_step(&mut connection, started[0].build);
    commit(&mut connection, |tx| {
        builds::finish(tx, earlier, started[1].build, Results::Success, "done", at(3))?;
        workers::connected(tx, "w1", earlier.master, (&BTreeMap::new(), &BTreeMap::new()), at(2))
    });

    let (later, recovered) = commit(&mut connection, |tx| start(tx, "a", at(9)));
    assert_eq!(later.fence, earlier.fence + 1);
    assert_eq!(recovered, Recovered { builds: vec![started[0].build], requests: vec![ids[0]] });

    let build = builds::get(&mut connection, started[0].build).expect("an answer").expect("the build");
    assert_eq!((build.results, build.complete_at), (Some(Results::Retry), Some(at(9))));
    assert_eq!(build.state, "interrupted by a master restart");
    let step = steps::get(&mut connection, step).expect("an answer").expect("the step");
    assert_eq!((step.results, step.complete_at), (Some(Results::Retry), Some(at(9))));
    assert!(logs::get(&mut connection, log).expect("an answer").expect("the log").complete);
    assert!(!workers::get(&mut connection, "w1").expect("an answer").expect("the worker").is_connected());

    let waiting = unclaimed(&mut connection, None, 10).expect("requests");
    let waiting: Vec<_> = waiting.iter().map(|request| request.id).collect();
    assert_eq!(waiting.len(), 2);
    assert!(waiting.contains(&ids[0]) && waiting.contains(&ids[2]));
    assert_eq!(claim(&mut connection, later, &ids).len(), 2);
}

fn what_another_master_runs_is_left_alone(place: Place) {
    let mut connection = place.open();
    let other = master(&mut connection, "b");
    let ids = add_requests(&mut connection, &["one"]);
    claim(&mut connection, other, &ids);
    commit(&mut connection, |tx| {
        workers::connected(tx, "w1", other.master, (&BTreeMap::new(), &BTreeMap::new()), at(2))
    });
    let (_, recovered) = commit(&mut connection, |tx| start(tx, "a", at(9)));
    assert_eq!(recovered, Recovered::default());
    assert_eq!(builds::running(&mut connection).map(|running| running.len()), Ok(1));
    assert!(workers::get(&mut connection, "w1").expect("an answer").expect("the worker").is_connected());
}

fn a_silent_master_is_recovered_and_fenced_off(place: Place) {
    let mut connection = place.open();
    let dead = master(&mut connection, "b");
    let ids = add_requests(&mut connection, &["one"]);
    let started = claim(&mut connection, dead, &ids);
    let (alive, _) = commit(&mut connection, |tx| start(tx, "a", at(500)));
    assert_eq!(commit(&mut connection, |tx| silent(tx, at(400))), [dead.master]);
    let recovered = commit(&mut connection, |tx| recover(tx, dead.master, at(501)));
    assert_eq!(recovered.builds, [started[0].build]);
    assert_eq!(commit(&mut connection, |tx| silent(tx, at(400))), []);
    // It was not dead, only slow: what it does now counts no longer.
    let late = commit(&mut connection, |tx| {
        builds::finish(tx, dead, started[0].build, Results::Success, "done", at(502))
    });
    assert_eq!(late, None);
    assert_eq!(claim(&mut connection, dead, &ids), []);
    assert_eq!(claim(&mut connection, alive, &ids).len(), 1);
}

#[test]
fn a_recovery_waits_for_a_claim_that_is_under_way_and_then_sees_it() {
    let place = Place::postgres();
    let mut connection = place.open();
    let claimant = master(&mut connection, "a");
    let ids = add_requests(&mut connection, &["one"]);
    let (mut other, mut watcher) = (place.open(), place.open());
    let recovery = commit(&mut connection, |tx| {
        claim_and_start(tx, claimant, &[request_start(ids[0])], at(1))?;
        let recovery =
            spawn("recovery", move || commit(&mut other, |tx| recover(tx, claimant.master, at(9))))
                .expect("a thread");
        let waits = "SELECT pg_sleep(0.01)::text, EXISTS (SELECT 1 FROM pg_locks WHERE NOT granted)::int";
        let mut is_waiting = false;
        while !is_waiting && !recovery.is_finished() {
            let mut row = watcher.query_one(waits, &[])?;
            let _: String = row.take()?;
            is_waiting = row.take()?;
        }
        Ok(recovery)
    });
    let recovered = recovery.join().expect("no panic");
    assert_eq!((recovered.builds.len(), recovered.requests), (1, ids));
}
