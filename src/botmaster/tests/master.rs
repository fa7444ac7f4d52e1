//! Programs that steps run on the master.

use super::player::{COMMANDS, Played, play_with};
use super::rig::Rig;
use super::{builder, config, shell_step, step, template};
use crate::botmaster::tests::peer::Kind;
use crate::config::{Command, Config, EnvValue, MasterShell, StepKind};
use crate::model::Results;
use expect_test::{Expect, expect};
use std::collections::BTreeMap;

fn program(words: &[&str]) -> MasterShell {
    MasterShell {
        command: Command::Words(words.iter().map(|word| template(word)).collect()),
        workdir: None,
        env: BTreeMap::new(),
        decode_rc: BTreeMap::from([(0, Results::Success), (3, Results::Warnings)]),
    }
}

fn check(config: MasterShell, inputs: &str, expected: Expect) {
    let steps = vec![step(StepKind::MasterShell(config)), shell_step("after")];
    let told = play_with(&Played { commands: COMMANDS, version: "3.3", arguments: false }, steps, inputs);
    expected.assert_eq(&told);
}

#[test]
fn a_program_runs_on_the_master() {
    let env = [
        ("KEY", EnvValue::Text(template("%(secret:key)s"))),
        ("NONE", EnvValue::Unset),
        ("PATH", EnvValue::Path(vec![template("/a"), template("/%(prop:os)s")])),
    ];
    let env = env.map(|(name, value)| (name.to_owned(), value)).into();
    let config =
        MasterShell { env, workdir: Some(template("w/%(prop:os)s")), ..program(&["publish", "%(prop:os)s"]) };
    check(
        config,
        "ready; says the key is hunter2; exited 3",
        expect![[r#"
        > ready
        step master_shell: running
          log stdio s
          on the master Program { words: ["publish", "debian"], dir: "/m/w/debian", env: [("KEY", Some("hunter2")), ("NONE", None), ("PATH", Some("/a:/debian"))] }
        > says the key is hunter2
          0 Stdout b"the key is <key>\n"
        > exited 3
          warnings: 'publish debian' warnings (3)
        step shell: running
          log stdio s
          run shell Some(Text("after"))
    "#]],
    );
}

#[test]
fn what_brings_a_path_elsewhere_is_no_directory() {
    let config = MasterShell { workdir: Some(template("w/%(prop:evil)s")), ..program(&["ls"]) };
    check(
        config,
        "ready",
        expect![[r#"
        > ready
        step master_shell: running
          log err.text t
          0 Stdout b"the path \"w/../../etc/passwd\" leads to a place that \"w/%(prop:evil)s\" does not name\n"
          exception: master_shell exception
        exception: exception master_shell
    "#]],
    );
}

#[test]
fn a_program_on_the_master_ends_when_it_must() {
    check(
        program(&["hang"]),
        "ready; stop; says late; exited",
        expect![[r#"
        > ready
        step master_shell: running
          log stdio s
          on the master Program { words: ["hang"], dir: "/m", env: [] }
        > stop
          log interrupt t
          1 Stdout b"enough (by alice)\n"
          cancelled: 'hang' cancelled
        cancelled: cancelled: enough (by alice)
        > says late
        > exited
    "#]],
    );
    check(
        program(&["hang"]),
        "ready; later; exited",
        expect![[r#"
            > ready
            step master_shell: running
              log stdio s
              on the master Program { words: ["hang"], dir: "/m", env: [] }
            > later
              0 Header b"timed out\n"
              abandon
              failure: 'hang' failed (timed out)
            step shell: running
              log stdio s
              run shell Some(Text("after"))
            > exited
        "#]],
    );
    check(
        program(&["hang"]),
        "ready; lost",
        expect![[r#"
        > ready
        step master_shell: running
          log stdio s
          on the master Program { words: ["hang"], dir: "/m", env: [] }
        > lost
          retry: 'hang' interrupted (worker lost)
        retry: worker lost; to be built again
    "#]],
    );
    check(
        program(&["fail"]),
        "ready; exited 1",
        expect![[r#"
        > ready
        step master_shell: running
          log stdio s
          on the master Program { words: ["fail"], dir: "/m", env: [] }
        > exited 1
          failure: 'fail' failed (1)
        step shell: running
          log stdio s
          run shell Some(Text("after"))
    "#]],
    );
    check(
        program(&["crash"]),
        "ready; exited",
        expect![[r#"
        > ready
        step master_shell: running
          log stdio s
          on the master Program { words: ["crash"], dir: "/m", env: [] }
        > exited
          failure: 'crash' failed (killed)
        step shell: running
          log stdio s
          run shell Some(Text("after"))
    "#]],
    );
}

#[test]
fn the_service_runs_programs() {
    let dir = tempfile::tempdir().unwrap();
    let publish = program(&["/bin/sh", "-c", "echo published >there; cat there"]);
    let steps = vec![step(StepKind::MasterShell(publish))];
    let config = Config { state_dir: dir.path().to_owned(), ..config(vec![builder("b", steps)]) };
    let mut rig = Rig::new(&config);
    rig.connect("w", Kind::Worker);
    let (_, request) = rig.ask("b", "r1");
    let build = rig.build(request);
    assert_eq!(build.results, Some(Results::Success));
    assert_eq!(std::fs::read_to_string(dir.path().join("there")).unwrap(), "published\n");
    let step = rig.db.steps().of_build(build.id).unwrap().remove(0).id;
    assert_eq!(rig.log(step, "stdio"), "opublished\n");
}
