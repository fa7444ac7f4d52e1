//! What scripts read and do, in the shapes of Buildbot's API.

use crate::client::{Answer, get, post, sample};
use crate::site::Site;
use bellwether::status::web::actions::Refused;
use serde_json::{Value, json};

fn api(site: &Site, path: &str) -> Value {
    let answer = get(site, &format!("/api/v2/{path}"));
    assert_eq!(answer.status, 200, "{path}: {}", answer.body);
    answer.json()
}

fn names(value: &Value) -> Vec<&str> {
    value.as_object().expect("an object").keys().map(String::as_str).collect()
}

#[test]
fn every_resource_has_buildbots_fields() {
    let (site, _folder) = sample();
    for (path, plural, fields) in [
        (
            "builders",
            "builders",
            "builderid description description_format description_html masterids name projectid tags",
        ),
        (
            "builds/1",
            "builds",
            "builderid buildid buildrequestid complete complete_at eta locks_duration_s masterid number properties results started_at state_string workerid",
        ),
        (
            "buildrequests/1",
            "buildrequests",
            "builderid buildrequestid buildsetid claimed claimed_at claimed_by_masterid complete complete_at priority properties results submitted_at waited_for",
        ),
        (
            "buildsets/1",
            "buildsets",
            "bsid complete complete_at external_idstring parent_buildid parent_relationship reason rebuilt_buildid results sourcestamps submitted_at",
        ),
        (
            "changes/1",
            "changes",
            "author branch category changeid codebase comments committer files parent_changeids project properties repository revision revlink sourcestamp when_timestamp",
        ),
        (
            "builds/1/steps",
            "steps",
            "buildid complete complete_at hidden locks_acquired_at name number results started_at state_string stepid urls",
        ),
        ("steps/1/logs", "logs", "complete logid name num_lines slug stepid type"),
        ("logs/1/contents", "logchunks", "content firstline logid"),
        (
            "workers",
            "workers",
            "configured_on connected_to graceful instance name pause_reason paused workerid workerinfo",
        ),
        (
            "schedulers",
            "schedulers",
            "awaited_buildsets enabled master name next_build_at pending_changes schedulerid",
        ),
        ("forceschedulers", "forceschedulers", "all_fields builder_names button_name enabled label name"),
        ("masters", "masters", "active last_active masterid name"),
    ] {
        let answer = api(&site, path);
        let mut wanted = ["meta", plural];
        wanted.sort_unstable();
        assert_eq!(names(&answer), wanted, "{path}");
        assert_eq!(names(&answer[plural][0]).join(" "), fields, "{path}");
    }
}

#[test]
fn reasons_are_told_as_a_tree() {
    let (site, _folder) = sample();
    let answer = api(&site, "explain/worker/macos-15");
    let explanation = &answer["explanations"][0];
    assert_eq!(explanation["subject"], json!({"worker": "macos-15"}));
    assert_eq!(explanation["unblock"], "`bellwether worker unpause macos-15`");
    assert_eq!(explanation["because"][0], json!({"what": "paused: the disk is full"}));
    assert_eq!(get(&site, "/api/v2/explain/change/99").status, 404);
}

#[test]
fn lists_are_filtered_sorted_and_cut() {
    let (site, _folder) = sample();
    for (path, wanted) in [
        (
            "builds?results=2&field=buildid&field=results&limit=1&offset=1",
            json!({"builds": [{"buildid": 29, "results": 2}], "meta": {"total": 3}}),
        ),
        (
            "builds?complete_at=null&order=-buildid&field=buildid&field=complete_at",
            json!({"builds": [{"buildid": 56, "complete_at": null}, {"buildid": 55, "complete_at": null}, {"buildid": 54, "complete_at": null}], "meta": {"total": 3}}),
        ),
        (
            "builders/lint/builds?number__gt=6&number__ne=8&field=number",
            json!({"builds": [{"number": 7}], "meta": {"total": 1}}),
        ),
        (
            "builds?state_string__contains=worker%20ran&field=state_string",
            json!({"builds": [{"state_string": "the worker ran out of memory"}], "meta": {"total": 1}}),
        ),
        (
            "buildrequests?complete=false&claimed=false&limit=0",
            json!({"buildrequests": [], "meta": {"total": 4}}),
        ),
        (
            "changes?author__contains=Lise&field=changeid&field=author",
            json!({"changes": [{"author": "Lise M. <lise@example.org>", "changeid": 5}], "meta": {"total": 1}}),
        ),
        (
            "builders?tags__contains=slow&field=name&field=tags&order=-name",
            json!({"builders": [{"name": "integration", "tags": ["tests", "slow"]}, {"name": "fuzz", "tags": ["slow"]}], "meta": {"total": 2}}),
        ),
        (
            "workers?paused=true&field=name&field=paused&field=pause_reason",
            json!({"workers": [{"name": "macos-15", "paused": true, "pause_reason": "the disk is full"}], "meta": {"total": 1}}),
        ),
        (
            "builds/49/steps?name=test&name=git&field=number&field=name",
            json!({"steps": [{"name": "git", "number": 0}, {"name": "test", "number": 3}], "meta": {"total": 2}}),
        ),
    ] {
        assert_eq!(api(&site, path), wanted, "{path}");
    }
}

#[test]
fn builders_workers_and_schedulers_keep_their_numbers() {
    let (site, _folder) = sample();
    let lint = api(&site, "builders/lint")["builders"][0]["builderid"].as_i64().expect("a number");
    assert_eq!(api(&site, &format!("builders/{lint}"))["builders"][0]["name"], "lint");
    let builds = api(&site, &format!("builds?builderid={lint}&limit=1"));
    assert_eq!(builds["builds"][0]["builderid"], lint);
    assert_eq!(builds["meta"], api(&site, "builders/lint/builds?limit=1")["meta"]);
    assert_eq!(api(&site, "builds?builderid=9999")["meta"]["total"], 0);
}

#[test]
fn properties_come_when_they_are_asked_for() {
    let (site, _folder) = sample();
    assert_eq!(api(&site, "builds/1")["builds"][0]["properties"], json!({}));
    let wanted = json!({"optimise": ["-O2", "Force Build Form"]});
    assert_eq!(api(&site, "builds?limit=1&property=optimise")["builds"][0]["properties"], wanted);
    assert_eq!(api(&site, "builds/1?property=optimise")["builds"][0]["properties"], wanted);
    assert_eq!(api(&site, "builds/1/properties")["properties"][0]["branch"], json!(["main", "Build"]));
}

#[test]
fn log_lines_have_their_channels_and_raw_logs_do_not() {
    let (site, _folder) = sample();
    let path = "builders/unit-tests/builds/8/steps/test/logs/stdio";
    let chunk = api(&site, &format!("{path}/contents?offset=211&limit=10"));
    let content = "o\u{1b}[33mskip\u{1b}[0m 5 - needs a mast\nemake: warning: clock skew detected\n";
    assert_eq!(chunk["logchunks"][0]["firstline"], 211);
    assert_eq!(chunk["logchunks"][0]["content"], content);
    let raw = get(&site, &format!("/api/v2/{path}/raw"));
    assert!(raw.body.ends_with("5 - needs a mast\nmake: warning: clock skew detected\n"), "{}", raw.body);
    assert!(raw.header("content-disposition").is_some_and(|kind| kind.starts_with("attachment")));
    assert_eq!(get(&site, &format!("/api/v2/{path}/raw_inline")).header("content-disposition"), None);
}

#[test]
fn logs_are_searched_page_by_page() {
    let (site, _folder) = sample();
    let path = "builders/unit-tests/builds/8/steps/test/logs/stdio/search";
    let found = api(&site, &format!("{path}?q=WARNING:%20clock&offset=211&limit=1"));
    let hit = json!({"line": 212, "channel": "e", "content": "make: warning: clock skew detected"});
    assert_eq!(found["matches"], json!([hit]));
    let first = api(&site, &format!("{path}?q=MAST&limit=5"));
    assert_eq!(first["matches"].as_array().map(Vec::len), Some(5), "{first}");
    let next = first["meta"]["next"].as_i64().expect("more than one page");
    assert_eq!(first["matches"][4]["line"], next - 1);
    let second = api(&site, &format!("{path}?q=MAST&limit=5&offset={next}"));
    assert!(second["matches"][0]["line"].as_i64() >= Some(next), "{second}");
    let expression = api(&site, &format!("{path}?q=%5Eskip%205.*mast$&regex=1&limit=1&offset=211"));
    assert_eq!(expression["matches"][0]["line"], 211, "colours are no part of the text");
    assert_eq!(api(&site, &format!("{path}?q=absent"))["meta"]["next"], json!(null));
    assert_eq!(get(&site, &format!("/api/v2/{path}?q=(&regex=1")).status, 400);
    assert_eq!(get(&site, &format!("/api/v2/{path}")).status, 400);
}

#[test]
fn bad_questions_are_told_what_is_wrong() {
    let (site, _folder) = sample();
    for (path, status, error) in [
        ("builds?foo=1", 400, "foo: builds have no such field here"),
        ("builds?number__near=1", 400, "number__near: there is no way \"near\" to compare"),
        ("builds?number=x", 400, "number: \"x\" is no number"),
        ("builds?order=nothing", 400, "nothing: builds have no such field here"),
        ("builds?field=number&order=buildid", 400, "buildid: builds have no such field here"),
        ("builds?limit=-1", 400, "limit: \"-1\" is no number from 0 on"),
        ("builds/1?number=1", 400, "number: a single item has no filters"),
        ("builds?locks_duration_s=1", 400, "locks_duration_s: this field cannot be filtered"),
        ("builds/999", 404, "There is no build 999."),
        ("builders/none", 404, "There is no builder none."),
        ("nothing/at/all", 404, "There is nothing at this address."),
    ] {
        let answer = get(&site, &format!("/api/v2/{path}"));
        assert_eq!((answer.status, answer.json()), (status, json!({ "error": error })), "{path}");
    }
}

fn call(site: &Site, path: &str, method: &str, params: Value) -> Answer {
    let body = json!({"jsonrpc": "2.0", "method": method, "id": 7, "params": params}).to_string();
    post(site, &format!("/api/v2/{path}"), "application/json", "", &body)
}

#[test]
fn calls_reach_the_rooms_below() {
    let (site, _folder) = sample();
    let lint = api(&site, "builders/lint")["builders"][0]["builderid"].clone();
    let unit_tests = api(&site, "builders/unit-tests")["builders"][0]["builderid"].to_string();
    let made = json!([1, { unit_tests: 1 }]);
    for (path, method, params, asked, result) in [
        (
            "forceschedulers/force",
            "force",
            json!({"builderid": lint, "reason": "why", "owner": "root"}),
            "force force [\"lint\"] by \"\" with {\"reason\": String(\"why\")}",
            made.clone(),
        ),
        (
            "forceschedulers/force",
            "force",
            json!({"builderNames": ["docs"], "jobs": 2}),
            "force force [\"docs\"] by \"\" with {\"jobs\": Number(2)}",
            made.clone(),
        ),
        ("schedulers/force", "enable", json!({"enabled": false}), "enable force: false", Value::Null),
        (
            "builds/56",
            "stop",
            json!({"reason": "enough"}),
            "stop 56 by anonymous for \"enough\"",
            Value::Null,
        ),
        (
            "builders/fuzz/builds/8/actions/stop",
            "stop",
            json!({}),
            "stop 56 by anonymous for \"\"",
            Value::Null,
        ),
        ("builds/49", "rebuild", json!({}), "rebuild 49 by anonymous", made),
        ("buildrequests/57", "cancel", json!({}), "cancel 57 by anonymous for \"\"", Value::Null),
        ("workers/macos-15", "unpause", json!({}), "steer macos-15: Unpause", Value::Null),
    ] {
        let answer = call(&site, path, method, params);
        assert_eq!(answer.json(), json!({"jsonrpc": "2.0", "id": 7, "result": result}), "{path} {method}");
        assert_eq!(site.rooms.asked.lock().unwrap().pop().as_deref(), Some(asked), "{path} {method}");
    }
}

#[test]
fn bad_calls_fail_by_the_standard() {
    let (site, _folder) = sample();
    let kind = "application/json";
    for (answer, status, code) in [
        (post(&site, "/api/v2/builds/1", kind, "", "{"), 400, -32700),
        (post(&site, "/api/v2/builds/1", kind, "", "[]"), 400, -32600),
        (
            post(&site, "/api/v2/builds/1", kind, "", r#"{"jsonrpc":"1.0","method":"stop","id":1}"#),
            400,
            -32600,
        ),
        (
            post(
                &site,
                "/api/v2/builds/1",
                kind,
                "",
                r#"{"jsonrpc":"2.0","method":"stop","id":1,"params":[1]}"#,
            ),
            400,
            -32600,
        ),
        (call(&site, "builds/1", "explode", json!({})), 501, -32601),
        (call(&site, "builds/999", "stop", json!({})), 404, -32602),
    ] {
        assert_eq!(
            (answer.status, answer.json()["error"]["code"].as_i64()),
            (status, Some(code)),
            "{}",
            answer.body
        );
    }
    assert_eq!(post(&site, "/api/v2/builds/1", "text/plain", "", "{}").status, 400);
    let wrong = [("branch".to_owned(), "must not be empty".to_owned())];
    *site.rooms.refusal.lock().unwrap() = Some(Refused::Fields(wrong.into()));
    let refused = call(&site, "forceschedulers/force", "force", json!({}));
    let wanted = json!({"code": -32602, "message": {"branch": "must not be empty"}});
    assert_eq!((refused.status, refused.json()["error"].clone()), (400, wanted));
}
