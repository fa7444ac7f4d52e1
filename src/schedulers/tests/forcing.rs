//! A form to a buildset, or to what is wrong with it.

use super::{following, scheduler};
use crate::config::{Codebase, Config, Force, Parameter, ParameterKind, Pattern, Scheduler, SchedulerKind};
use crate::schedulers::ForceRequest;
use crate::schedulers::force::{buildset, scheduler as find};
use expect_test::{Expect, expect};
use serde_json::{Value, json};

fn field(name: &str, kind: ParameterKind, default: Value) -> Parameter {
    Parameter {
        name: name.into(),
        label: name.into(),
        tooltip: String::new(),
        kind,
        default,
        required: false,
        hide: false,
        regex: None,
        max_size: None,
    }
}

fn text(name: &str) -> Parameter {
    field(name, ParameterKind::String { size: 10 }, "".into())
}

pub(super) fn form(parameters: Vec<Parameter>) -> Scheduler {
    let user_name = ParameterKind::UserName { size: 30, need_email: true };
    let force = Force {
        label: "force".into(),
        button_name: "force".into(),
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
