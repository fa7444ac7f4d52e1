//! Dependent schedulers: one buildset after another, whatever restarts (`SC-09`, `traps.md` 9).

use super::house::House;
use super::{change, following, scheduler};
use crate::config::{Scheduler, SchedulerKind};
use crate::model::{NewChange, Results};
use proptest::prelude::*;

fn on_main() -> NewChange {
    change(1, "main", "src/a").told
}

fn after(name: &str, upstream: &str) -> Scheduler {
    scheduler(name, SchedulerKind::Dependent { upstream: upstream.to_owned() })
}

/// `third` after `second` after `first`, which follows all changes.
fn chain() -> Vec<Scheduler> {
    let first = scheduler("first", SchedulerKind::AnyBranch(following(&[], 0)));
    vec![after("third", "second"), first, after("second", "first")]
}

#[test]
fn it_builds_the_same_stamps_once_the_upstream_has_ended_well() {
    let mut house = House::new(1, chain());
    let id = house.add(&on_main());
    let upstream = &house.buildsets("first")[0];
    assert_eq!(house.buildsets("second").len(), 0);
    assert_eq!(house.verdict(id, "second").unwrap().reason, "waiting for the end of buildset 1");
    let awaits: Vec<usize> = house.handle().snapshot().unwrap().iter().map(|status| status.awaits).collect();
    assert_eq!(awaits, [0, 0, 0]);
    house.wait(10);
    let awaits: Vec<usize> = house.handle().snapshot().unwrap().iter().map(|status| status.awaits).collect();
    assert_eq!(awaits, [0, 0, 1]);

    house.end_all(Results::Warnings);
    house.complete(upstream.id);
    let second = &house.buildsets("second")[0];
    assert_eq!(second.source_stamps, upstream.source_stamps);
    assert_eq!(second.changes, [id]);
    assert_eq!(second.reason, "after buildset 1 of 'first', by scheduler 'second'");
    assert_eq!(second.properties.value("scheduler"), Some(&"second".into()));
    let verdict = house.verdict(id, "second").unwrap();
    assert_eq!(
        (verdict.buildset, verdict.reason.as_str()),
        (Some(second.id), "in buildset 2, after buildset 1")
    );
    assert_eq!(house.verdict(id, "third").unwrap().reason, "waiting for the end of buildset 2");

    // What another master has completed is seen in the rows.
    house.end_all(Results::Success);
    house.wait(10);
    assert_eq!(house.built("third"), [[id.0]]);
    house.wait(60);
    assert_eq!((house.buildsets("second").len(), house.buildsets("third").len()), (1, 1));
}

#[test]
fn it_drops_what_has_not_ended_well() {
    for results in [Results::Failure, Results::Exception, Results::Cancelled, Results::Retry] {
        let mut house = House::new(1, chain());
        let id = house.add(&on_main());
        house.end_all(results);
        house.wait(10);
        assert_eq!(house.buildsets("second").len(), 0, "{results}");
        let verdict = house.verdict(id, "second").unwrap();
        assert_eq!(verdict.reason, format!("buildset 1 ended in {results}"));
        assert_eq!(house.handle().snapshot().unwrap()[2].awaits, 0);
    }
}

#[test]
fn it_goes_on_after_a_restart_and_a_reload() {
    let mut house = House::new(1, chain());
    house.add(&on_main());
    house.crash();
    house.put_in_force(chain().into_iter().rev().collect());
    house.end_all(Results::Success);
    house.crash();
    house.wait(1);
    assert_eq!(house.buildsets("second").len(), 1);
}

#[test]
fn what_happened_while_it_was_away_or_followed_another_is_not_its_business() {
    let mut house = House::new(1, chain());
    house.add(&on_main());
    house.put_in_force(chain()[..2].to_vec());
    house.add(&on_main());
    house.put_in_force(chain());
    house.end_all(Results::Success);
    house.wait(20);
    assert_eq!(house.buildsets("second").len(), 0);

    house.add(&on_main());
    let mut other = chain();
    other[2] = after("second", "else");
    house.put_in_force(other);
    house.put_in_force(chain());
    house.end_all(Results::Success);
    house.wait(20);
    assert_eq!(house.buildsets("second").len(), 0);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// Whatever crashes when, each upstream buildset that ends well has one after it, and no other has any.
    #[test]
    fn each_good_end_has_one_buildset(steps in prop::collection::vec((0_u8..7, 1_u64..15), 1..24)) {
        let mut house = House::new(1, chain());
        for (what, seconds) in steps {
            match what {
                0 => drop(house.add(&on_main())),
                1 => drop(house.store(&on_main())),
                2 => house.end_all(Results::Success),
                3 => house.end_all(Results::Failure),
                4 => house.crash(),
                5 => house.die_after_next_commit(true),
                _ => house.wait(seconds),
            }
        }
        house.die_after_next_commit(false);
        house.wait(15);
        for (upstream, downstream) in [("first", "second"), ("second", "third")] {
            let good = |buildset: &crate::model::Buildset| buildset.results.is_some_and(Results::is_good);
            let ended: Vec<_> = house.buildsets(upstream).into_iter().filter(good).collect();
            let ended: Vec<_> = ended.iter().map(|buildset| buildset.changes.clone()).collect();
            let mut after: Vec<_> = house.buildsets(downstream).into_iter().map(|made| made.changes).collect();
            after.sort();
            prop_assert_eq!(after, ended);
        }
    }
}
