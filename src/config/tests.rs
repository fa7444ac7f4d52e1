//! The language from the outside: a text, and what comes of it.

use super::{Config, load, load_text, load_texts};
use expect_test::{Expect, expect};
use std::path::Path;

/// A configuration with nothing to complain about, to which a test adds.
const BASE: &str = "
workers: [{name: w1, type: local, properties: {os: debian}}, {name: w2, type: local}]
schedulers: [{type: force, name: force, builders: '*'}]
builders: [{name: b1, workers: w1, steps: [shell: make]}]
";

fn loaded(text: &str) -> Config {
    load_text("m.yaml", text).unwrap_or_else(|complaints| panic!("{complaints:#?}")).config
}

/// Complaints, or else warnings, one a line.
fn check_texts(texts: &[(&str, &str)], expected: Expect) {
    let told = match load_texts(texts) {
        Ok(loaded) => {
            loaded.warnings.iter().map(|warning| format!("warning: {warning}\n")).collect::<String>()
                + "loaded\n"
        }
        Err(complaints) => complaints.iter().map(|complaint| format!("{complaint}\n")).collect(),
    };
    expected.assert_eq(&told);
}

fn check(text: &str, expected: Expect) {
    check_texts(&[("m.yaml", text)], expected);
}

/// What is said of a text beside one that is right: `conf.d`, so to speak.
fn check_added(text: &str, expected: Expect) {
    check_texts(&[("base.yaml", BASE), ("m.yaml", text)], expected);
}

/// What is said of one step.
fn check_step(step: &str, expected: Expect) {
    check(&BASE.replace("shell: make", step), expected);
}

#[test]
fn every_example_loads() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("conf");
    let mut count = 0;
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "yaml") {
            let loaded = load(&path).unwrap_or_else(|complaints| panic!("{complaints:#?}"));
            assert_eq!(loaded.warnings, [], "{}", path.display());
            count += 1;
        }
    }
    assert!(count > 0);
}

#[test]
fn an_empty_file_lacks_what_is_needed() {
    check(
        "",
        expect![[r#"
        m.yaml:1:1: there is no builder; add one to `builders`
        m.yaml:1:1: there is no worker; add one to `workers`; `type: local` needs no set-up
    "#]],
    );
    check(
        "[1, 2]",
        expect![[r#"
        m.yaml:1:1: it must be a mapping, not a list
    "#]],
    );
}

#[test]
fn wrong_yaml_is_told_with_its_place() {
    check(
        "title: [a, b\nurl: x\n",
        expect![[r#"
        m.yaml:2:4: did not find expected ',' or ']'
    "#]],
    );
    check(
        "title: a\n  b: c\n",
        expect![[r#"
        m.yaml:2:4: mapping values are not allowed in this context
    "#]],
    );
    check(
        "title: a\ntitle: b\n",
        expect![[r#"
            m.yaml:2:1: title: this key is given before, in m.yaml:1; keep one of the two
        "#]],
    );
    check(
        "title: !python/object x\n",
        expect![[r#"
            m.yaml:1:8: title: a tag such as `!this` has no meaning here
        "#]],
    );
    check(
        "title: *nobody\n",
        expect![[r#"
        m.yaml:1:8: unknown anchor
    "#]],
    );
}

#[test]
fn unknown_keys_are_told_with_the_nearest_known_one() {
    check_added(
        "titel: x\nzzz: 1\nwww: {lisen: 8010}",
        expect![[r#"
            m.yaml:1:1: titel: unknown key `titel`; did you mean `title`?
            m.yaml:2:1: zzz: unknown key `zzz`; known: builders, caches, change_sources, codebases, collapse_requests, control, database, metrics, pb, properties, retention, schedulers, secrets, state_dir, step_lists, timezone, title, url, vars, workers, www
            m.yaml:3:6: www: `listen` is missing
            m.yaml:3:7: www.lisen: unknown key `lisen`; did you mean `listen`?
        "#]],
    );
    check_step(
        "{shell: make, halt_on_failur: true}",
        expect![[r#"
        m.yaml:4:58: builders[0].steps[0].halt_on_failur: unknown key `halt_on_failur`; did you mean `halt_on_failure`?
    "#]],
    );
    check_step(
        "{shel: make}",
        expect![[r#"
        m.yaml:4:45: builders[0].steps[0].shel: unknown key `shel`; did you mean `shell`?
    "#]],
    );
    check_step(
        "{type: shelf, command: make}",
        expect![[r#"
        m.yaml:4:51: builders[0].steps[0].type: unknown type "shelf" of step; did you mean `shell`?
    "#]],
    );
    check_step(
        "{name: x}",
        expect![[r#"
        m.yaml:4:44: builders[0].steps[0]: it is not said what this step does; give it a `type`: shell, git, set_property
    "#]],
    );
}

#[test]
fn wrong_types_are_told_all_at_once() {
    check_added(
        "title: 12\nurl: ci.example.org\ntimezone: Europe/Bärlin\npb: {listen: [x, 99999], keepalive: soon}
www: 8010\nmetrics: {prometheus: yes}\ncaches: {builds: -1}\nstate_dir: here\ndatabase: {url: mysql://x}
codebases: 3\nproperties: [a]\nworkers: [{name: w3}, {name: 5, type: remtoe}, [w4]]",
        expect![[r#"
            m.yaml:1:8: title: it must be text, not `12`; put it in quotes
            m.yaml:2:6: url: "ci.example.org" is not an address of the web; begin it with `https://`
            m.yaml:3:11: timezone: no time zone is called "Europe/Bärlin"; write one like `Europe/Berlin`
            m.yaml:4:15: pb.listen[0]: it must be an address to listen on, not "x"; write `0.0.0.0:9989`, `127.0.0.1:8010`, `[::]:9989`, or a port
            m.yaml:4:18: pb.listen[1]: it must be an address to listen on, not `99999`; write `0.0.0.0:9989`, `127.0.0.1:8010`, `[::]:9989`, or a port
            m.yaml:4:37: pb.keepalive: it must be a duration, not "soon"; write `90s`, `10m`, `1h30m`, or plain seconds
            m.yaml:5:6: www: it must be a mapping, not a number
            m.yaml:6:23: metrics.prometheus: it must be true or false, not "yes"
            m.yaml:7:18: caches.builds: it must be zero or more, not `-1`
            m.yaml:8:12: state_dir: it must be an absolute path, not "here"; begin it with `/`
            m.yaml:9:17: database.url: it is not the address of a database; write `sqlite:///PATH` or `postgresql://USER@HOST/NAME`
            m.yaml:10:12: codebases: it must be a list, not `3`
            m.yaml:11:13: properties: it must be a mapping, not a list
            m.yaml:12:11: workers[0]: `password` is missing
            m.yaml:12:18: workers[0].name: it has no port to connect to; add `pb: {listen: 0.0.0.0:9989}`
            m.yaml:12:30: workers[1].name: it must be text, not `5`; put it in quotes
            m.yaml:12:39: workers[1].type: it must be one of remote, local, not "remtoe"; did you mean `remote`?
            m.yaml:12:48: workers[2]: it must be a mapping, not a list
        "#]],
    );
}

#[test]
fn names_must_be_unique() {
    check_added(
        "workers: [{name: w1, type: local}, {name: debug, type: local}]
schedulers: [{type: force, name: force, builders: b1}]
builders:
- {name: b1, workers: w1, steps: []}
- {name: b.1, build_dir: b1, workers: w1, steps: []}
- {name: _b, workers: [w1, w1], build_dir: ../b, steps: []}
change_sources: [{type: pb, user: w2, password: {secret: x}}, {type: git_poller, name: 'pb:w2', repository: r}]",
        expect![[r#"
            m.yaml:1:18: workers[0].name: another worker is called "w1", in base.yaml:2; names must be unique
            m.yaml:1:43: workers[1].name: the name "debug" is reserved; call the worker something else
            m.yaml:2:34: schedulers[0].name: another scheduler is called "force", in base.yaml:3; names must be unique
            m.yaml:4:10: builders[0].name: another builder is called "b1", in base.yaml:4; names must be unique
            m.yaml:5:26: builders[1].build_dir: it builds in "b1", and so does "b1"; set `build_dir`
            m.yaml:6:10: builders[2].name: a builder's name may not begin with `_`
            m.yaml:6:28: builders[2].workers[1]: the worker "w1" stands here twice
            m.yaml:6:44: builders[2].build_dir: "../b" may lie outside of the worker's directory; write a plain name
            m.yaml:7:18: change_sources[0]: a worker logs in as "w2" too; give them different names
            m.yaml:7:18: change_sources[0]: it has no port to connect to; add `pb: {listen: 0.0.0.0:9989}`
            m.yaml:7:88: change_sources[1].name: another change source is called "pb:w2", in m.yaml:7; names must be unique
        "#]],
    );
}

#[test]
fn names_must_be_those_of_something() {
    check_added(
        "schedulers: [{type: any_branch, name: s, builders: [b2, 'x-*']}]
builders:
- {name: lonely, workers: [w3], steps: [use: checkuot]}
- {name: never, workers: {match: os == 'plan9'}, steps: []}
- {name: wrong, workers: {match: so == 'debian'}, steps: []}
step_lists: {checkout: [shell: x]}",
        expect![[r#"
            m.yaml:1:53: schedulers[0].builders[0]: no builder is called "b2"; did you mean `b1`?
            m.yaml:1:57: schedulers[0].builders[1]: no builder has a name like "x-*"; known: b1, lonely, never, wrong
            m.yaml:3:28: builders[0].workers[0]: no worker is called "w3"; did you mean `w1`?
            m.yaml:3:46: builders[0].steps[0].use: no step list is called "checkuot"; did you mean `checkout`?
            m.yaml:4:34: builders[1].workers.match: it has no worker
            m.yaml:5:34: builders[2].workers.match: wrong condition: "so" is not known here; known: name, os
        "#]],
    );
}

#[test]
fn a_builder_that_no_scheduler_asks_is_an_error() {
    check(
        &BASE
            .replace("'*'", "b1")
            .replace("builders: [{", "builders: [{name: b2, workers: w1, steps: []}, {"),
        expect![[r#"
            m.yaml:4:19: builders[0].name: no scheduler asks the builder "b2"; name it in the `builders` of one; `type: force` lets people start it
        "#]],
    );
}

#[test]
fn schedulers_are_checked() {
    check_added(
        "schedulers:
- {type: single_branch, name: a, builders: b1}
- {type: single_branch, name: b, builders: b1, branch: null}
- {type: single_branch, name: c, builders: b1, branch: x, change_filter: {}}
- {type: any_branch, name: d, builders: b1, tree_stable_timer: 1 minute, change_filter: {branch: {match: 'a(b'}}}
- {type: any_branch, name: e, builders: b1, file_is_important: pth == 'x', only_important: maybe}
- {type: any_branch, name: f, builders: b1, file_is_important: path ==}
- {type: nightly, name: g, builders: b1}
- {type: any_branch, name: h, builders: b1, change_filter: {branch: a, branches: [b], authors: c}}",
        expect![[r#"
            m.yaml:2:3: schedulers[0]: `change_filter` is missing
            m.yaml:4:56: schedulers[2].branch: `change_filter` is given too; put the branch into the filter
            m.yaml:5:64: schedulers[3].tree_stable_timer: it must be a duration, not "1 minute"; write `90s`, `10m`, `1h30m`, or plain seconds
            m.yaml:5:106: schedulers[3].change_filter.branch.match: wrong regular expression: unclosed group
            m.yaml:6:64: schedulers[4].file_is_important: wrong condition: "pth" is not known here; known: author, branch, category, codebase, comments, committer, files, path, project, property, repository, revision
            m.yaml:6:92: schedulers[4].only_important: it must be true or false, not "maybe"
            m.yaml:7:64: schedulers[5].file_is_important: wrong condition: unexpected end of input, expected expression
            m.yaml:8:10: schedulers[6].type: unknown type "nightly" of scheduler; known: any_branch, force, single_branch
            m.yaml:9:82: schedulers[7].change_filter.branches: `branch` is given too; keep one of the two
            m.yaml:9:87: schedulers[7].change_filter.authors: unknown key `authors`; known: branch, branches, categories, category, codebase, codebases, project, projects, repositories, repository
        "#]],
    );
}

#[test]
fn force_forms_are_checked() {
    check_added(
        "schedulers:
- type: force
  name: f2
  builders: b1
  branch: main
  reason: {default: 5}
  parameters:
  - {name: a, type: choice, choices: [x, y], default: z}
  - {name: a, type: int, default: one}
  - {name: branch, type: strnig}
  - {name: project}",
        expect![[r#"
            m.yaml:6:21: schedulers[0].reason.default: it must be text, not `5`; put it in quotes
            m.yaml:8:55: schedulers[0].parameters[0].default: the default "z" is none of the choices; add it to them, or say `strict: false`
            m.yaml:9:35: schedulers[0].parameters[1].default: it must be a whole number, not "one"
            m.yaml:10:26: schedulers[0].parameters[2].type: it must be one of string, text, int, bool, choice, fixed, user_name, not "strnig"; did you mean `string`?
            m.yaml:11:5: schedulers[0].parameters[3]: the form has another field `project`; names must be unique
        "#]],
    );
}

#[test]
fn steps_are_checked() {
    check_step(
        "{shell: [], timeout: null, interrupt_signal: kill, decode_rc: {x: success, 1: fine}}",
        expect![[r#"
            m.yaml:4:52: builders[0].steps[0].shell: the command is empty
            m.yaml:4:89: builders[0].steps[0].interrupt_signal: it must be one of KILL, TERM, INT, HUP, QUIT, USR1, USR2, not "kill"
            m.yaml:4:107: builders[0].steps[0].decode_rc.x: `x` is not an exit code
            m.yaml:4:122: builders[0].steps[0].decode_rc.1: it must be one of success, warnings, failure, skipped, exception, retry, cancelled, not "fine"
        "#]],
    );
    check_step(
        "{shell: 'echo %(branch)s', env: {A: 1, B: [x, y], C: null, D: 1.5}}",
        expect![[r#"
        m.yaml:4:52: builders[0].steps[0].shell: wrong text to fill in: `%(branch)s` does not say of what; write `%(prop:branch)s` for a property
        m.yaml:4:106: builders[0].steps[0].env.D: it must be text, not `1.5`; put it in quotes
    "#]],
    );
    check_step(
        "{shell: make, do_step_if: brunch == 'x', hide_step_if: result == 'success'}",
        expect![[r#"
        m.yaml:4:70: builders[0].steps[0].do_step_if: wrong condition: "brunch" is not known here; known: branch, builder, codebase, files, number, project, property, reason, repository, results, revision, worker
    "#]],
    );
    check_step(
        "{git: r, method: fresh, retry: {delay: 3}, shallow: maybe}",
        expect![[r#"
        m.yaml:4:61: builders[0].steps[0].method: a method belongs to `mode: full`; say that, or leave the method out
        m.yaml:4:75: builders[0].steps[0].retry: `count` is missing
        m.yaml:4:96: builders[0].steps[0].shallow: it must be a whole number, not "maybe"
    "#]],
    );
    check_step(
        "{set_property: x}",
        expect![[r#"
        m.yaml:4:44: builders[0].steps[0]: it must have either `value` or `command`
    "#]],
    );
    check_step(
        "{set_property: x, value: {a: ['%(nope)s']}}",
        expect![[r#"
        m.yaml:4:74: builders[0].steps[0].value.a[0]: wrong text to fill in: `%(nope)s` does not say of what; write `%(prop:nope)s` for a property
    "#]],
    );
    check_step(
        "{set_property: x, command: uname, strip: false, log_environ: false}",
        expect![[r#"
        loaded
    "#]],
    );
}

#[test]
fn old_spellings_are_understood_with_a_warning() {
    check(
        "slaves: [{name: w1, type: local}]
schedulers: [{type: force, name: force, builderNames: [b1]}]
builders: [{name: b1, slavenames: [w1], category: x, mergeRequests: false, steps: [{shell: make, haltOnFailure: true}]}]",
        expect![[r#"
            warning: m.yaml:1:1: slaves: `slaves` is an old spelling; write `workers`
            warning: m.yaml:2:41: schedulers[0].builderNames: `builderNames` is an old spelling; write `builders`
            warning: m.yaml:3:23: builders[0].slavenames: `slavenames` is an old spelling; write `workers`
            warning: m.yaml:3:41: builders[0].category: `category` is an old spelling; write `tags`
            warning: m.yaml:3:54: builders[0].mergeRequests: `mergeRequests` is an old spelling; write `collapse_requests`
            warning: m.yaml:3:98: builders[0].steps[0].haltOnFailure: `haltOnFailure` is an old spelling; write `halt_on_failure`
            loaded
        "#]],
    );
    check_step(
        "{shell: make, use_pty: true, usePTY: true}",
        expect![[r#"
        m.yaml:4:73: builders[0].steps[0].usePTY: `usePTY` says the same as `use_pty`, which is given too; keep one of the two
    "#]],
    );
}

#[test]
fn secrets_in_the_file_are_warned_of() {
    check_added(
        "pb: {listen: 9989}\nworkers: [{name: r, password: hunter2}]\nsecrets: [{type: vault}, {type: file, name: x}]",
        expect![[r#"
            m.yaml:3:18: secrets[0].type: unknown type "vault"; known: directory, file, systemd_credentials
            m.yaml:3:26: secrets[1]: `path` is missing
        "#]],
    );
    check_added(
        "pb: {listen: 9989}\nworkers: [{name: r, password: hunter2}]",
        expect![[r#"
        warning: m.yaml:2:31: workers[0].password: a secret stands in the file; keep it with a provider of `secrets` and write `{secret: NAME}`
        loaded
    "#]],
    );
}

#[test]
fn remote_workers_need_a_port() {
    check_added(
        "workers: [{name: r, password: {secret: r}}]",
        expect![[r#"
        m.yaml:1:18: workers[0].name: it has no port to connect to; add `pb: {listen: 0.0.0.0:9989}`
    "#]],
    );
    check_added(
        "pb: {listen: 127.0.0.1:1}\nwww: {listen: 127.0.0.1:1}",
        expect![[r#"
        base.yaml:2:1: `pb` and `www` both listen on 127.0.0.1:1; give them different ports
    "#]],
    );
}

#[test]
fn several_files_are_one() {
    let texts = [
        ("a.yaml", BASE),
        ("b.yaml", "title: B\ncaches: {builds: 3}\nworkers: [{name: w3, type: local}]"),
        ("c.yaml", "caches: {changes: 4}\ntitle:\n"),
    ];
    let config = load_texts(&texts).unwrap().config;
    assert_eq!(config.title, "B");
    assert_eq!(config.workers.len(), 3);
    assert_eq!(
        (config.caches.size("builds"), config.caches.size("changes"), config.caches.size("x")),
        (3, 4, 1)
    );

    check_added(
        "caches: {builds: 3}\nworkers: none",
        expect![[r#"
        m.yaml:2:10: workers: it is set in base.yaml:2 too; only lists and mappings can be spread over files: keep one of the two
    "#]],
    );
    check_texts(
        &[("a.yaml", "title: A"), ("b.yaml", BASE), ("c.yaml", "url: x:\ntitle: C")],
        expect![[r#"
        c.yaml:1:7: mapping values are not allowed in this context
    "#]],
    );
}

#[test]
fn a_directory_is_loaded_in_the_order_of_its_names() {
    let directory = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(directory.path().join(name), text).unwrap();
    std::fs::create_dir(directory.path().join("conf.d")).unwrap();
    write("master.yaml", BASE);
    write("conf.d/20.yaml", "workers: [{name: w20, type: local}]");
    write("conf.d/10.yaml", "workers: [{name: w10, type: local}]");
    write("conf.d/30.yaml.bak", "no: yaml: at: all");
    let config = load(&directory.path().join("master.yaml")).unwrap().config;
    let names: Vec<&str> = config.workers.iter().map(|worker| worker.name.as_str()).collect();
    assert_eq!(names, ["w1", "w2", "w10", "w20"]);

    let missing = load(&directory.path().join("none.yaml")).unwrap_err();
    assert!(
        missing[0]
            .to_string()
            .ends_with("none.yaml: it cannot be read: No such file or directory (os error 2)")
    );
}

#[test]
fn matrices_make_builders() {
    let text = "
vars: {prefix: test, versions: ['3.11', '3.12']}
workers: [{name: w1, type: local, properties: {os: debian}}, {name: w2, type: local}]
schedulers: [{type: force, name: force, builders: '{{ prefix }}-*'}]
step_lists:
  checkout: [{shell: 'git clone {{ os }}'}]
builders:
- name: '{{ prefix }}-{{ os }}-{{ py }}'
  matrix:
    os: [debian, plan9]
    py: '{{ versions }}'
    exclude: [{os: debian, py: '3.11'}]
    include: [{os: vms, py: '2'}]
  workers: [w1]
  steps: [use: checkout, shell: \"python{{ py }} ${#x} {{ '{{.State}}' }}\"]
";
    let config = loaded(text);
    let told: String = config
        .builders
        .iter()
        .map(|builder| {
            format!(
                "{} {} {}\n",
                builder.name,
                builder.build_dir,
                serde_json::to_value(&builder.steps[1].kind).unwrap()["shell"]["command"]
            )
        })
        .collect();
    expect![[r#"
        test-debian-3.12 test-debian-3_12 "python3.12 ${#x} {{.State}}"
        test-plan9-3.11 test-plan9-3_11 "python3.11 ${#x} {{.State}}"
        test-plan9-3.12 test-plan9-3_12 "python3.12 ${#x} {{.State}}"
        test-vms-2 test-vms-2 "python2 ${#x} {{.State}}"
    "#]]
    .assert_eq(&told);
    assert_eq!(config.schedulers[0].builders.len(), config.builders.len());
}

#[test]
fn matrices_are_checked() {
    let with = |builder: &str| BASE.replace("builders: [{name: b1,", &format!("builders: [{{{builder},"));
    check(
        &with("name: 'b-{{ a }}', matrix: {a: [1, 2], b: [3, 4]}"),
        expect![[r#"
        m.yaml:4:19: builders[0].name: the matrix makes "b-1" twice; put all its values into the name
        m.yaml:4:19: builders[0].name: the matrix makes "b-2" twice; put all its values into the name
    "#]],
    );
    check(
        &with("name: 'b-{{ c }}', matrix: {a: [1, 2]}"),
        expect![[r#"
            m.yaml:4:19: builders[0].name: `{{ c }}` has no value (variables here: a); to have braces as they are, write {{ '{{' }} for them
            m.yaml:4:19: builders[0].name: the matrix makes "b-{{ c }}" twice; put all its values into the name
        "#]],
    );
    check(
        &with("name: 'b-{{ a }}', matrix: {a: 1, exclude: [{b: 2}]}"),
        expect![[r#"
            m.yaml:4:19: builders[0].name: `{{ a }}` has no value (variables here: none); to have braces as they are, write {{ '{{' }} for them
            m.yaml:4:44: builders[0].matrix.a: it must be a list of values, not a number
            m.yaml:4:58: builders[0].matrix.exclude[0].b: the matrix has no `b`; did you mean `a`?
        "#]],
    );
    check(
        &with("name: 'b-{{ a }}', matrix: {a: [1], exclude: [{a: 2}, {c: 1}, x]}"),
        expect![[r#"
        m.yaml:4:59: builders[0].matrix.exclude[0]: it excludes nothing; no combination of the matrix is like it
        m.yaml:4:68: builders[0].matrix.exclude[1].c: the matrix has no `c`; did you mean `a`?
        m.yaml:4:75: builders[0].matrix.exclude[2]: it must be a mapping, not text
    "#]],
    );
    check(
        &with("name: 'b-{{ a }', matrix: {}"),
        expect![[r#"
        m.yaml:2:1: there is no builder; add one to `builders`
        m.yaml:3:51: schedulers[0].builders: no builder has a name like "*"
        m.yaml:4:39: builders[0].matrix: it has no combination, so it makes no builder
    "#]],
    );
}

#[test]
fn step_lists_take_in_step_lists_but_not_themselves() {
    let text = "step_lists: {a: [use: b, shell: x], b: [use: a], c: [shell: y]}";
    check_texts(
        &[("l.yaml", text), ("m.yaml", &BASE.replace("shell: make", "use: a"))],
        expect![[r#"
        l.yaml:1:46: step_lists.b[0].use: the step list "a" takes in itself
    "#]],
    );
    check_texts(
        &[("m.yaml", &BASE.replace("shell: make", "{use: nothing, name: x}"))],
        expect![[r#"
        m.yaml:4:50: builders[0].steps[0].use: no step list is called "nothing"
        m.yaml:4:59: builders[0].steps[0].name: nothing can stand beside `use`; a step list is taken in as it is
    "#]],
    );
}

#[test]
fn anchors_and_merge_keys_work() {
    let text = BASE.replace("shell: make", "&s {shell: make, env: {A: b}}, {<<: *s, shell: test}, *s");
    let config = loaded(&text);
    assert_eq!(config.builders[0].steps.len(), 3);
    assert_eq!(config.builders[0].steps[0], config.builders[0].steps[2]);
    check(
        &BASE.replace("shell: make", "&s {shell: make, timeout: long}, *s"),
        expect![[r#"
        m.yaml:4:70: builders[0].steps[0].timeout: it must be a duration, not "long"; write `90s`, `10m`, `1h30m`, or plain seconds
        m.yaml:4:70: builders[0].steps[1].timeout: it must be a duration, not "long"; write `90s`, `10m`, `1h30m`, or plain seconds
    "#]],
    );
}

#[test]
fn a_complaint_shows_the_line() {
    let complaints = load_text("m.yaml", "title:\n\tx").unwrap_err();
    expect![[r#"
        m.yaml:2:1: found character that cannot start any token
          |
        2 | 	x
          | ^"#]]
    .assert_eq(&complaints[0].with_source_line());
    let complaints = load_text("m.yaml", &format!("{BASE}title: [1]\n")).unwrap_err();
    expect![[r#"
        m.yaml:5:8: title: it must be text, not a list
          |
        5 | title: [1]
          |        ^"#]]
    .assert_eq(&complaints[0].with_source_line());
    expect![[r#"{"file":"m.yaml","line":5,"column":8,"path":"title","message":"it must be text, not a list","hint":""}"#]].assert_eq(&serde_json::to_string(&complaints[0]).unwrap());
}
