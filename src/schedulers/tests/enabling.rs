//! Schedulers that people disable (`N-SC-15`).

use super::house::House;
use super::{change, following, forcing, scheduler};
use crate::config::SchedulerKind;
use crate::model::Results;
use crate::schedulers::{EnableError, ForceError, ForceRequest};

#[test]
fn one_that_is_disabled_leaves_what_comes_and_keeps_what_waits() {
    let mut house = House::new(1, vec![scheduler("main", SchedulerKind::AnyBranch(following(&[], 5)))]);
    let waits = house.add(&change(1, "main", "a").told);
    house.handle().enable("main", false).unwrap();
    let comes = house.add(&change(2, "main", "a").told);
    assert_eq!(house.verdict(comes, "main").unwrap().reason, "the scheduler is disabled");
    house.crash();
    house.wait(60);
    assert_eq!(house.buildsets("main").len(), 0);
    let status = &house.handle().snapshot().unwrap()[0];
    assert_eq!((status.enabled, status.pending, status.builds_at), (false, 1, None));

    house.told();
    house.handle().enable("main", true).unwrap();
    house.wait(1);
    assert_eq!(house.built("main"), [[waits.0]]);
    assert!(house.told().contains(&r#"SchedulerUpdated { scheduler: "main" }"#.to_owned()));
}

#[test]
fn what_another_master_has_disabled_is_seen_in_the_rows() {
    let mut house = House::new(1, vec![scheduler("main", SchedulerKind::AnyBranch(following(&[], 0)))]);
    house.db().write(|tx| crate::db::schedulers::set_enabled(tx, "main", false)).unwrap();
    house.wait(10);
    house.add(&change(1, "main", "a").told);
    assert_eq!(house.buildsets("main").len(), 0);
}

#[test]
fn nobody_is_taken_for_an_answer() {
    let house = House::new(1, vec![forcing::form(Vec::new())]);
    assert_eq!(house.handle().enable("nobody", true), Err(EnableError::NoSuchScheduler("nobody".to_owned())));
    house.handle().enable("force", false).unwrap();
    let Err(ForceError::Refused(refused)) = house.handle().force(ForceRequest::default()) else {
        panic!("it was forced");
    };
    assert_eq!(refused.lines(), ["scheduler: the scheduler is disabled"]);
    house.handle().enable("force", true).unwrap();
    house.handle().force(ForceRequest::default()).unwrap();
}

#[test]
fn an_upstream_that_ends_meanwhile_is_dropped() {
    let dependent = scheduler("after", SchedulerKind::Dependent { upstream: "main".to_owned() });
    let main = scheduler("main", SchedulerKind::AnyBranch(following(&[], 0)));
    let mut house = House::new(1, vec![main, dependent]);
    house.add(&change(1, "main", "a").told);
    house.handle().enable("after", false).unwrap();
    house.end_all(Results::Success);
    house.wait(10);
    house.handle().enable("after", true).unwrap();
    house.wait(10);
    assert_eq!(house.buildsets("after").len(), 0);
}
