//! What a scheduler makes of a change, with and without a timer: three exclusions, each with its own reason.

use super::{change, following, not_for_documents, scheduler};
use crate::config::{ChangeDriven, Condition, FILE_IS_IMPORTANT, SchedulerKind};
use crate::db::schedulers::Classified;
use crate::model::ChangeId;
use crate::schedulers::change_driven::Grouping;
use crate::schedulers::classify::Share;
use expect_test::{Expect, expect};

/// A line for each verdict: whether the change is built, waits or is left, and why.
fn told(share: &Share) -> String {
    let line = |verdict: &Classified| {
        let id = verdict.change;
        let fate = match verdict.important {
            None => "left",
            Some(true) if share.buildsets.iter().any(|new| new.changes == [id]) => {
                return format!("{id} built\n");
            }
            Some(true) => "waits, important",
            Some(false) => "waits",
        };
        let waits = share
            .waiting
            .iter()
            .any(|(change, important)| change.id == id && Some(*important) == verdict.important);
        assert_eq!(waits, verdict.important.is_some(), "{share:?}");
        format!("{id} {fate}: {}\n", verdict.reason)
    };
    share.verdicts.iter().map(line).collect()
}

/// What becomes of a change of a program, one of a document, and one of another branch.
fn check(settings: &ChangeDriven, expected: Expect) {
    let scheduler = scheduler("s", SchedulerKind::SingleBranch(settings.clone()));
    let changes = [change(5, "main", "src/a"), change(6, "main", "doc/b"), change(7, "x", "src/a")];
    let share = Share::new(&scheduler, (Grouping::Together, settings), (ChangeId(4), ChangeId(7)), &changes);
    expected.assert_eq(&told(&share));
    // What it has seen it does not see again.
    assert_eq!(
        told(&Share::new(&scheduler, (Grouping::Together, settings), (ChangeId(7), ChangeId(7)), &changes)),
        ""
    );
}

#[test]
fn with_a_timer_all_that_the_filter_lets_in_waits() {
    check(
        &following(&["main"], 10),
        expect![[r#"
            5 waits, important: waiting for the tree to be stable
            6 waits, important: waiting for the tree to be stable
            7 left: branch 'x' is not 'main'
        "#]],
    );
    check(
        &not_for_documents(following(&["main"], 10)),
        expect![[r#"
            5 waits, important: waiting for the tree to be stable
            6 waits: not important: waits for the next build
            7 left: branch 'x' is not 'main'
        "#]],
    );
}

#[test]
fn without_a_timer_each_important_change_is_built_at_once_and_others_are_forgotten() {
    check(
        &not_for_documents(following(&["main"], 0)),
        expect![[r#"
            5 built
            6 left: not important
            7 left: branch 'x' is not 'main'
        "#]],
    );
}

#[test]
fn only_important_leaves_the_others_out() {
    for timer_s in [0, 10] {
        let settings = not_for_documents(following(&[], timer_s));
        let share = |settings: &ChangeDriven| {
            let scheduler = scheduler("s", SchedulerKind::AnyBranch(settings.clone()));
            told(&Share::new(
                &scheduler,
                (Grouping::Together, settings),
                (ChangeId(0), ChangeId(1)),
                &[change(1, "main", "doc/b")],
            ))
        };
        assert_eq!(
            share(&ChangeDriven { only_important: true, ..settings }),
            "1 left: not important, and only_important is set\n"
        );
    }
}

#[test]
fn a_condition_without_an_answer_leaves_the_change_out() {
    let condition = Condition::new("revision + 1", FILE_IS_IMPORTANT).unwrap();
    let settings = ChangeDriven { file_is_important: Some(condition), ..following(&["main"], 10) };
    check(
        &settings,
        expect![[r#"
            5 left: file_is_important cannot be answered: tried to use + operator on unsupported types string and number
            6 left: file_is_important cannot be answered: tried to use + operator on unsupported types string and number
            7 left: branch 'x' is not 'main'
        "#]],
    );
}
