//! People, and the changes that are theirs.

use crate::engines::{Place, at, commit, on_both};
use bellwether::db::{Connection, DbError, changes, users};
use bellwether::model::{NewChange, UserId};

on_both!(
    an_author_becomes_a_user_once,
    a_user_is_added_updated_and_removed,
    a_login_is_one_users,
    users_are_listed_by_name
);

fn change(connection: &mut Connection, vc: Option<&str>, author: &str) -> Vec<UserId> {
    let told = NewChange { author: author.into(), vc: vc.map(str::to_owned), ..NewChange::default() };
    let id = commit(connection, |tx| changes::add(tx, &told, at(1)));
    users::of_change(connection, id).expect("users")
}

fn an_author_becomes_a_user_once(place: Place) {
    let mut connection = place.open();
    let ada = change(&mut connection, Some("git"), "Ada <ada@x.org>");
    assert_eq!(ada.len(), 1);
    assert_eq!(change(&mut connection, Some("git"), "Ada <ada@x.org>"), ada);
    // The same text by another system is the same name here.
    assert_eq!(change(&mut connection, Some("hg"), "Ada <ada@x.org>"), ada);
    assert_eq!(change(&mut connection, None, "Ada <ada@x.org>"), []);
    assert_eq!(change(&mut connection, Some("papyrus"), "Ada <ada@x.org>"), []);
    let stored =
        users::by_identifier(&mut connection, "Ada <ada@x.org>").expect("an answer").expect("a user");
    assert_eq!(stored.info.keys().collect::<Vec<_>>(), ["git", "hg"]);
}

fn info(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(kind, data)| ((*kind).to_owned(), (*data).to_owned())).collect()
}

fn a_user_is_added_updated_and_removed(place: Place) {
    let mut connection = place.open();
    let known = change(&mut connection, Some("git"), "Ada");
    let ada = info(&[("git", "Ada"), ("email", "ada@x.org")]);
    let added = commit(&mut connection, |tx| users::add(tx, "ada", &ada));
    assert_eq!([added], known[..], "known by the first attribute");
    let bob = info(&[("email", "bob@x.org")]);
    let bob = commit(&mut connection, |tx| users::add(tx, "bob", &bob));
    commit(&mut connection, |tx| users::set_info(tx, bob, "email", "bob@y.org"));
    commit(&mut connection, |tx| users::set_info(tx, bob, "git", "Ada"));
    let stored = users::by_identifier(&mut connection, "bob").expect("an answer").expect("bob");
    assert_eq!(stored.info.into_iter().collect::<Vec<_>>(), info(&[("email", "bob@y.org")]));
    assert!(commit(&mut connection, |tx| users::remove(tx, "Ada")));
    assert!(!commit(&mut connection, |tx| users::remove(tx, "Ada")));
    assert_eq!(users::by_identifier(&mut connection, "Ada").expect("an answer"), None);
}

fn a_login_is_one_users(place: Place) {
    let mut connection = place.open();
    let add = |connection: &mut Connection, name: &str| {
        let known = info(&[("email", name)]);
        commit(connection, |tx| users::add(tx, name, &known))
    };
    let (ada, bob) = (add(&mut connection, "ada"), add(&mut connection, "bob"));
    commit(&mut connection, |tx| users::set_login(tx, ada, "a", "hash"));
    commit(&mut connection, |tx| users::set_login(tx, ada, "a", "other hash"));
    let refused = connection.transaction(|tx| users::set_login(tx, bob, "a", "hash"));
    assert!(matches!(refused, Err(DbError::Refused(_))), "{refused:?}");
    let stored = users::by_login(&mut connection, "a").expect("an answer");
    assert_eq!(stored, Some((ada, "other hash".to_owned())));
}

fn users_are_listed_by_name(place: Place) {
    let mut connection = place.open();
    for name in ["c", "a", "b"] {
        change(&mut connection, Some("git"), name);
    }
    let names = |connection: &mut Connection, after: &str, limit| {
        let users = users::list(connection, after, limit).expect("users");
        users.into_iter().map(|user| user.identifier).collect::<Vec<_>>()
    };
    assert_eq!(names(&mut connection, "", 2), ["a", "b"]);
    assert_eq!(names(&mut connection, "b", 2), ["c"]);
}
