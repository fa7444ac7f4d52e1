//! What a build shows of the secrets that it uses: nothing (`N-SE-06`, `N-SE-08`).

use super::player::{COMMANDS, Played, play_with};
use super::{shell, shell_step, step};
use crate::config::{Command, Observer, Search, Shell, Step, StepKind};
use expect_test::{Expect, expect};
use std::collections::BTreeMap;

fn check(steps: Vec<Step>, inputs: &str, expected: Expect) {
    let played = Played { commands: COMMANDS, version: "3.3", arguments: false };
    expected.assert_eq(&play_with(&played, steps, inputs));
}

#[test]
fn a_secret_that_is_cut_is_not_shown() {
    check(
        vec![shell_step("push %(secret:key)s")],
        "ready; out a hun; file b hunt; out ter2 c; out hunte; file ing; out 2; out hunt; rc 0",
        expect![[r#"
            > ready
            step shell: running
              log stdio s
              run shell Some(Text("push hunter2"))
            > out a hun
              0 Stdout b"a "
            > file b hunt
              log test.log s
              1 Stdout b"b "
            > out ter2 c
              0 Stdout b"<key> c"
            > out hunte
            > file ing
              1 Stdout b"hunting"
            > out 2
              0 Stdout b"hunte2"
            > out hunt
            > rc 0
              0 Header b"program finished with exit code 0\n"
              0 Stdout b"hunt"
              success: 'push <key>'
            success: build successful
        "#]],
    );
    for end in ["stop; done", "lost", "fail"] {
        let played = Played { commands: COMMANDS, version: "3.3", arguments: false };
        let told =
            play_with(&played, vec![shell_step("%(secret:key)s")], &format!("ready; out a hunter; {end}"));
        assert!(told.contains(r#"0 Stdout b"hunter""#), "{told}");
    }
}

#[test]
fn what_listens_hears_no_secret() {
    let pattern = Search::new("^token (.*)$").unwrap();
    let observer = Observer {
        pattern,
        log: None,
        property: Some("token".to_owned()),
        count: None,
        state: Some("uses $1".to_owned()),
        result: None,
    };
    let command = Command::Line(super::template("login %(secret:key)s"));
    let login = Step {
        description: Some(super::template("with %(secret:key)s")),
        observe: vec![observer],
        ..step(StepKind::Shell(Shell { command, env: BTreeMap::new(), ..shell("") }))
    };
    check(
        vec![login],
        "ready; out token hun; line ter2; rc 0",
        expect![[r#"
        > ready
        step shell: with <key>
          log stdio s
          run shell Some(Text("login hunter2"))
        > out token hun
          0 Stdout b"token "
        > line ter2
          now uses <key>
          0 Stdout b"<key>\n"
        > rc 0
          0 Header b"program finished with exit code 0\n"
        property token = "<key>" (Observer)
          success: with <key>
        success: build successful
    "#]],
    );
}
