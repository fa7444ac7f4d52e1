//! The service against workers that misbehave, and against moments that come together badly.

use super::peer::Kind;
use super::rig::Rig;
use super::{builder, config, shell_step};
use crate::botmaster::WorkerWish;
use crate::model::Results;
use crate::pb::Value;
use std::time::Duration;

fn log(name: &str, text: &str) -> Value {
    Value::tuple([Value::from(name), Value::from(text)])
}

#[test]
fn logs_whose_names_become_the_same_address_are_kept_apart() {
    let mut rig = Rig::new(&config(vec![builder("b", vec![shell_step("hang")])]));
    let worker = rig.connect("w", Kind::Worker);
    let (buildset, request) = rig.ask("b", "r1");
    for name in ["a/", "a_.2", "a_.1", "x", "x\nsecond line", "a_.1\n", "", "\0", "€"] {
        rig.say(worker, "log", log(name, &format!("{name:?}\n")));
    }
    let build = rig.build(request);
    rig.finish(build.id);
    let step = rig.db.steps().of_build(build.id).unwrap().remove(0);
    let logs = rig.db.logs().of_step(step.id).unwrap();
    assert_eq!(logs.len(), 10);
    assert!(logs.iter().all(|log| log.complete));
    assert_eq!(rig.db.buildsets().get(buildset).unwrap().unwrap().results, Some(Results::Success));
}

#[test]
fn a_lost_build_goes_to_another_worker_at_once() {
    let mut shared = builder("b", vec![shell_step("hang")]);
    shared.workers = vec!["w".to_owned(), "v".to_owned()];
    let mut rig = Rig::new(&config(vec![shared]));
    let first = rig.connect("w", Kind::Worker);
    let request = rig.ask("b", "r1").1;
    rig.connect("v", Kind::Worker);
    rig.cut(first);
    let builds = rig.db.builds().of_request(request).unwrap();
    let shown: Vec<_> = builds.iter().map(|build| (build.worker.as_str(), build.results)).collect();
    assert_eq!(shown, [("w", Some(Results::Retry)), ("v", None)]);
}

#[test]
fn a_connection_that_is_being_closed_gets_no_build() {
    let mut rig = Rig::new(&config(vec![builder("b", vec![shell_step("hang")])]));
    let worker = rig.connect("w", Kind::Worker);
    let (first, second) = (rig.ask("b", "r1").1, rig.ask("b", "r2").1);
    rig.silence(worker);
    let build = rig.build(first).id;
    rig.handle.stop_build(build, "typo", "").unwrap().unwrap();
    rig.wait(Duration::from_secs(90));
    assert_eq!(rig.build(first).results, Some(Results::Cancelled));
    assert_eq!(rig.db.builds().of_request(second).unwrap(), []);
    rig.connect("w", Kind::Worker);
    assert_eq!(rig.build(second).results, None);
}

#[test]
fn a_worker_that_was_paused_is_so_when_it_comes_back() {
    let with = config(vec![builder("b", vec![shell_step("hang")])]);
    let mut rig = Rig::new(&with);
    rig.handle.steer_worker("w", WorkerWish::Pause(String::new())).unwrap().unwrap();
    rig.apply(&config(Vec::new()));
    rig.apply(&with);
    rig.connect("w", Kind::Worker);
    assert!(rig.handle.snapshot().unwrap().workers[0].pause.is_some());
    let request = rig.ask("b", "r1").1;
    assert_eq!(rig.db.builds().of_request(request).unwrap(), []);
}

#[test]
fn answers_that_make_no_sense_cost_nothing() {
    let mut rig = Rig::new(&config(vec![builder("b", vec![shell_step("hang")])]));
    let worker = rig.connect("w", Kind::Worker);
    let request = rig.ask("b", "r1").1;
    for (key, value) in [
        ("rc", Value::from("not a number")),
        ("rc", Value::Int(i64::MIN)),
        ("stdout", Value::Int(7)),
        ("stdout", Value::None),
        ("log", Value::from("no pair")),
        ("log", Value::list([Value::Int(1), Value::Int(2), Value::Int(3)])),
        ("failure_reason", Value::list([Value::None])),
        ("header", Value::Dict(Vec::new())),
        ("", Value::None),
    ] {
        rig.say(worker, key, value);
    }
    let build = rig.build(request).id;
    rig.finish(build);
    assert_eq!(rig.build(request).results, Some(Results::Success));
}

#[test]
fn a_request_whose_rows_make_no_sense_holds_nobody_up() {
    let builders = ["b", "c"].map(|name| builder(name, vec![shell_step("hang")]));
    let mut rig = Rig::new(&config(builders.to_vec()));
    let (buildset, broken) = rig.ask("b", "r1");
    let sound = rig.ask("c", "r2").1;
    let write = |properties: &'static str| {
        move |tx: &mut crate::db::Transaction<'_>| {
            let sql = "UPDATE buildsets SET properties = $1 WHERE id = $2";
            tx.execute(sql, crate::db::engine::params![properties, buildset]).map(drop)
        }
    };
    rig.db.write(write("{ no")).unwrap();
    rig.connect("w", Kind::Worker);
    assert_eq!(rig.build(sound).results, None);
    assert_eq!(rig.db.builds().of_request(broken).unwrap(), []);

    rig.db.write(write("{}")).unwrap();
    rig.wait(Duration::from_secs(60));
    assert_eq!(rig.build(broken).results, None);
}
