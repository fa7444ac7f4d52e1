//! Plays a build machine and writes down what it wants.

use super::builder;
use super::files::stat;
use crate::botmaster::build::{Action, Build, Env, Input, Plan};
use crate::botmaster::files::Kept;
use crate::botmaster::junit;
use crate::botmaster::steps::Abilities;
use crate::config::{SecretText, Step};
use crate::model::{Channel, Mono, Properties, SourceStamp};
use crate::pb::{Failure, Value};
use expect_test::Expect;
use std::path::Path;
use std::sync::Arc;

/// Plays a build of these steps. Each input is a word: `ready`, `out TEXT`, `rc N` (and complete), `done` (without
/// a code), `fail`, `refused`, `stop`, `lost`, `later` (the deadline).
pub(super) fn check(steps: Vec<Step>, inputs: &str, expected: Expect) {
    expected.assert_eq(&play_with(
        &Played { commands: &["shell"], version: "3.3", arguments: false },
        steps,
        inputs,
    ));
}

/// How a build is played.
pub(super) struct Played {
    /// The worker's commands.
    pub commands: &'static [&'static str],
    /// Their version.
    pub version: &'static str,
    /// Whether all arguments of a command are shown.
    pub arguments: bool,
}

/// All commands of a worker.
pub(super) const COMMANDS: &[&str] = &[
    "shell",
    "uploadFile",
    "uploadDirectory",
    "downloadFile",
    "mkdir",
    "rmdir",
    "cpdir",
    "stat",
    "glob",
    "rmfile",
];

/// The same as [`check`], with further inputs: `settled [TROUBLE]`, `looked [TROUBLE]`, `stat MODE`, `files NAMES`
/// (both end the command well).
pub(super) fn play_with(played: &Played, steps: Vec<Step>, inputs: &str) -> String {
    let mut properties = Properties::default();
    properties.set("os", "debian", "Worker");
    properties.set("evil", "../../etc/passwd", "Force Build Form");
    let commands = played.commands.iter().map(|name| ((*name).to_owned(), played.version.to_owned()));
    let plan = Plan {
        builder: Arc::new(builder("b", steps)),
        number: 7,
        reason: "because".to_owned(),
        stamps: vec![SourceStamp { branch: Some("main".to_owned()), ..SourceStamp::default() }],
        changes: Vec::new(),
        files: vec!["src/lib.rs".to_owned()],
        worker: "w".to_owned(),
        info: Arc::default(),
        environ: Arc::new([("PATH".to_owned(), "/bin".to_owned())].into()),
        abilities: Arc::new(Abilities(commands.collect())),
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
            build.handle(input, &Env { now, secrets: &secrets, base_dir: Path::new("/m") }, &mut out);
        };
        let update = |key: &str, value: Value| {
            Value::List(vec![Value::List(vec![Value::dict([(key, value)]), Value::Int(0)])])
        };
        match word.split_once(' ').unwrap_or((word, "")) {
            ("ready", _) => feed(Input::Ready, now),
            ("out", text) => feed(Input::Update(&update("stdout", Value::from(text))), now),
            ("err", text) => feed(Input::Update(&update("stderr", Value::from(format!("{text}\n")))), now),
            ("file", text) => {
                let value = Value::tuple([Value::from("test.log"), Value::from(text)]);
                feed(Input::Update(&update("log", value)), now);
            }
            ("why", text) => feed(Input::Update(&update("failure_reason", Value::from(text))), now),
            ("rc", code) => {
                feed(Input::Update(&update("rc", Value::Int(code.parse().unwrap()))), now);
                feed(Input::Complete(None), now);
            }
            ("stat", mode) => {
                let value = stat(mode.parse().unwrap());
                feed(Input::Update(&update("stat", value)), now);
                feed(Input::Update(&update("rc", Value::Int(0))), now);
                feed(Input::Complete(None), now);
            }
            ("files", names) => {
                let names = Value::list(names.split_whitespace());
                feed(Input::Update(&update("files", names)), now);
                feed(Input::Update(&update("rc", Value::Int(0))), now);
                feed(Input::Complete(None), now);
            }
            ("settled", "") => feed(Input::Settled(Ok(Kept::Nothing)), now),
            ("text", text) => feed(Input::Settled(Ok(Kept::Text(text.replace("\\n", "\n")))), now),
            ("junit", text) => feed(Input::Settled(junit::read(text.as_bytes()).map(Kept::Tests)), now),
            ("line", text) => feed(Input::Update(&update("stdout", Value::from(format!("{text}\n")))), now),
            ("settled", trouble) => feed(Input::Settled(Err(trouble.to_owned())), now),
            ("says", text) => feed(Input::Said(Channel::Stdout, format!("{text}\n").into()), now),
            ("unable", why) => feed(Input::Exited(Err(why.to_owned())), now),
            ("exited", "") => feed(Input::Exited(Ok(None)), now),
            ("exited", code) => feed(Input::Exited(Ok(Some(code.parse().unwrap()))), now),
            ("looked", "") => feed(Input::Looked(Ok(())), now),
            ("looked", trouble) => feed(Input::Looked(Err(trouble.to_owned())), now),
            ("done", _) => feed(Input::Complete(None), now),
            ("fail", _) => feed(Input::Complete(Some(Failure::runtime_error("out of order"))), now),
            ("refused", _) => feed(Input::NotStarted(Failure::key_error("command")), now),
            ("stop", _) => feed(Input::Stop("enough (by alice)".to_owned()), now),
            ("lost", _) => feed(Input::Lost("worker lost"), now),
            ("later", _) => {
                now = build.deadline().expect("a deadline");
                build.handle(
                    Input::Timer,
                    &Env { now, secrets: &secrets, base_dir: Path::new("/m") },
                    &mut out,
                );
            }
            other => panic!("{other:?} is no input"),
        }
        told += &format!("> {word}\n");
        out.iter().for_each(|action| told += &shown(action, played));
    }
    told
}

fn shown(action: &Action, played: &Played) -> String {
    match action {
        Action::SetProperties(properties) => properties
            .iter()
            .map(|(name, property)| format!("property {name} = {} ({})\n", property.value, property.source))
            .collect(),
        Action::Substantiate(recipe) => format!("  start a {} worker\n", recipe.type_name()),
        Action::Steps(_) => String::new(),
        Action::StepStarted { name, state, .. } => format!("step {name}: {state}\n"),
        Action::AddLink(link) => format!("  leads to {} {}\n", link.name, link.url),
        Action::StepState(state) => format!("  now {state}\n"),
        Action::OpenLog { name, kind } => format!("  log {name} {}\n", kind.letter()),
        Action::Log { log, channel, text } => format!("  {log} {channel:?} {text:?}\n"),
        Action::StepFinished { results, state, hidden } => {
            format!("  {results}: {state}{}\n", if *hidden { " [hidden]" } else { "" })
        }
        Action::Run(command) if played.arguments => {
            let args: Vec<String> =
                command.args.iter().map(|(name, value)| format!("{name}={}", plain(value))).collect();
            let transfer = command.transfer.as_ref().map(|transfer| format!("\n    {transfer:?}"));
            format!("  run {} {}{}\n", command.name, args.join(" "), transfer.unwrap_or_default())
        }
        Action::Run(command) => {
            let line = command.args.iter().find(|(name, _)| *name == "command");
            format!("  run {} {:?}\n", command.name, line.map(|(_, value)| value))
        }
        Action::Settle { keep } => format!("  {}\n", if *keep { "keep" } else { "throw away" }),
        Action::RunProgram(program) => format!("  on the master {program:?}\n"),
        Action::Look(path) => format!("  look for {}\n", path.display()),
        Action::Ask(request) => format!("  ask {request:?}\n"),
        Action::Abandon => "  abandon\n".to_owned(),
        Action::Trigger(triggers, waits) => format!("  trigger, waited for: {waits}: {triggers:?}\n"),
        Action::Await(added) => format!("  wait for {added:?}\n"),
        Action::TakeLocks => "  take locks\n".to_owned(),
        Action::Interrupt(reason) => format!("  interrupt: {reason}\n"),
        Action::Disconnect(reason) => format!("disconnect: {reason}\n"),
        Action::Finished { results, state } => format!("{results}: {state}\n"),
    }
}

/// An argument as Python writes it.
fn plain(value: &Value) -> String {
    match value {
        Value::None => "None".to_owned(),
        Value::Int(number) => number.to_string(),
        Value::Bool(truth) => truth.to_string(),
        other => other.as_str().map_or_else(|| format!("{other:?}"), |text| format!("{text:?}")),
    }
}
