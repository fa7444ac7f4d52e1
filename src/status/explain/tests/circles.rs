//! Requests that a build waits for which keeps what they need.

use super::{live, request, running, waiting, worker};
use crate::botmaster::{Lacking, RunningBuild, WorkerStatus};
use crate::model::{BuildId, BuildsetId};
use crate::status::explain::{Facts, Live, explain};
use expect_test::expect;

/// A build that waits for a buildset.
fn parent(id: i64, builder: &str, worker: &str, awaits: i64) -> RunningBuild {
    RunningBuild { awaits: vec![BuildsetId(awaits)], ..running(id, builder, worker) }
}

fn full(name: &str) -> WorkerStatus {
    WorkerStatus { max_builds: Some(1), running: 1, ..worker(name) }
}

/// What would move request 1 on.
fn unblock(live: &Live) -> String {
    let facts = Facts::Request(Box::new(request(1, "b")));
    explain(&facts, live).unwrap().unblock.unwrap()
}

#[test]
fn a_parent_on_the_only_worker_is_a_circle() {
    waiting(
        &live(vec![full("w1")], vec![parent(9, "top", "w1", 1)]),
        &expect![[r#"
            request 1: waits for builder b since 2023-11-14T22:13:21Z, with priority 0
              - asked for at 2023-11-14T22:13:21Z by scheduler quick in buildset 1: a change
                - with change 5
              - a circle: top/9 waits for it, and keeps every worker that it could be built with
              - worker w1: full: max_builds is 1, and it runs top/9
            What would move it on: a stop of top/9; for the next time, a larger `max_builds` of w1, or another worker for builder b.
        "#]],
    );
}

#[test]
fn so_is_a_grandparent() {
    let builds = vec![parent(8, "top", "w1", 7), parent(7, "middle", "w2", 1)];
    let told = unblock(&live(vec![full("w1"), full("w2")], builds));
    let wanted = "a stop of top/8 and middle/7; for the next time, a larger `max_builds` of w1, w2, or another worker for \
                  builder b";
    assert_eq!(told, wanted);
}

#[test]
fn a_worker_whose_builds_will_end_is_none() {
    let builds = vec![parent(9, "top", "w1", 1), running(5, "c", "w2")];
    assert_eq!(unblock(&live(vec![full("w1"), full("w2")], builds)), "the end of c/5");
    let elsewhere = vec![parent(9, "top", "w1", 6)];
    assert_eq!(unblock(&live(vec![full("w1")], elsewhere)), "the end of top/9");
}

#[test]
fn a_lock_that_the_parent_holds_is_a_circle() {
    let mut live = live(vec![worker("w1")], vec![parent(9, "top", "w2", 1)]);
    let lacking = Lacking { builder: "b".into(), lock: "db".into(), holders: vec![BuildId(9)] };
    live.snapshot.as_mut().unwrap().lacking = vec![lacking];
    assert_eq!(
        unblock(&live),
        "a stop of top/9; for the next time, another use of the lock, in one of the two builders"
    );
}

#[test]
fn what_a_build_waits_for_is_not_held_back_before_a_shutdown() {
    let mut live = live(vec![full("w1")], vec![running(9, "top", "w1")]);
    live.snapshot.as_mut().unwrap().draining = true;
    let mut facts = request(1, "b");
    assert_eq!(unblock(&live), "the master's next start");
    facts.request.waited_for = true;
    let told = explain(&Facts::Request(Box::new(facts)), &live).unwrap();
    assert_eq!(told.unblock.as_deref(), Some("the end of top/9"));
}
