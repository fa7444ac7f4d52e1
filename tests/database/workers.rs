//! Workers, kept state, and ids.

use crate::engines::{Place, at, commit, on_both};
use crate::rows::master;
use bellwether::db::{IdKind, ids, state, workers};
use serde_json::json;
use std::collections::BTreeMap;

on_both!(a_worker_is_remembered, state_is_kept_by_owner_and_name, ids_are_given_out_once);

fn a_worker_is_remembered(place: Place) {
    let mut connection = place.open();
    let claimant = master(&mut connection, "a");
    let info = BTreeMap::from([("version".to_owned(), "4.3.0".to_owned())]);
    commit(&mut connection, |tx| {
        workers::set_wishes(tx, "w1", true, true)?;
        workers::connected(tx, "w1", claimant.master, &info, at(1))
    });
    let stored = workers::get(&mut connection, "w1").expect("an answer").expect("the worker");
    assert_eq!((stored.connected, stored.paused, stored.graceful), (true, true, false));
    assert_eq!((stored.last_seen_at, stored.info), (Some(at(1)), info));
    commit(&mut connection, |tx| workers::disconnected(tx, "w1", claimant.master, at(2)));
    let all = workers::all(&mut connection).expect("workers");
    assert_eq!(all.len(), 1);
    assert_eq!((all[0].connected, all[0].last_seen_at), (false, Some(at(2))));
}

fn state_is_kept_by_owner_and_name(place: Place) {
    let mut connection = place.open();
    for value in [json!({"heads": ["a"]}), json!(null)] {
        commit(&mut connection, |tx| state::set(tx, "git", "last", &value));
        assert_eq!(state::get(&mut connection, "git", "last"), Ok(Some(value)));
    }
    assert_eq!(state::get(&mut connection, "git", "other"), Ok(None));
}

fn ids_are_given_out_once(place: Place) {
    let mut connection = place.open();
    let mut take = |kind, count| commit(&mut connection, |tx| ids::reserve(tx, kind, count));
    assert_eq!(take(IdKind::Step, 10), 1..11);
    assert_eq!(take(IdKind::Log, 1), 1..2);
    assert_eq!(take(IdKind::Step, 5), 11..16);
}
