//! The reasons as people read them, from facts made by hand.

mod change;
mod circles;
mod workers;

use super::facts::{BuilderFacts, RequestFacts, WorkerFacts};
use super::obstacles::obstacles;
use super::{Facts, Live, Subject, explain};
use crate::botmaster::latent::Standing;
use crate::botmaster::latent::instance::Phase;
use crate::botmaster::{Lacking, RunningBuild, Slot, SlotState, Snapshot, WorkerState, WorkerStatus};
use crate::model::{
    Build, BuildId, BuildRequest, Buildset, BuildsetId, ChangeId, MasterId, Properties, RequestId, Results,
    StepId, Wall, WorkerInfo,
};
use expect_test::{Expect, expect};
use std::time::Duration;

fn at(seconds: i64) -> Wall {
    Wall::from_seconds(1_700_000_000 + seconds)
}

fn check(facts: &Facts, live: &Live, wanted: &Expect) {
    wanted.assert_eq(&explain(facts, live).map_or_else(|| "nothing".to_owned(), |found| found.to_string()));
}

fn request(id: i64, builder: &str) -> RequestFacts {
    RequestFacts {
        request: BuildRequest {
            id: RequestId(id),
            buildset: BuildsetId(id),
            builder: builder.to_owned(),
            priority: 0,
            submitted_at: at(id),
            claimed_by: None,
            claimed_at: None,
            complete_at: None,
            results: None,
            outcome: None,
            waited_for: false,
        },
        buildset: Some(buildset(id)),
        builds: Vec::new(),
        collapsed_into: None,
        claimed_by: None,
        ahead: 0,
        workers: vec![WorkerInfo {
            name: "w1".to_owned(),
            last_seen_at: Some(at(-60)),
            ..WorkerInfo::default()
        }],
    }
}

fn buildset(id: i64) -> Buildset {
    Buildset {
        id: BuildsetId(id),
        scheduler: "quick".to_owned(),
        reason: "a change".to_owned(),
        external_id: String::new(),
        submitted_at: at(id),
        complete_at: None,
        results: None,
        source_stamps: Vec::new(),
        changes: vec![ChangeId(5)],
        properties: Properties::default(),
        parent_build: None,
    }
}

fn build(id: i64, results: Option<Results>) -> Build {
    Build {
        id: BuildId(id),
        number: id,
        builder: "b".to_owned(),
        request: RequestId(1),
        buildset: BuildsetId(1),
        worker: "w1".to_owned(),
        master: MasterId(1),
        started_at: at(10),
        complete_at: results.map(|_| at(20)),
        state: "compiling".to_owned(),
        results,
        reason: String::new(),
        locks_duration: Duration::ZERO,
    }
}

fn running(id: i64, builder: &str, worker: &str) -> RunningBuild {
    RunningBuild {
        build: BuildId(id),
        number: id,
        builder: builder.to_owned(),
        worker: worker.to_owned(),
        request: RequestId(id),
        buildset: BuildsetId(id),
        awaits: Vec::new(),
        step: Some((StepId(1), "compile".to_owned())),
        progress: (1, 3),
        stopping: false,
    }
}

/// A worker that is connected, and serves the builder `b`.
fn worker(name: &str) -> WorkerStatus {
    WorkerStatus {
        name: name.to_owned(),
        state: WorkerState::Connected,
        instance: None,
        pause: None,
        quarantined_until: None,
        missing_since: None,
        connects: 1,
        graceful: false,
        running: 0,
        max_builds: None,
        builders: vec![Slot { builder: "b".to_owned(), state: SlotState::Idle }],
        trouble: None,
        protocol: None,
        heard_at: None,
    }
}

fn instance(phase: Phase) -> Standing {
    Standing { phase, since: at(0), until: (phase != Phase::Down).then(|| at(600)) }
}

fn live(workers: Vec<WorkerStatus>, builds: Vec<RunningBuild>) -> Live {
    let snapshot = Snapshot { workers, builds, ..Snapshot::default() };
    Live { snapshot: Some(snapshot), schedulers: Vec::new() }
}

fn waiting(live: &Live, wanted: &Expect) {
    check(&Facts::Request(Box::new(request(1, "b"))), live, wanted);
}

#[test]
fn each_worker_has_its_own_reasons() {
    let away = WorkerStatus { state: WorkerState::Away, missing_since: Some(at(0)), ..worker("w1") };
    let paused = WorkerStatus { pause: Some("the disk is full".to_owned()), running: 1, ..worker("w2") };
    let resting = WorkerStatus { quarantined_until: Some(at(600)), ..worker("w3") };
    let full = WorkerStatus { max_builds: Some(1), running: 1, ..worker("w4") };
    let leaving = WorkerStatus { graceful: true, ..worker("w5") };
    let attaching = WorkerStatus { state: WorkerState::Attaching, ..worker("w6") };
    let builds = vec![running(3, "b", "w2"), running(4, "c", "w4")];
    let all = vec![away, paused, resting, full, leaving, attaching];
    waiting(
        &live(all, builds),
        &expect![[r#"
            request 1: waits for builder b since 2023-11-14T22:13:21Z, with priority 0
              - asked for at 2023-11-14T22:13:21Z by scheduler quick in buildset 1: a change
                - with change 5
              - worker w1: not connected, last seen 2023-11-14T22:12:20Z, missing since 2023-11-14T22:13:20Z
              - worker w2: busy with b/3; paused: the disk is full
              - worker w3: in quarantine until 2023-11-14T22:23:20Z
              - worker w4: full: max_builds is 1, and it runs c/4
              - worker w5: leaving as soon as its builds are done
              - worker w6: being greeted: it has not taken the builder yet
            What would move it on: the end of c/4.
        "#]],
    );
}

#[test]
fn a_latent_worker_says_what_its_instance_does() {
    let trouble = || Some("the container engine answers 500: no space".to_owned());
    let latent =
        |phase| WorkerStatus { instance: Some(instance(phase)), state: WorkerState::Away, ..worker("w1") };
    let failed = WorkerStatus { quarantined_until: Some(at(600)), trouble: trouble(), ..latent(Phase::Down) };
    let explained = |status: WorkerStatus| {
        let facts = WorkerFacts { name: "w1".to_owned(), stored: None, running: Vec::new() };
        explain(&Facts::Worker(facts), &live(vec![status], Vec::new())).expect("it is known").to_string()
    };
    expect![[r#"
        worker w1: takes no more builds, runs 0 builds
          - in quarantine until 2023-11-14T22:23:20Z: the container engine answers 500: no space
          - not started: a build starts it
          - serves builder b, with 0 requests waiting
        What would move it on: the end of the quarantine of w1 at 2023-11-14T22:23:20Z, or `bellwether worker unpause w1`.
        worker w1: free for more builds, runs 0 builds
          - being started since 2023-11-14T22:13:20Z, missing from 2023-11-14T22:23:20Z on
          - serves builder b, with 0 requests waiting
        worker w1: free for more builds, runs 0 builds
          - started since 2023-11-14T22:13:20Z, stopped at 2023-11-14T22:23:20Z if no build comes
          - serves builder b, with 0 requests waiting
    "#]].assert_eq(&[failed, latent(Phase::Starting), latent(Phase::Up)].map(explained).concat());
}

#[test]
fn the_remedy_is_that_of_the_worker_that_needs_least() {
    let away =
        || WorkerStatus { state: WorkerState::Away, trouble: Some("no password".to_owned()), ..worker("w1") };
    waiting(
        &live(vec![away()], Vec::new()),
        &expect![[r#"
        request 1: waits for builder b since 2023-11-14T22:13:21Z, with priority 0
          - asked for at 2023-11-14T22:13:21Z by scheduler quick in buildset 1: a change
            - with change 5
          - worker w1: not connected, last seen 2023-11-14T22:12:20Z (no password)
        What would move it on: a connection of worker w1: start it, or look into its log.
    "#]],
    );
    let paused = WorkerStatus { pause: Some(String::new()), ..worker("w2") };
    let latent =
        WorkerStatus { instance: Some(instance(Phase::Down)), state: WorkerState::Away, ..worker("w3") };
    assert_eq!(obstacles(&latent, Some("b"), &[], None), []);
    waiting(
        &live(vec![away(), paused], Vec::new()),
        &expect![[r#"
        request 1: waits for builder b since 2023-11-14T22:13:21Z, with priority 0
          - asked for at 2023-11-14T22:13:21Z by scheduler quick in buildset 1: a change
            - with change 5
          - worker w1: not connected, last seen 2023-11-14T22:12:20Z (no password)
          - worker w2: paused, without a reason given
        What would move it on: `bellwether worker unpause w2`.
    "#]],
    );
}

#[test]
fn locks_and_an_end_hold_everybody() {
    let mut held = live(vec![worker("w1")], vec![running(3, "c", "w2")]);
    let lacking = |holders| Lacking { builder: "b".to_owned(), lock: "docks".to_owned(), holders };
    let snapshot = held.snapshot.get_or_insert_default();
    snapshot.lacking = vec![lacking(vec![BuildId(3)])];
    waiting(
        &held,
        &expect![[r#"
        request 1: waits for builder b since 2023-11-14T22:13:21Z, with priority 0
          - asked for at 2023-11-14T22:13:21Z by scheduler quick in buildset 1: a change
            - with change 5
          - worker w1: free
          - the lock docks is not to be had
            - build c/3 has it
        What would move it on: the release of the lock docks.
    "#]],
    );
    let snapshot = held.snapshot.get_or_insert_default();
    snapshot.lacking = vec![lacking(Vec::new())];
    snapshot.draining = true;
    waiting(
        &held,
        &expect![[r#"
        request 1: waits for builder b since 2023-11-14T22:13:21Z, with priority 0
          - asked for at 2023-11-14T22:13:21Z by scheduler quick in buildset 1: a change
            - with change 5
          - the master starts no more builds: it is about to stop
          - worker w1: free
          - the lock docks is kept for those ahead
        What would move it on: the master's next start.
    "#]],
    );
}

#[test]
fn what_nobody_serves_and_what_nobody_knows() {
    waiting(
        &live(Vec::new(), Vec::new()),
        &expect![[r#"
        request 1: waits for builder b since 2023-11-14T22:13:21Z, with priority 0
          - asked for at 2023-11-14T22:13:21Z by scheduler quick in buildset 1: a change
            - with change 5
          - the builder is not configured on this master
        What would move it on: the builder in the configuration; or cancel the request.
    "#]],
    );
    waiting(
        &Live::default(),
        &expect![[r#"
        request 1: waits for builder b since 2023-11-14T22:13:21Z, with priority 0
          - asked for at 2023-11-14T22:13:21Z by scheduler quick in buildset 1: a change
            - with change 5
          - what the workers do is not known: the build engine does not answer
        What would move it on: an engine that answers: look at `bellwether status`.
    "#]],
    );
    let mut second = request(2, "b");
    second.ahead = 1;
    check(
        &Facts::Request(Box::new(second)),
        &live(vec![worker("w1")], Vec::new()),
        &expect![[r#"
        request 2: waits for builder b since 2023-11-14T22:13:22Z, with priority 0
          - asked for at 2023-11-14T22:13:22Z by scheduler quick in buildset 2: a change
            - with change 5
          - 1 request of the builder before it
          - worker w1: free
    "#]],
    );
}

#[test]
fn a_request_tells_who_builds_it_and_how_it_ended() {
    let mut facts = request(1, "b");
    facts.request.claimed_at = Some(at(10));
    facts.claimed_by = Some(("harbour".to_owned(), true));
    facts.builds = vec![build(2, Some(Results::Retry)), build(3, None)];
    let live = live(vec![worker("w1")], vec![running(3, "b", "w1")]);
    check(
        &Facts::Request(Box::new(facts.clone())),
        &live,
        &expect![[r#"
        request 1: claimed for builder b by master harbour since 2023-11-14T22:13:30Z
          - asked for at 2023-11-14T22:13:21Z by scheduler quick in buildset 1: a change
            - with change 5
          - build b/2 on worker w1 since 2023-11-14T22:13:30Z: retry at 2023-11-14T22:13:40Z: compiling
          - build b/3 on worker w1 since 2023-11-14T22:13:30Z: runs step compile, 1 of 3 done
    "#]],
    );
    facts.claimed_by = Some(("harbour".to_owned(), false));
    check(
        &Facts::Request(Box::new(facts.clone())),
        &Live::default(),
        &expect![[r#"
        request 1: claimed for builder b by master harbour since 2023-11-14T22:13:30Z
          - asked for at 2023-11-14T22:13:21Z by scheduler quick in buildset 1: a change
            - with change 5
          - build b/2 on worker w1 since 2023-11-14T22:13:30Z: retry at 2023-11-14T22:13:40Z: compiling
          - build b/3 on worker w1 since 2023-11-14T22:13:30Z: runs: compiling
          - master harbour does not run
        What would move it on: a start of master harbour, or the moment at which another takes over what it left.
    "#]],
    );
    facts.request.complete_at = Some(at(30));
    facts.request.results = Some(Results::Failure);
    facts.builds = vec![build(3, Some(Results::Failure))];
    check(
        &Facts::Request(Box::new(facts)),
        &live,
        &expect![[r#"
        request 1: complete for builder b since 2023-11-14T22:13:50Z, failure
          - asked for at 2023-11-14T22:13:21Z by scheduler quick in buildset 1: a change
            - with change 5
          - build b/3 on worker w1 since 2023-11-14T22:13:30Z: failure at 2023-11-14T22:13:40Z: compiling
    "#]],
    );
}

#[test]
fn a_collapsed_request_tells_of_the_one_that_took_its_place() {
    let mut facts = request(1, "b");
    facts.request.complete_at = Some(at(30));
    facts.request.results = Some(Results::Skipped);
    facts.request.outcome = Some(BuildRequest::outcome_of_collapse(RequestId(7)));
    assert_eq!(facts.request.collapsed_into(), Some(RequestId(7)));
    facts.collapsed_into = Some(Box::new(request(7, "b")));
    check(
        &Facts::Request(Box::new(facts)),
        &live(vec![worker("w1")], Vec::new()),
        &expect![[r#"
        request 1: complete for builder b since 2023-11-14T22:13:50Z, skipped: collapsed into request 7
          - asked for at 2023-11-14T22:13:21Z by scheduler quick in buildset 1: a change
            - with change 5
          - request 7: waits for builder b since 2023-11-14T22:13:27Z, with priority 0
            - worker w1: free
    "#]],
    );
}

#[test]
fn a_builder_tells_what_it_waits_for() {
    let facts = BuilderFacts {
        name: "b".to_owned(),
        waiting: vec![request(4, "b").request, request(5, "b").request],
        waiting_count: 30,
        running: vec![build(3, None)],
        last: Some(build(3, None)),
        workers: Vec::new(),
    };
    let busy = WorkerStatus { running: 1, ..worker("w1") };
    check(
        &Facts::Builder(facts),
        &live(vec![busy], vec![running(3, "b", "w1")]),
        &expect![[r#"
        builder b: 1 build running, 30 requests waiting
          - build b/3 on worker w1 since 2023-11-14T22:13:30Z: runs step compile, 1 of 3 done
          - worker w1: busy with b/3
          - request 4 waits since 2023-11-14T22:13:24Z, with priority 0
          - request 5 waits since 2023-11-14T22:13:25Z, with priority 0
          - 28 requests more
        What would move it on: the end of b/3.
    "#]],
    );
    let unknown = BuilderFacts {
        name: "none".to_owned(),
        waiting: Vec::new(),
        waiting_count: 0,
        running: Vec::new(),
        last: None,
        workers: Vec::new(),
    };
    check(&Facts::Builder(unknown), &live(vec![worker("w1")], Vec::new()), &expect![["nothing"]]);
}

#[test]
fn subjects_are_read_as_they_are_told() {
    for (kind, name) in [("change", "5"), ("request", "7"), ("build", "a/b/3"), ("builder", "a/b")] {
        assert_eq!(
            Subject::parse(kind, name).map(|subject| subject.to_string()),
            Ok(format!("{kind} {name}"))
        );
    }
    for (kind, name) in [("change", "x"), ("build", "b"), ("build", "b/x"), ("step", "1")] {
        assert!(Subject::parse(kind, name).is_err(), "{kind} {name}");
    }
}
