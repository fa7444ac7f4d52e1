//! A form to a buildset, or to what is wrong with it.

use super::{following, scheduler};
use crate::config::{
    Codebase, Config, Force, Layout, Parameter, ParameterKind, Pattern, Scheduler, SchedulerKind,
};
use crate::schedulers::ForceRequest;
use crate::schedulers::force::{buildset, scheduler as find};
use expect_test::{Expect, expect};
use serde_json::{Value, json};

fn field(name: &str, kind: ParameterKind, default: Value) -> Parameter {
    Parameter { default, ..Parameter::new(name, kind) }
}

fn text(name: &str) -> Parameter {
    field(name, ParameterKind::String { size: 10 }, "".into())
}

pub(super) fn form(parameters: Vec<Parameter>) -> Scheduler {
    let user_name = ParameterKind::UserName { size: 30, need_email: true };
    let force = Force {
        label: "force".into(),
        button_name: "force".into(),
        reason_string: None,
        ask_priority: false,
        ask_patch: false,
        reason: Parameter { default: "force build".into(), ..text("reason") },
        username: field("username", user_name, "".into()),
        branch: text("branch"),
        revision: text("revision"),
        repository: text("repository"),
        project: text("project"),
        parameters,
    };
    scheduler("force", SchedulerKind::Force(Box::new(force)))
}

fn all_kinds() -> Vec<Parameter> {
    let choice = |multiple| ParameterKind::Choice {
        choices: vec!["-O0".into(), "-O2".into()],
        strict: true,
        multiple,
    };
    vec![
        Parameter { required: true, ..text("needed") },
        Parameter { regex: Some(Pattern::new("v[0-9]+$").unwrap()), ..text("version") },
        Parameter { max_size: Some(3), ..field("note", ParameterKind::Text { cols: 9, rows: 9 }, "".into()) },
        field("count", ParameterKind::Int { size: 3 }, 1.into()),
        field("clean", ParameterKind::Bool, false.into()),
        field("level", choice(false), "-O2".into()),
        field("levels", choice(true), json!([])),
        field("site", ParameterKind::Fixed, "here".into()),
    ]
}

fn request(fields: Value) -> ForceRequest {
    let Value::Object(fields) = fields else { panic!("{fields}") };
    ForceRequest { fields: fields.into_iter().collect(), ..ForceRequest::default() }
}

fn told(config: &Config, request: &ForceRequest) -> String {
    let (scheduler, form) = find(config, &request.scheduler).unwrap();
    match buildset(config, scheduler, form, request) {
        Err(refused) => refused.lines().join("\n") + "\n",
        Ok(new) => {
            let mut told = format!("{}: {}\n", new.builders.join(" "), new.reason);
            for stamp in new.source_stamps {
                let (branch, revision) = (stamp.branch, stamp.revision);
                told += &format!("at {:?} {:?} {branch:?} {revision:?}\n", stamp.codebase, stamp.repository);
            }
            for (name, property) in new.properties.iter() {
                told += &format!("{name} = {} ({})\n", property.value, property.source);
            }
            told
        }
    }
}

fn with(parameters: Vec<Parameter>) -> Config {
    Config { schedulers: vec![form(parameters)], ..Config::empty() }
}

#[test]
fn an_empty_form_is_its_defaults() {
    let check =
        |request: ForceRequest, expected: Expect| expected.assert_eq(&told(&with(Vec::new()), &request));
    check(
        request(json!({})),
        expect![[r#"
            one two: forced: force build
            at "" "" None None
            owner = "" (Force Build Form)
            reason = "force build" (Force Build Form)
            scheduler = "force" (Scheduler)
        "#]],
    );
    check(
        ForceRequest {
            builders: vec!["two".into()],
            owner: "alice".into(),
            ..request(json!({"branch": "main", "revision": "abc", "reason": "", "username": "x"}))
        },
        expect![[r#"
            two: forced by alice
            at "" "" Some("main") Some("abc")
            owner = "alice" (Force Build Form)
            reason = "" (Force Build Form)
            scheduler = "force" (Scheduler)
        "#]],
    );
}

#[test]
fn every_kind_of_field_is_read_from_texts_lists_and_json() {
    let check = |fields: Value, expected: Expect| {
        let told = told(&with(all_kinds()), &request(fields));
        let own = told.lines().filter(|line| line.contains(" = "));
        let own =
            own.filter(|line| !["owner", "reason", "scheduler"].iter().any(|name| line.starts_with(name)));
        expected.assert_eq(
            &own.map(|line| format!("{}\n", line.split(" (").next().unwrap())).collect::<String>(),
        );
    };
    check(
        json!({"needed": "x", "version": "v12", "note": "äöü", "count": " -7 ", "clean": ["false", "true"],
               "level": ["-O0"], "levels": ["-O0", "-O2"], "site": "there"}),
        expect![[r#"
            clean = true
            count = -7
            level = "-O0"
            levels = ["-O0","-O2"]
            needed = "x"
            note = "äöü"
            site = "here"
            version = "v12"
        "#]],
    );
    check(
        json!({"needed": 3, "version": "v1", "count": 5, "clean": true, "levels": "-O0"}),
        expect![[r#"
            clean = true
            count = 5
            level = "-O2"
            levels = ["-O0"]
            needed = "3"
            note = ""
            site = "here"
            version = "v1"
        "#]],
    );
}

#[test]
fn all_that_is_wrong_is_told_by_field() {
    let wrong = ForceRequest {
        builders: vec!["one".into(), "three".into()],
        ..request(json!({
            "username": "alice", "branch": "--upload-pack=x", "revision": "a;b", "project": "a\0", "version": "12", "note": "long",
            "count": "many", "clean": "perhaps", "level": "-O9", "levels": ["-O0", "-O9"], "surplus": "",
        }))
    };
    expect![[r#"
        branch: it must not begin with '-'
        builders: "three" is none of this scheduler's: one, two
        clean: "perhaps" is neither true nor false
        count: "many" is not a whole number
        level: "-O9" is none of: -O0, -O2
        levels: "-O9" is none of: -O0, -O2
        needed: it is required
        note: it has 4 characters, 3 at most
        project: it must not hold '\0'
        revision: it must not hold ';'
        surplus: the form has no such field
        username: it must be a name and a mail address: Name <address>
        version: it does not match /v[0-9]+$/
    "#]]
    .assert_eq(&told(&with(all_kinds()), &wrong));
}

#[test]
fn each_codebase_gets_its_source_stamp() {
    let codebase = |name: &str, repository: &str, branch: &str| Codebase {
        name: name.into(),
        repository: repository.into(),
        branch: Some(branch.into()),
    };
    let codebases = vec![
        codebase("app", "git:app", "main"),
        codebase("lib", "git:lib", "trunk"),
        codebase("app", "mirror", "m"),
    ];
    let config = Config { codebases, ..with(Vec::new()) };
    let check = |fields: Value, expected: Expect| {
        let told = told(&config, &request(fields));
        let stamps = told.lines().filter(|line| line.starts_with("at "));
        expected.assert_eq(&stamps.map(|line| format!("{line}\n")).collect::<String>());
    };
    check(
        json!({}),
        expect![[r#"
            at "app" "git:app" Some("main") None
            at "lib" "git:lib" Some("trunk") None
        "#]],
    );
    check(
        json!({"repository": "git:lib", "branch": "x", "revision": "r"}),
        expect![[r#"
            at "app" "git:app" Some("main") None
            at "lib" "git:lib" Some("x") Some("r")
        "#]],
    );
    check(
        json!({"repository": "elsewhere", "branch": "x"}),
        expect![[r#"
            at "" "elsewhere" Some("x") None
        "#]],
    );
}

/// The groups that a form can have.
fn groups() -> Vec<Parameter> {
    let group = |name: &str, fields| {
        field(name, ParameterKind::Nested { layout: Layout::Tabs, columns: 2, fields }, "".into())
    };
    vec![
        group(
            "opts",
            vec![text("depth"), group("deep", vec![field("n", ParameterKind::Int { size: 3 }, 1.into())])],
        ),
        group("", vec![text("flat")]),
        field("extra", ParameterKind::AnyProperty, "".into()),
        Parameter { max_size: Some(4), ..field("data", ParameterKind::File, "".into()) },
        field("on", ParameterKind::WorkerChoice, "".into()),
    ]
}

#[test]
fn groups_are_maps_and_what_is_wrong_stands_at_the_field_inside() {
    let check = |fields: Value, expected: Expect| {
        let told = told(&with(groups()), &request(fields));
        let standard = ["owner", "reason", "scheduler", "one two", "at "];
        let own = told.lines().filter(|line| !standard.iter().any(|name| line.starts_with(name)));
        expected.assert_eq(&own.map(|line| format!("{line}\n")).collect::<String>());
    };
    check(
        json!({"opts_depth": "x", "opts_deep_n": "5", "flat": "y", "extra_name": "a.b", "extra_value": "c", "data": "äö"}),
        expect![[r#"
            a.b = "c" (Force Build Form)
            data = "äö" (Force Build Form)
            flat = "y" (Force Build Form)
            on = "" (Force Build Form)
            opts = {"deep":{"n":5},"depth":"x"} (Force Build Form)
        "#]],
    );
    check(
        json!({"opts_deep_n": "x", "opts": "x", "extra_value": "c", "data": "äöü", "on": "nobody"}),
        expect![[r#"
            data: it has 6 bytes, 4 at most
            extra_name: a value needs a name
            on: "nobody" is none of: 
            opts: the form has no such field
            opts_deep_n: "x" is not a whole number
        "#]],
    );
    check(
        json!({"extra_name": "flat"}),
        expect![[r#"
            extra_name: the form has a field of this name
        "#]],
    );
    check(
        json!({"extra_name": "a b"}),
        expect![[r#"
        extra_name: it must not hold ' '
    "#]],
    );
}

#[test]
fn a_scheduler_with_codebases_of_its_own_has_fields_for_each() {
    let codebase = |name: &str, branch: Option<&str>| Codebase {
        name: name.into(),
        repository: format!("git:{name}"),
        branch: branch.map(str::to_owned),
    };
    let mut scheduler = form(Vec::new());
    scheduler.codebases = Some(vec![codebase("app", Some("main")), codebase("lib", None)]);
    let SchedulerKind::Force(force) = &mut scheduler.kind else { unreachable!("a form") };
    (force.ask_patch, force.ask_priority) = (true, true);
    force.reason_string = Some("%(reason)s, says %(owner)s".into());
    let config = Config { schedulers: vec![scheduler], ..Config::empty() };
    let (scheduler, force) = find(&config, "").unwrap();
    let made = |fields: Value| buildset(&config, scheduler, force, &request(fields));
    let set = made(json!({
        "lib_branch": "next", "lib_patch_body": "--- a\n", "lib_patch_level": "0", "priority": "7",
        "username": "%(reason)s <a@b.org>", "reason": "because",
    }))
    .unwrap();
    assert_eq!((set.priority, set.reason.as_str()), (7, "because, says %(reason)s <a@b.org>"));
    let [app, lib] = set.source_stamps.as_slice() else { panic!("{:?}", set.source_stamps) };
    assert_eq!(
        (app.branch.as_deref(), app.repository.as_str(), &app.patch),
        (Some("main"), "git:app", &None)
    );
    let patch = lib.patch.as_ref().unwrap();
    assert_eq!((lib.codebase.as_str(), lib.branch.as_deref()), ("lib", Some("next")));
    assert_eq!((patch.level, patch.body.as_str()), (0, "--- a\n"));
    let refused = made(json!({
        "branch": "x", "app_revision": "-x", "app_patch_level": "-1", "lib_patch_level": "many",
        "lib_patch_subdir": "a/../..", "priority": "high",
    }));
    expect![[r#"
        app_patch_level: it must not be negative
        app_revision: it must not begin with '-'
        branch: the form has no such field
        lib_patch_level: "many" is not a whole number
        lib_patch_subdir: it must be below the checkout
        priority: "high" is not a whole number"#]]
    .assert_eq(&refused.unwrap_err().lines().join("\n"));
}

#[test]
fn the_scheduler_is_found_by_its_name_or_because_it_is_the_only_one() {
    let named = |name: &str| Scheduler { name: name.into(), ..form(Vec::new()) };
    let other = scheduler("main", SchedulerKind::SingleBranch(following(&[], 0)));
    let check = |schedulers: Vec<Scheduler>, name: &str, expected: &str| {
        let config = Config { schedulers, ..Config::empty() };
        let found = find(&config, name).map(|(found, _)| found.name.clone());
        assert_eq!(found.unwrap_or_else(|refused| refused.to_string()), expected);
    };
    check(vec![other.clone(), named("a")], "", "a");
    check(vec![named("a"), named("b")], "b", "b");
    check(vec![named("a"), named("b")], "", "scheduler: say which: a, b");
    check(
        vec![other.clone(), named("a")],
        "main",
        r#"scheduler: there is no force scheduler "main"; there are: a"#,
    );
    check(vec![other], "", "scheduler: there is no force scheduler");
}
