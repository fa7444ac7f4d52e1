//! Which requests are dropped for newer ones.

use super::rig::Rig;
use super::{builder, config, shell_step};
use crate::botmaster::asking::collapses;
use crate::config::{Builder, COLLAPSE_REQUESTS, Collapse, Condition};
use crate::db::waiting::{Asked, Stamp, Waiting};
use crate::model::{BuildsetId, Properties, RequestId};
use std::sync::Arc;

fn rule(condition: &str) -> Collapse {
    Collapse::If(Condition::new(condition, COLLAPSE_REQUESTS).unwrap())
}

fn collapsing(rule: Collapse) -> Builder {
    Builder { collapse_requests: rule, ..builder("b", vec![shell_step("hang")]) }
}

pub fn waiting(id: i64, os: &str) -> Waiting {
    let mut properties = Properties::default();
    properties.set("os", os, "Scheduler");
    let stamp = Stamp {
        codebase: "app".to_owned(),
        project: String::new(),
        repository: "r".to_owned(),
        branch: None,
        revision: Some("abc".to_owned()),
        has_changes: true,
        is_patched: false,
    };
    let asked =
        Asked { scheduler: "quick".to_owned(), reason: "a change".to_owned(), properties, waited_for: false };
    Waiting {
        request: RequestId(id),
        buildset: BuildsetId(id),
        builder: "b".to_owned(),
        priority: id,
        asked: Arc::new(asked),
        stamps: vec![stamp],
    }
}

#[test]
fn a_condition_sees_both_requests() {
    let ask = |condition: &str| collapses(&rule(condition), &waiting(1, "debian"), &waiting(2, "fedora"));
    for (condition, wanted) in [
        ("older.property('os') == newer.property('os')", false),
        ("older.property('none', 'x') == 'x' and newer.property('none') is none", true),
        ("older.priority < newer.priority and builder == 'b'", true),
        ("older.branch is none and older.repository == 'r' and older.project == ''", true),
        ("older.codebase == 'app' and older.revision == 'abc' and older.has_changes", true),
        ("newer.scheduler == 'quick' and newer.reason == 'a change'", true),
    ] {
        assert_eq!(ask(condition), Ok(wanted), "{condition}");
    }
    assert!(ask("older.brnch == 'main'").is_err());
    let two = (&waiting(1, ""), &waiting(2, ""));
    assert_eq!(collapses(&Collapse::Never, two.0, two.1), Ok(false));
    assert_eq!(collapses(&Collapse::Alike, two.0, two.1), Ok(true));
}

fn outcomes(rig: &Rig, requests: &[RequestId]) -> Vec<Option<String>> {
    requests.iter().map(|request| rig.db.requests().get(*request).unwrap().unwrap().outcome).collect()
}

#[test]
fn a_builder_collapses_by_its_rule() {
    for (rule, wanted) in [
        (Collapse::Never, None),
        (rule("older.revision != 'r1'"), None),
        (rule("older.brnch"), None),
        (rule("older.revision == 'r1'"), Some("collapsed into request 2".to_owned())),
    ] {
        let mut rig = Rig::new(&config(vec![collapsing(rule)]));
        let both = [rig.ask("b", "r1").1, rig.ask("b", "r1").1];
        assert_eq!(outcomes(&rig, &both), [wanted, None]);
    }
}

#[test]
fn what_waited_through_a_crash_is_collapsed_too() {
    let config = config(vec![collapsing(Collapse::Alike)]);
    let mut rig = Rig::new(&config);
    let all: Vec<RequestId> =
        ["r1", "r2", "r1", "r1"].map(|revision| rig.ask_quietly("b", revision).1).into();
    let rig = rig.reborn(&config);
    let into = |id| Some(format!("collapsed into request {id}"));
    assert_eq!(outcomes(&rig, &all), [into(4), None, into(4), None]);
}
