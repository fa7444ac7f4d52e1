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
    let environ = BTreeMap::from([("LANG".to_owned(), "C".to_owned())]);
    let serving = [("w1", "b1"), ("w1", "b2"), ("w2", "b1")];
    let serving = serving.map(|(worker, builder)| (worker.to_owned(), builder.to_owned()));
    commit(&mut connection, |tx| {
        workers::configured(tx, claimant.master, &serving)?;
        workers::set_wishes(tx, "w1", Some("it smokes"), true)?;
        workers::connected(tx, "w1", claimant.master, (&info, &environ), at(1))
    });
    let stored = workers::get(&mut connection, "w1").expect("an answer").expect("the worker");
    assert_eq!((stored.is_connected(), stored.paused, stored.graceful), (true, true, false));
    assert_eq!((stored.last_seen_at, stored.info, stored.environ), (Some(at(1)), info, environ));
    assert_eq!(stored.pause_reason.as_deref(), Some("it smokes"));
    let serves = |builder: &str| (claimant.master, builder.to_owned());
    assert_eq!(
        (stored.connected_to, stored.configured_on),
        (vec![claimant.master], vec![serves("b1"), serves("b2")])
    );
    commit(&mut connection, |tx| workers::disconnected(tx, "w1", claimant.master, at(2)));
    let all = workers::all(&mut connection).expect("workers");
    let configured: Vec<_> =
        all.iter().map(|worker| (worker.name.as_str(), worker.configured_on.len())).collect();
    assert_eq!(configured, [("w1", 2), ("w2", 1)]);
    assert_eq!((all[0].is_connected(), all[0].last_seen_at), (false, Some(at(2))));
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
