//! Which requests and builds are cancelled for newer ones of their branch.

use super::collapsing::waiting;
use super::peer::Kind;
use super::rig::Rig;
use super::{builder, config, shell_step};
use crate::botmaster::canceller::supersedes;
use crate::config::{Config, OldBuildCanceller, load_text};
use crate::db::waiting::Waiting;
use crate::model::{BuildRequest, NewBuildset, NewChange, RequestId, Results, SourceStamp};

/// A canceller of the builder `b` with these settings.
fn canceller(more: &str) -> OldBuildCanceller {
    let text = format!(
        "workers: [{{name: w, type: local}}]
builders: [{{name: b, workers: w, steps: [shell: make]}}, {{name: c, workers: w, steps: [shell: make]}}]
schedulers: [{{type: force, name: f, builders: '*'}}]
old_build_cancellers: [{{builders: b{more}}}]"
    );
    let loaded = load_text("m.yaml", &text).unwrap_or_else(|complaints| panic!("{complaints:#?}"));
    loaded.config.old_build_cancellers[0].clone()
}

fn of(id: i64, branch: &str, revision: &str) -> Waiting {
    let mut waiting = waiting(id, "debian");
    waiting.stamps[0].branch = Some(branch.to_owned());
    waiting.stamps[0].revision = Some(revision.to_owned());
    waiting
}

fn ask(more: &str, older: &Waiting, newer: &Waiting) -> bool {
    supersedes(&[canceller(more)], older, newer).unwrap()
}

#[test]
fn only_the_same_branch_of_the_same_source_counts() {
    assert!(ask("", &of(1, "x", "r1"), &of(2, "x", "r2")));
    assert!(!ask("", &of(2, "x", "r1"), &of(1, "x", "r2")), "the older one is the newer");
    assert!(!ask("", &of(1, "x", "r1"), &of(2, "y", "r2")), "another branch");
    assert!(!ask("", &of(1, "x", "r1"), &of(2, "x", "r1")), "the same revision");
    let changed = |change: fn(&mut Waiting)| {
        let mut newer = of(2, "x", "r2");
        change(&mut newer);
        newer
    };
    for newer in [
        changed(|newer| newer.stamps[0].repository = "else".to_owned()),
        changed(|newer| newer.stamps[0].project = "else".to_owned()),
        changed(|newer| newer.stamps[0].codebase = "else".to_owned()),
        changed(|newer| newer.stamps[0].is_patched = true),
        changed(|newer| newer.stamps[0].branch = None),
        changed(|newer| newer.stamps[0].has_changes = false),
        changed(|newer| newer.builder = "c".to_owned()),
        changed(|newer| newer.buildset = of(1, "x", "r1").buildset),
    ] {
        assert!(!ask("", &of(1, "x", "r1"), &newer), "{newer:?}");
    }
}

#[test]
fn patch_sets_of_one_change_are_one_branch() {
    let gerrit = |older: &str, newer: &str| ask("", &of(1, older, "r1"), &of(2, newer, "r2"));
    assert!(gerrit("refs/changes/45/12345/2", "refs/changes/45/12345/11"));
    assert!(!gerrit("refs/changes/45/12345/2", "refs/changes/45/22345/2"));
    assert!(!gerrit("refs/changes/45/12345/meta", "refs/changes/45/12345/2"));
    assert!(!gerrit("refs/heads/1/2/3", "refs/heads/1/2/4"));
}

#[test]
fn the_key_and_the_filter_say_what_counts() {
    let key = ", branch_key: \"branch.split('/')[0]\"";
    assert!(ask(key, &of(1, "x/1", "r1"), &of(2, "x/2", "r2")));
    assert!(!ask(key, &of(1, "x/1", "r1"), &of(2, "y/2", "r2")));
    let filter = ", source_stamp_filter: {branch: {is_not: main}}";
    assert!(!ask(filter, &of(1, "main", "r1"), &of(2, "main", "r2")));
    assert!(ask(filter, &of(1, "x", "r1"), &of(2, "x", "r2")));
    let no_text = canceller(", branch_key: branch | length");
    assert!(supersedes(&[no_text], &of(1, "x", "r1"), &of(2, "x", "r2")).is_err());
}

/// A change of a branch, and the request for it.
fn push(rig: &mut Rig, branch: &str, revision: &str) -> RequestId {
    let now = rig.sim.world().wall();
    let told = NewChange {
        branch: Some(branch.to_owned()),
        revision: Some(revision.to_owned()),
        ..NewChange::default()
    };
    let change = rig.db.changes().add(told, now).unwrap();
    let stamp = SourceStamp {
        branch: Some(branch.to_owned()),
        revision: Some(revision.to_owned()),
        ..SourceStamp::default()
    };
    let new = NewBuildset {
        scheduler: "s".to_owned(),
        reason: "a change".to_owned(),
        external_id: String::new(),
        source_stamps: vec![stamp],
        changes: vec![change],
        properties: Default::default(),
        builders: vec!["b".to_owned()],
        priority: 0,
        parent_build: None,
    };
    rig.request(new)
}

fn shown(rig: &Rig, request: RequestId) -> String {
    let BuildRequest { results, outcome, .. } = rig.db.requests().get(request).unwrap().unwrap();
    format!("{} {}", results.map_or("open", Results::as_str), outcome.unwrap_or_default())
}

#[test]
fn what_runs_and_what_waits_is_cancelled() {
    let mut hanging = builder("b", vec![shell_step("hang")]);
    hanging.collapse_requests = crate::config::Collapse::Never;
    let config = Config { old_build_cancellers: vec![canceller("")], ..config(vec![hanging]) };
    let mut rig = Rig::new(&config);
    rig.connect("w", Kind::Worker);
    let running = push(&mut rig, "x", "r1");
    let elsewhere = push(&mut rig, "y", "r1");
    let waits = push(&mut rig, "y", "r2");
    assert_eq!(shown(&rig, elsewhere), "cancelled cancelled: request 3 is for newer changes of the branch");
    assert_eq!(shown(&rig, waits), "open ");
    let build = rig.build(running);
    let newest = push(&mut rig, "x", "r2");
    assert_eq!(shown(&rig, running), "cancelled ");
    let ended = rig.db.builds().get(build.id).unwrap().unwrap();
    assert_eq!(ended.state, "cancelled: request 4 is for newer changes of the branch");
    assert_eq!(shown(&rig, newest), "open ");
}
