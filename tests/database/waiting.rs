//! The queue as the distributor reads it.

use crate::engines::{Place, at, commit, on_both};
use crate::rows::{add_requests, buildset, claim, master};
use bellwether::db::waiting::{self, Asked, Stamp, Waiting};
use bellwether::db::{buildsets, changes};
use bellwether::model::{NewBuildset, NewChange, Patch, RequestId, SourceStamp};
use std::sync::Arc;

on_both!(a_request_comes_with_what_tells_it_from_others, only_those_that_wait_are_read_and_only_newer_ones,);

fn a_request_comes_with_what_tells_it_from_others(place: Place) {
    let mut connection = place.open();
    let change = commit(&mut connection, |tx| {
        changes::add(tx, &NewChange { codebase: "a".into(), ..NewChange::default() }, at(0))
    });
    let patch = Patch {
        level: 1,
        body: "--- a".into(),
        subdir: String::new(),
        author: String::new(),
        comment: String::new(),
    };
    let stamp = |codebase: &str| SourceStamp {
        codebase: codebase.into(),
        project: "p".into(),
        repository: "r".into(),
        branch: None,
        revision: Some("abc".into()),
        patch: None,
    };
    let patched = SourceStamp { patch: Some(patch), ..stamp("b") };
    let new = NewBuildset {
        source_stamps: vec![patched, stamp("a")],
        changes: vec![change],
        priority: 5,
        ..buildset(&["one"])
    };
    let added = commit(&mut connection, |tx| buildsets::add(tx, &new, at(0)));
    let bare = NewBuildset { source_stamps: Vec::new(), ..buildset(&["two"]) };
    let bare = commit(&mut connection, |tx| buildsets::add(tx, &bare, at(0)));
    let expected = |codebase: &str, has_changes, is_patched| Stamp {
        codebase: codebase.into(),
        project: "p".into(),
        repository: "r".into(),
        branch: None,
        revision: Some("abc".into()),
        has_changes,
        is_patched,
    };
    let asked = Arc::new(Asked {
        scheduler: new.scheduler.clone(),
        reason: new.reason.clone(),
        properties: new.properties.clone(),
        waited_for: false,
    });
    let first = Waiting {
        request: added.requests[0].1,
        buildset: added.id,
        builder: "one".into(),
        priority: 5,
        asked: asked.clone(),
        stamps: vec![expected("b", false, true), expected("a", true, false)],
    };
    let second = Waiting {
        request: bare.requests[0].1,
        buildset: bare.id,
        builder: "two".into(),
        priority: 0,
        asked,
        stamps: Vec::new(),
    };
    assert_eq!(waiting::after(&mut connection, RequestId(0), 10), Ok(vec![first, second]));
}

fn only_those_that_wait_are_read_and_only_newer_ones(place: Place) {
    let mut connection = place.open();
    let all = add_requests(&mut connection, &["one", "two", "three", "four"]);
    let claimant = master(&mut connection, "a");
    claim(&mut connection, claimant, &all[1..2]);
    let mut after = |request: RequestId, limit| -> Vec<RequestId> {
        let rows = waiting::after(&mut connection, request, limit).expect("requests");
        rows.into_iter().map(|waiting| waiting.request).collect()
    };
    assert_eq!(after(RequestId(0), 10), [all[0], all[2], all[3]]);
    assert_eq!(after(all[0], 1), [all[2]]);
    assert_eq!(after(all[3], 10), []);
    assert_eq!(waiting::ids(&mut connection, 2), Ok(vec![all[0], all[2]]));
}
