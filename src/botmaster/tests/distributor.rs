//! Who builds what, and when.

use crate::botmaster::distributor::{Answer, Distributor, Pick, Rank};
use crate::db::waiting::{Stamp, Waiting};
use crate::model::{BuildsetId, RequestId};
use proptest::prelude::*;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

fn waiting(id: i64, builder: &str, priority: i64) -> Waiting {
    let revision = Some(format!("r{id}"));
    let stamp = Stamp {
        codebase: String::new(),
        project: String::new(),
        repository: "r".to_owned(),
        branch: Some("main".to_owned()),
        revision,
        has_changes: true,
        is_patched: false,
    };
    Waiting {
        request: RequestId(id),
        buildset: BuildsetId(id),
        builder: builder.to_owned(),
        priority,
        asked: Arc::default(),
        stamps: vec![stamp],
    }
}

/// Adds a request by its own priority.
fn add(queue: &mut Distributor, waiting: Waiting) {
    let rank = Rank { priority: Reverse(waiting.priority), turn: 0 };
    queue.add(waiting, rank);
}

fn worker(name: impl Into<String>) -> Answer {
    Answer::Worker(name.into())
}

fn ids(requests: impl IntoIterator<Item = RequestId>) -> Vec<i64> {
    requests.into_iter().map(|request| request.0).collect()
}

#[test]
fn the_highest_priority_goes_first_then_the_oldest_over_all_builders() {
    let mut queue = Distributor::default();
    for (id, builder, priority) in [(1, "a", 0), (2, "b", 5), (3, "a", 5), (4, "c", 0), (5, "b", 0)] {
        add(&mut queue, waiting(id, builder, priority));
    }
    let mut slots = BTreeMap::from([("a", 2), ("b", 1), ("c", 0)]);
    let picks = queue.pick(10, 1, |request| {
        let builder = request.builder.as_str();
        match slots.get_mut(builder) {
            Some(left) if *left > 0 => {
                *left -= 1;
                worker(format!("w-{builder}"))
            }
            _ => Answer::Full,
        }
    });
    assert_eq!(ids(picks.iter().map(|pick| pick.waiting.request)), [2, 3, 1]);
    assert_eq!(picks[0].worker, "w-b");
    assert_eq!(queue.counts().collect::<Vec<_>>(), [("b", 1), ("c", 1)]);
    // A builder that was passed over keeps its place.
    assert_eq!(ids(queue.pick(10, 1, |_| worker("w")).into_iter().map(|pick| pick.waiting.request)), [4, 5]);
    assert!(queue.is_empty());
}

#[test]
fn a_limit_holds() {
    let mut queue = Distributor::default();
    (1..=5).for_each(|id| add(&mut queue, waiting(id, "a", 0)));
    assert_eq!(queue.pick(2, 1, |_| worker("w")).len(), 2);
    assert_eq!(ids(queue.ids()), [3, 4, 5]);
}

#[test]
fn what_is_unfit_is_passed_by_and_keeps_its_place() {
    let mut queue = Distributor::default();
    (1..=6).for_each(|id| add(&mut queue, waiting(id, if id == 5 { "b" } else { "a" }, 0)));
    let even = |request: &Waiting| match request.request.0 % 2 {
        0 => worker("w"),
        _ => Answer::Unfit,
    };
    let picked = |picks: Vec<Pick>| ids(picks.into_iter().map(|pick| pick.waiting.request));
    assert_eq!(picked(queue.pick(10, 2, even)), [2]);
    assert_eq!(picked(queue.pick(10, 9, even)), [4, 6]);
    assert_eq!(picked(queue.pick(10, 1, |_| worker("w"))), [1, 3, 5]);
}

#[test]
fn a_newer_request_supersedes_older_ones_like_it() {
    let mut queue = Distributor::default();
    let patched = |mut waiting: Waiting| {
        waiting.stamps[0].is_patched = true;
        waiting
    };
    let unchanged = |mut waiting: Waiting, revision: &str| {
        waiting.stamps[0].has_changes = false;
        waiting.stamps[0].revision = Some(revision.to_owned());
        waiting
    };
    let of_branch = |mut waiting: Waiting, branch: &str| {
        waiting.stamps[0].branch = Some(branch.to_owned());
        waiting
    };
    add(&mut queue, waiting(1, "a", 0));
    add(&mut queue, waiting(2, "a", 9));
    add(&mut queue, waiting(3, "other", 0));
    add(&mut queue, patched(waiting(4, "a", 0)));
    add(&mut queue, of_branch(waiting(5, "a", 0), "next"));
    add(&mut queue, unchanged(waiting(6, "a", 0), "x"));
    add(&mut queue, unchanged(waiting(7, "a", 0), "y"));
    add(&mut queue, waiting(8, "a", 0));
    add(&mut queue, waiting(9, "a", 0));
    add(&mut queue, unchanged(waiting(10, "a", 0), "x"));
    add(&mut queue, patched(waiting(11, "a", 0)));
    assert_eq!(ids(queue.superseded_by(RequestId(8))), [1, 2]);
    assert_eq!(ids(queue.superseded_by(RequestId(10))), [6]);
    assert_eq!(ids(queue.superseded_by(RequestId(11))), [0_i64; 0]);
    queue.remove(RequestId(1));
    assert_eq!(ids(queue.superseded_by(RequestId(9))), [2, 8]);
}

proptest! {
    /// Whatever is added, removed and picked, the queue gives out each request once, by priority and age.
    #[test]
    fn nothing_is_lost_or_doubled(
        steps in proptest::collection::vec((0..3_u8, 0..4_u8, -1..2_i64), 1..80),
    ) {
        let mut queue = Distributor::default();
        let mut model: BTreeSet<(i64, i64, String)> = BTreeSet::new();
        for (id, (what, builder, priority)) in (1..).zip(steps) {
            let builder = format!("b{builder}");
            match what {
                0 | 1 => {
                    add(&mut queue, waiting(id, &builder, priority));
                    add(&mut queue, waiting(id, &builder, priority));
                    model.insert((-priority, id, builder));
                }
                _ => {
                    let picks = queue.pick(1, 1, |wanted| {
                        if wanted.builder == builder { worker("w") } else { Answer::Full }
                    });
                    let first = model.iter().find(|(_, _, its)| *its == builder).cloned();
                    let got = picks.first().map(|pick| pick.waiting.request.0);
                    prop_assert_eq!(got, first.as_ref().map(|(_, id, _)| *id));
                    first.map(|first| model.remove(&first));
                }
            }
        }
        let rest = queue.pick(usize::MAX, 1, |_| worker("w"));
        let expected: Vec<i64> = model.into_iter().map(|(_, id, _)| id).collect();
        prop_assert_eq!(ids(rest.iter().map(|pick| pick.waiting.request)), expected);
        prop_assert!(queue.is_empty());
    }
}
