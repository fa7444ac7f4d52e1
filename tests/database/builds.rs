//! Builds are found by what pages ask for.

use crate::engines::{Place, at, commit, on_both};
use crate::rows::{add_requests, buildset, claim, master, start};
use bellwether::db::builds::{self, Filter, by_number, get, of_change, properties, recent, running};
use bellwether::db::requests::{Start, claim_and_start};
use bellwether::db::{buildsets, changes, steps};
use bellwether::model::{Build, BuildId, Link, NewChange, Properties, Results, SourceStamp, Step, StepId};
use std::time::Duration;

on_both!(
    builds_are_listed_by_filter,
    properties_are_replaced_by_name,
    a_change_knows_its_builds,
    steps_are_told_in_order
);

fn ids(builds: &[Build]) -> Vec<BuildId> {
    builds.iter().map(|build| build.id).collect()
}

fn builds_are_listed_by_filter(place: Place) {
    let mut connection = place.open();
    let claimant = master(&mut connection, "a");
    let requests = add_requests(&mut connection, &["one", "two", "one", "two", "one"]);
    let starts: Vec<Start> = requests.iter().map(|id| start(*id)).collect();
    let mut starts = starts;
    starts[4].worker = "w2".into();
    let all: Vec<BuildId> = commit(&mut connection, |tx| claim_and_start(tx, claimant, &starts, at(1)))
        .iter()
        .map(|started| started.build)
        .collect();
    for (build, results) in [(all[0], Results::Failure), (all[1], Results::Success)] {
        commit(&mut connection, |tx| builds::finish(tx, claimant, build, results, "ended", at(2)));
    }
    let mut list = |filter: Filter, limit| ids(&recent(&mut connection, &filter, limit).expect("builds"));
    assert_eq!(list(Filter::default(), 3), [all[4], all[3], all[2]]);
    assert_eq!(list(Filter { before: Some(all[2]), ..Filter::default() }, 3), [all[1], all[0]]);
    assert_eq!(
        list(Filter { builder: Some("one".into()), ..Filter::default() }, 9),
        [all[4], all[2], all[0]]
    );
    assert_eq!(list(Filter { worker: Some("w2".into()), ..Filter::default() }, 9), [all[4]]);
    assert_eq!(list(Filter { complete: Some(true), ..Filter::default() }, 9), [all[1], all[0]]);
    assert_eq!(list(Filter { complete: Some(false), ..Filter::default() }, 9), [all[4], all[3], all[2]]);
    let failed = Filter { builder: Some("one".into()), results: Some(Results::Failure), ..Filter::default() };
    assert_eq!(list(failed, 9), [all[0]]);

    assert_eq!(ids(&running(&mut connection).expect("builds")), all[2..]);
    let second = by_number(&mut connection, "two", 1).expect("an answer").expect("the build");
    assert_eq!((second.id, second.reason.as_str(), second.master), (all[1], "because", claimant.master));
    assert_eq!(by_number(&mut connection, "two", 3), Ok(None));
}

fn properties_are_replaced_by_name(place: Place) {
    let mut connection = place.open();
    let claimant = master(&mut connection, "a");
    let requests = add_requests(&mut connection, &["one"]);
    let build = claim(&mut connection, claimant, &requests)[0].build;
    let mut first = Properties::default();
    first.set("branch", "main", "Build");
    first.set("got_revision", serde_json::Value::Null, "git");
    let mut second = Properties::default();
    second.set("got_revision", "abc", "git");
    commit(&mut connection, |tx| {
        builds::set_properties(tx, build, &first)?;
        builds::set_properties(tx, build, &second)
    });
    first.update(&second);
    assert_eq!(properties(&mut connection, build), Ok(first));
}

fn a_change_knows_its_builds(place: Place) {
    let mut connection = place.open();
    let claimant = master(&mut connection, "a");
    let change = commit(&mut connection, |tx| changes::add(tx, &NewChange::default(), at(0)));
    let stamp = SourceStamp { revision: Some("abc".into()), ..SourceStamp::default() };
    let mut new = buildset(&["one"]);
    new.changes = vec![change];
    new.source_stamps = vec![stamp.clone(), SourceStamp { codebase: "lib".into(), ..stamp.clone() }, stamp];
    let added = commit(&mut connection, |tx| buildsets::add(tx, &new, at(0)));
    let build = claim(&mut connection, claimant, &[added.requests[0].1])[0].build;
    assert_eq!(ids(&of_change(&mut connection, change).expect("builds")), [build]);
    let stored = buildsets::get(&mut connection, added.id).expect("an answer").expect("the buildset");
    assert_eq!((stored.changes, stored.source_stamps), (new.changes, new.source_stamps));
    let told = changes::of_buildset(&mut connection, added.id).expect("changes");
    assert_eq!(told.iter().map(|change| change.id).collect::<Vec<_>>(), [change]);
    assert_eq!(get(&mut connection, build).expect("an answer").map(|build| build.buildset), Some(added.id));
}

fn steps_are_told_in_order(place: Place) {
    let mut connection = place.open();
    let claimant = master(&mut connection, "a");
    let requests = add_requests(&mut connection, &["one"]);
    let build = claim(&mut connection, claimant, &requests)[0].build;
    let step = |id: i64, number: i64| Step {
        id: StepId(id),
        build,
        number,
        name: format!("step {number}"),
        started_at: Some(at(number)),
        locks_acquired_at: None,
        complete_at: None,
        state: "running".into(),
        results: None,
        hidden: false,
        links: Vec::new(),
    };
    let link = |name: &str, url: &str| Link { name: name.into(), url: url.into() };
    let end = steps::StepEnd { results: Results::Skipped, state: "skipped".into(), hidden: true };
    commit(&mut connection, |tx| {
        steps::start(tx, &step(7, 1))?;
        steps::start(tx, &step(9, 0))?;
        steps::set_state(tx, StepId(7), "almost done")?;
        steps::set_locked(tx, StepId(7), Some(at(4)))?;
        steps::add_link(tx, StepId(7), &link("report", "http://old"))?;
        steps::add_link(tx, StepId(7), &link("coverage", "http://coverage"))?;
        steps::add_link(tx, StepId(7), &link("report", "http://new"))?;
        steps::add_link(tx, StepId(8), &link("of nothing", "http://nowhere"))?;
        steps::finish(tx, StepId(9), &end, at(5))
    });
    let told = steps::of_build(&mut connection, build).expect("steps");
    let ended = Step {
        complete_at: Some(at(5)),
        results: Some(Results::Skipped),
        state: "skipped".into(),
        hidden: true,
        ..step(9, 0)
    };
    let other = Step {
        state: "almost done".into(),
        locks_acquired_at: Some(at(4)),
        links: vec![link("report", "http://new"), link("coverage", "http://coverage")],
        ..step(7, 1)
    };
    assert_eq!(told, [ended, other]);
    let build = get(&mut connection, build).expect("an answer").expect("the build");
    assert_eq!(build.locks_duration, Duration::from_secs(3), "the one step waited from 1 to 4");
}
