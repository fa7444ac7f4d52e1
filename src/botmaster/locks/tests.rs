//! The lock manager against every history of a few owners, and the rules by name.

use super::{Amount, Answer, Lock, Locks, Owner, Want};
use crate::model::RequestId;
use std::collections::{BTreeMap, BTreeSet};

fn lock(name: &str) -> Lock {
    Lock { name: name.into(), worker: None }
}

fn units(name: &str, units: u32, capacity: u32) -> Want {
    Want { lock: lock(name), amount: Amount::Units(units), capacity }
}

fn alone(name: &str, capacity: u32) -> Want {
    Want { lock: lock(name), amount: Amount::Exclusive, capacity }
}

fn build(id: i64) -> Owner {
    Owner::Build(RequestId(id))
}

fn step(id: i64) -> Owner {
    Owner::Step(RequestId(id))
}

#[test]
fn counting_uses_share_and_an_exclusive_one_does_not() {
    let mut locks = Locks::default();
    assert_eq!(locks.want(step(1), vec![units("cpu", 1, 2)]), Answer::Held);
    assert_eq!(locks.want(step(2), vec![units("cpu", 1, 2)]), Answer::Held);
    assert_eq!(locks.want(step(3), vec![units("cpu", 1, 2)]), Answer::Waits(lock("cpu")));
    assert_eq!(locks.want(step(4), vec![alone("cpu", 2)]), Answer::Waits(lock("cpu")));
    assert_eq!(locks.release(step(1)), [step(3)]);
    assert_eq!(locks.release(step(2)), []);
    assert_eq!(locks.release(step(3)), [step(4)]);
    assert_eq!(locks.holders(&lock("cpu")).collect::<Vec<_>>(), [step(4)]);
}

#[test]
fn units_are_counted_not_uses() {
    let mut locks = Locks::default();
    assert_eq!(locks.want(step(1), vec![units("memory", 3, 4)]), Answer::Held);
    assert_eq!(locks.want(step(2), vec![units("memory", 2, 4)]), Answer::Waits(lock("memory")));
    // One unit is left, and kept for whoever waits for two.
    assert_eq!(locks.want(step(3), vec![units("memory", 1, 4)]), Answer::Waits(lock("memory")));
    assert_eq!(locks.release(step(1)), [step(2), step(3)]);
}

#[test]
fn no_newcomer_overtakes_an_exclusive_waiter() {
    let mut locks = Locks::default();
    assert_eq!(locks.want(step(1), vec![units("cpu", 1, 9)]), Answer::Held);
    assert_eq!(locks.want(step(2), vec![alone("cpu", 9)]), Answer::Waits(lock("cpu")));
    assert_eq!(locks.want(step(3), vec![units("cpu", 1, 9)]), Answer::Waits(lock("cpu")));
    assert_eq!(locks.release(step(1)), [step(2)]);
    assert_eq!(locks.release(step(2)), [step(3)]);
}

#[test]
fn all_are_taken_together_or_none() {
    let mut locks = Locks::default();
    assert_eq!(locks.want(step(1), vec![units("a", 1, 1)]), Answer::Held);
    assert_eq!(locks.want(step(2), vec![units("b", 1, 1), units("a", 1, 1)]), Answer::Waits(lock("a")));
    assert_eq!(locks.holders(&lock("b")).count(), 0);
    // But `b` is kept for it.
    assert_eq!(locks.want(step(3), vec![units("b", 1, 1)]), Answer::Waits(lock("b")));
    assert_eq!(locks.release(step(1)), [step(2)]);
    assert_eq!(locks.release(step(2)), [step(3)]);
}

#[test]
fn one_that_waits_no_longer_releases_nobody_elses() {
    let mut locks = Locks::default();
    assert_eq!(locks.want(step(1), vec![alone("a", 1)]), Answer::Held);
    assert_eq!(locks.want(step(2), vec![alone("a", 1)]), Answer::Waits(lock("a")));
    assert_eq!(locks.want(step(3), vec![alone("a", 1)]), Answer::Waits(lock("a")));
    assert_eq!(locks.release(step(2)), []);
    assert_eq!(locks.holders(&lock("a")).collect::<Vec<_>>(), [step(1)]);
    assert_eq!(locks.release(step(1)), [step(3)]);
}

#[test]
fn a_step_goes_before_those_who_wait_for_what_its_build_holds() {
    let mut locks = Locks::default();
    locks.pass().take(build(1), vec![alone("a", 1)]);
    // The second wants both, and is kept waiting by the first build's lock.
    assert_eq!(locks.want(step(2), vec![alone("a", 1), alone("b", 1)]), Answer::Waits(lock("a")));
    assert_eq!(locks.want(step(1), vec![alone("b", 1)]), Answer::Held);
    assert_eq!(locks.release(step(1)), []);
    assert_eq!(locks.release(build(1)), [step(2)]);
}

#[test]
fn a_circle_of_builds_is_refused() {
    let mut locks = Locks::default();
    locks.pass().take(build(1), vec![alone("a", 1)]);
    locks.pass().take(build(2), vec![alone("b", 1)]);
    assert_eq!(locks.want(step(1), vec![alone("b", 1)]), Answer::Waits(lock("b")));
    assert_eq!(locks.want(step(2), vec![alone("a", 1)]), Answer::Deadlock(lock("a")));
    assert!(locks.waited_for(step(2)).is_empty());
    assert_eq!(locks.release(build(2)), [step(1)]);
}

#[test]
fn a_pass_keeps_what_those_ahead_wait_for() {
    let mut locks = Locks::default();
    let mut pass = locks.pass();
    pass.take(build(1), vec![units("cpu", 2, 3)]);
    let two = [units("cpu", 2, 3)];
    assert_eq!(pass.lacking(&two), Some(lock("cpu")));
    pass.keep(&two);
    assert_eq!(pass.lacking(&[units("cpu", 1, 3)]), Some(lock("cpu")));
    assert_eq!(pass.lacking(&[units("cpu", 0, 3)]), None);
    // The next pass begins anew.
    assert_eq!(locks.pass().lacking(&[units("cpu", 1, 3)]), None);
}

/// What an owner of the model does when it wants.
fn menu() -> Vec<Vec<Want>> {
    vec![
        vec![units("a", 1, 2)],
        vec![units("a", 2, 2)],
        vec![alone("a", 2)],
        vec![alone("b", 1)],
        vec![units("a", 1, 2), alone("b", 1)],
    ]
}

/// Every lock within its capacity, and an exclusive use alone.
fn assert_within_capacity(locks: &Locks) {
    let mut by_lock: BTreeMap<&Lock, Vec<&Want>> = BTreeMap::new();
    for want in locks.held.values().flatten() {
        by_lock.entry(&want.lock).or_default().push(want);
    }
    for (lock, wants) in by_lock {
        let units: u32 =
            wants.iter().map(|want| if let Amount::Units(units) = want.amount { units } else { 0 }).sum();
        let exclusive = wants.iter().filter(|want| want.amount == Amount::Exclusive).count();
        assert!(units <= wants[0].capacity, "{lock:?} over its capacity: {wants:?}");
        assert!(exclusive == 0 || wants.len() == 1, "{lock:?} is not alone: {wants:?}");
    }
}

/// Nobody waits for nothing: if all who hold and do not wait let go, again and again, everybody comes in.
fn assert_nobody_is_forgotten(locks: &Locks) {
    let mut future = locks.clone();
    while !future.held.is_empty() || !future.waiting.is_empty() {
        let waits = |owner: &Owner| !future.waited_for(Owner::Step(owner.request())).is_empty();
        let Some(end) = future.held.keys().find(|owner| !waits(owner)).copied() else {
            panic!("all wait for ever: {locks:?}");
        };
        future.release(end);
    }
}

/// All states that three builds that may hold locks, with a step each that may too, can come to.
#[test]
fn every_history_is_safe_and_leaves_nobody_waiting_for_ever() {
    let owners: Vec<Owner> = (1..=3).flat_map(|id| [build(id), step(id)]).collect();
    let mut seen: BTreeSet<Locks> = BTreeSet::new();
    let mut frontier = vec![Locks::default()];
    while !frontier.is_empty() {
        let mut next = Vec::new();
        for locks in frontier {
            for owner in &owners {
                let idle = !locks.held.contains_key(owner) && locks.waited_for(*owner).is_empty();
                let mut children = Vec::new();
                match owner {
                    Owner::Step(_) if idle => children.extend(menu().into_iter().map(|wants| {
                        let mut locks = locks.clone();
                        locks.want(*owner, wants);
                        locks
                    })),
                    Owner::Build(request) if idle && locks.waited_for(Owner::Step(*request)).is_empty() => {
                        // A build begins before its steps.
                        if locks.held.contains_key(&Owner::Step(*request)) {
                            continue;
                        }
                        for wants in menu() {
                            let mut locks = locks.clone();
                            let mut pass = locks.pass();
                            if pass.lacking(&wants).is_none() {
                                pass.take(*owner, wants);
                                children.push(locks);
                            }
                        }
                    }
                    _ => {
                        let mut locks = locks.clone();
                        locks.release(*owner);
                        children.push(locks);
                    }
                }
                for child in children {
                    if seen.insert(child.clone()) {
                        assert_within_capacity(&child);
                        assert_nobody_is_forgotten(&child);
                        next.push(child);
                    }
                }
            }
        }
        frontier = next;
    }
    assert!(seen.len() > 6_000, "only {} states", seen.len());
}
