//! A change is classified once, and is never lost between "seen" and "in a buildset".

use crate::engines::{Place, at, commit, on_both};
use crate::rows::buildset;
use bellwether::db::schedulers::{
    Classified, awaited, awaiting, classify, disabled, ended, flush_into_buildset, holding, load,
    set_enabled, set_state, set_upstream, take_ended,
};
use bellwether::db::{Connection, DbError, buildsets, changes};
use bellwether::model::{ChangeId, NewChange};
use serde_json::json;

on_both!(
    a_new_scheduler_begins_after_the_newest_change,
    changes_wait_until_they_are_flushed,
    what_another_master_has_classified_is_refused,
    a_refused_flush_leaves_nothing_behind,
    the_end_of_an_upstream_is_taken_once,
    those_that_are_disabled_stay_so,
);

fn add_change(connection: &mut Connection) -> ChangeId {
    commit(connection, |tx| changes::add(tx, &NewChange::default(), at(0)))
}

fn classified(change: ChangeId, important: Option<bool>, reason: &str) -> Classified {
    Classified { change, important, reason: reason.into() }
}

fn a_new_scheduler_begins_after_the_newest_change(place: Place) {
    let mut connection = place.open();
    assert_eq!(commit(&mut connection, |tx| load(tx, "early")).cursor, ChangeId(0));
    let change = add_change(&mut connection);
    assert_eq!(commit(&mut connection, |tx| load(tx, "late")).cursor, change);
    let early = commit(&mut connection, |tx| {
        set_state(tx, "early", &json!({"last": 7}))?;
        load(tx, "early")
    });
    assert_eq!((early.cursor, early.state), (ChangeId(0), json!({"last": 7})));
}

fn changes_wait_until_they_are_flushed(place: Place) {
    let mut connection = place.open();
    let begin = commit(&mut connection, |tx| load(tx, "main")).cursor;
    let ids: Vec<ChangeId> = (0..4).map(|_| add_change(&mut connection)).collect();
    let verdicts = [
        classified(ids[0], Some(true), "waiting for the tree to be stable"),
        classified(ids[1], Some(false), "waiting for the tree to be stable"),
        classified(ids[2], None, "branch 'x' is not 'main'"),
        classified(ids[3], Some(false), "waiting for the tree to be stable"),
    ];
    commit(&mut connection, |tx| classify(tx, "main", (begin, ids[3]), &verdicts));
    let stored = commit(&mut connection, |tx| load(tx, "main"));
    assert_eq!(stored.cursor, ids[3]);
    assert_eq!(stored.pending, [(ids[0], true), (ids[1], false), (ids[3], false)]);
    assert_eq!(holding(&mut connection, ids[1]), Ok(vec![("main".to_owned(), false)]));
    assert_eq!(holding(&mut connection, ids[2]), Ok(Vec::new()));

    let mut new = buildset(&["one"]);
    new.changes = ids[..2].to_vec();
    let dropped = [(ids[3], "superseded".to_owned())];
    let added = commit(&mut connection, |tx| flush_into_buildset(tx, "main", &new, &dropped, at(1)));
    assert_eq!(commit(&mut connection, |tx| load(tx, "main")).pending, []);
    let with_it = buildsets::of_change(&mut connection, ids[1]).expect("buildsets");
    assert_eq!(with_it.iter().map(|buildset| buildset.id).collect::<Vec<_>>(), [added.id]);
    let mut verdict = |change| {
        let verdicts = changes::verdicts(&mut connection, change).expect("verdicts");
        verdicts.into_iter().map(|verdict| (verdict.buildset, verdict.reason)).collect::<Vec<_>>()
    };
    let reason = format!("in buildset {}", added.id);
    assert_eq!(verdict(ids[0]), [(Some(added.id), reason.clone())]);
    let along = format!("not important, taken along {reason}");
    assert_eq!(verdict(ids[1]), [(Some(added.id), along)]);
    assert_eq!(verdict(ids[2]), [(None, "branch 'x' is not 'main'".to_owned())]);
    assert_eq!(verdict(ids[3]), [(None, "superseded".to_owned())]);
}

fn what_another_master_has_classified_is_refused(place: Place) {
    let mut connection = place.open();
    let begin = commit(&mut connection, |tx| load(tx, "main")).cursor;
    let change = add_change(&mut connection);
    let told = [classified(change, Some(true), "waiting")];
    commit(&mut connection, |tx| classify(tx, "main", (begin, change), &told));
    let again = connection.transaction(|tx| classify(tx, "main", (begin, change), &told));
    assert!(matches!(again, Err(DbError::Refused(_))), "{again:?}");
}

fn a_refused_flush_leaves_nothing_behind(place: Place) {
    let mut connection = place.open();
    commit(&mut connection, |tx| load(tx, "main"));
    let mut new = buildset(&["one"]);
    new.changes = vec![add_change(&mut connection)];
    let flushed = connection.transaction(|tx| flush_into_buildset(tx, "main", &new, &[], at(1)));
    assert!(matches!(flushed, Err(DbError::Refused(_))), "{flushed:?}");
    assert_eq!(buildsets::recent(&mut connection, None, 9), Ok(Vec::new()));
}

fn the_end_of_an_upstream_is_taken_once(place: Place) {
    let mut connection = place.open();
    let change = add_change(&mut connection);
    let upstream = bellwether::model::NewBuildset {
        scheduler: "first".to_owned(),
        changes: vec![change],
        ..buildset(&[])
    };
    commit(&mut connection, |tx| {
        load(tx, "second")?;
        set_upstream(tx, "second", Some("first"))
    });
    let added = commit(&mut connection, |tx| buildsets::add(tx, &upstream, at(1)));
    assert_eq!(awaiting(&mut connection, change).expect("rows"), [("second".to_owned(), added.id)]);
    assert_eq!(awaited(&mut connection).expect("rows").get("second"), Some(&1));
    // It has no builders, so it is complete.
    let ends = ended(&mut connection, "second").expect("rows");
    assert_eq!(ends.iter().map(|ended| ended.id).collect::<Vec<_>>(), [added.id]);

    let first = buildsets::get(&mut connection, added.id).expect("a row").expect("it is there");
    let outcome = Ok(bellwether::model::NewBuildset { scheduler: "second".to_owned(), ..upstream.clone() });
    let made = commit(&mut connection, |tx| take_ended(tx, "second", &first, &outcome, at(2)));
    assert!(made.is_some());
    let again = connection.transaction(|tx| take_ended(tx, "second", &first, &outcome, at(3)));
    assert!(matches!(again, Err(DbError::Refused(_))), "{again:?}");
    assert_eq!(awaiting(&mut connection, change).expect("rows"), []);

    // Of another upstream it awaits nothing yet, and nothing of the old one any more.
    commit(&mut connection, |tx| buildsets::add(tx, &upstream, at(4)));
    commit(&mut connection, |tx| set_upstream(tx, "second", Some("other")));
    assert_eq!(ended(&mut connection, "second").expect("rows"), []);
}

fn those_that_are_disabled_stay_so(place: Place) {
    let mut connection = place.open();
    commit(&mut connection, |tx| set_enabled(tx, "main", false));
    commit(&mut connection, |tx| load(tx, "main"));
    assert!(disabled(&mut connection).expect("rows").contains("main"));
    commit(&mut connection, |tx| set_enabled(tx, "main", true));
    assert!(disabled(&mut connection).expect("rows").is_empty());
}
