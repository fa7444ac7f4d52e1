//! Whatever happens in whatever order, each change reaches each scheduler once.

use super::house::House;
use super::{change, following, not_for_documents, scheduler};
use crate::config::{ChangeDriven, Scheduler, SchedulerKind};
use crate::model::{ChangeId, NewChange};

const SEEDS: u64 = 40;
const ACTS: usize = 80;

fn schedulers(timer_s: u64) -> Vec<Scheduler> {
    let only_important = |settings| ChangeDriven { only_important: true, ..settings };
    vec![
        scheduler("at once", SchedulerKind::SingleBranch(not_for_documents(following(&["a"], 0)))),
        scheduler("single", SchedulerKind::SingleBranch(following(&["a", "b"], timer_s))),
        scheduler("any", SchedulerKind::AnyBranch(not_for_documents(following(&[], 5)))),
        scheduler("strict", SchedulerKind::AnyBranch(only_important(not_for_documents(following(&[], 3))))),
    ]
}

fn is_important(change: &NewChange) -> bool {
    !change.files[0].starts_with("doc/")
}

fn branch(change: &NewChange) -> &str {
    change.branch.as_deref().unwrap()
}

/// Draws what happens from a seed, and returns the changes that were stored.
fn play(house: &mut House, seed: u64) -> Vec<(ChangeId, NewChange)> {
    let mut chance = fastrand::Rng::with_seed(seed);
    let mut stored = Vec::new();
    for _ in 0..ACTS {
        match chance.u32(0..20) {
            0..8 => {
                let branch = ["a", "b", "c"][chance.usize(0..3)];
                let file = ["src/x", "doc/y"][chance.usize(0..2)];
                let told = change(0, branch, file).told;
                let id = house.store(&told);
                stored.push((id, told));
                if chance.u32(0..10) > 0 {
                    house.hint(id);
                }
            }
            8..12 => {
                house.step();
            }
            12..16 => house.wait(chance.u64(1..5)),
            16 => house.crash(),
            17 => house.die_after_next_commit(true),
            18 => house.put_in_force(schedulers(chance.u64(1..8))),
            _ => house.settle(),
        }
    }
    house.crash();
    house.settle();
    house.wait(30);
    stored
}

#[test]
fn each_change_reaches_each_scheduler_once() {
    for seed in 0..SEEDS {
        let mut house = House::new(seed, schedulers(4));
        let stored = play(&mut house, seed);
        let find = |id: i64| &stored.iter().find(|(stored, _)| stored.0 == id).unwrap().1;
        for name in ["at once", "single", "any", "strict"] {
            let built = house.built(name);
            for (id, told) in &stored {
                let times = built.iter().flatten().filter(|built| **built == id.0).count();
                let (wanted, may_wait) = match name {
                    "at once" => (branch(told) == "a" && is_important(told), false),
                    "single" => (branch(told) != "c", false),
                    "any" => (is_important(told), true),
                    _ => (is_important(told), false),
                };
                // An unimportant change is built with the next important one, if that comes.
                let allowed = usize::from(wanted)..=usize::from(wanted || may_wait);
                assert!(allowed.contains(&times), "seed {seed}, {name}: change {id} is built {times} times");
                let verdict = house.verdict(*id, name);
                let verdict =
                    verdict.unwrap_or_else(|| panic!("seed {seed}, {name}: nothing of change {id}"));
                assert_eq!(verdict.buildset.is_some(), times == 1, "seed {seed}, {name}: {verdict:?}");
                assert!(!verdict.reason.is_empty(), "seed {seed}, {name}: {verdict:?}");
            }
            for changes in &built {
                match name {
                    "at once" => assert_eq!(changes.len(), 1, "seed {seed}"),
                    "single" => {}
                    _ => {
                        let first = branch(find(changes[0]));
                        let same = changes.iter().all(|id| branch(find(*id)) == first);
                        assert!(same, "seed {seed}, {name}: branches in one buildset: {changes:?}");
                    }
                }
            }
        }
    }
}
