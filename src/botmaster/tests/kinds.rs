//! Steps of several programs, requests, checks, texts: what they ask for, and how they end.

use super::player::check;
use super::{step, template};
use crate::config::{Config, Step, load_text};
use expect_test::expect;

/// The steps of a builder, as the file has them.
fn steps(text: &str) -> Vec<Step> {
    let text = format!(
        "workers: [{{name: w, type: local}}]\nschedulers: [{{type: force, name: f, builders: '*'}}]\n\
         builders: [{{name: b, workers: w, steps: {text}}}]\n"
    );
    let Config { mut builders, .. } = load_text("m.yaml", &text).expect("a right file").config;
    builders.remove(0).steps
}

#[test]
fn programs_of_a_sequence_have_their_logs_and_flags() {
    let sequence = "[{shell_sequence: [make, {command: [make, check], log: check, flunk_on_failure: false, \
        warn_on_failure: true}, ['', '%(prop:none)s'], {command: lint, halt_on_failure: true}, never]}]";
    check(
        steps(sequence),
        "ready; out a; rc 0; out b; rc 2; rc 1",
        expect![[r#"
        > ready
        step shell_sequence: running
          log stdio s
          run shell Some(Text("make"))
        > out a
          0 Stdout b"a"
        > rc 0
          0 Header b"program finished with exit code 0\n"
          log check s
          run shell Some(List([Text("make"), Text("check")]))
        > out b
          1 Stdout b"b"
        > rc 2
          1 Header b"program finished with exit code 2\n"
          run shell Some(Text("lint"))
        > rc 1
          0 Header b"program finished with exit code 1\n"
          failure: 'lint' failed (1)
        failure: failed shell_sequence
    "#]],
    );
    check(
        steps("[{shell_sequence: ['%(prop:none)s']}, {shell: after}]"),
        "ready",
        expect![[r#"
        > ready
        step shell_sequence: running
          skipped: nothing to run skipped
        step shell: running
          log stdio s
          run shell Some(Text("after"))
    "#]],
    );
}

#[test]
fn a_sequence_is_stopped_and_tried_again_like_any_step() {
    check(
        steps("[{shell_sequence: [make, check]}]"),
        "ready; stop; rc -1",
        expect![[r#"
        > ready
        step shell_sequence: running
          log stdio s
          run shell Some(Text("make"))
        > stop
          log interrupt t
          1 Stdout b"enough (by alice)\n"
          interrupt: enough (by alice)
        > rc -1
          0 Header b"program finished with exit code -1\n"
          cancelled: 'make' cancelled
        cancelled: cancelled: enough (by alice)
    "#]],
    );
    check(
        steps("[{shell_sequence: [make, check], retry: {count: 1}}]"),
        "ready; rc 0; rc 1; later; rc 0; rc 0",
        expect![[r#"
            > ready
            step shell_sequence: running
              log stdio s
              run shell Some(Text("make"))
            > rc 0
              0 Header b"program finished with exit code 0\n"
              run shell Some(Text("check"))
            > rc 1
              0 Header b"program finished with exit code 1\n"
              0 Header b"try 1 of 2 failed (1)\n"
              now try 1 of 2 failed (1)
            > later
              0 Header b"try 2 of 2\n"
              now running
              run shell Some(Text("make"))
            > rc 0
              0 Header b"program finished with exit code 0\n"
              run shell Some(Text("check"))
            > rc 0
              0 Header b"program finished with exit code 0\n"
              success: 'check'
            success: build successful
        "#]],
    );
}

#[test]
fn what_is_checked_and_shown_takes_no_time() {
    let text = "[{assert: \"branch == 'main'\"}, {log: {on: '%(prop:os)s', key: '%(secret:key)s'}}, \
        {log: plain %(prop:os)s}, {assert: \"property('os') == 'fedora'\", name: fedora}]";
    check(
        steps(text),
        "ready",
        expect![[r#"
        > ready
        step assert: running
          success: check branch == 'main'
        step log: running
          log output t
          0 Stdout b"{\n  \"key\": \"<key>\",\n  \"on\": \"debian\"\n}\n"
          success: log
        step log_1: running
          log output t
          0 Stdout b"plain debian\n"
          success: log
        step fedora: running
          failure: check property('os') == 'fedora' failed
        failure: failed fedora
    "#]],
    );
}

#[test]
fn a_property_may_be_what_a_program_complains_of() {
    let text = "[{set_property: p, command: x, include_stdout: false, include_stderr: true}, \
        {set_property_from_command: y, extract: lines, include_stderr: true}]";
    check(
        steps(text),
        "ready; out no; err yes; rc 0; line a=1; err b=2; rc 0",
        expect![[r#"
        > ready
        step set_property: running
          log stdio s
          run shell Some(Text("x"))
        > out no
          0 Stdout b"no"
        > err yes
          0 Stderr b"yes\n"
        > rc 0
          0 Header b"program finished with exit code 0\n"
          log property changes t
          1 Stdout b"p: \"yes\"\n"
        property p = "yes" (SetProperty Step)
          success: 'x'
        step set_property_from_command: running
          log stdio s
          run shell Some(Text("y"))
        > line a=1
          0 Stdout b"a=1\n"
        > err b=2
          0 Stderr b"b=2\n"
        > rc 0
          0 Header b"program finished with exit code 0\n"
        property a = "1" (SetPropertyFromCommand Step)
        property b = "2" (SetPropertyFromCommand Step)
          success: 'y'
        success: build successful
    "#]],
    );
}

#[test]
fn a_request_is_filled_in_and_its_status_is_the_result() {
    let text = "[{http: 'https://example.org/%(prop:os)s', method: POST, params: {a b: 'c&d', n: 1}, \
        headers: {X-Key: '%(secret:key)s'}, hide_request_headers: X-Mine, json: {os: '%(prop:os)s'}, \
        auth: {user: ada, password: '%(secret:key)s'}, max_time: 5s}]";
    check(
        steps(text),
        "ready; says key hunter2; exited 302",
        expect![[r#"
        > ready
        step http: running
          log stdio s
          ask Request { method: "POST", url: "https://example.org/debian?a%20b=c%26d&n=1", headers: [("X-Key", "hunter2"), ("Authorization", "Basic YWRhOmh1bnRlcjI="), ("Content-Type", "application/json")], hidden: ["x-mine", "authorization"], hidden_answers: [], body: Some(b"{\"os\":\"debian\"}"), follows: true, max_time: Some(5s) }
        > says key hunter2
          0 Stdout b"key <key>\n"
        > exited 302
          success: POST https://example.org/debian (302)
        success: build successful
    "#]],
    );
    let text = "[{http: 'http://x/', expect: [404, 410], retry: {count: 1}}]";
    check(
        steps(text),
        "ready; exited 200; later; exited 404",
        expect![[r#"
        > ready
        step http: running
          log stdio s
          ask Request { method: "GET", url: "http://x/", headers: [], hidden: [], hidden_answers: [], body: None, follows: true, max_time: Some(600s) }
        > exited 200
          0 Header b"try 1 of 2 failed (200)\n"
          now try 1 of 2 failed (200)
        > later
          0 Header b"try 2 of 2\n"
          now running
          ask Request { method: "GET", url: "http://x/", headers: [], hidden: [], hidden_answers: [], body: None, follows: true, max_time: Some(600s) }
        > exited 404
          success: GET http://x/ (404)
        success: build successful
    "#]],
    );
    check(
        steps("[{http: 'http://x/'}]"),
        "ready; unable refused",
        expect![[r#"
        > ready
        step http: running
          log stdio s
          ask Request { method: "GET", url: "http://x/", headers: [], hidden: [], hidden_answers: [], body: None, follows: true, max_time: Some(600s) }
        > unable refused
          log err.text t
          1 Stdout b"refused\n"
          failure: GET http://x/ failed (no answer)
        failure: failed http
    "#]],
    );
    check(
        steps("[{http: 'http://x/'}]"),
        "ready; stop; exited 200",
        expect![[r#"
        > ready
        step http: running
          log stdio s
          ask Request { method: "GET", url: "http://x/", headers: [], hidden: [], hidden_answers: [], body: None, follows: true, max_time: Some(600s) }
        > stop
          log interrupt t
          1 Stdout b"enough (by alice)\n"
          cancelled: GET http://x/ cancelled
        cancelled: cancelled: enough (by alice)
        > exited 200
    "#]],
    );
}

#[test]
fn a_step_of_the_tests_is_as_the_file_has_it() {
    let [read] = <[Step; 1]>::try_from(steps("[{shell: make}]")).expect("one step");
    assert_eq!(read, Step { name: template("shell"), ..step(read.kind.clone()) });
}
