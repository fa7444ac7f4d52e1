//! Which request is next, and who builds it.

use super::collapsing::waiting;
use super::peer::Kind;
use super::rig::Rig;
use super::{builder, config, shell_step};
use crate::botmaster::asking::{Candidate, rank, suitable};
use crate::config::{
    Builder, CAN_START_BUILD, Condition, NEXT_BUILD, NextBuild, NextWorker, Worker, load_text,
};
use crate::model::RequestId;
use std::collections::BTreeMap;
use std::sync::Arc;

fn on_worker(condition: &str) -> Condition {
    Condition::new(condition, CAN_START_BUILD).unwrap()
}

fn built() -> Builder {
    builder("b", vec![shell_step("hang")])
}

/// The ids of three requests, in the order in which they are built.
fn order(next_build: NextBuild) -> Vec<i64> {
    let builder = Builder { next_build, ..built() };
    let place = |(id, os)| {
        let waiting = crate::db::waiting::Waiting { priority: 0, ..waiting(id, os) };
        let place = rank(&builder, &waiting).unwrap_or_else(|(_, without)| without);
        (place, id)
    };
    let mut places: Vec<_> = [(1, "debian"), (2, "fedora"), (3, "debian")].map(place).into();
    places.sort();
    places.into_iter().map(|(_, id)| id).collect()
}

#[test]
fn the_next_build_is_chosen_by_policy() {
    let prefer = |condition: &str| NextBuild::Prefer(Condition::new(condition, NEXT_BUILD).unwrap());
    assert_eq!(order(NextBuild::Oldest), [1, 2, 3]);
    assert_eq!(order(NextBuild::Newest), [3, 2, 1]);
    assert_eq!(order(prefer("property('os') == 'fedora'")), [2, 1, 3]);
    assert_eq!(order(prefer("branch + 1 > 2")), [1, 2, 3]);
    let urgent = Builder { priority: 5, ..built() };
    assert!(rank(&urgent, &waiting(1, "")) < rank(&built(), &waiting(3, "")), "the builder's is added");
}

/// The workers that may take a request whose property `os` is `w2`; of `w1`, `w2` and `w3`, all free.
fn chosen(next_worker: NextWorker, can_start_build: Option<&str>) -> Result<Vec<String>, String> {
    let can_start_build = can_start_build.map(on_worker);
    let builder = Builder { next_worker, can_start_build, ..built() };
    let workers: Vec<Worker> = config(vec![built()]).workers;
    let named = |name: &str| Worker { name: name.to_owned(), ..workers[0].clone() };
    let workers = ["w1", "w2", "w3"].map(named);
    let info = |system: &str| Arc::new(BTreeMap::from([("system".to_owned(), system.to_owned())]));
    let candidate = |at: usize, used, system| Candidate {
        worker: &workers[at],
        running: at,
        last_used: 0,
        last_used_here: used,
        order: 2 - at,
        info: info(system),
    };
    let free = vec![candidate(0, None, "posix"), candidate(1, Some(7), "nt"), candidate(2, Some(9), "posix")];
    let fit = suitable(&builder, &waiting(1, "w2"), free, &mut fastrand::Rng::with_seed(7))?;
    Ok(fit.into_iter().map(|fit| fit.worker.name.clone()).collect())
}

#[test]
fn the_next_worker_is_chosen_by_policy() {
    let names = |names: &[&str]| Ok(names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>());
    let property = |name: &str| NextWorker::Property(name.to_owned());
    let prefer = |condition: &str| NextWorker::Prefer(on_worker(condition));
    for (policy, wanted) in [
        (NextWorker::LeastBusy, names(&["w1", "w2", "w3"])),
        (NextWorker::InOrder, names(&["w3", "w2", "w1"])),
        (NextWorker::LastUsed, names(&["w3", "w2", "w1"])),
        (property("os"), names(&["w2"])),
        (property("none"), names(&["w1", "w2", "w3"])),
        (prefer("info('system') == 'nt'"), names(&["w2", "w1", "w3"])),
    ] {
        assert_eq!(chosen(policy.clone(), None), wanted, "{policy:?}");
    }
    let mut any = chosen(NextWorker::Random, None).unwrap();
    any.sort();
    assert_eq!(any, ["w1", "w2", "w3"]);
    let fit = |condition| chosen(NextWorker::LeastBusy, Some(condition));
    assert_eq!(fit("info('system', '') != 'nt' and running < 2"), names(&["w1"]));
    assert_eq!(fit("worker == property('os') and builder == 'b'"), names(&["w2"]));
    assert!(fit("worker + 1 > 2").is_err());
}

#[test]
fn a_request_that_may_not_be_built_lets_others_by_and_says_so() {
    let picky = Builder { can_start_build: Some(on_worker("revision == 'r2'")), ..built() };
    let mut rig = Rig::new(&config(vec![picky.clone()]));
    rig.connect("w", Kind::Worker);
    let (first, second) = (rig.ask("b", "r1").1, rig.ask("b", "r2").1);
    let builds = |rig: &Rig, request: RequestId| rig.db.builds().of_request(request).unwrap().len();
    assert_eq!((builds(&rig, first), builds(&rig, second)), (0, 1));
    let build = rig.build(second);
    rig.handle.stop_build(build.id, "", "").unwrap().unwrap();
    rig.settle();
    let unfit = rig.handle.snapshot().unwrap().unfit;
    assert_eq!(unfit.iter().map(|(request, _)| *request).collect::<Vec<_>>(), [first]);
    rig.apply(&config(vec![Builder { can_start_build: None, ..picky }]));
    assert_eq!(builds(&rig, first), 1);
}

#[test]
fn every_policy_can_be_written() {
    let load = |keys: &str| {
        let text = format!(
            "workers: [{{name: w, type: local}}]\nschedulers: [{{type: force, name: f, builders: '*'}}]\n\
             builders: [{{name: b, workers: w, steps: [shell: make], {keys}}}]\n"
        );
        load_text("m.yaml", &text).map(|loaded| loaded.config.builders[0].clone())
    };
    let found = load("next_build: newest, next_worker: {property: worker}, priority: -3").unwrap();
    assert_eq!((found.next_build, found.priority), (NextBuild::Newest, -3));
    assert_eq!(found.next_worker, NextWorker::Property("worker".to_owned()));
    let found = load("next_build: {prefer: priority > 3}, next_worker: {prefer: running == 0}").unwrap();
    assert!(
        matches!(found.next_build, NextBuild::Prefer(_))
            && matches!(found.next_worker, NextWorker::Prefer(_))
    );
    for (word, policy) in [
        ("least_busy", NextWorker::LeastBusy),
        ("random", NextWorker::Random),
        ("in_order", NextWorker::InOrder),
        ("last_used", NextWorker::LastUsed),
    ] {
        assert_eq!(load(&format!("next_worker: {word}")).unwrap().next_worker, policy);
    }
    for wrong in
        ["next_worker: best", "next_build: {}", "next_build: {prefer: running > 0}", "next_worker: {}"]
    {
        assert!(load(wrong).is_err(), "{wrong}");
    }
    assert!(load("can_start_build: worker == 'w'").unwrap().can_start_build.is_some());
}
