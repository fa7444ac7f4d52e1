//! One build as a state machine: what happens goes in, what to do comes out (`BU`, `ST`, `traps.md` 1, 2, 16, 17).
//!
//! It knows no ids and no database: "the step" and "log 2" are those of the step that runs. Every wait has a
//! deadline: the start, an interruption, a pause between two tries.

mod preparing;
mod redact;
mod secrecy;
mod stepping;
mod triggering;
mod trying;
mod watch;

use super::command::{Command, Output, told};
use super::files::Kept;
use super::http;
use super::limits::START_PATIENCE;
use super::programs::Program;
use super::render::Secrets;
use super::step::ended;
use super::steps::{Abilities, End};
use crate::config::{Builder, LatentDriver, LockUse};
use crate::db::buildsets::{Added, Completed};
use crate::model::{ChangeId, Channel, Link, LogKind, Mono, Properties, Results, SourceStamp};
use crate::pb::{Failure, Value};
use crate::schedulers::{Trigger, TriggerError};
use bytes::Bytes;
use secrecy::Secrecy;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use stepping::{Current, STDIO, Work};

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
    /// Its changes.
    pub changes: Vec<ChangeId>,
    /// The files that they touch.
    pub files: Vec<String>,
    /// The worker's name.
    pub worker: String,
    /// What the worker said of itself.
    pub info: Arc<BTreeMap<String, String>>,
    /// The worker's environment.
    pub environ: Arc<BTreeMap<String, String>>,
    /// What the worker can do.
    pub abilities: Arc<Abilities>,
    /// The properties that it begins with.
    pub properties: Properties,
}

/// What happens to a build.
#[derive(Debug)]
pub enum Input<'a> {
    /// First: the worker is a latent one, and has to be started like this.
    Prepare(&'a LatentDriver),
    /// It is there, and was told of the build.
    Arrived {
        /// What it said of itself.
        info: Arc<BTreeMap<String, String>>,
        /// Its environment.
        environ: Arc<BTreeMap<String, String>>,
        /// What it can do.
        abilities: Arc<Abilities>,
        /// What that means for the build.
        properties: Properties,
    },
    /// It does not come.
    Unprepared {
        /// How the build ends: as one to be repeated, or as an exception.
        results: Results,
        /// Why, for people; in the first line the gist.
        why: String,
    },
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
    /// What the current command moved stands where it belongs, or why not.
    Settled(Result<Kept, String>),
    /// What a program on the master says.
    Said(Channel, Bytes),
    /// A program on the master ended: its exit code, `None` for a signal; or it never began.
    Exited(Result<Option<i32>, String>),
    /// Whether the file that the step looked for can be sent.
    Looked(Result<(), String>),
    /// What came of [`Action::Trigger`].
    Triggered(Result<Vec<Added>, TriggerError>),
    /// One of the buildsets of [`Action::Await`] is complete.
    ChildDone(Completed),
    /// The current step has its locks, or it can never have them.
    Locks(Result<(), String>),
    /// Its deadline has come.
    Timer,
}

/// What a build wants done, in this order.
#[derive(Debug, PartialEq)]
pub enum Action {
    /// Store these properties.
    SetProperties(Properties),
    /// These are its next steps, by name: their rows are there before the first of them begins.
    Steps(Vec<String>),
    /// The next step begins.
    StepStarted {
        /// Its number among all that were told of.
        row: usize,
        /// Its name, unique within the build.
        name: String,
        /// What it is doing.
        state: String,
    },
    /// What the step is doing has changed.
    StepState(String),
    /// The step leads to this.
    AddLink(Link),
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
    /// Have a worker started by this recipe.
    Substantiate(Box<LatentDriver>),
    /// Take the locks of the current step; [`Input::Locks`] tells of it.
    TakeLocks,
    /// Start a command on the worker.
    Run(Command),
    /// The command that moved something is complete: keep what came, or throw it away.
    Settle {
        /// Which.
        keep: bool,
    },
    /// See whether this file of the master's can be sent.
    Look(PathBuf),
    /// Run this program on the master.
    RunProgram(Program),
    /// Ask a server for this; what it says and the status of its answer come as those of a program.
    Ask(Box<http::Request>),
    /// End what the step has under way on the master: nobody waits for it any more.
    Abandon,
    /// Ask the schedulers for these; [`Input::Triggered`] tells of it. And whether the step waits for their ends.
    Trigger(Vec<Trigger>, bool),
    /// The step waits for these: [`Input::ChildDone`] tells of each.
    Await(Vec<Added>),
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

#[derive(Debug, PartialEq, Eq)]
enum Phase {
    /// A latent worker is being started.
    Preparing,
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
    /// The names of its steps, each unique; and where those of the builder begin.
    names: Vec<String>,
    first: usize,
    results: Results,
    culprits: Vec<String>,
    /// Only steps that always run may still run.
    halted: bool,
    /// Why it was asked to stop.
    stopped: Option<String>,
    deadline: Option<Mono>,
    secrecy: Secrecy,
}

/// What a build is given beside an input.
pub struct Env<'a> {
    /// The time.
    pub now: Mono,
    /// Who knows the secrets.
    pub secrets: &'a Secrets<'a>,
    /// Where the master keeps files that are not placed elsewhere.
    pub base_dir: &'a Path,
}

impl Build {
    /// One whose worker was just told.
    pub fn new(plan: Plan, now: Mono) -> Build {
        Build {
            plan,
            phase: Phase::Starting,
            next: 0,
            current: None,
            names: Vec::new(),
            first: 0,
            results: Results::Success,
            culprits: Vec::new(),
            halted: false,
            stopped: None,
            deadline: Some(now + START_PATIENCE),
            secrecy: Secrecy::default(),
        }
    }

    /// What it was made from.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The locks that the current step uses.
    pub fn locks_of_step(&self) -> &[LockUse] {
        let step = self.current.as_ref().and_then(|current| self.plan.builder.steps.get(current.at));
        step.map_or(&[], |step| &step.locks)
    }

    /// When [`Input::Timer`] is due.
    pub fn deadline(&self) -> Option<Mono> {
        match &self.current {
            Some(current) => current.due(&self.plan.builder.steps[current.at].patience),
            None => self.deadline,
        }
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
            (_, Input::Update(updates)) => self.update(updates, env, out),
            (_, Input::Prepare(driver)) => self.prepare(driver, env, out),
            (Phase::Preparing, Input::Arrived { info, environ, abilities, properties }) => {
                (self.plan.info, self.plan.environ, self.plan.abilities) = (info, environ, abilities);
                self.arrived(properties, env, out);
            }
            (Phase::Preparing, Input::Unprepared { results, why }) => self.unprepared(results, &why, out),
            (Phase::Preparing, Input::Stop(reason)) => self.unprepared(Results::Cancelled, &reason, out),
            (Phase::Preparing, Input::Lost(why)) => self.unprepared(Results::Retry, why, out),
            (_, Input::Arrived { .. } | Input::Unprepared { .. }) => {}
            (Phase::Starting, Input::Ready) => {
                self.phase = Phase::Running;
                self.deadline = None;
                self.name_steps(env, out);
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
            (_, Input::Lost(why)) => self.lost(why, env, out),
            (_, Input::Settled(result)) => self.settled(result, env, out),
            (_, Input::Looked(result)) => self.looked(result, env, out),
            (_, Input::Triggered(result)) => self.triggered(result, env, out),
            (_, Input::ChildDone(done)) => self.child_done(done, env, out),
            (_, Input::Said(channel, text)) => self.said_on_master(channel, text, env, out),
            (_, Input::Exited(result)) => self.exited(result, env, out),
            (_, Input::Locks(held)) => self.locks(held, env, out),
            (_, Input::Timer) => self.timer(env, out),
        }
    }

    fn update(&mut self, updates: &Value, env: &Env<'_>, out: &mut Vec<Action>) {
        let builder = self.plan.builder.clone();
        let Some(current) = &mut self.current else { return };
        let Work::Command(command) = &mut current.work else { return };
        let mut output = Vec::new();
        command.update(updates, &mut output);
        let main = command.log.clone().unwrap_or_else(|| STDIO.to_owned());
        for piece in output {
            let (log, channel, text) = match piece {
                Output::Main(channel, text) => match current.log(&main, LogKind::Stdio, out) {
                    Some(log) => (log, channel, text),
                    None => continue,
                },
                Output::File(name, text) => match current.log(&name, LogKind::Stdio, out) {
                    Some(log) => (log, Channel::Stdout, text),
                    None => continue,
                },
            };
            let text = self.secrecy.next(&mut current.streams, log, channel, text);
            current.hear(&builder.steps[current.at], log, channel, text, env.now, out);
        }
    }

    /// Gives out what the streams of the current step hold back.
    fn end_streams(&mut self, now: Mono, out: &mut Vec<Action>) {
        let Some(current) = &mut self.current else { return };
        for (log, channel, text) in self.secrecy.end(&mut current.streams) {
            current.hear(&self.plan.builder.steps[current.at], log, channel, text, now, out);
        }
    }

    fn said_on_master(&mut self, channel: Channel, text: Bytes, env: &Env<'_>, out: &mut Vec<Action>) {
        let builder = self.plan.builder.clone();
        let Some(current) = self.current.as_mut().filter(|current| matches!(current.work, Work::Program))
        else {
            return;
        };
        let Some(log) = current.log(STDIO, LogKind::Stdio, out) else { return };
        let text = self.secrecy.next(&mut current.streams, log, channel, text);
        current.hear(&builder.steps[current.at], log, channel, text, env.now, out);
    }

    fn exited(&mut self, result: Result<Option<i32>, String>, env: &Env<'_>, out: &mut Vec<Action>) {
        self.end_streams(env.now, out);
        let Some(current) = &mut self.current else { return };
        if let Work::Program = current.work {
            current.work = Work::Nothing;
            let next = current.machine.exited(result);
            self.follow(next, env, out);
        }
    }

    fn completed(&mut self, env: &Env<'_>, out: &mut Vec<Action>) {
        self.end_streams(env.now, out);
        let Some(current) = &mut self.current else { return };
        let Some(command) = current.take_command() else { return };
        if current.interrupts > 0 {
            let end = current.trial.verdict.take().unwrap_or(End::plain(Results::Cancelled));
            return self.end_step(end, env, out);
        }
        let transfers = command.transfers;
        let mut outcome = command.finish();
        outcome.stdout = self.secrecy.clean(outcome.stdout).into();
        outcome.stderr = self.secrecy.clean(outcome.stderr).into();
        if transfers {
            out.push(Action::Settle { keep: outcome.rc == Some(0) });
            current.work = Work::Settling(outcome);
            return;
        }
        let next = current.machine.go_on(outcome);
        self.follow(next, env, out);
    }

    fn settled(&mut self, result: Result<Kept, String>, env: &Env<'_>, out: &mut Vec<Action>) {
        let Some(current) = &mut self.current else { return };
        if let Work::Settling(mut outcome) = std::mem::take(&mut current.work) {
            match result {
                Ok(Kept::Text(text)) => outcome.kept = Kept::Text(self.secrecy.clean_text(&text)),
                Ok(kept) => outcome.kept = kept,
                Err(trouble) => outcome.trouble = Some(trouble),
            }
            let next = current.machine.go_on(outcome);
            self.follow(next, env, out);
        }
    }

    fn looked(&mut self, result: Result<(), String>, env: &Env<'_>, out: &mut Vec<Action>) {
        let Some(current) = &mut self.current else { return };
        if let Work::Looking = current.work {
            current.work = Work::Nothing;
            let next = current.machine.looked(result);
            self.follow(next, env, out);
        }
    }

    /// The command ended by a failure of the worker's, or was refused.
    fn command_failed(&mut self, what: &str, failure: &Failure, env: &Env<'_>, out: &mut Vec<Action>) {
        let Some(current) = &mut self.current else { return };
        if current.take_command().is_none() {
            return;
        }
        let mut end = End::exception(format!("{what}:\n{}", told(failure)));
        if current.interrupts > 0 {
            end = current.trial.verdict.take().unwrap_or(End { results: Results::Cancelled, ..end });
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
        // A command that is on its way out, because its time is over, was stopped all the same.
        current.trial.verdict = None;
        if current.interrupts > 0 {
            return;
        }
        if let Some(log) = current.log("interrupt", LogKind::Text, out) {
            let text = self.secrecy.clean(format!("{reason}\n"));
            out.push(Action::Log { log, channel: Channel::Stdout, text });
        }
        if matches!(current.work, Work::Command(_)) {
            self.interrupt(reason, env.now, out);
        } else {
            self.end_step(End::plain(Results::Cancelled), env, out);
        }
    }

    fn lost(&mut self, why: &str, env: &Env<'_>, out: &mut Vec<Action>) {
        self.end_streams(env.now, out);
        if let Some(current) = self.current.take() {
            let step = &self.plan.builder.steps[current.at];
            let description =
                step.description.as_ref().map_or(current.machine.description(), |text| text.as_str());
            let state = self.said(&ended(description, Results::Retry, Some(why)));
            out.push(Action::StepFinished { results: Results::Retry, state, hidden: false });
        }
        // Even when a stop was asked: what runs where the connection was cannot be known (`traps.md` 17).
        self.results = Results::Retry;
        self.stopped = Some(why.to_owned());
        self.finish(out);
    }
}
