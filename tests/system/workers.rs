//! Workers that the master does not let in: each is told why, the master says so, and the others are not disturbed.

use crate::harness::{Build, Make, Site, Worker, eventually_or};
use crate::jobs::{WAITING, site_of};

/// Waits until a worker of Buildbot's has logged this.
fn says(worker: &Worker, text: &str) {
    eventually_or(text, || worker.said().contains(text).then_some(()), || worker.said());
}

fn logs(site: &Site, text: &str) {
    eventually_or(text, || site.log().contains(text).then_some(()), || site.log());
}

/// The last word: the right worker still builds.
fn builds(site: &Site) {
    site.open("go");
    site.force();
    site.build_ends(1, Build::SUCCESS);
}

#[test]
fn a_wrong_password_is_refused_and_told() {
    let site = site_of(WAITING);
    let wrong = Make::Real.start_in(&site, "wrong", "w1", "guessed");
    says(&wrong, "unauthorized login; check worker name and password");
    logs(&site, "a login is refused, why: wrong password");
    let _right = Make::Real.start(&site, "w1", "sesame");
    builds(&site);
}

#[test]
fn a_worker_that_is_not_configured_is_refused_and_told() {
    let site = site_of(WAITING);
    let stranger = Make::Real.start(&site, "stranger", "sesame");
    says(&stranger, "unauthorized login; check worker name and password");
    logs(&site, "a login is refused, why: no such user");
    logs(&site, "user: \"stranger\"");
    let _right = Make::Real.start(&site, "w1", "sesame");
    builds(&site);
}

#[test]
fn a_second_worker_of_one_name_is_refused_while_the_first_builds_on() {
    let site = site_of(WAITING);
    let _first = Make::Real.start(&site, "w1", "sesame");
    site.force();
    site.build_says(1, "begun");
    let _second = Make::Real.start_in(&site, "second", "w1", "sesame");
    logs(&site, "a second worker of one name is refused");
    site.open("go");
    site.build_ends(1, Build::SUCCESS);
    assert_eq!(site.rows().builds().len(), 1);
}

#[test]
fn our_worker_says_why_it_is_refused() {
    let site = site_of(WAITING);
    let wrong = Make::Ours.start(&site, "w1", "guessed");
    says(&wrong, "the master refuses the login: wrong worker name or password");
}

#[test]
fn a_wrong_password_is_refused_over_msgpack_too() {
    let site = site_of(WAITING);
    let _wrong = Make::Msgpack.start_in(&site, "wrong", "w1", "guessed");
    logs(&site, "a login is refused, why: wrong password");
    let _right = Make::Msgpack.start(&site, "w1", "sesame");
    builds(&site);
}

#[test]
fn a_worker_that_is_told_to_leave_ends_and_its_page_says_what_it_speaks() {
    let site = site_of(WAITING);
    let mut worker = Make::Msgpack.start(&site, "w1", "sesame");
    site.force();
    site.build_says(1, "begun");
    let page = site.page("GET", "/workers/w1").body;
    assert!(page.contains("msgpack_experimental_v7"), "{page}");
    let answer = site.page("POST", "/workers/w1/shutdown");
    assert!(answer.status < 400, "{answer:?}");
    site.open("go");
    site.build_ends(1, Build::SUCCESS);
    worker.ends();
}
