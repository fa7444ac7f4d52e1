//! Triggers: what is made of them, and who is told of their end.

use super::house::House;
use super::{following, scheduler};
use crate::config::{Codebase, Config, Scheduler, SchedulerKind};
use crate::db;
use crate::kernel::Offer;
use crate::model::{BuildsetId, NewBuildset, Properties, Results, SourceStamp};
use crate::schedulers::{Completed, Trigger, TriggerError, Waiter, trigger};
use std::sync::{Arc, Mutex};

fn triggerable() -> Scheduler {
    let mut properties = Properties::default();
    properties.set("os", "debian", "Scheduler");
    properties.set("speed", "low", "Scheduler");
    Scheduler { properties, priority: 3, ..scheduler("later", SchedulerKind::Triggerable) }
}

fn codebase(name: &str, branch: &str) -> Codebase {
    let repository = format!("https://git.example.org/{name}.git");
    Codebase { name: name.to_owned(), repository, branch: Some(branch.to_owned()) }
}

fn made(codebases: &[&str], stamps: &[SourceStamp]) -> NewBuildset {
    let codebases = codebases.iter().map(|name| codebase(name, "main")).collect();
    let config = Config { schedulers: vec![triggerable()], codebases, ..Config::empty() };
    let mut properties = Properties::default();
    properties.set("speed", "high", "Trigger");
    let source_stamps = stamps.to_vec();
    let wanted = Trigger { scheduler: "later".into(), source_stamps, properties, ..Trigger::default() };
    trigger::buildset(&config, wanted).unwrap()
}

fn stamp(codebase: &str, revision: &str) -> SourceStamp {
    let (codebase, revision) = (codebase.to_owned(), Some(revision.to_owned()));
    SourceStamp { codebase, revision, ..SourceStamp::default() }
}

#[test]
fn what_is_given_wins_over_the_schedulers_own() {
    let made = made(&[], &[]);
    assert_eq!(made.properties.value("os"), Some(&"debian".into()));
    assert_eq!(made.properties.value("speed"), Some(&"high".into()));
    assert_eq!(made.properties.value("scheduler"), Some(&"later".into()));
    assert_eq!(made.priority, 3);
    assert_eq!(made.builders, ["one", "two"]);
    assert_eq!(made.reason, "triggered, by scheduler 'later'");
}

#[test]
fn codebases_that_are_not_given_are_built_at_their_newest() {
    let stamps =
        |codebases: &[&str], given: &[SourceStamp]| -> Vec<(String, Option<String>, Option<String>)> {
            let stamps = made(codebases, given).source_stamps.into_iter();
            stamps.map(|stamp| (stamp.codebase, stamp.branch, stamp.revision)).collect()
        };
    let newest = |codebase: &str| (codebase.to_owned(), Some("main".to_owned()), None);
    let given = |codebase: &str| (codebase.to_owned(), None, Some("r1".to_owned()));
    assert_eq!(stamps(&[], &[]), [(String::new(), None, None)]);
    assert_eq!(stamps(&[], &[stamp("x", "r1")]), [given("x")]);
    assert_eq!(stamps(&["app", "lib"], &[]), [newest("app"), newest("lib")]);
    assert_eq!(stamps(&["app", "lib"], &[stamp("lib", "r1")]), [given("lib"), newest("app")]);
}

#[test]
fn only_a_triggerable_scheduler_can_be_triggered() {
    let house = House::new(1, vec![scheduler("main", SchedulerKind::AnyBranch(following(&[], 0)))]);
    for name in ["main", "nobody"] {
        let wanted = Trigger { scheduler: name.to_owned(), ..Trigger::default() };
        let refused = house.handle().trigger(vec![wanted]);
        assert_eq!(refused, Err(TriggerError::NoSuchScheduler(name.to_owned())));
    }
}

#[test]
fn the_higher_of_the_two_priorities_counts() {
    let config = Config { schedulers: vec![triggerable()], ..Config::empty() };
    for (parents, wanted) in [(None, 3), (Some(1), 3), (Some(7), 7)] {
        let asked = Trigger { scheduler: "later".into(), priority: parents, ..Trigger::default() };
        assert_eq!(trigger::buildset(&config, asked).unwrap().priority, wanted);
    }
}

#[test]
fn of_several_triggers_all_are_made_or_none() {
    let house = House::new(1, vec![triggerable()]);
    let to = |name: &str| Trigger { scheduler: name.to_owned(), ..Trigger::default() };
    let refused = house.handle().trigger(vec![to("later"), to("nobody")]);
    assert_eq!(refused, Err(TriggerError::NoSuchScheduler("nobody".to_owned())));
    assert_eq!(house.db().buildsets().recent(None, 10).unwrap(), []);
    let added = house.handle().trigger(vec![to("later"), to("later")]).unwrap();
    assert_eq!(house.db().buildsets().recent(None, 10).unwrap().len(), added.len());
}

/// A waiter that takes no news as long as the flag stands, and what it was told.
fn waiter(full: &Arc<Mutex<bool>>) -> (Waiter, Arc<Mutex<Vec<Completed>>>) {
    let told: Arc<Mutex<Vec<Completed>>> = Arc::default();
    let (to, full) = (told.clone(), full.clone());
    let offer = Offer::to_fn(move |completed| {
        if *full.lock().unwrap() {
            return Err(Some(completed));
        }
        to.lock().unwrap().push(completed);
        Ok(())
    });
    (Waiter(offer), told)
}

/// Ends all requests that wait.
fn end_all(house: &mut House) {
    let now = house.sim.world().wall();
    let ended = house.db().write(move |tx| {
        let waiting = db::requests::unclaimed(tx, None, 100)?;
        let ids: Vec<_> = waiting.iter().map(|request| request.id).collect();
        let ending = db::requests::Ending { results: Results::Failure, outcome: None };
        db::requests::cancel(tx, &ids, &ending, now)
    });
    ended.unwrap();
}

#[test]
fn whoever_waits_is_told_once_of_the_end() {
    let mut house = House::new(1, vec![triggerable()]);
    let full = Arc::new(Mutex::new(true));
    let (waiter, told) = waiter(&full);
    let wanted = Trigger { scheduler: "later".into(), ..Trigger::default() };
    let added = house.handle().trigger(vec![wanted]).unwrap().remove(0);
    house.handle().wait(vec![added.id], waiter).unwrap();
    assert_eq!(added.requests.len(), 2);
    house.wait(30);
    assert_eq!(*told.lock().unwrap(), []);

    end_all(&mut house);
    house.complete(added.id);
    *full.lock().unwrap() = false;
    house.wait(30);
    let expected = [Completed { id: added.id, results: Results::Failure }];
    assert_eq!(*told.lock().unwrap(), expected);
    house.complete(BuildsetId(99));
    house.wait(30);
    assert_eq!(*told.lock().unwrap(), expected);
}

#[test]
fn what_another_master_completes_is_seen_in_the_rows() {
    let mut house = House::new(1, vec![triggerable()]);
    let (waiter, told) = waiter(&Arc::default());
    let wanted = Trigger { scheduler: "later".into(), ..Trigger::default() };
    let added = house.handle().trigger(vec![wanted]).unwrap();
    house.handle().wait(vec![added[0].id], waiter).unwrap();
    end_all(&mut house);
    house.wait(10);
    assert_eq!(told.lock().unwrap().len(), 1);
}
