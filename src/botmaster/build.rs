//! One build as a state machine: what happens goes in, what to do comes out (`BU`, `ST`, `traps.md` 1, 2, 16, 17).
//!
//! It knows no ids and no database: "the step" and "log 2" are those of the step that runs. Every wait has a
//! deadline: the start, an interruption, a pause between two tries.

use super::command::{Command, Output, Running, told};
use super::limits::{INTERRUPT_PATIENCE, LOGS_PER_STEP, START_PATIENCE};
use super::render::{Moment, Scene, Secrets, ask};
use super::step::{self, ended, fold, short};
use super::steps::{Abilities, End, Machine, Next, Site};
use crate::config::{Builder, Condition, SecretText, Step};
use crate::model::{Channel, LogKind, Mono, Properties, Results, SourceStamp};
use crate::pb::{Failure, Value};
use bytes::Bytes;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

/// The log of a step's commands.
const STDIO: &str = "stdio";

/// What a build is made from.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Its builder, as it was configured when the build began.
    pub builder: Arc<Builder>,
    /// Its number.
    pub number: i64,
    /// Why it was started.
    pub reason: String,
    /// Its source, one stamp for each codebase.
    pub stamps: Vec<SourceStamp>,
    /// The files that its changes touch.
    pub files: Vec<String>,
    /// The worker's name.
    pub worker: String,
    /// What the worker said of itself.
    pub info: Arc<BTreeMap<String, String>>,
    /// What the worker can do.
    pub abilities: Arc<Abilities>,
    /// The properties that it begins with.
    pub properties: Properties,
}

/// What happens to a build.
#[derive(Debug)]
pub enum Input<'a> {
    /// The worker is ready for its steps.
    Ready,
    /// An `update` call of the running command: its argument.
    Update(&'a Value),
    /// The command could not be started.
    NotStarted(Failure),
    /// The command is complete, well or by a failure.
    Complete(Option<Failure>),
    /// Somebody wants it to stop.
    Stop(String),
    /// The worker is out of reach, for this reason, in a word or two.
    Lost(&'a str),
    /// Its deadline has come.
    Timer,
}

/// What a build wants done, in this order.
#[derive(Debug, PartialEq)]
pub enum Action {
    /// Store these properties.
    SetProperties(Properties),
    /// The next step begins.
    StepStarted {
        /// Its name, unique within the build.
        name: String,
        /// What it is doing.
        state: String,
    },
    /// Open a log of the step; they count from 0.
    OpenLog {
        /// Its name.
        name: String,
        /// What it will hold.
        kind: LogKind,
    },
    /// Add to a log of the step.
    Log {
        /// Which.
        log: usize,
        /// On which channel.
        channel: Channel,
        /// The text, cut anywhere.
        text: Bytes,
    },
    /// The step is done, and so are its logs.
    StepFinished {
        /// How it ended.
        results: Results,
        /// What is said of it.
        state: String,
        /// Whether pages leave it out.
        hidden: bool,
    },
    /// Start a command on the worker.
    Run(Command),
    /// Interrupt the command that runs.
    Interrupt(String),
    /// The worker does not do what it must: close its connection.
    Disconnect(String),
    /// The build is done.
    Finished {
        /// How it ended.
        results: Results,
        /// What is said of it.
        state: String,
    },
}

/// A step that runs.
#[derive(Debug)]
struct Current {
    at: usize,
    name: String,
    machine: Machine,
    command: Option<Running>,
    logs: Vec<String>,
    /// How often the command was interrupted.
    interrupts: u32,
}

#[derive(Debug, PartialEq, Eq)]
enum Phase {
    Starting,
    Running,
    Finished,
}

/// A running build.
#[derive(Debug)]
pub struct Build {
    plan: Plan,
    phase: Phase,
    next: usize,
    current: Option<Current>,
    names: BTreeSet<String>,
    results: Results,
    culprits: Vec<String>,
    /// Only steps that always run may still run.
    halted: bool,
    /// Why it was asked to stop.
    stopped: Option<String>,
    deadline: Option<Mono>,
    hidden: Vec<(String, SecretText)>,
}

/// What a build is given beside an input.
pub struct Env<'a> {
    /// The time.
    pub now: Mono,
    /// Who knows the secrets.
    pub secrets: &'a Secrets<'a>,
}

impl Build {
    /// One whose worker was just told.
    pub fn new(plan: Plan, now: Mono) -> Build {
        Build {
            plan,
            phase: Phase::Starting,
            next: 0,
            current: None,
            names: BTreeSet::new(),
            results: Results::Success,
            culprits: Vec::new(),
            halted: false,
            stopped: None,
            deadline: Some(now + START_PATIENCE),
            hidden: Vec::new(),
        }
    }

    /// What it was made from.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// When [`Input::Timer`] is due.
    pub fn deadline(&self) -> Option<Mono> {
        self.deadline
    }

    /// The name of the step that runs.
    pub fn step_name(&self) -> Option<&str> {
        self.current.as_ref().map(|current| current.name.as_str())
    }

    /// How many steps are done, and how many there are.
    pub fn progress(&self) -> (usize, usize) {
        (self.next - usize::from(self.current.is_some()), self.plan.builder.steps.len())
    }

    /// Whether somebody has asked to stop it.
    pub fn is_stopping(&self) -> bool {
        self.stopped.is_some()
    }

    /// Takes what has happened.
    pub fn handle(&mut self, input: Input<'_>, env: &Env<'_>, out: &mut Vec<Action>) {
        match (&self.phase, input) {
            (Phase::Finished, _) => {}
            (_, Input::Update(updates)) => self.update(updates, out),
            (Phase::Starting, Input::Ready) => {
                self.phase = Phase::Running;
                self.deadline = None;
                self.next_step(env, out);
            }
            (_, Input::Ready) => {}
            (_, Input::NotStarted(failure)) => {
                self.command_failed("the worker refused it", &failure, env, out)
            }
            (_, Input::Complete(Some(failure))) => {
                self.command_failed("the worker failed in it", &failure, env, out);
            }
            (_, Input::Complete(None)) => self.completed(env, out),
            (_, Input::Stop(reason)) => self.stop(reason, env, out),
            (_, Input::Lost(why)) => self.lost(why, out),
            (_, Input::Timer) => self.timer(env, out),
        }
    }

    fn update(&mut self, updates: &Value, out: &mut Vec<Action>) {
        let Some(current) = &mut self.current else { return };
        let Some(command) = &mut current.command else { return };
        let mut output = Vec::new();
        command.update(updates, &mut output);
        for piece in output {
            let (log, channel, text) = match piece {
                Output::Main(channel, text) => (0, channel, text),
                Output::File(name, text) => match current.log(&name, LogKind::Stdio, out) {
                    Some(log) => (log, Channel::Stdout, text),
                    None => continue,
                },
            };
            let text = cleaned(&self.hidden, text);
            out.push(Action::Log { log, channel, text });
        }
    }

    fn completed(&mut self, env: &Env<'_>, out: &mut Vec<Action>) {
        let Some(current) = &mut self.current else { return };
        let Some(command) = current.command.take() else { return };
        if current.interrupts > 0 {
            return self.end_step(End::plain(Results::Cancelled), env, out);
        }
        let next = current.machine.go_on(Some(command.finish()));
        self.follow(next, env, out);
    }

    /// The command ended by a failure of the worker's, or was refused.
    fn command_failed(&mut self, what: &str, failure: &Failure, env: &Env<'_>, out: &mut Vec<Action>) {
        let Some(current) = &mut self.current else { return };
        if current.command.take().is_none() {
            return;
        }
        let mut end = End::exception(format!("{what}:\n{}", told(failure)));
        if current.interrupts > 0 {
            end.results = Results::Cancelled;
        }
        self.end_step(end, env, out);
    }

    /// The first stop halts the build; each further one only interrupts a step that always runs.
    fn stop(&mut self, reason: String, env: &Env<'_>, out: &mut Vec<Action>) {
        if self.stopped.is_none() {
            self.halted = true;
            self.results = self.results.worst(Results::Cancelled);
            self.stopped = Some(reason.clone());
        }
        let Some(current) = &mut self.current else { return };
        if current.interrupts > 0 {
            return;
        }
        if let Some(log) = current.log("interrupt", LogKind::Text, out) {
            let text = format!("{reason}\n").into();
            out.push(Action::Log { log, channel: Channel::Stdout, text });
        }
        if current.command.is_some() {
            self.interrupt(reason, env.now, out);
        } else {
            self.end_step(End::plain(Results::Cancelled), env, out);
        }
    }

    fn interrupt(&mut self, reason: String, now: Mono, out: &mut Vec<Action>) {
        let Some(current) = &mut self.current else { return };
        current.interrupts += 1;
        let grace = current.command.as_ref().map_or(Duration::ZERO, |command| command.grace);
        self.deadline = Some(now + INTERRUPT_PATIENCE + grace);
        out.push(Action::Interrupt(reason));
    }

    fn lost(&mut self, why: &str, out: &mut Vec<Action>) {
        if let Some(current) = self.current.take() {
            let step = &self.plan.builder.steps[current.at];
            let description =
                step.description.as_ref().map_or(current.machine.description(), |text| text.as_str());
            let state = ended(description, Results::Retry, Some(why));
            out.push(Action::StepFinished { results: Results::Retry, state, hidden: false });
        }
        // Even when a stop was asked: what runs where the connection was cannot be known (`traps.md` 17).
        self.results = Results::Retry;
        self.stopped = Some(why.to_owned());
        self.finish(out);
    }

    fn timer(&mut self, env: &Env<'_>, out: &mut Vec<Action>) {
        if self.deadline.is_none_or(|deadline| env.now < deadline) {
            return;
        }
        self.deadline = None;
        let Some(current) = &mut self.current else {
            return out.push(Action::Disconnect("it does not answer that a build begins".to_owned()));
        };
        if current.command.is_none() {
            let next = current.machine.go_on(None);
            return self.follow(next, env, out);
        }
        if current.interrupts == 1 {
            return self.interrupt("it is still running".to_owned(), env.now, out);
        }
        out.push(Action::Disconnect("a command does not end though it was interrupted twice".to_owned()));
        let mut end = End::plain(Results::Cancelled);
        end.complaint = Some("the worker did not end the command; its connection was closed\n".to_owned());
        // Nothing more can run there; and it was stopped, not lost.
        self.next = self.plan.builder.steps.len();
        self.end_step(end, env, out);
    }

    /// Begins the next step that is to run, or ends the build.
    fn next_step(&mut self, env: &Env<'_>, out: &mut Vec<Action>) {
        // A step that is done at once is followed by the next in this loop, not by a deeper call.
        while self.current.is_none() && self.phase == Phase::Running {
            let builder = self.plan.builder.clone();
            let Some(step) = builder.steps.get(self.next) else { return self.finish(out) };
            self.next += 1;
            if self.halted && !step.always_run {
                continue;
            }
            self.begin_step(step, env, out);
        }
    }

    fn begin_step(&mut self, step: &Step, env: &Env<'_>, out: &mut Vec<Action>) {
        let at = self.next - 1;
        let prepared = self.with_scene(env, |build, scene| {
            let name = scene.text(&step.name).unwrap_or_else(|_| step.name.as_str().to_owned());
            let running = step.description.as_ref().map(|text| scene.text(text)).transpose();
            let wanted = build.asked(step.do_step_if.as_ref(), None, scene);
            let machine = match wanted {
                Ok(true) => {
                    let site = Site { scene, builder: &build.plan.builder, abilities: &build.plan.abilities };
                    Machine::begin(&step.kind, &site).map(Some)
                }
                Ok(false) => Ok(None),
                Err(why) => Err(format!("do_step_if: {why}")),
            };
            (name, running, machine)
        });
        let (name, running, machine) = prepared;
        let name = self.unique(short(&name));
        let running = running.ok().flatten();
        let state = short(running.as_deref().unwrap_or("running"));
        out.push(Action::StepStarted { name: name.clone(), state });
        match machine {
            Ok(Some((machine, next))) => {
                let mut current =
                    Current { at, name, machine, command: None, logs: Vec::new(), interrupts: 0 };
                if matches!(next, Next::Run(_)) {
                    current.log(STDIO, LogKind::Stdio, out);
                    for file in current.machine.files().to_vec() {
                        current.log(&file, LogKind::Stdio, out);
                    }
                }
                self.current = Some(current);
                self.follow_once(next, env, out);
            }
            Ok(None) => {
                let description = running.unwrap_or_else(|| step.kind.type_name().to_owned());
                self.conclude(step, &name, &description, &End::plain(Results::Skipped), env, out);
            }
            Err(why) => {
                let mut logs = Vec::new();
                open(&mut logs, "err.text", LogKind::Text, out);
                let text = cleaned(&self.hidden, format!("{why}\n").into());
                out.push(Action::Log { log: 0, channel: Channel::Stdout, text });
                let description = running.unwrap_or_else(|| step.kind.type_name().to_owned());
                self.conclude(step, &name, &description, &End::plain(Results::Exception), env, out);
            }
        }
    }

    /// Does what the step says, and begins the next one if it is done.
    fn follow(&mut self, next: Next, env: &Env<'_>, out: &mut Vec<Action>) {
        self.follow_once(next, env, out);
        self.next_step(env, out);
    }

    fn follow_once(&mut self, next: Next, env: &Env<'_>, out: &mut Vec<Action>) {
        let Some(current) = &mut self.current else { return };
        match next {
            Next::Run(command) if !self.plan.abilities.has(command.name) => {
                let why = format!("the worker is too old: it has no command {:?}\n", command.name);
                self.close_step(End::exception(why), env, out);
            }
            Next::Run(command) => {
                current.command = Some(Running::new(&command));
                out.push(Action::Run(command));
            }
            Next::Wait(pause) => self.deadline = Some(env.now + pause),
            Next::Done(end) => self.close_step(end, env, out),
        }
    }

    fn end_step(&mut self, end: End, env: &Env<'_>, out: &mut Vec<Action>) {
        self.close_step(end, env, out);
        self.next_step(env, out);
    }

    /// Ends the current step.
    fn close_step(&mut self, end: End, env: &Env<'_>, out: &mut Vec<Action>) {
        let Some(mut current) = self.current.take() else { return };
        self.deadline = None;
        let exhibit = current.machine.exhibit().map(|(name, text)| (name, text.to_owned()));
        let complaint = end.complaint.clone().map(|text| ("err.text", text));
        for (name, text) in exhibit.into_iter().chain(complaint) {
            if let Some(log) = current.log(name, LogKind::Text, out) {
                let text = cleaned(&self.hidden, text.into());
                out.push(Action::Log { log, channel: Channel::Stdout, text });
            }
        }
        if !end.properties.is_empty() {
            self.plan.properties.update(&end.properties);
            out.push(Action::SetProperties(end.properties.clone()));
        }
        let builder = self.plan.builder.clone();
        let step = &builder.steps[current.at];
        let words = step.description_done.as_ref().or(step.description.as_ref());
        let words = words.and_then(|text| self.with_scene(env, |_, scene| scene.text(text).ok()));
        let description = words.unwrap_or_else(|| current.machine.description().to_owned());
        self.conclude(step, &current.name, &description, &end, env, out);
    }

    /// Says how a step ended, and what that means for the build.
    fn conclude(
        &mut self,
        step: &Step,
        name: &str,
        description: &str,
        end: &End,
        env: &Env<'_>,
        out: &mut Vec<Action>,
    ) {
        let results = end.results;
        let hidden = self.with_scene(env, |build, scene| {
            step.hide_step_if.is_some()
                && build.asked(step.hide_step_if.as_ref(), Some(results), scene).unwrap_or(false)
        });
        let state = String::from_utf8_lossy(&cleaned(
            &self.hidden,
            ended(description, results, end.detail.as_deref()).into(),
        ))
        .into_owned();
        out.push(Action::StepFinished { results, state, hidden });
        let effect = fold(step, results, self.results);
        if fold(step, results, Results::Success).results != Results::Success {
            self.culprits.push(name.to_owned());
        }
        self.results = effect.results;
        self.halted |= effect.halts;
    }

    fn finish(&mut self, out: &mut Vec<Action>) {
        self.phase = Phase::Finished;
        self.deadline = None;
        let state = step::build_ended(self.results, &self.culprits, self.stopped.as_deref());
        out.push(Action::Finished { results: self.results, state });
    }

    fn unique(&mut self, name: String) -> String {
        let mut unique = name.clone();
        let mut count = 0;
        while !self.names.insert(unique.clone()) {
            count += 1;
            unique = format!("{name}_{count}");
        }
        unique
    }

    fn asked(
        &self,
        condition: Option<&Condition>,
        result: Option<Results>,
        scene: &Scene<'_>,
    ) -> Result<bool, String> {
        let Some(condition) = condition else { return Ok(true) };
        let moment = Moment {
            builder: &self.plan.builder.name,
            number: self.plan.number,
            reason: &self.plan.reason,
            worker: &self.plan.worker,
            files: &self.plan.files,
            results: self.results,
            result,
        };
        ask(condition, scene, &moment)
    }

    /// Runs `work` with what the build knows, and keeps note of the secrets that it asked for.
    fn with_scene<R>(&mut self, env: &Env<'_>, work: impl FnOnce(&Build, &Scene<'_>) -> R) -> R {
        let scene = Scene {
            properties: &self.plan.properties,
            stamps: &self.plan.stamps,
            worker: &self.plan.info,
            secrets: env.secrets,
            hidden: RefCell::default(),
        };
        let done = work(self, &scene);
        let asked = scene.hidden.into_inner();
        for (name, text) in asked {
            if !text.reveal().is_empty() && !self.hidden.iter().any(|(known, _)| *known == name) {
                self.hidden.push((name, text));
            }
        }
        done
    }
}

impl Current {
    /// The number of the log of this name, which is opened if it is new; `None` where there are too many.
    fn log(&mut self, name: &str, kind: LogKind, out: &mut Vec<Action>) -> Option<usize> {
        open(&mut self.logs, name, kind, out)
    }
}

fn open(logs: &mut Vec<String>, name: &str, kind: LogKind, out: &mut Vec<Action>) -> Option<usize> {
    if let Some(log) = logs.iter().position(|known| known == name) {
        return Some(log);
    }
    if logs.len() >= LOGS_PER_STEP {
        return None;
    }
    logs.push(name.to_owned());
    out.push(Action::OpenLog { name: short(name), kind });
    Some(logs.len() - 1)
}

/// The text without the secrets that the build has used; each is replaced by its name.
fn cleaned(hidden: &[(String, SecretText)], text: Bytes) -> Bytes {
    let mut text = text;
    for (name, secret) in hidden {
        let secret = secret.reveal().as_bytes();
        if memchr::memmem::find(&text, secret).is_none() {
            continue;
        }
        let (mut clean, mut done) = (Vec::with_capacity(text.len()), 0);
        for at in memchr::memmem::find_iter(&text, secret) {
            clean.extend_from_slice(&text[done..at]);
            clean.extend_from_slice(format!("<{name}>").as_bytes());
            done = at + secret.len();
        }
        clean.extend_from_slice(&text[done..]);
        text = clean.into();
    }
    text
}
