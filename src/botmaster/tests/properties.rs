//! Who wins when several set one property.

use super::{builder, config};
use crate::botmaster::properties::{Origins, of_build};
use crate::model::{
    Build, BuildId, Buildset, BuildsetId, Change, ChangeId, MasterId, NewChange, Properties, RequestId,
    SourceStamp, Wall,
};
use expect_test::expect;

fn set(names: &[&str], source: &str) -> Properties {
    let mut properties = Properties::default();
    names.iter().for_each(|name| properties.set(*name, source.to_lowercase(), source));
    properties
}

#[test]
fn later_origins_win() {
    let told = NewChange { properties: set(&["b", "c", "d", "e"], "Change"), ..NewChange::default() };
    let changes = [Change { id: ChangeId(1), when: Wall(0), told }];
    let mut requested = set(&["c", "d", "e", "buildnumber"], "Scheduler");
    requested.set("owner", "alice", "Force Build Form");
    let buildset = Buildset {
        id: BuildsetId(1),
        scheduler: "nightly".to_owned(),
        reason: "because".to_owned(),
        external_id: String::new(),
        submitted_at: Wall(0),
        complete_at: None,
        results: None,
        source_stamps: vec![SourceStamp { branch: Some("main".to_owned()), ..SourceStamp::default() }],
        changes: vec![ChangeId(1)],
        properties: requested,
        parent_build: None,
    };
    let build = Build {
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
    };
    let mut builder = builder("b", Vec::new());
    builder.properties = set(&["d", "e"], "Builder");
    let mut worker = config(vec![builder.clone()]).workers.remove(0);
    (worker.properties, worker.default_properties) = (set(&["e"], "Worker"), set(&["a", "f"], "Worker"));
    let properties = of_build(&Origins {
        global: &set(&["a", "b", "c", "d", "e"], "Global"),
        changes: &changes,
        buildset: &buildset,
        build: &build,
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
