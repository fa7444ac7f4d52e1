//! The commands of a git step, by mode.

use super::{builder, git_config};
use crate::botmaster::command::{Command, Outcome};
use crate::botmaster::render::Scene;
use crate::botmaster::steps::{Abilities, Machine, Next, Site};
use crate::config::{Git, GitMethod, GitMode, Retry, StepKind};
use crate::model::{Patch, Properties, SourceStamp};
use crate::pb::Value;
use expect_test::{Expect, expect};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

const REVISION: &str = "0123456789012345678901234567890123456789";

/// What the played worker has in its directory.
#[derive(Clone, Copy, PartialEq)]
enum Before {
    Nothing,
    Tree,
    OtherFiles,
}

fn stamp(branch: Option<&str>, revision: Option<&str>) -> SourceStamp {
    SourceStamp {
        branch: branch.map(str::to_owned),
        revision: revision.map(str::to_owned),
        ..SourceStamp::default()
    }
}

/// Plays the step; a command that contains one of `failing` fails, each word once.
fn check(config: Git, stamp: SourceStamp, before: Before, failing: &[&str], expected: Expect) {
    expected.assert_eq(&play(&config, &stamp, before, failing, "2.16"));
}

fn play(config: &Git, stamp: &SourceStamp, before: Before, failing: &[&str], version: &str) -> String {
    let (properties, builder) = (Properties::default(), builder("b", Vec::new()));
    let scene = Scene {
        properties: &properties,
        stamps: std::slice::from_ref(stamp),
        worker: &BTreeMap::new(),
        secrets: &|_| Err("none".to_owned()),
        hidden: RefCell::default(),
    };
    let commands = ["shell", "listdir", "stat", "rmdir", "cpdir"];
    let abilities = Abilities(commands.map(|name| (name.to_owned(), version.to_owned())).into());
    let (environ, base_dir) = (BTreeMap::new(), Path::new("/m"));
    let site = Site { scene: &scene, builder: &builder, abilities: &abilities, environ: &environ, base_dir };
    let (mut machine, mut next) = match Machine::begin(&StepKind::Git(config.clone()), &site) {
        Ok(begun) => begun,
        Err(why) => return why,
    };
    let mut failing = failing.to_vec();
    let mut told = String::new();
    loop {
        next = match next {
            Next::Run(command) => {
                let line = shown(&command);
                let fails = failing.iter().position(|word| line.contains(word)).map(|at| failing.remove(at));
                told += &format!("{line}{}\n", if fails.is_some() { " !" } else { "" });
                machine.go_on(Some(outcome(&command, &line, before, fails.is_some())))
            }
            Next::Look(_) | Next::Program(..) => panic!("git has nothing to do on the master"),
            Next::Wait(pause) => {
                told += &format!("(wait {pause:?})\n");
                machine.go_on(None)
            }
            Next::Done(end) => {
                let got = end.properties.value("got_revision").map(ToString::to_string).unwrap_or_default();
                return told + &format!("{} {:?} {got}\n", end.results, end.detail);
            }
        };
    }
}

fn shown(command: &Command) -> String {
    let arg = |wanted: &str| command.args.iter().find(|(name, _)| *name == wanted).map(|(_, value)| value);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    match command.name {
        "shell" => {
            let words: Vec<String> =
                arg("command").and_then(Value::as_items).unwrap().iter().map(text).collect();
            let stdin =
                arg("initial_stdin").map(|stdin| format!(" < {}", text(stdin).trim())).unwrap_or_default();
            format!("[{}] {}{stdin}", text(arg("workdir").unwrap()), words.join(" "))
        }
        other => {
            let dirs = ["dir", "file", "fromdir", "todir"].iter().filter_map(|name| arg(name)).map(text);
            format!("{other} {}", dirs.collect::<Vec<_>>().join(" "))
        }
    }
}

fn outcome(command: &Command, line: &str, before: Before, fails: bool) -> Outcome {
    let mut outcome = Outcome { rc: Some(i64::from(fails)), ..Outcome::default() };
    let files: &[&str] = match before {
        Before::Nothing => &[],
        Before::Tree => &[".git", "README"],
        Before::OtherFiles => &["README"],
    };
    match command.name {
        "listdir" if before == Before::Nothing => outcome.rc = Some(2),
        "listdir" => {
            drop(outcome.others.insert("files".to_owned(), vec![Value::list(files.iter().copied())]))
        }
        "stat" => outcome.rc = Some(i64::from(before != Before::Tree)),
        _ if line.contains("--version") => outcome.stdout = b"git version 2.47.3\n".to_vec(),
        _ if line.contains("rev-parse") => outcome.stdout = format!("{REVISION}\n").into(),
        _ => {}
    }
    outcome
}

#[test]
fn incremental_updates_or_clones() {
    let config = || git_config(GitMode::Incremental);
    check(
        config(),
        stamp(Some("main"), Some("abc")),
        Before::Tree,
        &["cat-file"],
        expect![[r#"
        [build] git --version
        listdir build
        [build] git cat-file -e abc^{commit} !
        [build] git fetch -f https://example.org/r.git main
        [build] git checkout -f abc
        [build] git checkout -B main
        [build] git rev-parse HEAD
        success Some("012345678901") "0123456789012345678901234567890123456789"
    "#]],
    );
    check(
        config(),
        stamp(Some("main"), Some("abc")),
        Before::Tree,
        &[],
        expect![[r#"
        [build] git --version
        listdir build
        [build] git cat-file -e abc^{commit}
        [build] git checkout -f abc
        [build] git checkout -B main
        [build] git rev-parse HEAD
        success Some("012345678901") "0123456789012345678901234567890123456789"
    "#]],
    );
    check(
        config(),
        stamp(None, None),
        Before::Tree,
        &[],
        expect![[r#"
        [build] git --version
        listdir build
        [build] git fetch -f https://example.org/r.git HEAD
        [build] git checkout -f FETCH_HEAD
        [build] git rev-parse HEAD
        success Some("012345678901") "0123456789012345678901234567890123456789"
    "#]],
    );
    check(
        config(),
        stamp(Some("main"), Some("abc")),
        Before::Nothing,
        &[],
        expect![[r#"
        [build] git --version
        listdir build
        [build] git clone --branch main https://example.org/r.git .
        [build] git checkout -f abc
        [build] git rev-parse HEAD
        success Some("012345678901") "0123456789012345678901234567890123456789"
    "#]],
    );
    check(
        config(),
        stamp(None, None),
        Before::OtherFiles,
        &[],
        expect![[r#"
        [build] git --version
        listdir build
        rmdir build
        [build] git clone https://example.org/r.git .
        [build] git rev-parse HEAD
        success Some("012345678901") "0123456789012345678901234567890123456789"
    "#]],
    );
    let old = play(&config(), &stamp(None, None), Before::Tree, &[], "2.15");
    assert!(old.contains("stat build/.git\n"), "{old}");
}

#[test]
fn full_checkouts_by_method() {
    let full = |method| Git { submodules: true, ..git_config(GitMode::Full(method)) };
    let main = || stamp(Some("main"), None);
    check(
        full(GitMethod::Clean),
        main(),
        Before::Tree,
        &[],
        expect![[r#"
        [build] git --version
        listdir build
        [build] git clean -f -f -d
        [build] git fetch -f https://example.org/r.git main
        [build] git checkout -f FETCH_HEAD
        [build] git checkout -B main
        [build] git submodule sync
        [build] git submodule update --init --recursive
        [build] git submodule foreach --recursive git clean -f -f -d
        [build] git rev-parse HEAD
        success Some("012345678901") "0123456789012345678901234567890123456789"
    "#]],
    );
    check(
        full(GitMethod::Fresh),
        main(),
        Before::Tree,
        &[],
        expect![[r#"
        [build] git --version
        listdir build
        [build] git clean -f -f -d -x
        [build] git fetch -f https://example.org/r.git main
        [build] git checkout -f FETCH_HEAD
        [build] git checkout -B main
        [build] git submodule sync
        [build] git submodule update --init --recursive
        [build] git submodule foreach --recursive git clean -f -f -d -x
        [build] git rev-parse HEAD
        success Some("012345678901") "0123456789012345678901234567890123456789"
    "#]],
    );
    check(
        full(GitMethod::Clobber),
        main(),
        Before::Tree,
        &[],
        expect![[r#"
        [build] git --version
        rmdir build
        [build] git clone --branch main https://example.org/r.git .
        [build] git submodule update --init --recursive
        [build] git rev-parse HEAD
        success Some("012345678901") "0123456789012345678901234567890123456789"
    "#]],
    );
    check(
        full(GitMethod::Copy),
        main(),
        Before::Tree,
        &[],
        expect![[r#"
        [source] git --version
        rmdir build
        listdir source
        [source] git fetch -f https://example.org/r.git main
        [source] git checkout -f FETCH_HEAD
        [source] git checkout -B main
        [source] git submodule sync
        [source] git submodule update --init --recursive
        cpdir source build
        [build] git rev-parse HEAD
        success Some("012345678901") "0123456789012345678901234567890123456789"
    "#]],
    );
}

#[test]
fn what_fails_is_tried_in_other_ways() {
    let config = || git_config(GitMode::Incremental);
    let main = || stamp(Some("main"), None);
    check(
        config(),
        main(),
        Before::Tree,
        &["fetch"],
        expect![[r#"
        [build] git --version
        listdir build
        [build] git fetch -f https://example.org/r.git main !
        failure Some("1") 
    "#]],
    );
    check(
        Git { retry_fetch: true, ..config() },
        main(),
        Before::Tree,
        &["fetch"],
        expect![[r#"
        [build] git --version
        listdir build
        [build] git fetch -f https://example.org/r.git main !
        [build] git fetch -f https://example.org/r.git main
        [build] git checkout -f FETCH_HEAD
        [build] git checkout -B main
        [build] git rev-parse HEAD
        success Some("012345678901") "0123456789012345678901234567890123456789"
    "#]],
    );
    check(
        Git { clobber_on_failure: true, ..config() },
        main(),
        Before::Tree,
        &["fetch"],
        expect![[r#"
        [build] git --version
        listdir build
        [build] git fetch -f https://example.org/r.git main !
        rmdir build
        [build] git clone --branch main https://example.org/r.git .
        [build] git rev-parse HEAD
        success Some("012345678901") "0123456789012345678901234567890123456789"
    "#]],
    );
    let retry = Some(Retry { count: 1, delay: Duration::from_secs(30) });
    check(
        Git { retry, ..config() },
        main(),
        Before::Nothing,
        &["clone"],
        expect![[r#"
        [build] git --version
        listdir build
        [build] git clone --branch main https://example.org/r.git . !
        (wait 30s)
        [build] git --version
        listdir build
        [build] git clone --branch main https://example.org/r.git .
        [build] git rev-parse HEAD
        success Some("012345678901") "0123456789012345678901234567890123456789"
    "#]],
    );
    check(
        Git { retry, ..config() },
        main(),
        Before::Nothing,
        &["clone", "clone"],
        expect![[r#"
        [build] git --version
        listdir build
        [build] git clone --branch main https://example.org/r.git . !
        (wait 30s)
        [build] git --version
        listdir build
        [build] git clone --branch main https://example.org/r.git . !
        failure Some("1") 
    "#]],
    );
    check(
        config(),
        main(),
        Before::Tree,
        &["--version"],
        expect![[r#"
        [build] git --version !
        exception None 
    "#]],
    );
    let fresh = git_config(GitMode::Full(GitMethod::Fresh));
    check(
        fresh,
        main(),
        Before::Tree,
        &["clean"],
        expect![[r#"
        [build] git --version
        listdir build
        [build] git clean -f -f -d -x !
        rmdir build
        [build] git clone --branch main https://example.org/r.git .
        [build] git rev-parse HEAD
        success Some("012345678901") "0123456789012345678901234567890123456789"
    "#]],
    );
}

#[test]
fn options_change_the_commands() {
    let config = || git_config(GitMode::Incremental);
    let shallow = Git { shallow: Some(3), progress: true, ..config() };
    check(
        shallow,
        stamp(Some("refs/pull/1/head"), None),
        Before::Nothing,
        &[],
        expect![[r#"
        [build] git --version
        listdir build
        [build] git clone -n --depth 3 https://example.org/r.git . --progress
        [build] git fetch -f --depth 3 https://example.org/r.git refs/pull/1/head --progress
        [build] git checkout -f FETCH_HEAD
        [build] git rev-parse HEAD
        success Some("012345678901") "0123456789012345678901234567890123456789"
    "#]],
    );
    let latest = Git { always_use_latest: true, branch: Some(super::template("stable")), ..config() };
    check(
        latest,
        stamp(Some("main"), Some("abc")),
        Before::Nothing,
        &[],
        expect![[r#"
        [build] git --version
        listdir build
        [build] git clone --branch stable https://example.org/r.git .
        [build] git rev-parse HEAD
        success Some("012345678901") "0123456789012345678901234567890123456789"
    "#]],
    );
    let patch = Patch {
        level: 1,
        body: "--- a\n".to_owned(),
        subdir: "src".to_owned(),
        author: String::new(),
        comment: String::new(),
    };
    let patched = SourceStamp { patch: Some(patch), ..stamp(Some("main"), None) };
    check(
        config(),
        patched,
        Before::Nothing,
        &[],
        expect![[r#"
        [build] git --version
        listdir build
        [build] git clone --branch main https://example.org/r.git .
        [build] git apply --index -p 1 --directory src < --- a
        [build] git rev-parse HEAD
        success Some("012345678901") "0123456789012345678901234567890123456789"
    "#]],
    );
    check(
        config(),
        stamp(Some("--upload-pack=x"), None),
        Before::Tree,
        &[],
        expect![[r#""--upload-pack=x" is no repository, branch or revision"#]],
    );
    let other = Git { codebase: "lib".to_owned(), ..config() };
    check(
        other,
        stamp(None, None),
        Before::Tree,
        &[],
        expect![[r#"the build has no source of codebase "lib""#]],
    );
}
