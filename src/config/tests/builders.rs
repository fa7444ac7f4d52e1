//! Matrices, step lists and steps.

use super::{BASE, check, check_step, check_texts, loaded};
use expect_test::expect;

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
        "{git: r, method: fresh, retry: {delay: 3}, shallow: maybe, get_description: {tag: true, abbrev: x}}",
        expect![[r#"
            m.yaml:4:61: builders[0].steps[0].method: a method belongs to `mode: full`; say that, or leave the method out
            m.yaml:4:75: builders[0].steps[0].retry: `count` is missing
            m.yaml:4:96: builders[0].steps[0].shallow: it must be a whole number, not "maybe"
            m.yaml:4:121: builders[0].steps[0].get_description.tag: unknown key `tag`; did you mean `tags`?
            m.yaml:4:140: builders[0].steps[0].get_description.abbrev: it must be a whole number, not "x"
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
        &with("name: 'b-{{ a }', matrix: {a: [1]}"),
        expect![[r#"
        m.yaml:4:19: builders[0].name: `{{` is not closed; to have braces as they are, write {{ '{{' }} for them
    "#]],
    );
    check(
        &with("name: 'b-{{ a }}', matrix: {}"),
        expect![[r#"
            m.yaml:2:1: there is no builder; add one to `builders`
            m.yaml:4:40: builders[0].matrix: it has no combination, so it makes no builder
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
fn the_defaults_are_those_of_buildbot() {
    let steps = "shell: make, git: /r, {set_property: p, value: 1}, {set_property: p, command: date}";
    let config = loaded(&BASE.replace("shell: make", steps));
    let told: String =
        config.builders[0].steps.iter().map(|step| serde_json::to_string(step).unwrap() + "\n").collect();
    expect![[r#"
        {"name":"shell","description":null,"description_done":null,"halt_on_failure":false,"flunk_on_failure":true,"flunk_on_warnings":false,"warn_on_failure":false,"warn_on_warnings":false,"always_run":false,"do_step_if":null,"hide_step_if":null,"locks":[],"timeout":"20m","max_time":null,"shell":{"command":"make","workdir":null,"env":{},"sigterm_time":null,"interrupt_signal":"KILL","max_lines":null,"use_pty":false,"initial_stdin":null,"want_stdout":true,"want_stderr":true,"log_environ":true,"log_files":{},"lazy_log_files":false,"decode_rc":{"0":"success"}}}
        {"name":"git","description":null,"description_done":null,"halt_on_failure":true,"flunk_on_failure":true,"flunk_on_warnings":false,"warn_on_failure":false,"warn_on_warnings":false,"always_run":false,"do_step_if":null,"hide_step_if":null,"locks":[],"timeout":"20m","max_time":null,"git":{"repository":"/r","branch":null,"codebase":"","mode":"incremental","always_use_latest":false,"workdir":null,"env":{},"log_environ":true,"shallow":null,"submodules":false,"progress":true,"retry_fetch":false,"clobber_on_failure":false}}
        {"name":"set_property","description":null,"description_done":null,"halt_on_failure":false,"flunk_on_failure":true,"flunk_on_warnings":false,"warn_on_failure":false,"warn_on_warnings":false,"always_run":false,"do_step_if":null,"hide_step_if":null,"locks":[],"timeout":null,"max_time":null,"set_property":{"property":"p","from":{"value":1}}}
        {"name":"set_property","description":null,"description_done":null,"halt_on_failure":false,"flunk_on_failure":true,"flunk_on_warnings":false,"warn_on_failure":false,"warn_on_warnings":false,"always_run":false,"do_step_if":null,"hide_step_if":null,"locks":[],"timeout":"20m","max_time":null,"set_property":{"property":"p","from":{"output":{"shell":{"command":"date","workdir":null,"env":{},"sigterm_time":null,"interrupt_signal":"KILL","max_lines":null,"use_pty":false,"initial_stdin":null,"want_stdout":true,"want_stderr":true,"log_environ":true,"log_files":{},"lazy_log_files":false,"decode_rc":{"0":"success"}},"strip":true,"include_stdout":true,"include_stderr":false}}}}
    "#]].assert_eq(&told);
}

#[test]
fn everything_about_a_step_can_be_said() {
    let steps = "
- shell: [make, [-j, 4], '%(prop:target:-all)s']
  name: build-%(prop:x)s
  description: [building, '%(prop:x)s']
  description_done: built
  halt_on_failure: true
  flunk_on_failure: false
  flunk_on_warnings: true
  warn_on_failure: true
  warn_on_warnings: true
  always_run: true
  do_step_if: branch == 'main'
  hide_step_if: result == 'skipped'
  workdir: sub
  env: {A: b, C: 1, D: null, PATH: [/x, '${PATH}']}
  timeout: null
  max_time: 1h
  sigterm_time: 5
  interrupt_signal: TERM
  max_lines: 1000
  use_pty: true
  initial_stdin: hello
  want_stdout: false
  want_stderr: false
  log_environ: false
  log_files: {a: a.log, b: {filename: b.log, follow: true}}
  lazy_log_files: true
  decode_rc: {0: success, 77: skipped, -1: exception}
- git: /r
  branch: stable
  codebase: lib
  mode: full
  method: copy
  shallow: 3
  submodules: true
  progress: false
  always_use_latest: true
  retry_fetch: true
  clobber_on_failure: true
  retry: {count: 2, delay: 30s}
  workdir: src
  env: {GIT_TRACE: 1}
  timeout: 5m
  log_environ: false
  remote_submodules: true
  tags: true
  origin: upstream
  reference: /srv/mirror
  filters: blob:none
  config: {http.postBuffer: 1}
  get_description: {tags: true, long: false, abbrev: 8, match: [v*, r*]}
  gerrit: true
- hg: https://example.org/hg
  branch_type: dirname
  clobber_on_branch_change: false
- type: svn
  base_url: https://example.org/svn
  username: ada
  password: '%(secret:svn)s'
  mode: full
  method: export
  depth: files
  extra_args: [--ignore-externals]
  keep_on_purge: cache
  prefer_last_changed_rev: true
";
    let config = loaded(&BASE.replace(", steps: [shell: make]}]", "}]").replace(
        "builders: [{name: b1, workers: w1}]",
        &format!("builders:\n- name: b1\n  workers: w1\n  steps:{}", steps.replace('\n', "\n  ")),
    ));
    let told: String =
        config.builders[0].steps.iter().map(|step| serde_json::to_string(step).unwrap() + "\n").collect();
    expect![[r#"
        {"name":"build-%(prop:x)s","description":"building %(prop:x)s","description_done":"built","halt_on_failure":true,"flunk_on_failure":false,"flunk_on_warnings":true,"warn_on_failure":true,"warn_on_warnings":true,"always_run":true,"do_step_if":"branch == 'main'","hide_step_if":"result == 'skipped'","locks":[],"timeout":null,"max_time":"1h","shell":{"command":["make","-j","4","%(prop:target:-all)s"],"workdir":"sub","env":{"A":"b","C":"1","D":null,"PATH":["/x","${PATH}"]},"sigterm_time":"5s","interrupt_signal":"TERM","max_lines":1000,"use_pty":true,"initial_stdin":"hello","want_stdout":false,"want_stderr":false,"log_environ":false,"log_files":{"a":{"filename":"a.log","follow":false},"b":{"filename":"b.log","follow":true}},"lazy_log_files":true,"decode_rc":{"-1":"exception","0":"success","77":"skipped"}}}
        {"name":"git","description":null,"description_done":null,"halt_on_failure":true,"flunk_on_failure":true,"flunk_on_warnings":false,"warn_on_failure":false,"warn_on_warnings":false,"always_run":false,"do_step_if":null,"hide_step_if":null,"locks":[],"timeout":"5m","max_time":null,"retry":{"count":2,"delay":"30s"},"git":{"repository":"/r","branch":"stable","codebase":"lib","mode":{"full":"copy"},"always_use_latest":true,"workdir":"src","env":{"GIT_TRACE":"1"},"log_environ":false,"shallow":3,"submodules":true,"remote_submodules":true,"progress":false,"tags":true,"retry_fetch":true,"clobber_on_failure":true,"origin":"upstream","reference":"/srv/mirror","filters":["blob:none"],"config":{"http.postBuffer":"1"},"get_description":["--tags","--abbrev=8","--match=v*","--match=r*"],"gerrit":true}}
        {"name":"hg","description":null,"description_done":null,"halt_on_failure":true,"flunk_on_failure":true,"flunk_on_warnings":false,"warn_on_failure":false,"warn_on_warnings":false,"always_run":false,"do_step_if":null,"hide_step_if":null,"locks":[],"timeout":"20m","max_time":null,"hg":{"repository":"https://example.org/hg","branch":null,"codebase":"","mode":"incremental","always_use_latest":false,"workdir":null,"env":{},"log_environ":true,"branch_type":"dirname","clobber_on_branch_change":false}}
        {"name":"svn","description":null,"description_done":null,"halt_on_failure":true,"flunk_on_failure":true,"flunk_on_warnings":false,"warn_on_failure":false,"warn_on_warnings":false,"always_run":false,"do_step_if":null,"hide_step_if":null,"locks":[],"timeout":"20m","max_time":null,"svn":{"repository":"https://example.org/svn","branch":null,"codebase":"","mode":{"full":"export"},"always_use_latest":false,"workdir":null,"env":{},"log_environ":true,"branches":true,"username":"ada","password":"%(secret:svn)s","depth":"files","extra_args":["--ignore-externals"],"keep_on_purge":["cache"],"prefer_last_changed_rev":true}}
    "#]].assert_eq(&told);
}
