//! Whom a scheduler asks for what, with which properties and priority.

use super::{change, following, scheduler};
use crate::config::{Codebase, Config, Scheduler, SchedulerKind, load_text};
use crate::model::{Change, ChangeId, NewChange};
use crate::schedulers::classify::by_changes;
use crate::schedulers::importance::{Judgement, judge};

fn loaded(scheduler: &str) -> Config {
    let text = format!(
        "codebases: [{{name: app, repository: a, branch: trunk}}, {{name: lib, repository: l}}]
workers: [{{name: w, type: local}}]
builders: [{{name: one, workers: w, steps: [shell: make]}}, {{name: two, workers: w, steps: [shell: make]}}]
schedulers: [{{type: force, name: f, builders: '*'}}, {{type: any_branch, name: s, {scheduler}}}]"
    );
    load_text("m.yaml", &text).unwrap_or_else(|complaints| panic!("{complaints:#?}")).config
}

fn read(scheduler: &str) -> Scheduler {
    loaded(scheduler).schedulers.remove(1)
}

#[test]
fn builders_are_asked_by_the_paths_of_all_changes() {
    let scheduler =
        read("builders: [{name: one, files: ['doc/*', '*.md']}, {name: two, when: \"path.endswith('.c')\"}]");
    let asked = |files: &[&str]| {
        let changes: Vec<Change> = files.iter().zip(1..).map(|(file, id)| change(id, "main", file)).collect();
        by_changes(&scheduler, &changes).map(|new| new.builders.join(" "))
    };
    assert_eq!(asked(&["doc/a/b"]), Ok("one".to_owned()));
    assert_eq!(asked(&["src/a.c"]), Ok("two".to_owned()));
    assert_eq!(asked(&["src/a.c", "README.md"]), Ok("one two".to_owned()));
    assert_eq!(asked(&["src/a.h"]), Err("none of the scheduler's builders is for it".to_owned()));
    // Nobody knows what one without files has changed.
    assert_eq!(asked(&[]), Ok("one two".to_owned()));
}

#[test]
fn an_entry_without_a_rule_wins_and_all_of_a_rule_must_hold() {
    let scheduler = read("builders: [two, {name: '*', files: 'a*', when: branch == 'main'}]");
    let asked =
        |branch: &str, file: &str| by_changes(&scheduler, [&change(1, branch, file)]).unwrap().builders;
    assert_eq!(asked("main", "a"), ["one", "two"]);
    assert_eq!(asked("main", "b"), ["two"]);
    assert_eq!(asked("x", "a"), ["two"]);
}

#[test]
fn the_priority_may_depend_on_the_newest_change() {
    let scheduler = read("builders: one, priority: \"10 if branch == 'main' else files | length\"");
    let made =
        |branch: &str| by_changes(&scheduler, [&change(1, "main", "a"), &change(2, branch, "b")]).unwrap();
    assert_eq!(made("main").priority, 10);
    assert_eq!(made("x").priority, 2);
    let scheduler = read("builders: one, priority: \"branch\"");
    let made = by_changes(&scheduler, [&change(1, "main", "a")]).unwrap();
    assert_eq!(
        (made.priority, made.reason.as_str()),
        (0, "a change, by scheduler 's' (its priority cannot be told: it is main, not a whole number)")
    );
}

#[test]
fn properties_and_the_reason_are_filled_in() {
    let scheduler = read(
        "builders: one, reason: 'for %(prop:owner)s', properties: {ref: '%(src::branch)s@%(src::revision)s', plain: 7, event: '%(prop:event:-none)s'}",
    );
    let mut newest = change(2, "main", "a");
    newest.told.properties.set("owner", "ada", "Change");
    let made = by_changes(&scheduler, [&change(1, "x", "a"), &newest]).unwrap();
    let value = |name: &str| made.properties.value(name).unwrap().to_string();
    assert_eq!(value("ref"), "\"main@r2\"");
    assert_eq!((value("plain").as_str(), value("event").as_str()), ("7", "\"none\""));
    assert_eq!(made.reason, "for ada");
    assert_eq!(made.properties.get("ref").unwrap().source, "Scheduler");
}

#[test]
fn a_scheduler_has_a_source_stamp_of_each_of_its_codebases() {
    let scheduler = read("builders: one, codebases: [app, {name: lib, branch: dev}]");
    let of = |codebase: &str| Change {
        told: NewChange { codebase: codebase.to_owned(), ..change(1, "main", "a").told },
        ..change(1, "main", "a")
    };
    let made = by_changes(&scheduler, [&of("lib")]).unwrap();
    let stamps: Vec<_> = made
        .source_stamps
        .iter()
        .map(|stamp| (stamp.codebase.as_str(), stamp.branch.as_deref().unwrap(), stamp.revision.as_deref()))
        .collect();
    assert_eq!(stamps, [("lib", "main", Some("r1")), ("app", "trunk", None)]);
    assert_eq!(made.changes, [ChangeId(1)]);

    let SchedulerKind::AnyBranch(settings) = &scheduler.kind else { panic!("{scheduler:?}") };
    assert_eq!(judge(&scheduler, settings, &of("lib").told), Judgement::Taken { important: true });
    let left = Judgement::Left("codebase 'x' is none of the scheduler's".to_owned());
    assert_eq!(judge(&scheduler, settings, &of("x").told), left);
}

#[test]
fn a_scheduler_that_names_no_codebases_has_those_of_its_changes() {
    let scheduler = scheduler("s", SchedulerKind::AnyBranch(following(&[], 0)));
    let site = [Codebase { name: "app".to_owned(), repository: "a".to_owned(), branch: None }];
    assert_eq!(scheduler.codebases(&site), site);
    let made = by_changes(&scheduler, [&change(1, "main", "a")]).unwrap();
    assert_eq!(made.source_stamps.len(), 1);
}
