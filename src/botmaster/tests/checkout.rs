//! Plays a worker to a checkout, and shows the commands that it is given.

use super::builder;
use crate::botmaster::command::{Command, Outcome};
use crate::botmaster::render::{Moment, Scene};
use crate::botmaster::steps::{Abilities, Machine, Next, Site};
use crate::config::{Patience, StepKind};
use crate::model::{Properties, Results, SourceStamp};
use crate::pb::Value;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::Path;

const REVISION: &str = "0123456789012345678901234567890123456789";

/// What Subversion answers.
const STATUS: &str = r#"<?xml version="1.0" encoding="UTF-8"?><status><target path=".">
    <entry path="left-over"><wc-status item="unversioned" props="none"/></entry>
    <entry path="cache"><wc-status item="unversioned" props="none"/></entry>
    <entry path="changed"><wc-status item="modified" props="none"/></entry></target></status>"#;
const INFO: &str = r#"<?xml version="1.0" encoding="UTF-8"?><info><entry path="." revision="7" kind="dir">
    <url>https://example.org/svn/trunk</url><commit revision="5"/></entry></info>"#;

/// What the played worker has in its directory.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Before {
    Nothing,
    Tree,
    OtherFiles,
}

pub(super) fn stamp(branch: Option<&str>, revision: Option<&str>) -> SourceStamp {
    SourceStamp {
        branch: branch.map(str::to_owned),
        revision: revision.map(str::to_owned),
        ..SourceStamp::default()
    }
}

/// Plays the step; a command that contains one of `failing` fails, each word once.
pub(super) fn play(
    kind: &StepKind,
    stamp: &SourceStamp,
    before: Before,
    failing: &[&str],
    version: &str,
) -> String {
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
    let patience = &Patience::usual(kind);
    let moment = Moment {
        builder: "b",
        number: 1,
        reason: "",
        worker: "w",
        files: &[],
        results: Results::Success,
        result: None,
    };
    let site = Site {
        moment,
        scene: &scene,
        builder: &builder,
        patience,
        abilities: &abilities,
        environ: &environ,
        base_dir,
        changes: &[],
    };
    let (mut machine, mut next) = match Machine::begin(kind, &site) {
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
                machine.go_on(outcome(&command, &line, before, fails.is_some()))
            }
            Next::Look(_)
            | Next::Program(..)
            | Next::Ask(_)
            | Next::Trigger(..)
            | Next::Await(_)
            | Next::Postpone(_) => {
                panic!("git has nothing to do on the master")
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
        Before::Tree => &[".git", ".hg", ".svn", "README"],
        Before::OtherFiles => &["README"],
    };
    match command.name {
        "listdir" if before == Before::Nothing => outcome.rc = Some(2),
        "listdir" => {
            drop(outcome.others.insert("files".to_owned(), vec![Value::list(files.iter().copied())]))
        }
        "stat" => outcome.rc = Some(i64::from(before != Before::Tree)),
        _ if line.contains("--version") => outcome.stdout = b"git version 2.47.3\n".to_vec(),
        _ if line.contains("identify --branch") => outcome.stdout = b"default\n".to_vec(),
        _ if line.contains("svn status") => outcome.stdout = STATUS.into(),
        _ if line.contains("svn info") => outcome.stdout = INFO.into(),
        _ if line.contains("rev-parse") || line.contains("{node}") => {
            outcome.stdout = format!("{REVISION}\n").into()
        }
        _ => {}
    }
    outcome
}
