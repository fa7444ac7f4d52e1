//! Running builds: carries out what their machines want, on the database and on the workers.

use super::Botmaster;
use super::build::{Action, Build, Env, Input};
use super::children::Children;
use super::limits::ID_BLOCK;
use super::locks::Owner;
use super::logs::{Bounds, LogWriter};
use super::service::Alarm;
use super::store::Write;
use super::transfers::{Errand, Moving};
use super::workers::Purpose;
use crate::config::Secret;
use crate::db::IdKind;
use crate::db::steps::StepEnd;
use crate::db::waiting::Waiting;
use crate::kernel::Turn;
use crate::model::{BuildId, Event, Link, LogId, LogInfo, LogKind, Results, Step, StepId};
use crate::pb::{Luid, Value};
use crate::pbmanager::ConnectionId;
use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

/// A build that runs, with its place in the database and on its worker.
pub(super) struct Running {
    pub machine: Build,
    /// What it answers; goes back into the queue if the build is to be repeated.
    pub request: Waiting,
    /// Whether somebody has cancelled the request: it is not built again even if the worker is lost.
    pub is_unwanted: bool,
    pub worker: String,
    /// `None` while a latent worker is being started.
    pub place: Option<Place>,
    /// The running command's key.
    pub command: Option<u64>,
    /// What the running command moves.
    pub moving: Option<Moving>,
    /// What the step has done on the master.
    pub errand: Option<Errand>,
    /// What the step waits for.
    pub children: Children,
    /// Its steps, in order; none before it runs.
    pub steps: Vec<StepId>,
    /// The current step.
    pub step: Option<StepId>,
    /// The current step's logs; `None` for one that could not be opened.
    pub logs: Vec<Option<LogWriter>>,
    /// The addresses of the current step's logs.
    pub slugs: BTreeSet<String>,
    /// Ids that nobody else has.
    pub step_ids: Range<i64>,
    pub log_ids: Range<i64>,
}

/// Where a build runs.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub connection: ConnectionId,
    /// The worker's object for the builder.
    pub object: Luid,
}

impl Botmaster {
    /// Tells a build what has happened, and does what it then wants.
    pub(super) fn feed(&mut self, build: BuildId, input: Input<'_>, turn: &mut Turn) {
        let Some(running) = self.builds.get_mut(&build) else { return };
        let config = &self.config;
        let secrets = |name: &str| Secret::Named(name.to_owned()).resolve(&config.secrets);
        let env = Env { now: turn.now(), secrets: &secrets, base_dir: &config.state_dir };
        let mut actions = Vec::new();
        running.machine.handle(input, &env, &mut actions);
        match running.machine.deadline() {
            Some(deadline) => self.timers.set(Alarm::Build(build), deadline),
            None => self.timers.cancel(&Alarm::Build(build)),
        }
        for action in actions {
            self.carry_out(build, action, turn);
        }
    }

    pub(super) fn build_timer(&mut self, build: BuildId, turn: &mut Turn) {
        self.feed(build, Input::Timer, turn);
    }

    fn carry_out(&mut self, build: BuildId, action: Action, turn: &mut Turn) {
        let Some(running) = self.builds.get_mut(&build) else { return };
        match action {
            Action::SetProperties(properties) => {
                self.store.write(build, Write::SetProperties(properties), None);
            }
            Action::Steps(names) => {
                for name in names {
                    let number = i64::try_from(running.steps.len()).unwrap_or(i64::MAX);
                    let Some(id) = running.step_ids.next().map(StepId) else { return };
                    running.steps.push(id);
                    let row = Step {
                        id,
                        build,
                        number,
                        name,
                        started_at: None,
                        locks_acquired_at: None,
                        complete_at: None,
                        state: String::new(),
                        results: None,
                        hidden: false,
                        links: Vec::new(),
                    };
                    self.store.write(build, Write::AddStep(row), None);
                }
            }
            Action::StepStarted { row, name, state } => {
                let Some(step) = running.steps.get(row).copied() else { return };
                running.step = Some(step);
                let begin = Write::BeginStep(step, state, turn.wall());
                self.store.write(build, begin, Some(Event::StepStarted { build, step }));
                self.store.write(build, Write::SetState(name), None);
            }
            Action::StepState(state) => {
                if let Some(step) = running.step {
                    let event = Event::StepUpdated { build, step };
                    self.store.write(build, Write::SetStepState(step, state), Some(event));
                }
            }
            Action::AddLink(link) => self.add_link(build, link),
            Action::OpenLog { name, kind } => self.open_log(build, name, kind, turn),
            Action::Log { log, channel, text } => {
                let Some(Some(log)) = running.logs.get_mut(log) else { return };
                match log.push(channel, &text) {
                    Some(lines) => self.store.append(build, log.id, lines),
                    None if log.has_lines() => self.chunks_wait(turn.now()),
                    None => {}
                }
            }
            Action::StepFinished { results, state, hidden } => {
                running.slugs.clear();
                self.end_transfer(build);
                self.leave_children(build);
                let Some(running) = self.builds.get_mut(&build) else { return };
                for log in std::mem::take(&mut running.logs).into_iter().flatten() {
                    let id = log.id;
                    if let Some(lines) = log.finish() {
                        self.store.append(build, id, lines);
                    }
                    let event = Event::LogFinished { build, log: id };
                    self.store.write(build, Write::FinishLog(id), Some(event));
                }
                if let Some(step) = running.step.take() {
                    let end = StepEnd { results, state, hidden };
                    let event = Event::StepFinished { build, step, results };
                    self.store.write(build, Write::FinishStep(step, end, turn.wall()), Some(event));
                }
                let owner = Owner::Step(running.request.request);
                self.release_locks(owner);
            }
            Action::Substantiate(recipe) => self.substantiate(build, *recipe, turn),
            Action::Settle { keep } => self.settle_transfer(build, keep),
            Action::RunProgram(program) => self.run_program(build, program),
            Action::Ask(request) => self.ask_server(build, *request),
            Action::Abandon => {
                self.end_transfer(build);
                self.leave_children(build);
            }
            Action::Trigger(triggers, waits) => self.trigger(build, triggers, waits),
            Action::Await(added) => self.await_children(build, added),
            Action::Look(path) => self.look_for(build, path),
            Action::TakeLocks => self.take_locks(build),
            Action::Run(mut command) => {
                if let Some(transfer) = command.transfer.take() {
                    let argument = transfer.argument();
                    command.args.push((argument, Value::local(self.begin_transfer(build, transfer))));
                }
                let Some(running) = self.builds.get(&build) else { return };
                let Some(Place { connection, object }) = running.place else { return };
                let worker = running.worker.clone();
                let key = self.key();
                if let Some(running) = self.builds.get_mut(&build) {
                    running.command = Some(key);
                }
                if let Some(session) = self.workers.session(&worker) {
                    session.commands.insert(key, build);
                }
                let args = vec![
                    Value::local(key),
                    Value::from(key.to_string()),
                    Value::from(command.name),
                    Value::dict(command.args),
                ];
                self.call(connection, &worker, object, "startCommand", args, Purpose::StartCommand(key));
            }
            Action::Interrupt(reason) => self.interrupt_command(build, &reason),
            Action::Disconnect(reason) => {
                slog::warn!(turn.log(), "worker is disconnected"; "worker" => &running.worker, "why" => &reason);
                let worker = running.worker.clone();
                self.drop_session(&worker, &reason);
            }
            Action::Finished { results, state } => self.finished(build, results, state, turn),
        }
    }

    /// The build's current step leads to something more.
    pub(super) fn add_link(&mut self, build: BuildId, link: Link) {
        if let Some(step) = self.builds.get(&build).and_then(|running| running.step) {
            let event = Event::StepUpdated { build, step };
            self.store.write(build, Write::AddLink(step, link), Some(event));
        }
    }

    /// Asks the worker to end the command that the build is running, if it is.
    pub(super) fn interrupt_command(&mut self, build: BuildId, reason: &str) {
        let Some(running) = self.builds.get(&build) else { return };
        let Some(key) = running.command else { return };
        let Some(Place { connection, object }) = running.place else { return };
        let worker = running.worker.clone();
        let args = vec![Value::from(key.to_string()), Value::from(reason)];
        self.call(connection, &worker, object, "interruptCommand", args, Purpose::Nothing);
    }

    fn open_log(&mut self, build: BuildId, name: String, kind: LogKind, turn: &mut Turn) {
        let Some(running) = self.builds.get_mut(&build) else { return };
        let Some(step) = running.step else { return };
        if running.log_ids.is_empty() {
            match self.db.ids().reserve(IdKind::Log, ID_BLOCK) {
                Ok(ids) => running.log_ids = ids,
                Err(error) => {
                    slog::error!(turn.log(), "a log is not kept"; "name" => &name, "error" => %error)
                }
            }
        }
        let Some(id) = running.log_ids.next().map(LogId) else { return running.logs.push(None) };
        let slug = unique_slug(&name, running.logs.len(), &mut running.slugs);
        let retention = &self.config.retention;
        let most = retention.log_size.unwrap_or(u64::MAX);
        let tail = usize::try_from(retention.log_tail_size).unwrap_or(usize::MAX);
        running.logs.push(Some(LogWriter::new(id, kind, Bounds { most, tail })));
        let row = LogInfo { id, step, name, slug, kind, line_count: 0, complete: false };
        self.store.write(build, Write::CreateLog(row), Some(Event::LogAdded { build, step, log: id }));
    }

    /// Writes the lines that have waited long enough.
    pub(super) fn write_chunks(&mut self) {
        for (build, running) in &mut self.builds {
            for log in running.logs.iter_mut().flatten() {
                if let Some(lines) = log.take() {
                    self.store.append(*build, log.id, lines);
                }
            }
        }
    }

    fn finished(&mut self, build: BuildId, results: Results, state: String, turn: &mut Turn) {
        let Some(running) = self.builds.remove(&build) else { return };
        let Some(claimant) = self.claimant else { return };
        self.timers.cancel(&Alarm::Build(build));
        let Running { machine, request, is_unwanted, worker, command, .. } = running;
        // That of a stopped build is built again (`traps.md` 17), that of a cancelled one was never wanted back.
        let (results, state) = match results {
            Results::Retry if is_unwanted => (Results::Cancelled, "cancelled; worker lost".to_owned()),
            _ => (results, state),
        };
        let (builder, number) = (request.builder.clone(), machine.plan().number);
        slog::info!(turn.log(), "build is done"; "builder" => &builder, "number" => number,
            "results" => %results, "state" => &state);
        let write = Write::Finish(claimant, results, state, turn.wall());
        let event = Event::BuildFinished { build, builder: builder.clone(), number, results };
        self.store.write(build, write, Some(event));
        if let (Some(session), Some(command)) = (self.workers.session(&worker), command) {
            session.commands.remove(&command);
        }
        self.give_back(&worker, &request);
        if results == Results::Retry {
            self.put_in_line(request);
        } else {
            let event =
                Event::RequestComplete { request: request.request, builder: builder.clone(), results };
            self.store.also(event);
        }
        let current = self.builders.get(&builder);
        if !current.is_some_and(|current| Arc::ptr_eq(current, &machine.plan().builder)) {
            // The worker still has the builder as this build knew it.
            self.update_list(&worker);
        }
        self.leave_instance(&worker, build, turn);
        self.judge_worker(&worker, results, turn);
        self.settle_worker(&worker, turn);
        self.tell_if_idle();
    }
}

/// A log's name in addresses: what is no letter, digit, `_`, `-` or `.` becomes `_`. It is numbered where it is not
/// the name itself, or is `taken`: a worker may choose names so that two become the same.
fn unique_slug(name: &str, number: usize, taken: &mut BTreeSet<String>) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || "_-.".contains(c) { c } else { '_' };
    let mut slug: String = name.chars().map(plain).take(48).collect();
    let stem = slug.clone();
    if slug.is_empty() || slug != name {
        slug = format!("{stem}.{number}");
    }
    let mut further = number;
    while !taken.insert(slug.clone()) {
        further += 1;
        slug = format!("{stem}.{further}");
    }
    slug
}
