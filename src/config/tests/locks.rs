//! Locks and their uses.

use super::{BASE, check_added, check_step, check_texts, loaded};
use crate::config::{LockMode, LockUse};
use expect_test::expect;

const LOCKS: &str = "
locks:
  - {name: database}
  - {name: cpu, scope: worker, max_count: 4, max_count_for_worker: {w1: 2}}
";

#[test]
fn locks_are_used_by_builders_steps_and_workers() {
    let text = LOCKS.to_owned()
        + &BASE
            .replace("workers: w1", "workers: w1, locks: [{lock: cpu, mode: counting, count: 2}]")
            .replace("[shell: make]", "[{shell: make, locks: database}]")
            .replace("{name: w2,", "{name: w2, locks: [{lock: database, mode: exclusive}],");
    let config = loaded(&text);
    let cpu = config.lock("cpu").unwrap();
    assert_eq!((cpu.capacity("w1"), cpu.capacity("w2")), (2, 4));
    let exclusive = vec![LockUse { lock: "database".into(), mode: LockMode::Exclusive }];
    let builder = &config.builders[0];
    assert_eq!(builder.locks, [LockUse { lock: "cpu".into(), mode: LockMode::Counting { count: 2 } }]);
    assert_eq!(builder.steps[0].locks, exclusive);
    assert_eq!(config.worker("w2").unwrap().locks, exclusive);
}

#[test]
fn wrong_locks_are_told() {
    check_added(
        "locks: [{name: a, max_count: 0}, {name: b, max_count_for_worker: {w1: 3}}, {name: a}, {name: c, scope: worker, max_count_for_worker: {w9: 1}}]",
        expect![[r#"
            m.yaml:1:30: locks[0].max_count: a lock without units can never be had; give it one at least
            m.yaml:1:66: locks[1].max_count_for_worker: a lock of the master has no counts for workers; write `scope: worker`
            m.yaml:1:83: locks[2].name: another lock is called "a", in m.yaml:1; names must be unique
            m.yaml:1:94: locks[3].name: it counts for the worker "w9", which is not there
        "#]],
    );
    let with_locks = |text: &str, expected| check_texts(&[("locks.yaml", LOCKS), ("m.yaml", text)], expected);
    let uses =
        "{shell: make, locks: [{lock: cpu, mode: counting, count: 3}, databse, {lock: database, count: 2}]}";
    with_locks(
        &BASE.replace("shell: make", uses),
        expect![[r#"
        m.yaml:4:66: builders[0].steps[0].locks[0]: it takes 3 units of "cpu", which has 2 only; it would wait for ever
        m.yaml:4:105: builders[0].steps[0].locks[1]: there is no lock "databse"; did you mean `database`?
        m.yaml:4:138: builders[0].steps[0].locks[2].count: only a counting use takes a number of units; add `mode: counting`
    "#]],
    );
    let twice = "locks: database, steps: [{shell: make, locks: database}]";
    with_locks(
        &BASE.replace("steps: [shell: make]", twice),
        expect![[r#"
        m.yaml:4:19: builders[0].name: its step "shell" takes the lock "database", which its builds hold; take it in one place
    "#]],
    );
    check_step(
        "{shell: make, locks: nowhere}",
        expect![[r#"
        m.yaml:4:65: builders[0].steps[0].locks: there is no lock "nowhere"
    "#]],
    );
}
