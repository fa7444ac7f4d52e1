//! Locks of builders and workers, on the service.

use super::peer::Kind;
use super::rig::Rig;
use super::{builder, config, shell_step};
use crate::config::{Builder, Config, Lock, LockMode, LockScope, LockUse, Step};
use crate::model::{RequestId, Results};
use std::collections::BTreeMap;

fn lock(name: &str, scope: LockScope, max_count: u32) -> Lock {
    Lock { name: name.into(), scope, max_count, max_count_for_worker: BTreeMap::new() }
}

fn alone(name: &str) -> Vec<LockUse> {
    vec![LockUse { lock: name.into(), mode: LockMode::Exclusive }]
}

fn counting(name: &str, count: u32) -> Vec<LockUse> {
    vec![LockUse { lock: name.into(), mode: LockMode::Counting { count } }]
}

/// A builder that runs until it is told to finish.
fn hanging(name: &str, locks: Vec<LockUse>) -> Builder {
    Builder { locks, ..builder(name, vec![shell_step("hang")]) }
}

/// A builder whose only step runs until it is told to finish, with these locks.
fn hanging_step(name: &str, locks: Vec<LockUse>) -> Builder {
    builder(name, vec![Step { locks, ..shell_step("hang") }])
}

fn site(locks: Vec<Lock>, builders: Vec<Builder>) -> (Rig, Config) {
    let config = Config { locks, ..config(builders) };
    let mut rig = Rig::new(&config);
    rig.connect("w", Kind::Worker);
    (rig, config)
}

fn is_running(rig: &Rig, request: RequestId) -> bool {
    rig.db.builds().of_request(request).unwrap().iter().any(|build| build.results.is_none())
}

#[test]
fn a_build_waits_for_a_lock_in_the_queue_and_says_so() {
    let builders = vec![hanging("a", alone("database")), hanging("b", alone("database"))];
    let (mut rig, _) = site(vec![lock("database", LockScope::Master, 1)], builders);
    let (_, first) = rig.ask("a", "r1");
    let (_, second) = rig.ask("b", "r1");
    assert!(is_running(&rig, first) && rig.db.builds().of_request(second).unwrap().is_empty());
    let why = rig.handle.snapshot().unwrap().why_waiting("b");
    assert_eq!(why, "it needs the lock database, which a/1 has");
    let build = rig.build(first);
    rig.finish(build.id);
    assert!(is_running(&rig, second));
    assert_eq!(rig.handle.snapshot().unwrap().lacking, []);
}

#[test]
fn who_came_first_gets_the_lock_first() {
    let builders = vec![
        hanging("a", counting("cpu", 2)),
        hanging("b", counting("cpu", 2)),
        hanging("c", counting("cpu", 1)),
    ];
    let (mut rig, _) = site(vec![lock("cpu", LockScope::Master, 3)], builders);
    let requests = ["a", "b", "c"].map(|builder| rig.ask(builder, "r1").1);
    // One unit is free, but kept for `b`.
    assert_eq!(requests.map(|request| is_running(&rig, request)), [true, false, false]);
    let build = rig.build(requests[0]);
    rig.finish(build.id);
    assert_eq!(requests.map(|request| is_running(&rig, request)), [false, true, true]);
}

#[test]
fn a_lock_of_workers_is_one_for_each() {
    let two = |name: &str| Builder { workers: vec!["w".into(), "v".into()], ..hanging(name, alone("disk")) };
    let (mut rig, _) = site(vec![lock("disk", LockScope::Worker, 1)], vec![two("a"), two("b"), two("c")]);
    rig.connect("v", Kind::Worker);
    let requests = ["a", "b", "c"].map(|builder| rig.ask(builder, "r1").1);
    assert_eq!(requests.map(|request| is_running(&rig, request)), [true, true, false]);
    let why = rig.handle.snapshot().unwrap().why_waiting("c");
    assert!(why.starts_with("it needs the lock disk of worker "), "{why}");
}

#[test]
fn a_lost_build_lets_go_and_a_reload_may_widen_a_lock() {
    let builders = || vec![hanging("a", counting("cpu", 1)), hanging("b", counting("cpu", 1))];
    let (mut rig, mut config) = site(vec![lock("cpu", LockScope::Master, 1)], builders());
    let (_, first) = rig.ask("a", "r1");
    let (_, second) = rig.ask("b", "r1");
    assert!(!is_running(&rig, second));
    config.locks[0].max_count = 2;
    rig.apply(&config);
    assert!(is_running(&rig, first) && is_running(&rig, second));
    let build = rig.build(first);
    assert_eq!(rig.handle.stop_build(build.id, "enough", "alice"), Ok(Ok(())));
    rig.settle();
    assert_eq!(rig.build(first).results, Some(Results::Cancelled));
    config.locks[0].max_count = 1;
    rig.apply(&config);
    let (_, third) = rig.ask("a", "r2");
    assert!(!is_running(&rig, third));
}

/// What is said of the build's last step.
fn step_state(rig: &Rig, request: RequestId) -> String {
    let build = rig.db.builds().of_request(request).unwrap().pop().expect("a build");
    rig.db.steps().of_build(build.id).unwrap().pop().expect("a step").state
}

#[test]
fn a_step_waits_for_its_locks_and_then_runs() {
    let builders = vec![hanging_step("a", alone("database")), hanging_step("b", alone("database"))];
    let (mut rig, _) = site(vec![lock("database", LockScope::Master, 1)], builders);
    let (_, first) = rig.ask("a", "r1");
    let (_, second) = rig.ask("b", "r1");
    assert_eq!(step_state(&rig, first), "running");
    assert_eq!(step_state(&rig, second), "waits for the lock database, which a/1 has");
    let commands = |rig: &Rig| rig.calls.iter().filter(|call| call.contains("startCommand")).count();
    assert_eq!(commands(&rig), 1);
    let build = rig.build(first);
    rig.finish(build.id);
    assert_eq!(step_state(&rig, second), "running");
    assert_eq!(commands(&rig), 2);
}

#[test]
fn a_waiting_step_is_stopped_and_leaves_the_line() {
    let builders = ["a", "b", "c"].map(|name| hanging_step(name, alone("database"))).into();
    let (mut rig, _) = site(vec![lock("database", LockScope::Master, 1)], builders);
    let requests = ["a", "b", "c"].map(|builder| rig.ask(builder, "r1").1);
    let waiting = rig.build(requests[1]);
    assert_eq!(rig.handle.stop_build(waiting.id, "enough", "alice"), Ok(Ok(())));
    rig.settle();
    assert_eq!(rig.build(requests[1]).results, Some(Results::Cancelled));
    assert!(step_state(&rig, requests[2]).starts_with("waits"));
    let build = rig.build(requests[0]);
    rig.finish(build.id);
    assert_eq!(step_state(&rig, requests[2]), "running");
}

#[test]
fn builds_that_would_wait_for_each_other_are_told_apart() {
    let crossed = |name: &str, whole: &str, step: &str| Builder {
        locks: alone(whole),
        ..builder(name, vec![shell_step("hang"), Step { locks: alone(step), ..shell_step("hang") }])
    };
    let locks = ["x", "y"].map(|name| lock(name, LockScope::Master, 1)).into();
    let (mut rig, _) = site(locks, vec![crossed("a", "x", "y"), crossed("b", "y", "x")]);
    let requests = ["a", "b"].map(|builder| rig.ask(builder, "r1").1);
    let builds = requests.map(|request| rig.build(request).id);
    rig.finish(builds[0]);
    assert_eq!(step_state(&rig, requests[0]), "waits for the lock y, which b/1 has");
    rig.finish(builds[1]);
    assert_eq!(rig.build(requests[1]).results, Some(Results::Exception));
    let step = rig.db.steps().of_build(builds[1]).unwrap().pop().expect("a step");
    let why = rig.log(step.id, "err.text");
    assert!(why.contains("would wait for ever for the lock x, which a/1 has"), "{why}");
    // The other has what it waited for.
    assert_eq!(step_state(&rig, requests[0]), "running");
}
