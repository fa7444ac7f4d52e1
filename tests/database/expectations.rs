//! How long steps take is learned from builds that went well, and says when a build will end.

use crate::engines::{Place, at, commit, on_both};
use crate::rows::{add_requests, claim, master};
use bellwether::db::expectations::{end_of, ends_of, of_step};
use bellwether::db::{Claimant, Connection, builds, steps};
use bellwether::model::{Build, BuildId, Results, Step, StepId};
use std::time::Duration;

on_both!(
    only_success_teaches_and_what_is_new_counts_half,
    a_build_ends_when_its_steps_are_done,
    steps_that_are_gone_are_forgotten
);

/// A build of builder `one` whose steps have these names, of which none has begun.
fn begin(connection: &mut Connection, claimant: Claimant, first: i64, names: &[&str]) -> BuildId {
    let requests = add_requests(connection, &["one"]);
    let build = claim(connection, claimant, &requests)[0].build;
    for (number, name) in (0..).zip(names) {
        let step = Step {
            id: StepId(first + number),
            build,
            number,
            name: (*name).to_owned(),
            started_at: None,
            locks_acquired_at: None,
            complete_at: None,
            state: "pending".into(),
            results: None,
            hidden: false,
            links: Vec::new(),
        };
        commit(connection, |tx| steps::start(tx, &step));
    }
    build
}

fn run(connection: &mut Connection, step: i64, from_s: i64, to_s: i64) {
    let end = steps::StepEnd { results: Results::Success, state: "done".into(), hidden: false };
    commit(connection, |tx| {
        steps::begin(tx, StepId(step), "running", at(from_s))?;
        steps::finish(tx, StepId(step), &end, at(to_s))
    });
}

fn only_success_teaches_and_what_is_new_counts_half(place: Place) {
    let mut connection = place.open();
    let claimant = master(&mut connection, "a");
    let expected = [
        (Results::Failure, 90, None),
        (Results::Success, 10, Some(10)),
        (Results::Warnings, 50, Some(10)),
        (Results::Success, 30, Some(20)),
        (Results::Success, 40, Some(30)),
    ];
    for (n, (results, took_s, known_s)) in (1..).zip(expected) {
        let build = begin(&mut connection, claimant, n * 10, &["compile"]);
        run(&mut connection, n * 10, 100, 100 + took_s);
        commit(&mut connection, |tx| builds::finish(tx, claimant, build, results, "ended", at(300)));
        assert_eq!(
            of_step(&mut connection, StepId(n * 10)),
            Ok(known_s.map(Duration::from_secs)),
            "{results:?}"
        );
    }
}

fn a_build_ends_when_its_steps_are_done(place: Place) {
    let mut connection = place.open();
    let claimant = master(&mut connection, "a");
    let first = begin(&mut connection, claimant, 10, &["git", "compile", "test"]);
    for (step, took_s) in [(10, 5), (11, 20), (12, 60)] {
        run(&mut connection, step, 100, 100 + took_s);
    }
    commit(&mut connection, |tx| builds::finish(tx, claimant, first, Results::Success, "ended", at(300)));

    let second = begin(&mut connection, claimant, 20, &["git", "compile", "test"]);
    assert_eq!(end_of(&mut connection, second, at(400)), Ok(Some(at(485))), "nothing has begun");
    run(&mut connection, 20, 400, 430);
    commit(&mut connection, |tx| steps::begin(tx, StepId(21), "running", at(430)));
    for now_s in [430, 440, 449] {
        assert_eq!(end_of(&mut connection, second, at(now_s)), Ok(Some(at(510))), "at {now_s}");
    }
    run(&mut connection, 22, 450, 460);
    assert_eq!(end_of(&mut connection, second, at(600)), Ok(Some(at(450))), "it is late");

    let third = begin(&mut connection, claimant, 30, &["git", "a new one"]);
    assert_eq!(end_of(&mut connection, third, at(600)), Ok(None), "nothing is known of a step");
    assert_eq!(end_of(&mut connection, first, at(600)), Ok(None), "it has ended");
    let all: Vec<Build> = builds::running(&mut connection).expect("builds");
    assert_eq!(ends_of(&mut connection, &all, at(600)), Ok([(second, at(450))].into()));
}

fn steps_that_are_gone_are_forgotten(place: Place) {
    let mut connection = place.open();
    let claimant = master(&mut connection, "a");
    for (first, names) in [(10, ["old", "kept"]), (20, ["new", "kept"])] {
        let build = begin(&mut connection, claimant, first, &names);
        run(&mut connection, first, 1, 2);
        run(&mut connection, first + 1, 2, 4);
        commit(&mut connection, |tx| builds::finish(tx, claimant, build, Results::Success, "ended", at(9)));
    }
    let known = [10, 11, 20].map(|step| of_step(&mut connection, StepId(step)).expect("an answer"));
    assert_eq!(known, [None, Some(Duration::from_secs(2)), Some(Duration::from_secs(1))]);
}
