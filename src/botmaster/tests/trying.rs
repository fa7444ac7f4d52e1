//! The time that steps have, and their tries (`SH-34`, `SRC-02`).

use super::player::{COMMANDS, Played, check, play_with};
use super::{checkout, git_config, shell_step, step};
use crate::config::{FileWork, Git, MasterShell, Patience, Retry, SourceMode, Step, StepKind};
use crate::model::Results;
use expect_test::expect;
use std::collections::BTreeMap;
use std::time::Duration;

const MINUTE: Duration = Duration::from_secs(60);

fn patient(patience: Patience, step: Step) -> Step {
    Step { patience, ..step }
}

fn trying(count: u32, delay: Duration, step: Step) -> Step {
    patient(Patience { retry: Some(Retry { count, delay }), ..step.patience }, step)
}

fn on_master(patience: Patience) -> Step {
    let command = crate::config::Command::Words(vec![super::template("hang")]);
    let codes = BTreeMap::from([(0, Results::Success)]);
    let kind = MasterShell { command, workdir: None, env: BTreeMap::new(), decode_rc: codes };
    patient(patience, step(StepKind::MasterShell(kind)))
}

#[test]
fn a_step_that_fails_is_tried_again_in_the_same_logs() {
    check(
        vec![trying(2, MINUTE, shell_step("fetch")), shell_step("after")],
        "ready; out one; rc 1; later; rc 2; later; out three; rc 0",
        expect![[r#"
            > ready
            step shell: running
              log stdio s
              run shell Some(Text("fetch"))
            > out one
              0 Stdout b"one"
            > rc 1
              0 Header b"program finished with exit code 1\n"
              0 Header b"try 1 of 3 failed (1); the next is in 60s\n"
              now try 1 of 3 failed (1)
            > later
              0 Header b"try 2 of 3\n"
              now running
              run shell Some(Text("fetch"))
            > rc 2
              0 Header b"program finished with exit code 2\n"
              0 Header b"try 2 of 3 failed (2); the next is in 60s\n"
              now try 2 of 3 failed (2)
            > later
              0 Header b"try 3 of 3\n"
              now running
              run shell Some(Text("fetch"))
            > out three
              0 Stdout b"three"
            > rc 0
              0 Header b"program finished with exit code 0\n"
              success: 'fetch'
            step shell_1: running
              log stdio s
              run shell Some(Text("after"))
        "#]],
    );
}

#[test]
fn the_last_try_counts_and_exceptions_are_not_tried_again() {
    check(
        vec![trying(1, Duration::ZERO, shell_step("fetch"))],
        "ready; rc 1; later; rc 2",
        expect![[r#"
        > ready
        step shell: running
          log stdio s
          run shell Some(Text("fetch"))
        > rc 1
          0 Header b"program finished with exit code 1\n"
          0 Header b"try 1 of 2 failed (1)\n"
          now try 1 of 2 failed (1)
        > later
          0 Header b"try 2 of 2\n"
          now running
          run shell Some(Text("fetch"))
        > rc 2
          0 Header b"program finished with exit code 2\n"
          failure: 'fetch' failed (2)
        failure: failed shell
    "#]],
    );
    check(
        vec![trying(1, MINUTE, shell_step("fetch"))],
        "ready; fail",
        expect![[r#"
        > ready
        step shell: running
          log stdio s
          run shell Some(Text("fetch"))
        > fail
          log err.text t
          1 Stdout b"the worker failed in it:\nbuiltins.RuntimeError: out of order\nTraceback unavailable\n"
          exception: 'fetch' exception
        exception: exception shell
    "#]],
    );
}

#[test]
fn a_stop_ends_the_tries() {
    check(
        vec![trying(3, MINUTE, shell_step("fetch"))],
        "ready; rc 1; stop",
        expect![[r#"
        > ready
        step shell: running
          log stdio s
          run shell Some(Text("fetch"))
        > rc 1
          0 Header b"program finished with exit code 1\n"
          0 Header b"try 1 of 4 failed (1); the next is in 60s\n"
          now try 1 of 4 failed (1)
        > stop
          log interrupt t
          1 Stdout b"enough (by alice)\n"
          cancelled: 'fetch' cancelled
        cancelled: cancelled: enough (by alice)
    "#]],
    );
    let slow = Patience { max_time: Some(MINUTE), ..Patience::default() };
    let copy = StepKind::Files(FileWork::MakeDirectory(super::template("d")));
    expect![[r#"
        > ready
        step make_directory: running
          log stdio s
          run mkdir None
        > later
          0 Header b"timed out\n"
          interrupt: timed out
        > stop
        > rc -1
          0 Header b"program finished with exit code -1\n"
          cancelled: make directory d cancelled
        cancelled: cancelled: enough (by alice)
    "#]]
    .assert_eq(&play_with(
        &Played { commands: COMMANDS, version: "3.3", arguments: false },
        vec![trying(3, MINUTE, patient(slow, step(copy)))],
        "ready; later; stop; rc -1",
    ));
}

#[test]
fn what_is_done_on_the_master_has_its_time_too() {
    let silent = Patience { timeout: Some(MINUTE), max_time: Some(2 * MINUTE), retry: None };
    let again = Patience { retry: Some(Retry { count: 1, delay: Duration::ZERO }), ..silent };
    check(
        vec![on_master(silent)],
        "ready; later",
        expect![[r#"
        > ready
        step master_shell: running
          log stdio s
          on the master Program { words: ["hang"], dir: "/m", env: [] }
        > later
          0 Header b"timed out without output\n"
          abandon
          failure: 'hang' failed (timed out without output)
        failure: failed master_shell
    "#]],
    );
    check(
        vec![on_master(again)],
        "ready; later; later; exited 0",
        expect![[r#"
        > ready
        step master_shell: running
          log stdio s
          on the master Program { words: ["hang"], dir: "/m", env: [] }
        > later
          0 Header b"timed out without output\n"
          abandon
          0 Header b"try 1 of 2 failed (timed out without output)\n"
          now try 1 of 2 failed (timed out without output)
        > later
          0 Header b"try 2 of 2\n"
          now running
          on the master Program { words: ["hang"], dir: "/m", env: [] }
        > exited 0
          success: 'hang'
        success: build successful
    "#]],
    );
}

#[test]
fn the_master_steps_in_where_the_worker_does_not_keep_the_time() {
    let times = Patience { max_time: Some(MINUTE), ..Patience::default() };
    check(
        vec![patient(times, shell_step("hang")), shell_step("after")],
        "ready; later; rc -1",
        expect![[r#"
            > ready
            step shell: running
              log stdio s
              run shell Some(Text("hang"))
            > later
              0 Header b"timed out\n"
              interrupt: timed out
            > rc -1
              0 Header b"program finished with exit code -1\n"
              failure: 'hang' failed (timed out)
            step shell_1: running
              log stdio s
              run shell Some(Text("after"))
        "#]],
    );
    let twice = trying(1, MINUTE, patient(times, shell_step("hang")));
    check(
        vec![twice, shell_step("after")],
        "ready; later; later; later; rc -1",
        expect![[r#"
        > ready
        step shell: running
          log stdio s
          run shell Some(Text("hang"))
        > later
          0 Header b"timed out\n"
          interrupt: timed out
        > later
          interrupt: it is still running
        > later
        disconnect: a command does not end though it was interrupted twice
          log err.text t
          1 Stdout b"the worker did not end the command; its connection was closed\n"
          failure: 'hang' failed (timed out)
        failure: failed shell
        > rc -1
    "#]],
    );
}

#[test]
fn a_checkout_begins_from_its_start_again() {
    let config = Git {
        checkout: checkout("https://example.org/r.git", SourceMode::Incremental),
        ..git_config(SourceMode::Incremental)
    };
    let git = trying(1, MINUTE, step(StepKind::Git(Box::new(config))));
    expect![[r#"
        > ready
        step git: running
          log stdio s
          run shell Some(List([Text("git"), Text("--version")]))
        > out git version 2.47.3
          0 Stdout b"git version 2.47.3"
        > rc 0
          0 Header b"program finished with exit code 0\n"
          run listdir None
        > rc 2
          0 Header b"program finished with exit code 2\n"
          run shell Some(List([Text("git"), Text("clone"), Text("--branch"), Text("main"), Text("https://example.org/r.git"), Text(".")]))
        > rc 128
          0 Header b"program finished with exit code 128\n"
          0 Header b"try 1 of 2 failed (128); the next is in 60s\n"
          now try 1 of 2 failed (128)
        > later
          0 Header b"try 2 of 2\n"
          now running
          run shell Some(List([Text("git"), Text("--version")]))
        > out git version 2.47.3
          0 Stdout b"git version 2.47.3"
        > rc 0
          0 Header b"program finished with exit code 0\n"
          run listdir None
    "#]].assert_eq(&play_with(
        &Played { commands: &["shell", "listdir", "rmdir"], version: "3.3", arguments: false },
        vec![git],
        "ready; out git version 2.47.3; rc 0; rc 2; rc 128; later; out git version 2.47.3; rc 0",
    ));
}
