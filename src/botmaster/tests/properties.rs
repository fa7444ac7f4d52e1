//! Who wins when several set one property.

use super::{builder, config};
use crate::botmaster::properties::{Origins, of_build};
use crate::model::{
    Build, BuildId, Buildset, BuildsetId, Change, ChangeId, MasterId, NewChange, Properties, RequestId,
    SourceStamp, Wall,
};
use expect_test::expect;
use std::collections::BTreeMap;
use std::time::Duration;

fn set(names: &[&str], source: &str) -> Properties {
    let mut properties = Properties::default();
    names.iter().for_each(|name| properties.set(*name, source.to_lowercase(), source));
    properties
}

fn buildset(properties: Properties) -> Buildset {
    Buildset {
        id: BuildsetId(1),
        scheduler: "nightly".to_owned(),
        reason: "because".to_owned(),
        external_id: String::new(),
        submitted_at: Wall(0),
        complete_at: None,
        results: None,
        source_stamps: vec![SourceStamp { branch: Some("main".to_owned()), ..SourceStamp::default() }],
        changes: vec![ChangeId(1)],
        properties,
        parent_build: None,
    }
}

fn build() -> Build {
    Build {
        id: BuildId(1),
        number: 7,
        builder: "b".to_owned(),
        request: RequestId(1),
        buildset: BuildsetId(1),
        worker: "w".to_owned(),
        master: MasterId(1),
        started_at: Wall(0),
        complete_at: None,
        state: String::new(),
        results: None,
        reason: "because".to_owned(),
        locks_duration: Duration::ZERO,
    }
}

fn by(author: &str) -> Change {
    let told = NewChange { author: author.to_owned(), ..NewChange::default() };
    Change { id: ChangeId(1), when: Wall(0), told }
}

#[test]
fn later_origins_win() {
    let told = NewChange { properties: set(&["b", "c", "d", "e"], "Change"), ..NewChange::default() };
    let changes = [Change { id: ChangeId(1), when: Wall(0), told }];
    let mut requested = set(&["c", "d", "e", "buildnumber"], "Scheduler");
    requested.set("owner", "alice", "Force Build Form");
    let mut builder = builder("b", Vec::new());
    builder.properties = set(&["d", "e"], "Builder");
    builder.default_properties = set(&["a", "g", "e"], "Builder");
    let mut worker = config(vec![builder.clone()]).workers.remove(0);
    (worker.properties, worker.default_properties) = (set(&["e"], "Worker"), set(&["a", "f", "g"], "Worker"));
    let properties = of_build(&Origins {
        global: &set(&["a", "b", "c", "d", "e"], "Global"),
        changes: &changes,
        buildset: &buildset(requested),
        build: &build(),
        builder: &builder,
        worker: &worker,
        info: &[("basedir", r"C:\work\"), ("system", "nt")].map(|(k, v)| (k.to_owned(), v.to_owned())).into(),
    });
    let shown: String = properties
        .iter()
        .map(|(name, property)| format!("{name} = {} ({})\n", property.value, property.source))
        .collect();
    expect![[r#"
        a = "global" (Global)
        b = "change" (Change)
        basedir = "C:\\work\\" (Worker)
        branch = "main" (Build)
        builddir = "C:\\work\\b" (Worker)
        buildername = "b" (Builder)
        buildnumber = 7 (Build)
        c = "scheduler" (Scheduler)
        codebase = "" (Build)
        d = "builder" (Builder)
        e = "worker" (Worker)
        f = "worker" (Worker)
        g = "builder" (Builder)
        owner = "alice" (Force Build Form)
        owners = ["alice"] (Build)
        project = "" (Build)
        reason = "because" (Scheduler)
        repository = "" (Build)
        revision = null (Build)
        scheduler = "nightly" (Scheduler)
        workdir = "C:\\work\\b" (Worker)
        workername = "w" (Worker)
    "#]]
    .assert_eq(&shown);
}

#[test]
fn those_who_asked_or_wrote_changes_own_a_build() {
    for (asked, authors, owner, owners) in [
        (None, &[][..], "null", "null"),
        (None, &["ann"], r#""ann" (Build)"#, r#"["ann"] (Build)"#),
        (None, &["ann", "bob", "ann", ""], "null", r#"["ann","bob"] (Build)"#),
        (Some("eve"), &["ann"], r#""eve" (Force Build Form)"#, r#"["eve","ann"] (Build)"#),
        (Some("ann"), &["ann"], r#""ann" (Force Build Form)"#, r#"["ann"] (Build)"#),
    ] {
        let changes: Vec<Change> = authors.iter().map(|author| by(author)).collect();
        let mut requested = Properties::default();
        if let Some(asked) = asked {
            requested.set("owner", asked, "Force Build Form");
        }
        let builder = builder("b", Vec::new());
        let properties = of_build(&Origins {
            global: &Properties::default(),
            changes: &changes,
            buildset: &buildset(requested),
            build: &build(),
            builder: &builder,
            worker: &config(vec![builder.clone()]).workers.remove(0),
            info: &BTreeMap::new(),
        });
        let shown = |name: &str| {
            properties
                .get(name)
                .map_or("null".to_owned(), |property| format!("{} ({})", property.value, property.source))
        };
        assert_eq!((shown("owner"), shown("owners")), (owner.to_owned(), owners.to_owned()), "{authors:?}");
    }
}
