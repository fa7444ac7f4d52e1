//! Schedulers that go by the clock, in virtual time and under crashes.

use super::house::House;
use super::{change, following, not_for_documents, scheduler};
use crate::config::{Calendar, Codebase, Config, Scheduler, SchedulerKind, Timed, Times};
use crate::model::{Change, Wall};
use crate::schedulers::change_driven::{Grouping, Lanes};
use crate::schedulers::timed::{Clock, buildset};
use proptest::prelude::*;
use std::time::Duration;

fn timed(times: Times, only_if_changed: bool) -> Timed {
    let changes = not_for_documents(following(&["main"], 0));
    Timed { times, branch: Some("main".to_owned()), only_if_changed, force_at: None, changes }
}

fn every(seconds: u64, only_if_changed: bool) -> Scheduler {
    let times = Times::Every(Duration::from_secs(seconds));
    scheduler("clock", SchedulerKind::Periodic(timed(times, only_if_changed)))
}

fn each_minute() -> Scheduler {
    let calendar = Calendar::new("* * * * *").unwrap();
    let times = Times::At { calendar, timezone: Some("UTC".to_owned()) };
    scheduler("clock", SchedulerKind::Nightly(timed(times, false)))
}

fn on_main(file: &str) -> crate::model::NewChange {
    change(1, "main", file).told
}

#[test]
fn a_periodic_one_asks_at_once_and_then_again_and_again() {
    let mut house = House::new(1, vec![every(60, false)]);
    assert_eq!(house.buildsets("clock").len(), 1);
    let first = &house.buildsets("clock")[0];
    assert_eq!(first.reason, "its time has come, by scheduler 'clock'");
    assert_eq!(first.source_stamps[0].branch.as_deref(), Some("main"));
    house.wait(59);
    assert_eq!(house.buildsets("clock").len(), 1);
    let next = house.handle().snapshot().unwrap()[0].builds_at;
    assert_eq!(next, Some(house.sim.world().wall() + Duration::from_secs(1)));
    house.wait(122);
    assert_eq!(house.buildsets("clock").len(), 4);
}

#[test]
fn a_restart_neither_repeats_nor_forgets_a_time() {
    let mut house = House::new(1, vec![every(60, false)]);
    house.wait(30);
    house.crash();
    assert_eq!(house.buildsets("clock").len(), 1);
    house.wait(30);
    assert_eq!(house.buildsets("clock").len(), 2);

    let mut house = House::new(1, vec![each_minute()]);
    assert_eq!(house.buildsets("clock").len(), 0);
    house.wait(60);
    assert_eq!(house.buildsets("clock").len(), 1);
    // Times that are missed while nobody runs are made up for once.
    house.sim.advance(Duration::from_secs(200));
    house.crash();
    house.settle();
    assert_eq!(house.buildsets("clock").len(), 2);
}

#[test]
fn only_if_changed_needs_a_change_that_matters_and_takes_all() {
    let mut house = House::new(1, vec![every(60, true)]);
    // The first time there is nothing to compare with (N-SC-06).
    assert_eq!(house.built("clock"), [Vec::<i64>::new()]);
    let documents = house.add(&on_main("doc/a"));
    let elsewhere = house.add(&change(1, "other", "a").told);
    house.wait(60);
    assert_eq!(house.buildsets("clock").len(), 1);
    let code = house.add(&on_main("src/a"));
    house.crash();
    house.wait(60);
    assert_eq!(house.built("clock"), [vec![], vec![documents.0, code.0]]);
    assert!(house.verdict(elsewhere, "clock").unwrap().buildset.is_none());
    house.wait(120);
    assert_eq!(house.buildsets("clock").len(), 2);
}

#[test]
fn changes_from_before_it_followed_any_are_not_its_business() {
    let mut house = House::new(1, vec![every(60, false)]);
    house.add(&on_main("src/a"));
    house.put_in_force(vec![every(60, true)]);
    house.wait(60);
    // The last build was made without looking at changes, so this one is made in any case.
    assert_eq!(house.built("clock"), [Vec::<i64>::new(), Vec::new()]);
    house.wait(60);
    assert_eq!(house.buildsets("clock").len(), 2);
}

#[test]
fn some_times_ask_even_if_nothing_has_changed() {
    let at = |source: &str| Times::At {
        calendar: Calendar::new(source).unwrap(),
        timezone: Some("UTC".to_owned()),
    };
    let force_at = Some(at("*/5 * * * *"));
    let nightly = Timed { force_at, ..timed(at("* * * * *"), true) };
    let mut house = House::new(1, vec![scheduler("clock", SchedulerKind::Nightly(nightly))]);
    // The first time there is nothing to compare with; then each fifth minute of a quarter of an hour.
    house.wait(60);
    let first = house.buildsets("clock").len();
    assert_eq!(first, 1);
    house.wait(15 * 60);
    assert_eq!(house.buildsets("clock").len(), first + 3);
    house.add(&on_main("src/a"));
    house.wait(5 * 60);
    let more = house.buildsets("clock").len();
    // In that minute too, unless it was one of those.
    assert!((first + 4..=first + 5).contains(&more), "{more}");
}

#[test]
fn codebases_without_a_change_are_built_at_their_newest() {
    let codebase = |name: &str| Codebase {
        name: name.to_owned(),
        repository: format!("https://git.example.org/{name}.git"),
        branch: Some("trunk".to_owned()),
    };
    let config = Config { codebases: vec![codebase("app"), codebase("lib")], ..Config::empty() };
    let scheduler = every(60, true);
    let mut lanes = Lanes::new(Grouping::UntilTime, None);
    let mut told = on_main("src/a");
    told.codebase = "lib".to_owned();
    lanes.add(&Change { told, ..change(7, "main", "a") }, true, Default::default());
    let new = buildset(&config, &scheduler, scheduler.kind.timed().unwrap(), &lanes).unwrap();
    let stamps = new.source_stamps.iter();
    let stamps: Vec<_> = stamps.map(|stamp| (stamp.codebase.as_str(), stamp.revision.as_deref())).collect();
    assert_eq!(stamps, [("lib", Some("r1")), ("app", None)]);
}

#[test]
fn a_clock_survives_its_row() {
    let clock = Clock { since: Some(Wall(5)), follows: true, by_changes: false };
    let row = serde_json::to_value(clock).unwrap();
    assert_eq!(Clock::read(&row), Some(clock));
    assert_eq!(Clock::read(&serde_json::json!({"removed": true})), None);
    assert_eq!(Clock::read(&serde_json::Value::Null), None);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// Whatever crashes when: the times are apart by the period at least, none is missed by more than a turn, and
    /// each change that it follows is in one of its buildsets, once.
    #[test]
    fn each_change_is_in_one_build_whatever_crashes(steps in prop::collection::vec((0_u8..5, 1_u64..30), 1..20)) {
        let mut house = House::new(1, vec![every(20, true)]);
        let mut changes = Vec::new();
        for (what, seconds) in steps {
            match what {
                0 => changes.push(house.add(&on_main("src/a")).0),
                1 => changes.push(house.store(&on_main("doc/a")).0),
                2 => house.crash(),
                3 => house.die_after_next_commit(true),
                _ => house.wait(seconds),
            }
        }
        changes.push(house.add(&on_main("src/z")).0);
        house.wait(45);
        let built: Vec<i64> = house.built("clock").concat();
        prop_assert_eq!(built, changes);
        let times: Vec<Wall> = house.buildsets("clock").iter().map(|buildset| buildset.submitted_at).collect();
        for pair in times.windows(2) {
            prop_assert!(pair[1].since(pair[0]) >= Duration::from_secs(20));
        }
    }
}
