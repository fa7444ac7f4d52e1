//! The service: what is told, what outlives a restart, what a reload does.

use super::house::House;
use super::{change, following, not_for_documents, scheduler};
use crate::config::{Scheduler, SchedulerKind};
use crate::db::{self, schedulers::Classified};
use crate::model::{BuildsetId, ChangeId, NewChange};
use crate::schedulers::classify::by_changes;
use crate::schedulers::{ForceError, ForceRequest};

fn on_main(timer_s: u64) -> Scheduler {
    scheduler("main", SchedulerKind::SingleBranch(not_for_documents(following(&["main"], timer_s))))
}

fn program() -> NewChange {
    change(0, "main", "src/a").told
}

fn document() -> NewChange {
    change(0, "main", "doc/b").told
}

#[test]
fn without_a_timer_a_change_is_built_at_once_and_everyone_is_told() {
    let mut house = House::new(1, vec![on_main(0)]);
    let id = house.add(&program());
    assert_eq!(
        house.told(),
        [
            "BuildsetAdded { buildset: BuildsetId(1) }",
            "RequestAdded { request: RequestId(1), builder: \"one\" }",
            "RequestAdded { request: RequestId(2), builder: \"two\" }",
            "requested [(\"one\", RequestId(1)), (\"two\", RequestId(2))]",
        ]
    );
    let verdict = house.verdict(id, "main").unwrap();
    assert_eq!((verdict.buildset, verdict.reason.as_str()), (Some(BuildsetId(1)), "in buildset 1"));
    let id = house.add(&document());
    assert_eq!(house.verdict(id, "main").unwrap().reason, "not important");
    assert!(house.told().is_empty());
}

#[test]
fn after_a_restart_the_timer_runs_its_full_length_and_takes_all() {
    let mut house = House::new(1, vec![on_main(10)]);
    house.add(&document());
    house.add(&program());
    house.wait(9);
    house.crash();
    house.wait(9);
    assert!(house.built("main").is_empty());
    let status = &house.handle().snapshot().unwrap()[0];
    assert_eq!((status.pending, &status.trouble), (2, &None));
    assert_eq!(status.builds_at, Some(house.sim.world().wall() + std::time::Duration::from_secs(1)));
    house.wait(1);
    assert_eq!(house.built("main"), [[1, 2]]);
    assert_eq!(house.handle().snapshot().unwrap()[0].pending, 0);
}

#[test]
fn a_lost_hint_costs_nothing() {
    let mut house = House::new(1, vec![on_main(0)]);
    // More hints than the inbox has room for: the rest are lost, and the service reads all the same.
    for _ in 0..9 {
        let id = house.store(&program());
        house.hint(id);
    }
    house.settle();
    assert_eq!(house.built("main").len(), 9);
    // None at all: the next one tells of both.
    house.store(&program());
    house.add(&program());
    assert_eq!(house.built("main").len(), 11);
}

#[test]
fn many_changes_are_taken_in_batches() {
    let mut house = House::new(1, vec![on_main(10)]);
    let ids: Vec<ChangeId> = (0..450).map(|_| house.store(&program())).collect();
    house.hint(ids[0]);
    house.settle();
    house.wait(10);
    assert_eq!(house.built("main"), [ids.iter().map(|id| id.0).collect::<Vec<_>>()]);
}

#[test]
fn a_new_scheduler_begins_with_the_next_change_and_one_that_returns_too() {
    let other = scheduler("other", SchedulerKind::AnyBranch(following(&[], 10)));
    let mut house = House::new(1, vec![on_main(0)]);
    house.add(&program());
    house.put_in_force(vec![on_main(0), other.clone()]);
    let pending = house.add(&program());
    assert!(house.verdict(ChangeId(1), "other").is_none());
    // It goes, and keeps what waits in it; it comes back, and has missed a change.
    house.put_in_force(vec![on_main(0)]);
    let missed = house.add(&program());
    house.wait(20);
    house.put_in_force(vec![on_main(0), other]);
    let next = house.add(&program());
    house.wait(10);
    assert_eq!(house.built("other"), [[pending.0, next.0]]);
    assert!(house.verdict(missed, "other").is_none());
    assert_eq!(house.built("main").len(), 4);
}

#[test]
fn a_scheduler_that_follows_changes_again_has_missed_those_of_meanwhile() {
    // It was of another kind for a while.
    let mut house = House::new(1, vec![on_main(0)]);
    house.add(&program());
    let mut form = super::forcing::form(Vec::new());
    form.name = "main".into();
    house.put_in_force(vec![form.clone()]);
    house.add(&program());
    house.put_in_force(vec![on_main(0)]);
    let next = house.add(&program());
    assert_eq!(house.built("main"), [vec![1], vec![next.0]]);
    // It was taken out while the master did not run.
    house.restart_with(vec![form]);
    house.add(&program());
    house.put_in_force(vec![on_main(0)]);
    let last = house.add(&program());
    assert_eq!(house.built("main"), [vec![1], vec![next.0], vec![last.0]]);
}

#[test]
fn a_reload_leaves_unchanged_schedulers_their_timers() {
    let mut house = House::new(1, vec![on_main(10)]);
    house.add(&program());
    house.wait(9);
    house.put_in_force(vec![on_main(10)]);
    house.wait(1);
    assert_eq!(house.built("main"), [[1]]);
    // A changed one begins its timer again; without a timer, what waits need not wait any longer.
    house.add(&program());
    house.wait(9);
    house.put_in_force(vec![on_main(20)]);
    house.wait(19);
    assert_eq!(house.built("main").len(), 1);
    house.put_in_force(vec![on_main(0)]);
    assert_eq!(house.built("main"), [[1], [2]]);
}

#[test]
fn while_the_database_is_out_of_reach_nothing_is_lost_and_everyone_can_see_why() {
    let mut house = House::new(1, vec![on_main(0), super::forcing::form(Vec::new())]);
    house.lose_the_way(true);
    house.crash();
    house.add(&program());
    house.wait(5);
    let statuses = house.handle().snapshot().unwrap();
    let trouble = statuses[0].trouble.as_deref().unwrap();
    assert!(trouble.starts_with("the database is out of reach"), "{trouble}");
    // A form needs none of what is missing.
    assert_eq!(statuses[1].trouble, None);
    house.lose_the_way(false);
    house.wait(1);
    assert_eq!(house.built("main"), [[1]]);
    assert_eq!(house.handle().snapshot().unwrap()[0].trouble, None);
}

#[test]
fn what_another_master_has_done_is_not_done_again() {
    let mut house = House::new(1, vec![on_main(10)]);
    let (first, second) = (house.store(&program()), house.store(&program()));
    let waits = |change| Classified { change, important: Some(true), reason: "waits".into() };
    house.db().schedulers().classify("main", (ChangeId(0), first), vec![waits(first)]).unwrap();
    house.hint(second);
    house.settle();
    assert_eq!(house.handle().snapshot().unwrap()[0].pending, 2);
    // The other one's timer was faster, too.
    let new = house.db().read(move |connection| db::changes::get(connection, first)).unwrap().unwrap();
    let new = by_changes(&on_main(10), [&new]).unwrap();
    let now = house.sim.world().wall();
    house.db().write(move |tx| db::schedulers::flush_into_buildset(tx, "main", &new, &[], now)).unwrap();
    house.wait(10);
    assert_eq!(house.built("main"), [[1]]);
    house.wait(10);
    assert_eq!(house.built("main"), [[1], [2]]);
}

#[test]
fn a_form_is_answered_with_what_was_committed() {
    let mut house = House::new(1, vec![super::forcing::form(Vec::new()), on_main(0)]);
    let added = house.handle().force(ForceRequest::default()).unwrap();
    assert_eq!(added.requests.len(), 2);
    assert_eq!(house.buildsets("force")[0].id, added.id);
    assert_eq!(house.told().len(), 4);
    let wrong = ForceRequest { builders: vec!["three".into()], ..ForceRequest::default() };
    let Err(ForceError::Refused(refused)) = house.handle().force(wrong) else { panic!("not refused") };
    assert_eq!(refused.lines(), ["builders: \"three\" is none of this scheduler's: one, two"]);
    assert_eq!(house.buildsets("force").len(), 1);
    house.sim.crash();
    assert!(matches!(house.handle().force(ForceRequest::default()), Err(ForceError::Outage(_))));
}
