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
    check(steps(sequence), "ready; out a; rc 0; out b; rc 2; rc 1", expect![[r#""#]]);
    check(steps("[{shell_sequence: ['%(prop:none)s']}, {shell: after}]"), "ready", expect![[r#""#]]);
}

#[test]
fn a_sequence_is_stopped_and_tried_again_like_any_step() {
    check(steps("[{shell_sequence: [make, check]}]"), "ready; stop; rc -1", expect![[r#""#]]);
    check(
        steps("[{shell_sequence: [make, check], retry: {count: 1}}]"),
        "ready; rc 0; rc 1; later; rc 0; rc 0",
        expect![[r#""#]],
    );
}

#[test]
fn what_is_checked_and_shown_takes_no_time() {
    let text = "[{assert: \"branch == 'main'\"}, {log: {on: '%(prop:os)s', key: '%(secret:key)s'}}, \
        {log: plain %(prop:os)s}, {assert: \"property('os') == 'fedora'\", name: fedora}]";
    check(steps(text), "ready", expect![[r#""#]]);
}

#[test]
fn a_property_may_be_what_a_program_complains_of() {
    let text = "[{set_property: p, command: x, include_stdout: false, include_stderr: true}, \
        {set_property_from_command: y, extract: lines, include_stderr: true}]";
    check(steps(text), "ready; out no; err yes; rc 0; line a=1; err b=2; rc 0", expect![[r#""#]]);
}

#[test]
fn a_request_is_filled_in_and_its_status_is_the_result() {
    let text = "[{http: 'https://example.org/%(prop:os)s', method: POST, params: {a b: 'c&d', n: 1}, \
        headers: {X-Key: '%(secret:key)s'}, hide_request_headers: X-Mine, json: {os: '%(prop:os)s'}, \
        auth: {user: ada, password: '%(secret:key)s'}, max_time: 5s}]";
    check(steps(text), "ready; says key hunter2; exited 302", expect![[r#""#]]);
    let text = "[{http: 'http://x/', expect: [404, 410], retry: {count: 1}}]";
    check(steps(text), "ready; exited 200; later; exited 404", expect![[r#""#]]);
    check(steps("[{http: 'http://x/'}]"), "ready; unable refused", expect![[r#""#]]);
    check(steps("[{http: 'http://x/'}]"), "ready; stop; exited 200", expect![[r#""#]]);
}

#[test]
fn a_step_of_the_tests_is_as_the_file_has_it() {
    let [read] = <[Step; 1]>::try_from(steps("[{shell: make}]")).expect("one step");
    assert_eq!(read, Step { name: template("shell"), ..step(read.kind.clone()) });
}
