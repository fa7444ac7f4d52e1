//! Requests are claimed once and complete once, whoever tries.

use crate::engines::{Place, at, commit, on_both};
use crate::rows::{add_requests, buildset, claim, master, start};
use bellwether::db::requests::{self, Ending, cancel, complete, of_buildset, unclaim, unclaimed};
use bellwether::db::{Claimant, DbError, builds, buildsets, masters};
use bellwether::kernel::thread::spawn;
use bellwether::model::{RequestId, Results};
use std::collections::BTreeSet;

on_both!(
    two_masters_that_claim_the_same_requests_share_them,
    two_masters_that_end_a_buildset_together_complete_it_once,
    a_claim_of_an_earlier_life_is_fenced_off,
    a_buildset_is_complete_with_its_last_request,
    a_buildset_without_builders_is_complete_at_once,
    a_claimed_request_is_too_late_to_cancel,
    the_next_request_is_the_one_of_highest_priority_then_the_oldest,
    a_retried_build_leaves_its_request_to_be_claimed_anew,
);

fn ending(results: Results) -> Ending {
    Ending { results, outcome: None }
}

/// Lets two masters, each with services of its own, do the same at the same time.
fn on_two_masters<R: Send + 'static>(
    place: &Place,
    work: impl Fn(&crate::engines::Served, Claimant) -> R + Copy + Send + 'static,
) -> [R; 2] {
    ["a", "b"]
        .map(|name| {
            let served = place.serve();
            let (claimant, _) = served.db.masters().start(name, at(0)).expect("a start");
            spawn(name, move || work(&served, claimant)).expect("a thread")
        })
        .map(|thread| thread.join().expect("no panic"))
}

fn two_masters_that_claim_the_same_requests_share_them(place: Place) {
    let mut connection = place.open();
    let all: BTreeSet<RequestId> =
        (0..60).flat_map(|_| add_requests(&mut connection, &["one", "two"])).collect();
    let won = on_two_masters(&place, |served, claimant| {
        let db = &served.db;
        let mut won = Vec::new();
        loop {
            let waiting = db.requests().unclaimed(None, 10).expect("requests");
            if waiting.is_empty() {
                return won;
            }
            let starts = waiting.iter().map(|request| start(request.id)).collect();
            match db.requests().claim_and_start(claimant, starts, at(1)) {
                Ok(started) => won.extend(started),
                Err(error) => panic!("{error}"),
            }
        }
    });
    let each: BTreeSet<RequestId> = won.iter().flatten().map(|started| started.request).collect();
    assert_eq!(won.iter().map(Vec::len).sum::<usize>(), all.len(), "a request was won twice");
    assert_eq!(each, all);
    let builds = builds::running(&mut connection).expect("builds");
    let numbers: BTreeSet<(String, i64)> = builds.iter().map(|b| (b.builder.clone(), b.number)).collect();
    let wanted = ["one", "two"].map(|name| (1..=60).map(move |number| (name.to_owned(), number)));
    assert_eq!(numbers, wanted.into_iter().flatten().collect());
}

fn two_masters_that_end_a_buildset_together_complete_it_once(place: Place) {
    let mut connection = place.open();
    let builders: Vec<String> = (0..40).map(|number| format!("b{number}")).collect();
    let names: Vec<&str> = builders.iter().map(String::as_str).collect();
    add_requests(&mut connection, &names);
    let completed = on_two_masters(&place, |served, claimant| {
        let waiting = served.db.requests().unclaimed(None, 1000).expect("requests");
        let mine = waiting.iter().filter(|r| (r.id.0 % 2 == 0) == (claimant.master.0 % 2 == 0));
        let starts = mine.map(|request| start(request.id)).collect();
        let started = served.db.requests().claim_and_start(claimant, starts, at(1)).expect("a claim");
        let finish = |build| served.db.builds().finish(claimant, build, Results::Success, "done", at(2));
        let ends = started.into_iter().map(|started| finish(started.build).expect("an end"));
        ends.flatten().count()
    });
    assert_eq!(completed.iter().sum::<usize>(), 1);
    assert_eq!(buildsets::open(&mut connection), Ok(Vec::new()));
}

fn a_claim_of_an_earlier_life_is_fenced_off(place: Place) {
    let mut connection = place.open();
    let ids = add_requests(&mut connection, &["one", "two"]);
    let earlier = master(&mut connection, "a");
    assert_eq!(claim(&mut connection, earlier, &ids[..1]).len(), 1);
    let later = master(&mut connection, "a");
    assert_eq!(later.master, earlier.master);
    assert_eq!(claim(&mut connection, earlier, &ids[1..]), []);
    let done = commit(&mut connection, |tx| complete(tx, earlier, &ids, &ending(Results::Success), at(2)));
    assert_eq!(done, []);
    assert!(!commit(&mut connection, |tx| masters::touch(tx, earlier, at(3))));
    assert!(commit(&mut connection, |tx| masters::touch(tx, later, at(3))));
}

fn a_buildset_is_complete_with_its_last_request(place: Place) {
    let mut connection = place.open();
    let claimant = master(&mut connection, "a");
    let ids = add_requests(&mut connection, &["one", "two", "three"]);
    claim(&mut connection, claimant, &ids);
    let mut end = |id: RequestId, results| {
        commit(&mut connection, |tx| complete(tx, claimant, &[id], &ending(results), at(2)))
    };
    assert_eq!(end(ids[0], Results::Warnings), []);
    assert_eq!(end(ids[1], Results::Failure), []);
    assert_eq!(end(ids[1], Results::Success), [], "it is complete already");
    let done = end(ids[2], Results::Success);
    assert_eq!(done.iter().map(|done| done.results).collect::<Vec<_>>(), [Results::Failure]);
    assert_eq!(end(ids[2], Results::Success), []);
    let stored = buildsets::get(&mut connection, done[0].id).expect("an answer").expect("the buildset");
    assert_eq!((stored.complete_at, stored.results), (Some(at(2)), Some(Results::Failure)));
    let each = of_buildset(&mut connection, stored.id).expect("requests");
    let results = each.iter().map(|request| request.results).collect::<Vec<_>>();
    assert_eq!(results, [Results::Warnings, Results::Failure, Results::Success].map(Some));
}

fn a_buildset_without_builders_is_complete_at_once(place: Place) {
    let mut connection = place.open();
    let added = commit(&mut connection, |tx| buildsets::add(tx, &buildset(&[]), at(0)));
    let stored = buildsets::get(&mut connection, added.id).expect("an answer").expect("the buildset");
    assert_eq!((stored.complete_at, stored.results), (Some(at(0)), Some(Results::Success)));
}

fn a_claimed_request_is_too_late_to_cancel(place: Place) {
    let mut connection = place.open();
    let claimant = master(&mut connection, "a");
    let ids = add_requests(&mut connection, &["one", "two"]);
    claim(&mut connection, claimant, &ids[..1]);
    let why = Ending { results: Results::Cancelled, outcome: Some("cancelled by alice".into()) };
    let cancelled = commit(&mut connection, |tx| cancel(tx, &ids, &why, at(2)));
    assert_eq!((cancelled.requests, cancelled.completed), (vec![ids[1]], vec![]));
    let stored = requests::get(&mut connection, ids[1]).expect("an answer").expect("the request");
    assert_eq!(stored.outcome.as_deref(), Some("cancelled by alice"));
    assert_eq!(claim(&mut connection, claimant, &ids), []);
}

fn the_next_request_is_the_one_of_highest_priority_then_the_oldest(place: Place) {
    let mut connection = place.open();
    let priorities = [0, 5, 0, 5, -1];
    let ids = priorities.map(|priority| {
        let mut new = buildset(&["one"]);
        new.priority = priority;
        commit(&mut connection, |tx| buildsets::add(tx, &new, at(0))).requests[0].1
    });
    add_requests(&mut connection, &["another"]);
    let waiting = unclaimed(&mut connection, Some("one"), 10).expect("requests");
    let order = [1, 3, 0, 2, 4].map(|place| ids[place]);
    assert_eq!(waiting.iter().map(|request| request.id).collect::<Vec<_>>(), order);
    assert_eq!(unclaimed(&mut connection, None, 3).map(|all| all.len()), Ok(3));
}

fn a_retried_build_leaves_its_request_to_be_claimed_anew(place: Place) {
    let mut connection = place.open();
    let claimant = master(&mut connection, "a");
    let ids = add_requests(&mut connection, &["one"]);
    let first = claim(&mut connection, claimant, &ids).remove(0);
    let mut end = |build, results| -> Result<Option<buildsets::Completed>, DbError> {
        connection.transaction(|tx| builds::finish(tx, claimant, build, results, "ended", at(2)))
    };
    assert_eq!(end(first.build, Results::Retry), Ok(None));
    assert_eq!(end(first.build, Results::Success), Ok(None), "it has ended already");
    let second = claim(&mut connection, claimant, &ids).remove(0);
    assert_eq!((first.number, second.number), (1, 2));
    commit(&mut connection, |tx| unclaim(tx, claimant, &ids));
    assert_eq!(unclaimed(&mut connection, None, 10).map(|all| all.len()), Ok(1));
    let third = claim(&mut connection, claimant, &ids).remove(0);
    let done = commit(&mut connection, |tx| {
        builds::finish(tx, claimant, third.build, Results::Warnings, "warnings", at(3))
    });
    assert_eq!(done.map(|done| done.results), Some(Results::Warnings));
    let numbers = builds::of_request(&mut connection, ids[0]).expect("builds");
    assert_eq!(numbers.iter().map(|build| build.number).collect::<Vec<_>>(), [1, 2, 3]);
}
