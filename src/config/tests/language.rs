//! YAML, keys and types, and several files as one.

use super::{BASE, check, check_added, check_step, check_texts, loaded};
use crate::config::{load, load_text, load_texts};
use expect_test::expect;
use proptest::prelude::*;

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
        "title: a\n---\ntitle: b\n",
        expect![[r#"
        m.yaml:1:1: deserializing from YAML containing more than one document is not supported
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
            m.yaml:2:1: zzz: unknown key `zzz`; known: builders, caches, change_sources, codebases, collapse_requests, control, database, debug, locks, metrics, msgpack, old_build_cancellers, pb, properties, reporters, retention, schedulers, secrets, state_dir, status, step_lists, timezone, title, url, user_managers, vars, workers, www
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
            m.yaml:4:44: builders[0].steps[0]: it is not said what this step does; give it a `type`: shell, compile, test, shell_sequence, http, assert, log, master_shell, git, hg, svn, set_property, set_properties, set_property_from_command, set_properties_from_env, file_upload, directory_upload, multiple_file_upload, file_download, string_download, json_string_download, json_properties_download, trigger, make_directory, remove_directory, copy_directory, remove_file, file_exists
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
            m.yaml:12:39: workers[1].type: it must be one of remote, local, docker, command, not "remtoe"; did you mean `remote`?
            m.yaml:12:48: workers[2]: it must be a mapping, not a list
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

#[test]
fn keys_that_went_elsewhere_are_told_where() {
    check_added(
        "slavePortnum: 9989\nbuildbotURL: http://x/\nlogHorizon: 3",
        expect![[r#"
        m.yaml:1:1: slavePortnum: unknown key `slavePortnum`; write `pb.listen`
        m.yaml:3:1: logHorizon: unknown key `logHorizon`; write `retention.logs`
    "#]],
    );
}

#[test]
fn complaints_without_number_are_counted() {
    let workers: Vec<String> = (0..150).map(|number| format!("{{name: {number}}}")).collect();
    let text = BASE.replace("[{name: w1", &format!("[{}, {{name: w1", workers.join(", ")));
    let complaints = load_text("m.yaml", &text).unwrap_err();
    assert_eq!(complaints.len(), 101);
    assert!(complaints[100].message.ends_with("there are 200 more like these"), "{}", complaints[100]);
}

proptest! {
    #[test]
    fn whatever_stands_in_a_file_is_loaded_or_refused_with_its_place(
        at in 0usize..3000, gone in 0usize..8, come in "[-\\[\\]{}:,*&!|>'\"%#?a0 \n\t~<]{0,4}",
    ) {
        let example: Vec<char> = include_str!("../../../conf/simple.yaml").chars().collect();
        let (at, on) = (at.min(example.len()), (at + gone).min(example.len()));
        let text: String = example[..at].iter().copied().chain(come.chars()).chain(example[on..].iter().copied()).collect();
        for complaint in load_text("m.yaml", &text).err().unwrap_or_default() {
            prop_assert!(complaint.line > 0 && complaint.column > 0, "{}", complaint);
            prop_assert!(complaint.line <= text.lines().count() + 1, "{}", complaint);
        }
    }
}
