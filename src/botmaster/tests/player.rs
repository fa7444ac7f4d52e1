//! Plays a build machine and writes down what it wants.

use super::builder;
use crate::botmaster::build::{Action, Build, Env, Input, Plan};
use crate::botmaster::steps::Abilities;
use crate::config::{SecretText, Step};
use crate::model::{Mono, Properties, SourceStamp};
use crate::pb::{Failure, Value};
use expect_test::Expect;
use std::sync::Arc;

/// Plays a build of these steps. Each input is a word: `ready`, `out TEXT`, `rc N` (and complete), `done` (without
/// a code), `fail`, `refused`, `stop`, `lost`, `later` (the deadline).
pub(super) fn check(steps: Vec<Step>, inputs: &str, expected: Expect) {
    expected.assert_eq(&play(steps, inputs));
}

fn play(steps: Vec<Step>, inputs: &str) -> String {
    let mut properties = Properties::default();
    properties.set("os", "debian", "Worker");
    let plan = Plan {
        builder: Arc::new(builder("b", steps)),
        number: 7,
        reason: "because".to_owned(),
        stamps: vec![SourceStamp { branch: Some("main".to_owned()), ..SourceStamp::default() }],
        files: vec!["src/lib.rs".to_owned()],
        worker: "w".to_owned(),
        info: Arc::default(),
        abilities: Arc::new(Abilities([("shell".to_owned(), "3.3".to_owned())].into())),
        properties,
    };
    let mut now = Mono::default();
    let mut build = Build::new(plan, now);
    let mut told = String::new();
    for word in inputs.split("; ") {
        let secrets = |name: &str| match name {
            "key" => Ok(SecretText::new("hunter2")),
            _ => Err(format!("secret {name:?}: no provider knows it")),
        };
        let mut out = Vec::new();
        let mut feed = |input: Input<'_>, now| {
            build.handle(input, &Env { now, secrets: &secrets }, &mut out);
        };
        let update = |key: &str, value: Value| {
            Value::List(vec![Value::List(vec![Value::dict([(key, value)]), Value::Int(0)])])
        };
        match word.split_once(' ').unwrap_or((word, "")) {
            ("ready", _) => feed(Input::Ready, now),
            ("out", text) => feed(Input::Update(&update("stdout", Value::from(text))), now),
            ("file", text) => {
                let value = Value::tuple([Value::from("test.log"), Value::from(text)]);
                feed(Input::Update(&update("log", value)), now);
            }
            ("why", text) => feed(Input::Update(&update("failure_reason", Value::from(text))), now),
            ("rc", code) => {
                feed(Input::Update(&update("rc", Value::Int(code.parse().unwrap()))), now);
                feed(Input::Complete(None), now);
            }
            ("done", _) => feed(Input::Complete(None), now),
            ("fail", _) => feed(Input::Complete(Some(Failure::runtime_error("out of order"))), now),
            ("refused", _) => feed(Input::NotStarted(Failure::key_error("command")), now),
            ("stop", _) => feed(Input::Stop("enough (by alice)".to_owned()), now),
            ("lost", _) => feed(Input::Lost("worker lost"), now),
            ("later", _) => {
                now = build.deadline().expect("a deadline");
                build.handle(Input::Timer, &Env { now, secrets: &secrets }, &mut out);
            }
            other => panic!("{other:?} is no input"),
        }
        told += &format!("> {word}\n");
        out.iter().for_each(|action| told += &shown(action));
    }
    told
}

fn shown(action: &Action) -> String {
    match action {
        Action::SetProperties(properties) => properties
            .iter()
            .map(|(name, property)| format!("property {name} = {} ({})\n", property.value, property.source))
            .collect(),
        Action::StepStarted { name, state } => format!("step {name}: {state}\n"),
        Action::OpenLog { name, kind } => format!("  log {name} {}\n", kind.letter()),
        Action::Log { log, channel, text } => format!("  {log} {channel:?} {text:?}\n"),
        Action::StepFinished { results, state, hidden } => {
            format!("  {results}: {state}{}\n", if *hidden { " [hidden]" } else { "" })
        }
        Action::Run(command) => {
            let line = command.args.iter().find(|(name, _)| *name == "command");
            format!("  run {} {:?}\n", command.name, line.map(|(_, value)| value))
        }
        Action::Interrupt(reason) => format!("  interrupt: {reason}\n"),
        Action::Disconnect(reason) => format!("disconnect: {reason}\n"),
        Action::Finished { results, state } => format!("{results}: {state}\n"),
    }
}
