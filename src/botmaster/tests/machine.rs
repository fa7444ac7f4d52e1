//! A build as a machine: what happens in, what it wants out.

use super::player::check;
use super::{shell, shell_step, step, template};
use crate::config::{
    Condition, DO_STEP_IF, HIDE_STEP_IF, LogFile, Output, SetProperty, SetPropertyFrom, Step, StepKind,
};
use crate::model::Results;
use expect_test::expect;
use std::collections::BTreeMap;

const STDOUT: Output = Output { include_stdout: true, include_stderr: false };

fn named(name: &str, command: &str) -> Step {
    Step { name: template(name), ..shell_step(command) }
}

fn do_step_if(condition: &str, step: Step) -> Step {
    Step { do_step_if: Some(Condition::new(condition, DO_STEP_IF).unwrap()), ..step }
}

#[test]
fn a_failure_that_halts_leaves_only_what_always_runs() {
    let halting = Step { halt_on_failure: true, ..named("compile", "make") };
    let cleaning = Step { always_run: true, ..named("clean", "make clean") };
    check(
        vec![halting, named("test", "make test"), cleaning],
        "ready; rc 2; rc 0",
        expect![[r#"
        > ready
        step compile: running
          log stdio s
          run shell Some(Text("make"))
        > rc 2
          0 Header b"program finished with exit code 2\n"
          failure: 'make' failed (2)
        step clean: running
          log stdio s
          run shell Some(Text("make clean"))
        > rc 0
          0 Header b"program finished with exit code 0\n"
          success: 'make clean'
        failure: failed compile
    "#]],
    );
}

#[test]
fn a_failure_that_does_not_halt_goes_on() {
    let tolerant = Step { flunk_on_failure: false, warn_on_failure: true, ..named("lint", "lint") };
    check(
        vec![tolerant, named("test", "make test")],
        "ready; rc 1; rc 0",
        expect![[r#"
        > ready
        step lint: running
          log stdio s
          run shell Some(Text("lint"))
        > rc 1
          0 Header b"program finished with exit code 1\n"
          failure: 'lint' failed (1)
        step test: running
          log stdio s
          run shell Some(Text("make test"))
        > rc 0
          0 Header b"program finished with exit code 0\n"
          success: 'make test'
        warnings: warnings lint
    "#]],
    );
}

#[test]
fn names_are_made_unique() {
    check(
        vec![named("%(prop:os)s", "a"), named("debian", "b")],
        "ready; rc 0; rc 0",
        expect![[r#"
        > ready
        step debian: running
          log stdio s
          run shell Some(Text("a"))
        > rc 0
          0 Header b"program finished with exit code 0\n"
          success: 'a'
        step debian_1: running
          log stdio s
          run shell Some(Text("b"))
        > rc 0
          0 Header b"program finished with exit code 0\n"
          success: 'b'
        success: build successful
    "#]],
    );
}

#[test]
fn a_stop_interrupts_and_cleans_up() {
    let cleaning = Step { always_run: true, ..named("clean", "make clean") };
    check(
        vec![named("test", "hang"), named("more", "x"), cleaning],
        "ready; stop; rc -1; rc 0",
        expect![[r#"
            > ready
            step test: running
              log stdio s
              run shell Some(Text("hang"))
            > stop
              log interrupt t
              1 Stdout b"enough (by alice)\n"
              interrupt: enough (by alice)
            > rc -1
              0 Header b"program finished with exit code -1\n"
              cancelled: 'hang' cancelled
            step clean: running
              log stdio s
              run shell Some(Text("make clean"))
            > rc 0
              0 Header b"program finished with exit code 0\n"
              success: 'make clean'
            cancelled: cancelled: enough (by alice)
        "#]],
    );
}

#[test]
fn a_stop_before_the_worker_is_ready_counts_too() {
    check(
        vec![named("test", "hang")],
        "stop; ready",
        expect![[r#"
        > stop
        > ready
        cancelled: cancelled: enough (by alice)
    "#]],
    );
}

#[test]
fn a_command_that_cannot_be_stopped_is_cut_off() {
    let cleaning = Step { always_run: true, ..named("clean", "make clean") };
    check(
        vec![named("test", "hang"), cleaning],
        "ready; stop; later; later; rc 0",
        expect![[r#"
        > ready
        step test: running
          log stdio s
          run shell Some(Text("hang"))
        > stop
          log interrupt t
          1 Stdout b"enough (by alice)\n"
          interrupt: enough (by alice)
        > later
          interrupt: it is still running
        > later
        disconnect: a command does not end though it was interrupted twice
          log err.text t
          2 Stdout b"the worker did not end the command; its connection was closed\n"
          cancelled: 'hang' cancelled
        cancelled: cancelled: enough (by alice)
        > rc 0
    "#]],
    );
}

#[test]
fn a_lost_worker_is_a_retry_even_after_a_stop() {
    let cleaning = || Step { always_run: true, ..named("clean", "make clean") };
    check(
        vec![named("test", "hang"), cleaning()],
        "ready; lost",
        expect![[r#"
        > ready
        step test: running
          log stdio s
          run shell Some(Text("hang"))
        > lost
          retry: 'hang' interrupted (worker lost)
        retry: worker lost; to be built again
    "#]],
    );
    check(
        vec![named("test", "hang"), cleaning()],
        "ready; stop; lost; rc 0",
        expect![[r#"
        > ready
        step test: running
          log stdio s
          run shell Some(Text("hang"))
        > stop
          log interrupt t
          1 Stdout b"enough (by alice)\n"
          interrupt: enough (by alice)
        > lost
          retry: 'hang' interrupted (worker lost)
        retry: worker lost; to be built again
        > rc 0
    "#]],
    );
}

#[test]
fn a_worker_that_does_not_answer_is_cut_off() {
    check(
        vec![named("test", "x")],
        "later; lost",
        expect![[r#"
        > later
        disconnect: it does not answer that a build begins
        > lost
        retry: worker lost; to be built again
    "#]],
    );
}

#[test]
fn conditions_skip_and_hide() {
    let hidden = Step {
        hide_step_if: Some(Condition::new("result == 'skipped'", HIDE_STEP_IF).unwrap()),
        ..do_step_if("property('os') == 'fedora'", named("dnf", "dnf"))
    };
    let wrong = do_step_if("property('none') + 1 == 2", named("wrong", "x"));
    let right = do_step_if("branch == 'main' and 'src/lib.rs' in files and number == 7", named("right", "y"));
    check(
        vec![hidden, right, wrong],
        "ready; rc 0",
        expect![[r#"
        > ready
        step dnf: running
          skipped: shell skipped [hidden]
        step right: running
          log stdio s
          run shell Some(Text("y"))
        > rc 0
          0 Header b"program finished with exit code 0\n"
          success: 'y'
        step wrong: running
          log err.text t
          0 Stdout b"do_step_if: tried to use + operator on unsupported types none and number\n"
          exception: shell exception
        exception: exception wrong
    "#]],
    );
}

#[test]
fn what_the_worker_cannot_do_is_an_exception() {
    check(
        vec![named("test", "x")],
        "ready; fail",
        expect![[r#"
        > ready
        step test: running
          log stdio s
          run shell Some(Text("x"))
        > fail
          log err.text t
          1 Stdout b"the worker failed in it:\nbuiltins.RuntimeError: out of order\nTraceback unavailable\n"
          exception: 'x' exception
        exception: exception test
    "#]],
    );
    check(
        vec![named("test", "x"), named("more", "y")],
        "ready; refused",
        expect![[r#"
        > ready
        step test: running
          log stdio s
          run shell Some(Text("x"))
        > refused
          log err.text t
          1 Stdout b"the worker refused it:\nbuiltins.KeyError: command\nTraceback unavailable\n"
          exception: 'x' exception
        exception: exception test
    "#]],
    );
    check(
        vec![named("test", "x")],
        "ready; done",
        expect![[r#"
        > ready
        step test: running
          log stdio s
          run shell Some(Text("x"))
        > done
          log err.text t
          1 Stdout b"the worker did not tell the program's exit code\n"
          exception: 'x' exception
        exception: exception test
    "#]],
    );
    let git = step(StepKind::Git(Box::new(super::git_config(crate::config::SourceMode::Full(
        crate::config::SourceMethod::Clobber,
    )))));
    check(
        vec![git],
        "ready; out git version 2.47.3; rc 0",
        expect![[r#"
        > ready
        step git: running
          log stdio s
          run shell Some(List([Text("git"), Text("--version")]))
        > out git version 2.47.3
          0 Stdout b"git version 2.47.3"
        > rc 0
          0 Header b"program finished with exit code 0\n"
          log err.text t
          1 Stdout b"the worker is too old: it has no command \"rmdir\"\n"
          exception: update exception
        exception: exception git
    "#]],
    );
}

#[test]
fn secrets_are_not_shown() {
    check(
        vec![named("push", "push %(secret:key)s")],
        "ready; out with hunter2; rc 1",
        expect![[r#"
        > ready
        step push: running
          log stdio s
          run shell Some(Text("push hunter2"))
        > out with hunter2
          0 Stdout b"with <key>"
        > rc 1
          0 Header b"program finished with exit code 1\n"
          failure: 'push <key>' failed (1)
        failure: failed push
    "#]],
    );
    check(
        vec![named("push", "push %(secret:other)s")],
        "ready",
        expect![[r#"
        > ready
        step push: running
          log err.text t
          0 Stdout b"secret \"other\": no provider knows it\n"
          exception: shell exception
        exception: exception push
    "#]],
    );
}

#[test]
fn exit_codes_are_decoded_and_reasons_told() {
    let decoded = || {
        let mut shell = shell("check");
        shell.decode_rc = BTreeMap::from([(0, Results::Success), (3, Results::Warnings)]);
        Step { warn_on_warnings: true, ..step(StepKind::Shell(shell)) }
    };
    check(
        vec![decoded()],
        "ready; rc 3",
        expect![[r#"
        > ready
        step shell: running
          log stdio s
          run shell Some(Text("check"))
        > rc 3
          0 Header b"program finished with exit code 3\n"
          warnings: 'check' warnings (3)
        warnings: warnings shell
    "#]],
    );
    check(
        vec![decoded()],
        "ready; why timeout_without_output; rc -1",
        expect![[r#"
        > ready
        step shell: running
          log stdio s
          run shell Some(Text("check"))
        > why timeout_without_output
        > rc -1
          0 Header b"program finished with exit code -1\n"
          failure: 'check' failed (timed out without output)
        failure: failed shell
    "#]],
    );
}

#[test]
fn files_are_logs() {
    let mut followed = shell("check");
    let file = LogFile { filename: template("t.log"), follow: true };
    followed.log_files.insert("test.log".to_owned(), file);
    let lazy = crate::config::Shell { lazy_log_files: true, ..followed.clone() };
    let steps = vec![step(StepKind::Shell(followed)), step(StepKind::Shell(lazy))];
    check(
        steps,
        "ready; file a; rc 0; file b; rc 0",
        expect![[r#"
        > ready
        step shell: running
          log stdio s
          log test.log s
          run shell Some(Text("check"))
        > file a
          1 Stdout b"a"
        > rc 0
          0 Header b"program finished with exit code 0\n"
          success: 'check'
        step shell_1: running
          log stdio s
          run shell Some(Text("check"))
        > file b
          log test.log s
          1 Stdout b"b"
        > rc 0
          0 Header b"program finished with exit code 0\n"
          success: 'check'
        success: build successful
    "#]],
    );
}

#[test]
fn properties_are_set() {
    let set = |from| step(StepKind::SetProperty(SetProperty { property: template("p"), from }));
    let value = serde_json::json!({"on": "%(prop:os)s", "n": 1});
    let output = SetPropertyFrom::Output { shell: Box::new(shell("uname")), strip: true, output: STDOUT };
    let steps = vec![set(SetPropertyFrom::Value(value)), set(output), named("use", "echo %(prop:p)s")];
    check(
        steps,
        "ready; out  Linux; rc 0; rc 0",
        expect![[r#"
        > ready
        step set_property: running
          log property changes t
          0 Stdout b"p: {\"n\":1,\"on\":\"debian\"}\n"
        property p = {"n":1,"on":"debian"} (SetProperty Step)
          success: set p
        step set_property_1: running
          log stdio s
          run shell Some(Text("uname"))
        > out  Linux
          0 Stdout b" Linux"
        > rc 0
          0 Header b"program finished with exit code 0\n"
          log property changes t
          1 Stdout b"p: \"Linux\"\n"
        property p = "Linux" (SetProperty Step)
          success: 'uname'
        step use: running
          log stdio s
          run shell Some(Text("echo Linux"))
        > rc 0
          0 Header b"program finished with exit code 0\n"
          success: 'echo Linux'
        success: build successful
    "#]],
    );
}

#[test]
fn a_suffix_is_said_after_what_the_step_did() {
    let suffixed = |step| Step { description_suffix: Some(template("on %(prop:os)s")), ..step };
    let done = Step { description_done: Some(template("built")), ..shell_step("make") };
    check(
        vec![suffixed(shell_step("make")), suffixed(done)],
        "ready; rc 0; rc 1",
        expect![[r#"
        > ready
        step shell: running
          log stdio s
          run shell Some(Text("make"))
        > rc 0
          0 Header b"program finished with exit code 0\n"
          success: 'make' on debian
        step shell_1: running
          log stdio s
          run shell Some(Text("make"))
        > rc 1
          0 Header b"program finished with exit code 1\n"
          failure: built on debian failed (1)
        failure: failed shell_1
    "#]],
    );
}
