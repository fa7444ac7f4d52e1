//! The service from a request to its end.

use super::peer::Kind;
use super::rig::Rig;
use super::{builder, config, shell_step, step, template};
use crate::botmaster::{Refused, WorkerWish};
use crate::config::StepKind;
use crate::kernel::Hint;
use crate::model::{Build, BuildId, RequestId, Results};
use crate::pb::Value;
use expect_test::expect;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// How a build stands, in a line.
fn shown(build: &Build) -> String {
    format!("{}: {}", build.results.map_or("running", Results::as_str), build.state)
}

#[test]
fn a_request_is_built() {
    let mut rig = Rig::new(&config(vec![builder("b", vec![shell_step("make"), shell_step("exit 1")])]));
    rig.connect("w", Kind::Worker);
    let (_, request) = rig.ask("b", "r1");
    expect![[r#"
        print(Text("attached"))
        getWorkerInfo()
        setBuilderList(List([Tuple([Text("b"), Text("b")])]))
        admit
        b.startBuild()
        b.startCommand(shell Text("make"))
        b.startCommand(shell Text("exit 1"))"#]]
    .assert_eq(&rig.calls.join("\n"));
    expect![[r#"
        {"event":"worker_connected","worker":"w"}
        {"event":"build_started","build":1,"builder":"b","number":1,"worker":"w"}
        {"event":"step_started","build":1,"step":1}
        {"event":"log_added","build":1,"step":1,"log":1}
        {"event":"log_appended","build":1,"log":1,"line_count":2}
        {"event":"log_finished","build":1,"log":1}
        {"event":"step_finished","build":1,"step":1,"results":"success"}
        {"event":"step_started","build":1,"step":2}
        {"event":"log_added","build":1,"step":2,"log":2}
        {"event":"log_appended","build":1,"log":2,"line_count":1}
        {"event":"log_finished","build":1,"log":2}
        {"event":"step_finished","build":1,"step":2,"results":"failure"}
        {"event":"build_finished","build":1,"builder":"b","number":1,"results":"failure"}
        {"event":"request_complete","request":1,"builder":"b","results":"failure"}
        {"event":"buildset_complete","buildset":1,"results":"failure"}
    "#]]
    .assert_eq(&rig.told());
    let build = rig.db.builds().of_request(request).unwrap().remove(0);
    assert_eq!((build.results, build.state.as_str()), (Some(Results::Failure), "failed shell_1"));
    let steps = rig.db.steps().of_build(build.id).unwrap();
    let shown: Vec<String> =
        steps.iter().map(|step| format!("{} {:?} {}", step.name, step.results, step.state)).collect();
    expect![[r#"
        shell Some(Success) 'make'
        shell_1 Some(Failure) 'exit 1' failed (1)"#]]
    .assert_eq(&shown.join("\n"));
    expect![[r#"
        omake
        hprogram finished with exit code 0
    "#]]
    .assert_eq(&rig.log(steps[0].id, "stdio"));
}

#[test]
fn a_build_is_stopped() {
    let mut rig = Rig::new(&config(vec![builder("b", vec![shell_step("hang"), shell_step("more")])]));
    rig.connect("w", Kind::Worker);
    let (_, request) = rig.ask("b", "r1");
    let build = rig.build(request);
    assert_eq!(rig.handle.stop_build(build.id, "typo", "alice"), Ok(Ok(())));
    rig.settle();
    let build = rig.build(request);
    assert_eq!(shown(&build), "cancelled: cancelled: typo (by alice)");
    assert_eq!(rig.handle.stop_build(build.id, "", ""), Ok(Err(Refused::NotRunning(build.id))));
    expect![[r#"
        b.startCommand(shell Text("hang"))
        b.interruptCommand(typo (by alice))"#]]
    .assert_eq(&rig.calls[5..].join("\n"));
}

#[test]
fn a_request_whose_worker_is_lost_is_built_again() {
    let mut rig = Rig::new(&config(vec![builder("b", vec![shell_step("hang")])]));
    let first = rig.connect("w", Kind::Worker);
    let (_, request) = rig.ask("b", "r1");
    rig.say(first, "stdout", Value::from("half a line"));
    rig.cut(first);
    rig.connect("w", Kind::Slave);
    let builds = rig.db.builds().of_request(request).unwrap();
    assert_eq!(
        builds.iter().map(shown).collect::<Vec<_>>(),
        ["retry: worker lost; to be built again", "running: shell"]
    );
    let steps = rig.db.steps().of_build(builds[0].id).unwrap();
    assert_eq!(rig.log(steps[0].id, "stdio"), "ohalf a line\n");
    expect![[r#"
        {"event":"worker_connected","worker":"w"}
        {"event":"build_started","build":1,"builder":"b","number":1,"worker":"w"}
        {"event":"step_started","build":1,"step":1}
        {"event":"log_added","build":1,"step":1,"log":1}
        {"event":"worker_lost","worker":"w"}
        {"event":"log_appended","build":1,"log":1,"line_count":1}
        {"event":"log_finished","build":1,"log":1}
        {"event":"step_finished","build":1,"step":1,"results":"retry"}
        {"event":"build_finished","build":1,"builder":"b","number":1,"results":"retry"}
        {"event":"worker_connected","worker":"w"}
        {"event":"build_started","build":2,"builder":"b","number":2,"worker":"w"}
        {"event":"step_started","build":2,"step":2}
        {"event":"log_added","build":2,"step":2,"log":3}
    "#]]
    .assert_eq(&rig.told());
}

#[test]
fn every_step_has_its_row_before_the_first_begins() {
    let mut rig = Rig::new(&config(vec![builder("b", vec![shell_step("hang"), shell_step("never")])]));
    rig.connect("w", Kind::Worker);
    let (_, request) = rig.ask("b", "r1");
    let build = rig.build(request);
    let steps = |rig: &mut Rig| -> Vec<String> {
        let steps = rig.db.steps().of_build(build.id).unwrap();
        let line = |step: &crate::model::Step| {
            let begun = if step.started_at.is_some() { "begun" } else { "not begun" };
            format!("{} {begun} {:?} {}", step.name, step.results, step.state)
        };
        steps.iter().map(line).collect()
    };
    assert_eq!(steps(&mut rig), ["shell begun None running", "shell_1 not begun None "]);
    rig.handle.stop_build(build.id, "enough", "alice").unwrap().unwrap();
    rig.settle();
    let ended = ["shell begun Some(Cancelled) 'hang' cancelled", "shell_1 not begun Some(Skipped) not run"];
    assert_eq!(steps(&mut rig), ended);
}

#[test]
fn logs_can_be_read_while_they_grow() {
    let mut rig = Rig::new(&config(vec![builder("b", vec![shell_step("hang")])]));
    let worker = rig.connect("w", Kind::Worker);
    let (_, request) = rig.ask("b", "r1");
    rig.say(worker, "stdout", Value::from("one\ntwo\nth"));
    let build = rig.build(request);
    let step = rig.db.steps().of_build(build.id).unwrap()[0].id;
    assert_eq!(rig.log(step, "stdio"), "");
    rig.wait(Duration::from_secs(1));
    assert_eq!(rig.log(step, "stdio"), "oone\notwo\n");
    rig.say(worker, "stdout", Value::from("x".repeat(70_000)));
    rig.say(worker, "stderr", Value::from("now\n"));
    assert!(rig.log(step, "stdio").len() > 65_536);
}

#[test]
fn a_request_that_was_cancelled_is_not_built_again_when_its_worker_is_lost() {
    let mut rig = Rig::new(&config(vec![builder("b", vec![shell_step("hang")])]));
    let worker = rig.connect("w", Kind::Worker);
    let request = rig.ask("b", "r1").1;
    rig.silence(worker);
    assert_eq!(rig.handle.cancel_request(request, "not wanted", "alice"), Ok(Ok(())));
    rig.cut(worker);
    rig.connect("w", Kind::Worker);
    let builds = rig.db.builds().of_request(request).unwrap();
    assert_eq!(builds.iter().map(shown).collect::<Vec<_>>(), ["cancelled: cancelled; worker lost"]);
    let row = rig.db.requests().get(request).unwrap().unwrap();
    assert_eq!((row.results, row.claimed_at.is_some()), (Some(Results::Cancelled), true));
}

#[test]
fn a_request_that_is_older_and_alike_is_collapsed() {
    let mut rig = Rig::new(&config(vec![builder("b", vec![shell_step("hang")])]));
    let first = rig.ask("b", "r1").1;
    let other = rig.ask("b", "r2").1;
    let last = rig.ask("b", "r1").1;
    let outcome = |request| rig.db.requests().get(request).unwrap().unwrap().outcome;
    assert_eq!(outcome(first), Some("collapsed into request 3".to_owned()));
    assert_eq!((outcome(other), outcome(last)), (None, None));
    expect![[r#"
        {"event":"request_complete","request":1,"builder":"b","results":"skipped"}
        {"event":"buildset_complete","buildset":1,"results":"success"}
    "#]]
    .assert_eq(&rig.told());
}

#[test]
fn requests_are_cancelled() {
    let mut rig = Rig::new(&config(vec![builder("b", vec![shell_step("hang")])]));
    let waiting = rig.ask("b", "r1").1;
    assert_eq!(rig.handle.cancel_request(waiting, "", "alice"), Ok(Ok(())));
    assert_eq!(rig.handle.cancel_request(waiting, "", "alice"), Ok(Err(Refused::Complete(waiting))));
    let unknown = RequestId(99);
    assert_eq!(rig.handle.cancel_request(unknown, "", ""), Ok(Err(Refused::NoSuchRequest(unknown))));
    let row = rig.db.requests().get(waiting).unwrap().unwrap();
    assert_eq!(
        (row.results, row.outcome.as_deref()),
        (Some(Results::Cancelled), Some("cancelled: by alice"))
    );
    rig.connect("w", Kind::Worker);
    assert_eq!(rig.db.builds().of_request(waiting).unwrap(), []);
    let running = rig.ask("b", "r2").1;
    assert_eq!(rig.handle.cancel_request(running, "late", ""), Ok(Ok(())));
    rig.settle();
    assert_eq!(shown(&rig.build(running)), "cancelled: cancelled: late");
}

#[test]
fn a_build_is_asked_for_again() {
    let set = step(StepKind::SetProperty(crate::config::SetProperty {
        property: template("got_revision"),
        from: crate::config::SetPropertyFrom::Value("0123abcd".into()),
    }));
    let mut rig = Rig::new(&config(vec![builder("b", vec![set])]));
    rig.connect("w", Kind::Worker);
    let build = rig.ask("b", "r1").1;
    let build = rig.build(build);
    let buildset = rig.handle.rebuild(build.id, "alice").unwrap().unwrap();
    rig.settle();
    let again = rig.db.buildsets().get(buildset).unwrap().unwrap();
    assert_eq!(again.source_stamps[0].revision.as_deref(), Some("0123abcd"));
    assert_eq!(again.results, Some(Results::Success));
    assert_eq!(again.reason, "rebuild of b #1 by alice");
    let unknown = BuildId(99);
    assert_eq!(rig.handle.rebuild(unknown, ""), Ok(Err(Refused::NoSuchBuild(unknown))));
}

#[test]
fn a_worker_runs_no_more_than_it_may() {
    let builders = ["a", "b", "c"].map(|name| builder(name, vec![shell_step("hang")]));
    let mut config = config(builders.to_vec());
    config.workers[0].max_builds = Some(2);
    let mut rig = Rig::new(&config);
    rig.connect("w", Kind::Worker);
    let requests = ["a", "b", "c"].map(|name| rig.ask(name, "r1").1);
    let again = rig.ask("a", "r2").1;
    let snapshot = rig.handle.snapshot().unwrap();
    assert_eq!((snapshot.workers[0].running, snapshot.builds.len()), (2, 2));
    assert_eq!(snapshot.waiting, [("a".to_owned(), 1), ("c".to_owned(), 1)]);
    assert_eq!(rig.handle.steer_worker("w", WorkerWish::Pause(String::new())), Ok(Ok(())));
    let first = rig.build(requests[0]).id;
    rig.handle.stop_build(first, "", "").unwrap().unwrap();
    rig.settle();
    assert_eq!(rig.handle.snapshot().unwrap().builds.len(), 1);
    assert_eq!(rig.handle.steer_worker("w", WorkerWish::Unpause), Ok(Ok(())));
    rig.settle();
    // The older request of another builder goes before the newer one of this builder.
    assert_eq!(rig.build(requests[2]).results, None);
    assert_eq!(rig.db.builds().of_request(again).unwrap(), []);
}

#[test]
fn of_two_workers_of_one_name_the_one_that_answers_stays() {
    let mut rig = Rig::new(&config(vec![builder("b", vec![shell_step("hang")])]));
    let first = rig.connect("w", Kind::Worker);
    let request = rig.ask("b", "r1").1;
    rig.calls.clear();
    rig.connect("w", Kind::Worker);
    expect![[r#"
        print(Text("ping"))
        print(Text("master already has a connection named 'w' - checking its liveness"))
        refuse builtins.RuntimeError: rejecting duplicate worker"#]]
    .assert_eq(&rig.calls.join("\n"));
    assert_eq!(rig.build(request).results, None);
    rig.silence(first);
    rig.calls.clear();
    rig.connect("w", Kind::Worker);
    rig.wait(Duration::from_secs(11));
    expect![[r#"
        print(Text("master already has a connection named 'w' - checking its liveness"))
        close: it does not answer, and another connection wants its place
        print(Text("attached"))
        getWorkerInfo()
        setBuilderList(List([Tuple([Text("b"), Text("b")])]))
        admit
        b.startBuild()
        b.startCommand(shell Text("hang"))"#]]
    .assert_eq(&rig.calls.join("\n"));
    let builds = rig.db.builds().of_request(request).unwrap();
    assert_eq!(builds.iter().map(|build| build.results).collect::<Vec<_>>(), [Some(Results::Retry), None]);
}

#[test]
fn a_worker_that_falls_silent_is_given_up() {
    let mut config = config(vec![builder("b", vec![shell_step("hang")])]);
    config.pb.keepalive = Some(Duration::from_secs(30));
    let mut rig = Rig::new(&config);
    let worker = rig.connect("w", Kind::Worker);
    let request = rig.ask("b", "r1").1;
    rig.wait(Duration::from_secs(600));
    assert_eq!(rig.build(request).results, None);
    rig.silence(worker);
    rig.wait(Duration::from_secs(100));
    assert_eq!(rig.build(request).results, Some(Results::Retry));
    assert_eq!(rig.calls.last().map(String::as_str), Some("close: it does not answer"));
}

#[test]
fn a_reload_leaves_running_builds_alone() {
    let steps = |more: &str| vec![shell_step("hang"), shell_step(more)];
    let mut rig = Rig::new(&config(vec![builder("old", steps("x")), builder("b", steps("before"))]));
    let worker = rig.connect("w", Kind::Worker);
    let (old, kept) = (rig.ask("old", "r1").1, rig.ask("b", "r1").1);
    rig.calls.clear();
    rig.apply(&config(vec![builder("b", steps("after")), builder("new", steps("x"))]));
    assert_eq!((rig.build(old).results, rig.build(kept).results), (None, None));
    let next = rig.ask("b", "r2").1;
    for request in [old, kept, next] {
        let build = rig.build(request).id;
        rig.finish(build);
    }
    expect![[r#"
        setBuilderList(List([Tuple([Text("b"), Text("b")]), Tuple([Text("new"), Text("new")]), Tuple([Text("old"), Text("old")])]))
        old.startCommand(shell Text("x"))
        setBuilderList(List([Tuple([Text("b"), Text("b")]), Tuple([Text("new"), Text("new")])]))
        b.startCommand(shell Text("before"))
        b.startBuild()
        b.startCommand(shell Text("hang"))
        b.startCommand(shell Text("after"))"#]].assert_eq(&rig.calls.join("\n"));
    // Its Bot and its two builders: those of the builder that is gone were given back.
    assert_eq!(rig.held(worker), 3);
    // Without its builders, the worker goes.
    rig.calls.clear();
    rig.apply(&config(Vec::new()));
    expect!["close: it is not configured any more"].assert_eq(&rig.calls.join("\n"));
    assert_eq!(rig.handle.snapshot().unwrap().workers, []);
}

#[test]
fn a_worker_that_wants_to_leave_finishes_its_build() {
    let mut rig = Rig::new(&config(vec![builder("b", vec![shell_step("hang")])]));
    let worker = rig.connect("w", Kind::Slave);
    let (first, second) = (rig.ask("b", "r1").1, rig.ask("b", "r2").1);
    rig.calls.clear();
    rig.call_avatar(worker, "keepalive");
    rig.call_avatar(worker, "shutdown");
    rig.call_avatar(worker, "destroy");
    let build = rig.build(first).id;
    rig.finish(build);
    assert_eq!(rig.db.builds().of_request(second).unwrap(), []);
    expect![[r#"
        answered None
        answered None
        answered builtins.AttributeError: Worker instance has no attribute 'perspective_destroy'
        shutdown()"#]]
    .assert_eq(&rig.calls.join("\n"));
}

#[test]
fn a_clean_shutdown_waits_for_builds() {
    let mut rig = Rig::new(&config(vec![builder("b", vec![shell_step("hang")])]));
    rig.connect("w", Kind::Worker);
    let (running, waiting) = (rig.ask("b", "r1").1, rig.ask("b", "r2").1);
    let idle = Arc::new(AtomicUsize::new(0));
    let told = Arc::clone(&idle);
    let hint = Hint::to_fn(move |()| {
        told.fetch_add(1, Ordering::Relaxed);
    });
    rig.handle.drain(hint).unwrap();
    rig.settle();
    assert_eq!(idle.load(Ordering::Relaxed), 0);
    let build = rig.build(running).id;
    rig.finish(build);
    assert_eq!(idle.load(Ordering::Relaxed), 1);
    assert_eq!(rig.db.builds().of_request(waiting).unwrap(), []);
}

#[test]
fn a_crash_loses_no_request() {
    let config = config(vec![builder("b", vec![shell_step("hang")])]);
    let mut rig = Rig::new(&config);
    rig.connect("w", Kind::Worker);
    let (running, waiting) = (rig.ask("b", "r1").1, rig.ask("b", "r2").1);
    let mut rig = rig.reborn(&config);
    assert_eq!(shown(&rig.build(running)), "retry: interrupted by a master restart");
    rig.connect("w", Kind::Worker);
    let again = rig.db.builds().of_request(running).unwrap().remove(1);
    assert_eq!(shown(&again), "running: shell");
    rig.finish(again.id);
    assert_eq!(shown(&rig.build(waiting)), "running: shell");
}

#[test]
fn a_lost_hint_costs_a_moment() {
    let mut rig = Rig::new(&config(vec![builder("b", vec![shell_step("make")])]));
    rig.connect("w", Kind::Worker);
    let request = rig.ask_quietly("b", "r1").1;
    rig.settle();
    assert_eq!(rig.db.builds().of_request(request).unwrap(), []);
    rig.wait(Duration::from_secs(31));
    assert_eq!(rig.build(request).results, Some(Results::Success));
}

#[test]
fn a_slave_gets_bytes() {
    let mut rig = Rig::new(&config(vec![builder("b", vec![shell_step("exit 0")])]));
    rig.connect("w", Kind::Slave);
    let request = rig.ask("b", "r1").1;
    assert_eq!(rig.build(request).results, Some(Results::Success));
    expect![[r#"
        print(Text("attached"))
        getWorkerInfo()
        getSlaveInfo()
        getVersion()
        getCommands()
        setBuilderList(List([Tuple([Bytes(b"b"), Bytes(b"b")])]))
        b.setMaster()
        admit
        b.startBuild()
        b.startCommand(shell Bytes(b"exit 0"))"#]]
    .assert_eq(&rig.calls.join("\n"));
}

#[test]
fn a_slave_gets_a_master_for_each_builder_that_a_reload_adds() {
    let of = |names: &[&str]| config(names.iter().map(|name| builder(name, vec![shell_step("x")])).collect());
    let mut rig = Rig::new(&of(&["b", "old"]));
    let slave = rig.connect("w", Kind::Slave);
    rig.calls.clear();
    rig.apply(&of(&["b", "new"]));
    expect![[r#"
        setBuilderList(List([Tuple([Bytes(b"b"), Bytes(b"b")]), Tuple([Bytes(b"new"), Bytes(b"new")])]))
        new.setMaster()"#]]
    .assert_eq(&rig.calls.join("\n"));
    let request = rig.ask("new", "r1").1;
    assert_eq!(rig.build(request).results, Some(Results::Success));
    assert_eq!(rig.held(slave), 3);
}
