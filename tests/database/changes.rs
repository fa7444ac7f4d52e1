//! Changes come back as they were told, and in order.

use crate::engines::{Place, at, commit, on_both};
use bellwether::db::changes::{add, get, latest, recent, since};
use bellwether::model::{ChangeId, NewChange};

on_both!(
    a_change_comes_back_as_it_was_told,
    null_and_empty_branches_differ,
    a_cursor_sees_each_change_once,
    a_character_that_one_engine_cannot_hold_is_replaced
);

fn change(revision: &str) -> NewChange {
    NewChange { revision: Some(revision.into()), ..NewChange::default() }
}

fn a_change_comes_back_as_it_was_told(place: Place) {
    let mut connection = place.open();
    let mut told = NewChange {
        author: "Zoë <zoe@example.org>".into(),
        committer: Some("Bob".into()),
        comments: "fix \"it\"\n\nit's 100% $1 ?1".into(),
        files: vec!["src/a b.c".into(), "doc/ü".into()],
        revision: Some("abc".into()),
        branch: Some("main".into()),
        repository: "https://git.example.org/app.git".into(),
        codebase: "app".into(),
        project: "the app".into(),
        category: Some("nightly".into()),
        revlink: "https://git.example.org/abc".into(),
        when: Some(at(-7)),
        properties: Default::default(),
        vc: None,
    };
    told.properties.set("pr", 17, "GitHub");
    told.properties.set("labels", vec!["a", "b"], "GitHub");
    let id = commit(&mut connection, |tx| add(tx, &told, at(0)));
    let stored = get(&mut connection, id).expect("an answer").expect("the change");
    assert_eq!((stored.id, stored.when, stored.told), (id, at(-7), told));
    assert_eq!(get(&mut connection, ChangeId(id.0 + 1)), Ok(None));
}

fn null_and_empty_branches_differ(place: Place) {
    let mut connection = place.open();
    for branch in [None, Some(String::new()), Some("main".to_owned())] {
        let told = NewChange { branch: branch.clone(), ..NewChange::default() };
        let id = commit(&mut connection, |tx| add(tx, &told, at(0)));
        assert_eq!(get(&mut connection, id).expect("an answer").expect("the change").told.branch, branch);
    }
}

fn a_cursor_sees_each_change_once(place: Place) {
    let mut connection = place.open();
    assert_eq!(latest(&mut connection), Ok(ChangeId(0)));
    let ids: Vec<ChangeId> =
        ["a", "b", "c", "d"].map(|name| commit(&mut connection, |tx| add(tx, &change(name), at(0)))).into();
    let seen = |changes: Vec<bellwether::model::Change>| changes.iter().map(|c| c.id).collect::<Vec<_>>();
    assert_eq!(seen(since(&mut connection, ChangeId(0), 3).expect("changes")), ids[..3]);
    assert_eq!(seen(since(&mut connection, ids[2], 3).expect("changes")), ids[3..]);
    assert_eq!(seen(recent(&mut connection, 2).expect("changes")), ids[2..]);
    assert_eq!(latest(&mut connection), Ok(ids[3]));
}

fn a_character_that_one_engine_cannot_hold_is_replaced(place: Place) {
    let mut connection = place.open();
    let told = NewChange { comments: "a\0b".into(), ..NewChange::default() };
    let id = commit(&mut connection, |tx| add(tx, &told, at(0)));
    let comments = get(&mut connection, id).expect("an answer").expect("the change").told.comments;
    assert_eq!(comments, "a\u{fffd}b");
}
