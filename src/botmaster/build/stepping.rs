//! The steps of a build: which comes next, what it does, what its end means.

use super::secrecy::Streams;
use super::trying::Trial;
use super::watch::Watch;
use super::{Action, Build, Env, Phase, Plan};
use crate::botmaster::command::{Outcome, Running};
use crate::botmaster::limits::LOGS_PER_STEP;
use crate::botmaster::render::{Moment, Scene, ask};
use crate::botmaster::step::{build_ended, ended, fold, short};
use crate::botmaster::steps::{End, Machine, Next, Site};
use crate::config::{Condition, Step};
use crate::model::{Channel, Link, LogKind, Mono, Results};
use bytes::Bytes;
use std::cell::RefCell;

/// The log of a step's commands.
pub(super) const STDIO: &str = "stdio";

/// The log of what went wrong in the machinery.
pub(super) const ERRORS: &str = "err.text";

/// A step that runs.
#[derive(Debug)]
pub(super) struct Current {
    pub at: usize,
    pub name: String,
    pub machine: Machine,
    pub work: Work,
    pub watch: Watch,
    pub trial: Trial,
    /// What is said of it while it runs.
    pub state: String,
    pub logs: Vec<String>,
    /// What of the logs is held back because it may become a secret.
    pub streams: Streams,
    /// How often the command was interrupted.
    pub interrupts: u32,
}

/// What a step waits for.
#[derive(Debug, Default)]
pub(super) enum Work {
    /// Nothing: it is being asked what comes next.
    #[default]
    Nothing,
    /// The time of its next try.
    Again,
    /// Whether the master has a file.
    Looking,
    /// The worker's command.
    Command(Running),
    /// A program on the master, or a server.
    Program,
    /// The time of another try at what could not be had.
    Postponed,
    /// The schedulers, which were asked for builds.
    Triggering,
    /// Builds that it triggered.
    Children,
    /// The master's disk, after the command came to this.
    Settling(Outcome),
    /// Its locks.
    Locks {
        /// What it does once it has them.
        next: Next,
    },
}

impl Build {
    /// Begins the next step that is to run, or ends the build.
    pub(super) fn next_step(&mut self, env: &Env<'_>, out: &mut Vec<Action>) {
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
            let running = step.description.as_ref().map(|text| scene.text(text)).transpose();
            let wanted = build.asked(step.do_step_if.as_ref(), None, scene);
            let machine = match wanted {
                Ok(true) => {
                    let site = build.site(step, scene, env);
                    Machine::begin(&step.kind, &site).map(Some)
                }
                Ok(false) => Ok(None),
                Err(why) => Err(format!("do_step_if: {why}")),
            };
            (running, machine)
        });
        let (running, machine) = prepared;
        let row = self.first + at;
        let name = self.names[row].clone();
        let running = running.ok().flatten();
        let state = self.said(running.as_deref().unwrap_or("running"));
        out.push(Action::StepStarted { row, name: name.clone(), state: state.clone() });
        match machine {
            Ok(Some((machine, next))) => {
                let mut current = Current {
                    at,
                    name,
                    machine,
                    work: Work::Nothing,
                    watch: Watch::default(),
                    trial: Trial::new(env.now),
                    state,
                    logs: Vec::new(),
                    streams: Streams::default(),
                    interrupts: 0,
                };
                if let Next::Run(command) = &next {
                    current.log(command.log.as_deref().unwrap_or(STDIO), LogKind::Stdio, out);
                    for file in current.machine.files().to_vec() {
                        current.log(&file, LogKind::Stdio, out);
                    }
                }
                if step.locks.is_empty() {
                    current.trial.begin(env.now);
                    self.current = Some(current);
                    self.follow_once(next, env, out);
                } else {
                    // What the step does is settled before it waits (`N-BU-03`).
                    current.work = Work::Locks { next };
                    self.current = Some(current);
                    out.push(Action::TakeLocks);
                }
            }
            Ok(None) => {
                let description = running.unwrap_or_else(|| step.kind.type_name().to_owned());
                self.conclude(step, &name, &description, &End::plain(Results::Skipped), env, out);
            }
            Err(why) => {
                let mut logs = Vec::new();
                open(&mut logs, ERRORS, LogKind::Text, out);
                let text = self.secrecy.clean(format!("{why}\n"));
                out.push(Action::Log { log: 0, channel: Channel::Stdout, text });
                let description = running.unwrap_or_else(|| step.kind.type_name().to_owned());
                self.conclude(step, &name, &description, &End::plain(Results::Exception), env, out);
            }
        }
    }

    /// Does what the step says, and begins the next one if it is done.
    pub(super) fn follow(&mut self, next: Next, env: &Env<'_>, out: &mut Vec<Action>) {
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
                current.log(command.log.as_deref().unwrap_or(STDIO), LogKind::Stdio, out);
                current.work = Work::Command(Running::new(&command));
                if !command.notes.is_empty() {
                    let text = command.notes.clone().into();
                    out.push(Action::Log { log: 0, channel: Channel::Header, text });
                }
                out.push(Action::Run(command));
            }
            Next::Program(program) => {
                current.log(STDIO, LogKind::Stdio, out);
                current.work = Work::Program;
                out.push(Action::RunProgram(program));
            }
            Next::Ask(request) => {
                current.log(STDIO, LogKind::Stdio, out);
                current.work = Work::Program;
                out.push(Action::Ask(request));
            }
            Next::Look(path) => {
                current.work = Work::Looking;
                out.push(Action::Look(path));
            }
            Next::Trigger(triggers, waits) => {
                current.work = Work::Triggering;
                out.push(Action::Trigger(triggers, waits));
            }
            Next::Await(added) => {
                current.work = Work::Children;
                out.push(Action::Await(added));
            }
            Next::Postpone(pause) => {
                current.work = Work::Postponed;
                current.trial.postpone(env.now + pause);
            }
            Next::Done(end) => self.close_step(end, env, out),
        }
    }

    /// The step has its locks, or can never have them.
    pub(super) fn locks(&mut self, held: Result<(), String>, env: &Env<'_>, out: &mut Vec<Action>) {
        let Some(current) = &mut self.current else { return };
        match (std::mem::take(&mut current.work), held) {
            (Work::Locks { next }, Ok(())) => {
                current.trial.begin(env.now);
                out.push(Action::StepState(current.state.clone()));
                self.follow(next, env, out);
            }
            (Work::Locks { .. }, Err(why)) => self.end_step(End::exception(why), env, out),
            (other, _) => current.work = other,
        }
    }

    pub(super) fn end_step(&mut self, end: End, env: &Env<'_>, out: &mut Vec<Action>) {
        self.close_step(end, env, out);
        self.next_step(env, out);
    }

    /// Ends the current step.
    fn close_step(&mut self, mut end: End, env: &Env<'_>, out: &mut Vec<Action>) {
        self.end_streams(env.now, out);
        let Some(current) = &mut self.current else { return };
        let builder = self.plan.builder.clone();
        let step = &builder.steps[current.at];
        current.watch.finish(step, &mut end);
        if self.tries_later(step, &end, env, out) {
            return;
        }
        let Some(mut current) = self.current.take() else { return };
        let exhibit = current.machine.exhibit().map(|(name, text)| (name, text.to_owned()));
        let complaint = end.complaint.clone().map(|text| (ERRORS.into(), text));
        for (name, text) in exhibit.into_iter().chain(complaint) {
            if let Some(log) = current.log(&name, LogKind::Text, out) {
                let text = self.secrecy.clean(text);
                out.push(Action::Log { log, channel: Channel::Stdout, text });
            }
        }
        if !end.properties.is_empty() {
            let properties = self.secrecy.clean_properties(&end.properties);
            self.plan.properties.update(&properties);
            out.push(Action::SetProperties(properties));
        }
        for Link { name, url } in &end.links {
            let link = Link { name: self.said(name), url: self.secrecy.clean_text(url) };
            out.push(Action::AddLink(link));
        }
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
        let suffix = step.description_suffix.as_ref();
        let suffix = suffix.and_then(|text| self.with_scene(env, |_, scene| scene.text(text).ok()));
        let description = suffix.map_or(description.to_owned(), |suffix| format!("{description} {suffix}"));
        let hidden = self.with_scene(env, |build, scene| {
            step.hide_step_if.is_some()
                && build.asked(step.hide_step_if.as_ref(), Some(results), scene).unwrap_or(false)
        });
        let state = self.said(&ended(&description, results, end.detail.as_deref()));
        out.push(Action::StepFinished { results, state, hidden });
        let effect = fold(step.flags(), results, self.results);
        if fold(step.flags(), results, Results::Success).results != Results::Success {
            self.culprits.push(name.to_owned());
        }
        self.results = effect.results;
        self.halted |= effect.halts;
    }

    pub(super) fn finish(&mut self, out: &mut Vec<Action>) {
        self.phase = Phase::Finished;
        self.deadline = None;
        let state = build_ended(self.results, &self.culprits, self.stopped.as_deref());
        out.push(Action::Finished { results: self.results, state });
    }

    /// A text for people, in one line and without secrets.
    pub(super) fn said(&self, text: &str) -> String {
        short(&String::from_utf8_lossy(&self.secrecy.clean(text.to_owned())))
    }

    /// Gives every step its name: two of the same are told apart by a number (`BU-03`).
    pub(super) fn name_steps(&mut self, env: &Env<'_>, out: &mut Vec<Action>) {
        let filled: Vec<String> = self.with_scene(env, |build, scene| {
            let name = |step: &Step| scene.text(&step.name).unwrap_or_else(|_| step.name.as_str().to_owned());
            build.plan.builder.steps.iter().map(name).collect()
        });
        self.first = self.names.len();
        for name in filled {
            self.add_name(self.said(&name));
        }
        out.push(Action::Steps(self.names[self.first..].to_vec()));
    }

    /// Takes a name, or one that is like it and free; returns it.
    pub(super) fn add_name(&mut self, name: String) -> String {
        let (mut unique, mut count) = (name.clone(), 0);
        while self.names.contains(&unique) {
            count += 1;
            unique = format!("{name}_{count}");
        }
        self.names.push(unique.clone());
        unique
    }

    pub(super) fn site<'a>(&'a self, step: &'a Step, scene: &'a Scene<'a>, env: &'a Env<'_>) -> Site<'a> {
        let Plan { builder, abilities, environ, changes, .. } = &self.plan;
        let (patience, moment) = (&step.patience, self.moment(None));
        Site { scene, builder, patience, moment, abilities, environ, base_dir: env.base_dir, changes }
    }

    fn moment(&self, result: Option<Results>) -> Moment<'_> {
        Moment {
            builder: &self.plan.builder.name,
            number: self.plan.number,
            reason: &self.plan.reason,
            worker: &self.plan.worker,
            files: &self.plan.files,
            results: self.results,
            result,
        }
    }

    fn asked(
        &self,
        condition: Option<&Condition>,
        result: Option<Results>,
        scene: &Scene<'_>,
    ) -> Result<bool, String> {
        condition.map_or(Ok(true), |condition| ask(condition, scene, &self.moment(result)))
    }

    /// Runs `work` with what the build knows, and keeps note of the secrets that it asked for.
    pub(super) fn with_scene<R>(&mut self, env: &Env<'_>, work: impl FnOnce(&Build, &Scene<'_>) -> R) -> R {
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
            self.secrecy.learn(&name, text);
        }
        done
    }
}

impl Current {
    /// The command that runs, which then does not any more.
    pub fn take_command(&mut self) -> Option<Running> {
        match std::mem::take(&mut self.work) {
            Work::Command(command) => Some(command),
            other => {
                self.work = other;
                None
            }
        }
    }

    /// Takes a piece of a log, without secrets: tells it to all who listen.
    pub fn hear(
        &mut self,
        step: &Step,
        log: usize,
        channel: Channel,
        text: Bytes,
        now: Mono,
        out: &mut Vec<Action>,
    ) {
        if text.is_empty() {
            return;
        }
        self.trial.hear(now);
        let name = match self.logs[log].as_str() {
            STDIO => "",
            other => other,
        };
        if name.is_empty() {
            self.machine.hear(channel, &text);
        }
        if let Some(state) = self.watch.hear(step, name, channel, &text, now) {
            out.push(Action::StepState(short(&state)));
        }
        out.push(Action::Log { log, channel, text });
    }

    /// The number of the log of this name, which is opened if it is new; `None` where there are too many.
    pub fn log(&mut self, name: &str, kind: LogKind, out: &mut Vec<Action>) -> Option<usize> {
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
