//! Lists as pages and scripts ask for them give the same on both engines.

use crate::engines::{Place, at, commit, on_both};
use crate::rows::{add_requests, buildset, claim, master};
use bellwether::db::listing::{Condition, Listing, Op, Operand};
use bellwether::db::{Claimant, Connection, IdKind, builds, buildsets, changes, names, requests};
use bellwether::model::{NewChange, Results};

on_both!(
    builds_are_filtered_sorted_and_counted,
    every_comparison_is_understood,
    each_builder_shows_its_last_builds,
    a_buildset_shows_its_newest_change,
    names_keep_their_numbers,
);

/// Five builds: of `one` and `two` in turn, the even ones ended as failures.
fn five(connection: &mut Connection) -> Claimant {
    let claimant = master(connection, "m");
    for n in 0..5 {
        let requests = add_requests(connection, &[if n % 2 == 0 { "one" } else { "two" }]);
        let started = claim(connection, claimant, &requests).remove(0);
        if n % 2 == 0 {
            let end = at(10 + n);
            commit(connection, |tx| {
                builds::finish(tx, claimant, started.build, Results::Failure, "50% done", end)
            });
        }
    }
    claimant
}

fn compare(column: &'static str, op: Op, with: Vec<Operand>) -> Condition {
    Condition::Compare { column, op, with }
}

fn numbers(connection: &mut Connection, listing: &Listing) -> (Vec<i64>, i64) {
    let (found, total) = builds::list(connection, listing).expect("a list");
    (found.iter().map(|build| build.id.0).collect(), total)
}

fn builds_are_filtered_sorted_and_counted(place: Place) {
    let mut connection = place.open();
    five(&mut connection);
    let ended = Condition::There { column: "complete_at", there: true };
    let mut listing = Listing {
        conditions: vec![ended],
        order: vec![("builder", false), ("builds.id", true)],
        offset: 1,
        limit: 1,
    };
    assert_eq!(numbers(&mut connection, &listing), (vec![3], 3));
    listing.conditions = vec![Condition::There { column: "complete_at", there: false }];
    assert_eq!(numbers(&mut connection, &listing), (vec![2], 2));
    let waiting = Listing { limit: 9, ..Listing::default() };
    assert_eq!(requests::list(&mut connection, &waiting).expect("a list").1, 5);
    assert_eq!(buildsets::list(&mut connection, &waiting).expect("a list").0.len(), 5);
    assert_eq!(changes::list(&mut connection, &waiting).expect("a list"), (Vec::new(), 0));
}

fn every_comparison_is_understood(place: Place) {
    let mut connection = place.open();
    five(&mut connection);
    let (int, text) = (Operand::Int, |text: &str| Operand::Text(text.to_owned()));
    let seconds = "(started_at / 1000000)";
    for (condition, wanted) in [
        (compare("builds.id", Op::Eq, vec![int(2), int(4), int(9)]), vec![2, 4]),
        (compare("builds.id", Op::Ne, vec![int(2), int(4)]), vec![1, 3, 5]),
        (compare("results", Op::Ne, vec![int(2)]), vec![2, 4]),
        (compare("results", Op::Eq, vec![Operand::Null]), vec![2, 4]),
        (compare("builds.id", Op::Lt, vec![int(2)]), vec![1]),
        (compare("builds.id", Op::Le, vec![int(2)]), vec![1, 2]),
        (compare("builds.id", Op::Gt, vec![int(4)]), vec![5]),
        (compare(seconds, Op::Ge, vec![int(at(1).seconds())]), vec![1, 2, 3, 4, 5]),
        (compare("state", Op::Contains, vec![text("50%")]), vec![1, 3, 5]),
        (compare("state", Op::Contains, vec![text("5_")]), vec![]),
        (compare("builder", Op::Eq, vec![text("two' OR '1' = '1")]), vec![]),
    ] {
        let listing = Listing { conditions: vec![condition.clone()], limit: 9, ..Listing::default() };
        let total = wanted.len() as i64;
        assert_eq!(numbers(&mut connection, &listing), (wanted, total), "{condition:?}");
    }
}

fn each_builder_shows_its_last_builds(place: Place) {
    let mut connection = place.open();
    five(&mut connection);
    let last = builds::last_of_each(&mut connection, 2).expect("builds");
    let last: Vec<_> = last.iter().map(|build| (build.builder.as_str(), build.number)).collect();
    assert_eq!(last, [("one", 3), ("one", 2), ("two", 2), ("two", 1)]);
    add_requests(&mut connection, &["one", "one", "three"]);
    let waiting = requests::waiting(&mut connection).expect("counts");
    assert_eq!(waiting, [("one".to_owned(), 2), ("three".to_owned(), 1)].into());
}

fn a_buildset_shows_its_newest_change(place: Place) {
    let mut connection = place.open();
    let ids = [1, 2].map(|n| {
        let change = NewChange { comments: format!("change {n}"), ..NewChange::default() };
        commit(&mut connection, |tx| changes::add(tx, &change, at(n)))
    });
    let mut with = buildset(&["one"]);
    with.changes = ids.to_vec();
    let with = commit(&mut connection, |tx| buildsets::add(tx, &with, at(3))).id;
    let without = commit(&mut connection, |tx| buildsets::add(tx, &buildset(&["one"]), at(3))).id;
    let found = changes::newest_of_each(&mut connection, &[with, without]).expect("changes");
    assert_eq!(found.len(), 1);
    assert_eq!((found[&with].0.id, found[&with].1), (ids[1], 2));
    let before = changes::before(&mut connection, Some(ids[1]), 9).expect("changes");
    assert_eq!(before.iter().map(|change| change.id).collect::<Vec<_>>(), [ids[0]]);
}

fn names_keep_their_numbers(place: Place) {
    let mut connection = place.open();
    let all = ["b".to_owned(), "a".to_owned()];
    commit(&mut connection, |tx| names::ensure(tx, IdKind::Builder, &all));
    let first = names::all(&mut connection, IdKind::Builder).expect("numbers");
    commit(&mut connection, |tx| names::ensure(tx, IdKind::Builder, &all));
    commit(&mut connection, |tx| names::ensure(tx, IdKind::Worker, &all[..1]));
    assert_eq!(names::all(&mut connection, IdKind::Builder).expect("numbers"), first);
    assert_eq!(first, [("a".to_owned(), 2), ("b".to_owned(), 1)].into());
    assert_eq!(names::all(&mut connection, IdKind::Worker).expect("numbers"), [("b".to_owned(), 1)].into());
    five(&mut connection);
    assert_eq!(names::builders(&mut connection).expect("names"), ["one", "two"]);
}
