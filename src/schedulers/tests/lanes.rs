//! Timers and lanes in virtual time.

use super::{change, following, scheduler};
use crate::config::SchedulerKind;
use crate::model::{ChangeId, Mono};
use crate::schedulers::change_driven::{Grouping, Lanes};
use crate::schedulers::classify::by_changes;
use expect_test::{Expect, expect};
use std::time::Duration;

/// Plays a script and tells what is built when. A line is a second, a branch and `+` for an important change, `-` for
/// another one; the timer is ten seconds, changes are numbered from 1.
fn check(grouping: Grouping, script: &str, expected: Expect) {
    let scheduler = scheduler("s", SchedulerKind::AnyBranch(following(&[], 10)));
    let mut lanes = Lanes::new(grouping, Some(Duration::from_secs(10)));
    let mut told = String::new();
    let mut run_to = |lanes: &mut Lanes, until: Mono| {
        while let Some(at) = lanes.next_due().filter(|at| *at <= until) {
            let lane = lanes.due(at).expect("due").clone();
            let buildset = by_changes(&scheduler, lanes.of(&lane)).unwrap();
            let changes: Vec<String> = buildset.changes.iter().map(ToString::to_string).collect();
            let stamps = buildset.source_stamps.iter().filter_map(|stamp| stamp.revision.clone());
            let stamps: Vec<String> = stamps.collect();
            told += &format!("{} s: {} at {}\n", at.0.as_secs(), changes.join(" "), stamps.join(" "));
            lanes.built(&lane);
        }
    };
    for (line, id) in script.lines().map(str::trim).zip(1..) {
        let [second, branch, sign] = line.split(' ').collect::<Vec<_>>()[..] else { panic!("{line}") };
        let now = Mono(Duration::from_secs(second.parse().unwrap()));
        run_to(&mut lanes, now);
        lanes.add(&change(id, branch, "file"), sign == "+", now);
    }
    run_to(&mut lanes, Mono(Duration::from_secs(1_000_000)));
    if lanes.waiting() > 0 {
        told += &format!("{} wait\n", lanes.waiting());
    }
    expected.assert_eq(&told);
}

#[test]
fn an_important_change_starts_the_timer_again_and_the_build_takes_all() {
    check(
        Grouping::Together,
        "0 main +
         9 main +
         18 main +
         40 main +",
        expect![[r#"
            28 s: 1 2 3 at r3
            50 s: 4 at r4
        "#]],
    );
}

#[test]
fn an_unimportant_change_starts_only_a_running_timer_again() {
    check(
        Grouping::Together,
        "0 main -
         30 main +
         35 main -
         60 main -",
        expect![[r#"
            45 s: 1 2 3 at r3
            1 wait
        "#]],
    );
}

#[test]
fn a_single_branch_scheduler_has_one_lane_for_all_that_its_filter_lets_in() {
    check(
        Grouping::Together,
        "0 main +
         5 other +",
        expect![[r#"
            15 s: 1 2 at r2
        "#]],
    );
}

#[test]
fn branches_wait_and_are_built_each_by_themselves() {
    // The slower branch keeps its changes when the faster one is built (D-10).
    check(
        Grouping::EachBranch,
        "0 a +
         1 b -
         2 b +
         8 a -
         9 b +
         12 c -",
        expect![[r#"
            18 s: 1 4 at r4
            19 s: 2 3 5 at r5
            1 wait
        "#]],
    );
}

#[test]
fn lanes_are_told_apart_by_all_that_names_a_branch() {
    let mut lanes = Lanes::new(Grouping::EachBranch, Some(Duration::from_secs(10)));
    let mut id = 0;
    let mut add = |edit: fn(&mut crate::model::NewChange)| {
        id += 1;
        let mut change = change(id, "main", "file");
        edit(&mut change.told);
        lanes.add(&change, true, Mono::default());
    };
    add(|_| ());
    add(|told| told.codebase = "x".into());
    add(|told| told.repository = "x".into());
    add(|told| told.project = "x".into());
    add(|told| told.branch = None);
    add(|told| told.branch = Some(String::new()));
    add(|told| told.branch = None);
    let scheduler = scheduler("s", SchedulerKind::AnyBranch(following(&[], 10)));
    let mut built = Vec::new();
    while let Some(lane) = lanes.due(Mono(Duration::from_secs(10))).cloned() {
        built.push(
            by_changes(&scheduler, lanes.of(&lane))
                .unwrap()
                .changes
                .iter()
                .map(|id| id.0)
                .collect::<Vec<_>>(),
        );
        lanes.built(&lane);
    }
    built.sort();
    assert_eq!(built, [vec![1], vec![2], vec![3], vec![4], vec![5, 7], vec![6]]);
}

#[test]
fn a_buildset_has_the_last_change_of_each_codebase() {
    let mut lanes = Lanes::new(Grouping::Together, Some(Duration::from_secs(10)));
    for (id, codebase) in [(1, "lib"), (2, "app"), (3, "lib"), (4, "app")] {
        let mut change = change(id, "main", "file");
        change.told.codebase = codebase.into();
        lanes.add(&change, id == 1, Mono::default());
    }
    let lane = lanes.due(Mono(Duration::from_secs(10))).unwrap().clone();
    let scheduler = scheduler("s", SchedulerKind::SingleBranch(following(&[], 10)));
    let buildset = by_changes(&scheduler, lanes.of(&lane)).unwrap();
    let stamps = buildset.source_stamps.iter();
    let stamps: Vec<_> = stamps.map(|s| (s.codebase.as_str(), s.revision.as_deref().unwrap())).collect();
    assert_eq!(stamps, [("app", "r4"), ("lib", "r3")]);
    assert_eq!(buildset.changes, [1, 2, 3, 4].map(ChangeId));
    assert_eq!(buildset.builders, ["one", "two"]);
    assert_eq!(buildset.properties.value("scheduler"), Some(&"s".into()));
    assert_eq!(buildset.reason, "4 changes, by scheduler 's'");
}
