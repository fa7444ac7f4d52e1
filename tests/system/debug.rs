//! Buildbot's debug client, which was a window: a script calls what it did.

use crate::harness::{Build, Make, Site, eventually, real};
use serde_json::{Value, json};

const SITE: &str = "workers: [{name: w1, password: sesame}]\n\
    debug: {password: debugging}\n\
    status: [{type: pb_listener, password: watching}]\n\
    schedulers: [{type: any_branch, name: all, builders: b}]\n\
    builders: [{name: b, workers: [w1], tags: [fast], steps: [{shell: 'echo %(prop:a:-none)s', name: greet}]}]\n";

/// Logs in and calls; what came back.
#[track_caller]
fn call(site: &Site, user: &str, password: &str, calls: &Value) -> Vec<Value> {
    let mut python = site.program(real("python"));
    python.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/python/call.py"));
    python.args([&site.pb_port.to_string(), user, password, &calls.to_string()]);
    let said = site.run(&mut python);
    let results: Result<Vec<Value>, _> = said.text.lines().map(serde_json::from_str).collect();
    results.unwrap_or_else(|error| panic!("{error}: {}\n{}", said.text, site.log()))
}

#[test]
fn a_debug_client_requests_builds_and_reloads() {
    let site = Site::running(SITE);
    let _worker = Make::Real.start(&site, "w1", "sesame");
    let results = call(
        &site,
        "debug",
        "debugging",
        &json!([
            ["", "print", "hello cleveland"],
            ["", "pokeIRC"],
            ["", "pingBuilder", "b"],
            ["", "requestBuild", "b", "because", null, null, {"a": "greeting"}],
            ["", "requestBuild", "nosuch", "r", null, null, {}],
            ["", "fakeChange", "file"],
        ]),
    );
    assert_eq!(results[..3], [Value::Null, Value::Null, Value::Null]);
    assert_eq!(results[3], json!("Unpersistable"));
    assert_eq!(results[4], json!(["failed", "builtins.KeyError", "'nosuch'"]));
    let gone = "DebugPerspective instance has no attribute 'perspective_fakeChange'";
    assert_eq!(results[5], json!(["failed", "builtins.AttributeError", gone]));
    let build = site.build_ends(1, Build::SUCCESS);
    assert!(site.rows().logs(build.id).contains("ogreeting\n"));
    site.configure(&SITE.replace("name: b,", "name: c,").replace("builders: b}", "builders: c}"));
    assert_eq!(call(&site, "debug", "debugging", &json!([["", "reload"]])), [Value::Null]);
    eventually("a reload", || site.log().contains("builder c"));
}

#[test]
fn a_watcher_asks_of_builders_builds_steps_and_logs() {
    let site = Site::running(SITE);
    let _worker = Make::Real.start(&site, "w1", "sesame");
    let wish = json!([["", "requestBuild", "b", "because", "main", "r1", {"a": "greeting"}]]);
    call(&site, "debug", "debugging", &wish);
    site.build_ends(1, Build::SUCCESS);
    let results = call(
        &site,
        "statusClient",
        "watching",
        &json!([
            ["", "ping"],
            ["", "getBuilderNames"],
            ["", "getBuilder", "nosuch"],
            ["", "getBuilder", "b"],
            ["4", "getName"],
            ["4", "getCategory"],
            ["4", "getState"],
            ["4", "getBuild", -1],
            ["8", "waitUntilFinished"],
            ["9", "getNumber"],
            ["9", "getReason"],
            ["9", "getResults"],
            ["9", "getRevisions"],
            ["9", "isFinished"],
            ["9", "getSteps"],
            ["15/0", "getName"],
            ["15/0", "getResults"],
            ["15/0", "getLogs"],
            ["18/stdio", "getText"],
            ["18/stdio", "nonsense"],
            ["4", "getBuild", 99],
            ["", "getBuildSets"],
            ["", "subscribe", "everything", 5, null],
        ]),
    );
    assert_eq!(results[0], json!("pong"));
    assert_eq!(results[1], json!(["b"]));
    assert_eq!(results[2], json!(["failed", "builtins.KeyError", "'nosuch'"]));
    assert_eq!(results[4..8], [json!("b"), json!("fast"), json!(["idle", null, []]), json!("object")]);
    assert_eq!(results[9..14], [json!(1), json!("because"), json!(0), json!("r1"), json!(true)]);
    assert_eq!(results[14], json!(["object"]));
    assert_eq!(results[15], json!("greet"));
    assert_eq!(results[16][0], json!(0));
    assert_eq!(results[17], json!({"stdio": "object"}));
    assert_eq!(results[18], json!("greeting\n"));
    assert_eq!(results[19][1], json!("twisted.spread.flavors.NoSuchMethod"));
    assert_eq!(results[20..22], [Value::Null, json!([])]);
    assert_eq!(results[22][1], json!("builtins.AssertionError"));
}
