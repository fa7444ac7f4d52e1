//! The steps that read what a program says: warnings, tests, observed lines.

use super::player::{COMMANDS, Played, play_with};
use super::{shell, shell_step, step, template};
use crate::config::{Compile, Observer, Pattern, Search, Step, StepKind, Suppression, Test};
use crate::model::Results;
use expect_test::{Expect, expect};

fn compile() -> Compile {
    Compile {
        shell: shell("make"),
        warning_pattern: Pattern::new(".*warning[: ].*").unwrap(),
        warning_extractor: Some(Pattern::new("(?P<file>[^:]+):(?P<line>[0-9]+): (?P<text>.*)").unwrap()),
        directory_enter_pattern: Pattern::new("make.*: Entering directory '(.*)'").unwrap(),
        directory_leave_pattern: Pattern::new("make.*: Leaving directory").unwrap(),
        suppression_file: None,
        suppression_list: Vec::new(),
        max_warn_count: None,
    }
}

fn check(steps: Vec<Step>, inputs: &str, expected: Expect) {
    let told = play_with(&Played { commands: COMMANDS, version: "3.3", arguments: false }, steps, inputs);
    expected.assert_eq(&told);
}

fn compiled(config: Compile, inputs: &str, expected: Expect) {
    check(vec![step(StepKind::Compile(Box::new(config)))], inputs, expected);
}

#[test]
fn warnings_are_counted_over_the_build() {
    let steps = (0..2).map(|_| step(StepKind::Compile(Box::new(compile())))).collect();
    let inputs = "ready; out a.c:3: warning: un; out used\nb.c:4: warn; out ing: shadow\n; rc 0; line c.c:1: warning: x; rc 2";
    check(
        steps,
        inputs,
        expect![[r#"
        > ready
        step compile: running
          log stdio s
          run shell Some(Text("make"))
        > out a.c:3: warning: un
          0 Stdout b"a.c:3: warning: un"
        > out used
        b.c:4: warn
          0 Stdout b"used\nb.c:4: warn"
        > out ing: shadow

          0 Stdout b"ing: shadow\n"
        > rc 0
          0 Header b"program finished with exit code 0\n"
          log warnings (2) t
          1 Stdout b"a.c:3: warning: unused\nb.c:4: warning: shadow\n"
        property warnings-count = 2 (WarningCountingShellCommand)
          warnings: 'make' warnings (2 warnings)
        step compile_1: running
          log stdio s
          run shell Some(Text("make"))
        > line c.c:1: warning: x
          0 Stdout b"c.c:1: warning: x\n"
        > rc 2
          0 Header b"program finished with exit code 2\n"
          log warnings (1) t
          1 Stdout b"c.c:1: warning: x\n"
        property warnings-count = 3 (WarningCountingShellCommand)
          failure: 'make' failed (2, 1 warning)
        failure: failed compile_1
    "#]],
    );
}

#[test]
fn too_many_warnings_are_a_failure() {
    let config = Compile { max_warn_count: Some(1), ..compile() };
    let inputs = "ready; line a:1: warning: x; line a:2: warning: y; rc 0";
    compiled(
        config,
        inputs,
        expect![[r#"
        > ready
        step compile: running
          log stdio s
          run shell Some(Text("make"))
        > line a:1: warning: x
          0 Stdout b"a:1: warning: x\n"
        > line a:2: warning: y
          0 Stdout b"a:2: warning: y\n"
        > rc 0
          0 Header b"program finished with exit code 0\n"
          log warnings (2) t
          1 Stdout b"a:1: warning: x\na:2: warning: y\n"
        property warnings-count = 2 (WarningCountingShellCommand)
          failure: 'make' failed (2 warnings)
        failure: failed compile
    "#]],
    );
}

#[test]
fn suppressed_warnings_do_not_count() {
    let search = |text| Some(Search::new(text).unwrap());
    let config = Compile {
        suppression_file: Some(template("supp.txt")),
        suppression_list: vec![Suppression { text: search("deprecated"), ..Suppression::default() }],
        ..compile()
    };
    let lines = "line make[1]: Entering directory '/w/lib'; line a.c:7: warning: unused; line a.c:9: warning: unused; \
                 line make[1]: Leaving directory '/w/lib'; line a.c:7: warning: unused; line a.c:1: warning: deprecated; rc 0";
    let inputs = format!("ready; rc 0; text # ours\\n/lib/a.c$ : unused : 5-8\\n; {lines}");
    compiled(
        config.clone(),
        &inputs,
        expect![[r#"
        > ready
        step compile: running
          log stdio s
          run uploadFile None
        > rc 0
          0 Header b"program finished with exit code 0\n"
          keep
        > text # ours\n/lib/a.c$ : unused : 5-8\n
          run shell Some(Text("make"))
        > line make[1]: Entering directory '/w/lib'
          0 Stdout b"make[1]: Entering directory '/w/lib'\n"
        > line a.c:7: warning: unused
          0 Stdout b"a.c:7: warning: unused\n"
        > line a.c:9: warning: unused
          0 Stdout b"a.c:9: warning: unused\n"
        > line make[1]: Leaving directory '/w/lib'
          0 Stdout b"make[1]: Leaving directory '/w/lib'\n"
        > line a.c:7: warning: unused
          0 Stdout b"a.c:7: warning: unused\n"
        > line a.c:1: warning: deprecated
          0 Stdout b"a.c:1: warning: deprecated\n"
        > rc 0
          0 Header b"program finished with exit code 0\n"
          log warnings (2) t
          1 Stdout b"a.c:9: warning: unused\na.c:7: warning: unused\n"
        property warnings-count = 2 (WarningCountingShellCommand)
          warnings: 'make' warnings (2 warnings)
        success: build successful
    "#]],
    );
    compiled(
        config.clone(),
        "ready; rc 0; text nothing",
        expect![[r#"
        > ready
        step compile: running
          log stdio s
          run uploadFile None
        > rc 0
          0 Header b"program finished with exit code 0\n"
          keep
        > text nothing
          log err.text t
          1 Stdout b"the suppression file: line 1: it has no ` : `\n"
          failure: 'make' failed (no suppressions)
        failure: failed compile
    "#]],
    );
    compiled(
        config,
        "ready; rc 1; settled",
        expect![[r#"
        > ready
        step compile: running
          log stdio s
          run uploadFile None
        > rc 1
          0 Header b"program finished with exit code 1\n"
          throw away
        > settled
          log err.text t
          1 Stdout b"the suppression file: the worker does not have it\n"
          failure: 'make' failed (no suppressions)
        failure: failed compile
    "#]],
    );
}

#[test]
fn tests_are_counted_by_patterns() {
    let config = Test {
        shell: shell("make test"),
        junit: Vec::new(),
        test_patterns: vec![
            Search::new("Ran (?P<total>[0-9]+) tests").unwrap(),
            Search::new("failures=(?P<failed>[0-9]+)").unwrap(),
        ],
    };
    let steps = || vec![step(StepKind::Test(Box::new(config.clone())))];
    check(
        steps(),
        "ready; line Ran 12 tests in 0.1s; line FAILED (failures=2); rc 0",
        expect![[r#"
        > ready
        step test: running
          log stdio s
          run shell Some(Text("make test"))
        > line Ran 12 tests in 0.1s
          0 Stdout b"Ran 12 tests in 0.1s\n"
        > line FAILED (failures=2)
          0 Stdout b"FAILED (failures=2)\n"
        > rc 0
          0 Header b"program finished with exit code 0\n"
        property tests-failed = 2 (Test)
        property tests-passed = 10 (Test)
        property tests-skipped = 0 (Test)
        property tests-total = 12 (Test)
        property tests-warnings = 0 (Test)
          failure: 'make test' failed (12 tests, 2 failed)
        failure: failed test
    "#]],
    );
    check(
        steps(),
        "ready; line nothing; rc 1",
        expect![[r#"
        > ready
        step test: running
          log stdio s
          run shell Some(Text("make test"))
        > line nothing
          0 Stdout b"nothing\n"
        > rc 1
          0 Header b"program finished with exit code 1\n"
          failure: 'make test' failed (1)
        failure: failed test
    "#]],
    );
}

#[test]
fn tests_are_counted_by_their_files() {
    let config = Test {
        shell: shell("pytest"),
        junit: vec![template("r/*.xml"), template("one.xml")],
        test_patterns: Vec::new(),
    };
    let good = "<testsuite><testcase name='a'/><testcase name='b'><skipped/></testcase></testsuite>";
    let bad = "<testsuite><testcase name='c'><failure message='no'/></testcase></testsuite>";
    let inputs = format!("ready; rc 1; files /w/r/x.xml; rc 0; junit {good}; rc 0; junit {bad}");
    check(
        vec![step(StepKind::Test(Box::new(config.clone())))],
        &inputs,
        expect![[r#"
        > ready
        step test: running
          log stdio s
          run shell Some(Text("pytest"))
        > rc 1
          0 Header b"program finished with exit code 1\n"
          run glob None
        > files /w/r/x.xml
          0 Header b"program finished with exit code 0\n"
          run uploadFile None
        > rc 0
          0 Header b"program finished with exit code 0\n"
          keep
        > junit <testsuite><testcase name='a'/><testcase name='b'><skipped/></testcase></testsuite>
          run uploadFile None
        > rc 0
          0 Header b"program finished with exit code 0\n"
          keep
        > junit <testsuite><testcase name='c'><failure message='no'/></testcase></testsuite>
          log problems t
          1 Stdout b"c: no\n"
        property tests-failed = 1 (Test)
        property tests-passed = 1 (Test)
        property tests-skipped = 1 (Test)
        property tests-total = 3 (Test)
        property tests-warnings = 0 (Test)
          failure: 'pytest' failed (3 tests, 1 failed, 1 skipped)
        failure: failed test
    "#]],
    );
    let inputs = "ready; rc 0; files; rc 0; junit <html/>";
    check(
        vec![step(StepKind::Test(Box::new(config)))],
        inputs,
        expect![[r#"
        > ready
        step test: running
          log stdio s
          run shell Some(Text("pytest"))
        > rc 0
          0 Header b"program finished with exit code 0\n"
          run glob None
        > files
          0 Header b"program finished with exit code 0\n"
          run uploadFile None
        > rc 0
          0 Header b"program finished with exit code 0\n"
          keep
        > junit <html/>
          log err.text t
          1 Stdout b"a file of test results cannot be read: it begins with <html>, not with <testsuites>\n"
          warnings: 'pytest' warnings
        success: build successful
    "#]],
    );
}

#[test]
fn observed_lines_mean_what_the_file_says() {
    let observer = |pattern: &str| Observer {
        pattern: Search::new(pattern).unwrap(),
        log: None,
        property: None,
        count: None,
        state: None,
        result: None,
    };
    let observe = vec![
        Observer { property: Some("coverage".to_owned()), ..observer("coverage: ([0-9]+)%") },
        Observer { count: Some("todos".to_owned()), ..observer("TODO") },
        Observer { state: Some("$1 of ${all}".to_owned()), ..observer("^([0-9]+)/(?P<all>[0-9]+)") },
        Observer { result: Some(Results::Warnings), ..observer("flaky") },
    ];
    let steps = vec![Step { observe, ..shell_step("run") }];
    let inputs = "ready; line 1/9; line 2/9; line TODO flaky; line coverage: 81%; out coverage: 82%; rc 0";
    check(
        steps,
        inputs,
        expect![[r#"
        > ready
        step shell: running
          log stdio s
          run shell Some(Text("run"))
        > line 1/9
          now 1 of 9
          0 Stdout b"1/9\n"
        > line 2/9
          0 Stdout b"2/9\n"
        > line TODO flaky
          0 Stdout b"TODO flaky\n"
        > line coverage: 81%
          0 Stdout b"coverage: 81%\n"
        > out coverage: 82%
          0 Stdout b"coverage: 82%"
        > rc 0
          0 Header b"program finished with exit code 0\n"
        property coverage = "82" (Observer)
        property todos = 1 (Observer)
          warnings: 'run' warnings
        success: build successful
    "#]],
    );
}
