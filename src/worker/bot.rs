//! The worker's side of one connection: what the master calls, and what is called at the master.
//!
//! Bytes, events of commands, and time come in; bytes and [`Order`]s go out. It knows no socket, thread or clock; the
//! only files that it touches are the builders' directories, which it makes, and those of single-file transfers, a
//! block at a time. It lives as long as its connection: what it knew of the master dies with it, as the protocol wants.

use super::builders::Builders;
use super::command::{Command, CommandEvent, Place, Want};
use super::directory::Packing;
use super::files::FileWork;
use super::info::{self, About};
use super::limits::{COMMANDS_MAX, LOGIN_WAIT};
use super::process::Program;
use crate::model::Mono;
use crate::pb::{Call, ClientLogin, Event, Failure, Fatal, LoginProgress, Luid, Session, Target, Value};
use bytes::Bytes;
use rustix::process::Signal;
use slog::{info, warn};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::sync::Arc;
use std::time::Duration;

/// The key of the object that the master calls first; the builders' keys follow.
const MIND: u64 = 0;
const LOGIN: u64 = 0;

/// A command of this connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CommandKey(u64);

/// What the bot wants from the machine.
#[derive(Debug)]
pub enum Order {
    /// Start a process.
    Start(CommandKey, Program),
    /// Start a file operation.
    Look(CommandKey, FileWork),
    /// Pack a directory.
    Pack(CommandKey, Packing),
    /// Signal a process.
    Signal(CommandKey, Signal),
    /// The command is over, or its process is to be followed by another.
    Forget(CommandKey),
    /// Remove directories from the worker's.
    Remove(Vec<OsString>),
    /// The master wants the agent to end, once the answer to this has left.
    Shutdown,
}

/// Why the connection must end.
#[derive(Debug, thiserror::Error)]
pub enum Broken {
    /// The master broke the protocol.
    #[error("the master does not speak the protocol: {0}")]
    Protocol(#[from] Fatal),
    /// The master does not let the worker in.
    #[error("the master refuses the login: wrong worker name or password")]
    Unauthorized,
    /// The master does not let the worker in for another reason.
    #[error("the master refuses the login: {0}")]
    Refused(Failure),
    /// The login takes too long.
    #[error("the login took longer than {} s", LOGIN_WAIT.as_secs())]
    LoginTimeout,
    /// The master has not answered for a whole interval.
    #[error("the master did not answer the last keepalive")]
    Silent,
    /// Something cannot be sent.
    #[error("can't call the master: {0}")]
    Call(#[from] crate::pb::Refused),
}

/// What an answer of the master is for.
#[derive(Debug)]
enum Awaited {
    Update(CommandKey),
    Transfer(CommandKey),
    Complete,
    Keepalive,
    Shutdown,
}

#[derive(Debug)]
struct Running {
    command: Command,
    remote: Luid,
    /// Other objects that came with the command.
    lent: Vec<Luid>,
    builder: u64,
}

/// See the module.
#[derive(Debug)]
pub struct Bot {
    about: Arc<About>,
    log: slog::Logger,
    session: Session,
    login: ClientLogin,
    /// None until the master has let us in.
    avatar: Option<Luid>,
    login_until: Mono,
    keepalive_at: Option<Mono>,
    builders: Builders,
    commands: BTreeMap<CommandKey, Running>,
    awaited: BTreeMap<u64, Awaited>,
    last_token: u64,
    last_command: u64,
    orders: Vec<Order>,
}

impl Bot {
    /// For a new connection.
    pub fn new(now: Mono, about: Arc<About>, log: slog::Logger) -> Bot {
        let login = ClientLogin::new(about.name.clone(), about.password.clone(), Some(MIND), LOGIN);
        Bot {
            builders: Builders::new(MIND + 1),
            about,
            log,
            session: Session::client(),
            login,
            avatar: None,
            login_until: now + LOGIN_WAIT,
            keepalive_at: None,
            commands: BTreeMap::new(),
            awaited: BTreeMap::new(),
            last_token: LOGIN,
            last_command: 0,
            orders: Vec::new(),
        }
    }

    /// Whether the master has let us in.
    pub fn is_attached(&self) -> bool {
        self.avatar.is_some()
    }

    /// Asks the master for a graceful shutdown: it gives no more work, and calls `shutdown` here when all is done.
    /// False if there is nobody to ask.
    ///
    /// # Errors
    /// The connection must end.
    pub fn ask_for_shutdown(&mut self) -> Result<bool, Broken> {
        let Some(avatar) = self.avatar else { return Ok(false) };
        self.call(avatar, "shutdown", &[], Awaited::Shutdown)?;
        Ok(true)
    }

    /// The bytes for the master.
    pub fn take_output(&mut self) -> Bytes {
        self.session.take_output()
    }

    /// How many bytes wait in [`Bot::take_output`].
    pub fn output_len(&self) -> usize {
        self.session.output_len()
    }

    /// What is to be done outside.
    pub fn take_orders(&mut self) -> Vec<Order> {
        std::mem::take(&mut self.orders)
    }

    /// Whether output of this command is to be read.
    pub fn reads(&self, key: CommandKey) -> bool {
        self.commands.get(&key).is_none_or(|running| !running.command.stalled())
    }

    /// Takes bytes from the master.
    ///
    /// # Errors
    /// The connection must end.
    pub fn receive(&mut self, now: Mono, bytes: &[u8]) -> Result<(), Broken> {
        self.session.push(bytes);
        while let Some(event) = self.session.next_event()? {
            match self.login.on_event(event, &mut self.session) {
                LoginProgress::Waiting => {}
                LoginProgress::Pass(event) => self.on_event(now, event)?,
                LoginProgress::LoggedIn { avatar } => self.attached(now, avatar),
                LoginProgress::Refused(failure) if failure.is_unauthorized_login() => {
                    return Err(Broken::Unauthorized);
                }
                LoginProgress::Refused(failure) => return Err(Broken::Refused(failure)),
            }
        }
        Ok(())
    }

    /// Something came from the threads of a command.
    ///
    /// # Errors
    /// The connection must end.
    pub fn command_event(&mut self, now: Mono, key: CommandKey, event: CommandEvent) -> Result<(), Broken> {
        self.with_command(now, key, |command, wants| command.event(now, event, wants))
    }

    /// What was ordered for a command can't be done.
    ///
    /// # Errors
    /// The connection must end.
    pub fn not_started(&mut self, now: Mono, key: CommandKey, error: &std::io::Error) -> Result<(), Broken> {
        self.with_command(now, key, |command, wants| command.not_started(now, error, wants))
    }

    /// When [`Bot::tick`] wants to be called.
    pub fn deadline(&self) -> Option<Mono> {
        let commands = self.commands.values().filter_map(|running| running.command.deadline());
        let own = if self.is_attached() { self.keepalive_at } else { Some(self.login_until) };
        commands.chain(own).min()
    }

    /// Time has passed.
    ///
    /// # Errors
    /// The connection must end.
    pub fn tick(&mut self, now: Mono) -> Result<(), Broken> {
        if !self.is_attached() && self.login_until <= now {
            return Err(Broken::LoginTimeout);
        }
        if let Some(avatar) = self.avatar
            && self.keepalive_at.is_some_and(|at| at <= now)
        {
            if self.awaited.values().any(|awaited| matches!(awaited, Awaited::Keepalive)) {
                return Err(Broken::Silent);
            }
            self.call(avatar, "keepalive", &[], Awaited::Keepalive)?;
            self.keepalive_at = self.keepalive_after(now);
        }
        let due = |(key, running): (&CommandKey, &Running)| {
            running.command.deadline().is_some_and(|at| at <= now).then_some(*key)
        };
        let due: Vec<CommandKey> = self.commands.iter().filter_map(due).collect();
        for key in due {
            self.with_command(now, key, |command, wants| command.tick(now, wants))?;
        }
        Ok(())
    }

    fn keepalive_after(&self, now: Mono) -> Option<Mono> {
        Some(now + self.about.keepalive.filter(|every| *every > Duration::ZERO)?)
    }

    fn attached(&mut self, now: Mono, avatar: Luid) {
        info!(self.log, "attached to the master");
        self.avatar = Some(avatar);
        self.keepalive_at = self.keepalive_after(now);
    }

    fn on_event(&mut self, now: Mono, event: Event) -> Result<(), Broken> {
        match event {
            Event::Call(call) => match call.object {
                Target::Key(MIND) => self.mind_called(now, call),
                Target::Key(key) => self.builder_called(now, key, call),
                Target::Root => {
                    let failure = Failure::no_such_method(&call.method);
                    self.session.reject(call, &failure);
                    Ok(())
                }
            },
            Event::Answered { token, result } => self.answered(now, token, result),
            // The objects lent live as long as the bot: nothing is to be thrown away.
            Event::Ready | Event::Released { .. } => Ok(()),
        }
    }

    fn mind_called(&mut self, now: Mono, call: Call) -> Result<(), Broken> {
        let answer = match &*call.method {
            "print" => self.print(&call),
            // The second is what masters of 0.8 ask for.
            "getWorkerInfo" | "getSlaveInfo" => Ok(info::collect(&self.about)),
            "getVersion" => Ok(info::VERSION.into()),
            "getCommands" => Ok(info::commands()),
            "setBuilderList" => {
                let list = call.arg(0, "wanted").or_else(|| call.arg(0, "builders"));
                let set = self.builders.set(list.unwrap_or(&Value::None), &self.about.basedir);
                match set {
                    Ok(change) => {
                        self.leftovers(change.leftovers);
                        for builder in change.removed {
                            self.interrupt_builder(now, builder)?;
                        }
                        Ok(change.answer)
                    }
                    Err(failure) => {
                        warn!(self.log, "the list of builders is refused"; "why" => %failure);
                        Err(failure)
                    }
                }
            }
            "shutdown" => {
                info!(self.log, "the master asks for shutdown");
                self.orders.push(Order::Shutdown);
                Ok(Value::None)
            }
            method => Err(Failure::no_such_method(method)),
        };
        self.reply(call, answer);
        Ok(())
    }

    fn leftovers(&mut self, names: Vec<OsString>) {
        if self.about.delete_leftover_dirs && !names.is_empty() {
            self.orders.push(Order::Remove(names));
            return;
        }
        for name in names {
            info!(self.log, "this directory belongs to no builder of the master"; "dir" => %name.display());
        }
    }

    fn builder_called(&mut self, now: Mono, builder: u64, call: Call) -> Result<(), Broken> {
        let Some(dir) = self.builders.dir(builder) else {
            self.session.reject(call, &Failure::invalid_object_id());
            return Ok(());
        };
        let answer = match &*call.method {
            "startCommand" => return self.start_command(now, builder, call),
            "print" => self.print(&call),
            "startBuild" => std::fs::create_dir_all(dir).map(|()| Value::None).map_err(|error| {
                Failure::builtin("OSError", format!("can't make {}: {error}", dir.display()))
            }),
            "interruptCommand" => {
                let why = call.arg(1, "why").and_then(Value::to_str_lossy).unwrap_or_default();
                info!(self.log, "asked to interrupt"; "builder" => self.builders.name(builder), "why" => %why);
                self.interrupt_builder(now, builder)?;
                Ok(Value::None)
            }
            // It would let a worker notice a lost connection, which the socket does better.
            "setMaster" => Ok(Value::None),
            method => Err(Failure::no_such_method(method)),
        };
        self.reply(call, answer);
        Ok(())
    }

    fn print(&self, call: &Call) -> Result<Value, Failure> {
        let message = call.arg(0, "message").and_then(Value::to_str_lossy);
        info!(self.log, "message from the master"; "text" => %message.unwrap_or_default());
        Ok(Value::None)
    }

    /// Ends a call that keeps nothing of what came with it.
    fn reply(&mut self, call: Call, answer: Result<Value, Failure>) {
        match answer {
            Ok(value) => {
                self.session.answer(call.request, &value);
                for luid in call.received {
                    self.session.release(luid);
                }
            }
            Err(failure) => self.session.reject(call, &failure),
        }
    }

    fn start_command(&mut self, now: Mono, builder: u64, call: Call) -> Result<(), Broken> {
        let mut wants = Vec::new();
        match self.read_command(now, builder, &call, &mut wants) {
            Err(failure) => {
                warn!(self.log, "a command is refused"; "why" => %failure);
                self.session.reject(call, &failure);
                Ok(())
            }
            Ok((command, remote)) => {
                // One at a time: the master has given up the one before.
                self.interrupt_builder(now, builder)?;
                self.session.answer(call.request, &Value::None);
                self.last_command += 1;
                let key = CommandKey(self.last_command);
                let lent = call.received.into_iter().filter(|luid| *luid != remote).collect();
                self.commands.insert(key, Running { command, remote, lent, builder });
                self.carry_out(now, key, wants)
            }
        }
    }

    fn read_command(
        &self,
        now: Mono,
        builder: u64,
        call: &Call,
        wants: &mut Vec<Want>,
    ) -> Result<(Command, Luid), Failure> {
        let wrong = || Failure::type_error("startCommand() takes an object, an id, a name, and a dict");
        let remote = call.arg(0, "command_ref").and_then(Value::as_remote).ok_or_else(wrong)?;
        let name = call.arg(2, "command").and_then(Value::as_str).ok_or_else(wrong)?;
        let args = call.arg(3, "args").ok_or_else(wrong)?;
        let dir = self.builders.dir(builder).ok_or_else(Failure::invalid_object_id)?;
        if self.commands.len() >= COMMANDS_MAX {
            return Err(Failure::runtime_error("too many commands are running"));
        }
        let place = Place { dir, base: &self.about.basedir, environment: &self.about.environment };
        info!(self.log, "command"; "builder" => self.builders.name(builder), "name" => name);
        Ok((Command::start(now, name, args, place, wants)?, remote))
    }

    fn interrupt_builder(&mut self, now: Mono, builder: u64) -> Result<(), Broken> {
        let of_builder =
            |(key, running): (&CommandKey, &Running)| (running.builder == builder).then_some(*key);
        let keys: Vec<CommandKey> = self.commands.iter().filter_map(of_builder).collect();
        for key in keys {
            self.with_command(now, key, |command, wants| command.interrupt(now, wants))?;
        }
        Ok(())
    }

    fn answered(&mut self, now: Mono, token: u64, result: Result<Value, Failure>) -> Result<(), Broken> {
        match self.awaited.remove(&token) {
            Some(Awaited::Update(key)) => {
                if let Some(running) = self.commands.get_mut(&key) {
                    running.command.update_answered(now);
                }
            }
            Some(Awaited::Transfer(key)) => {
                return self.with_command(now, key, |command, wants| command.answered(now, result, wants));
            }
            Some(Awaited::Complete | Awaited::Keepalive | Awaited::Shutdown) | None => {}
        }
        if let Err(failure) = result {
            warn!(self.log, "the master failed at a call of ours"; "failure" => %failure);
        }
        Ok(())
    }

    fn with_command(
        &mut self,
        now: Mono,
        key: CommandKey,
        act: impl FnOnce(&mut Command, &mut Vec<Want>),
    ) -> Result<(), Broken> {
        let Some(running) = self.commands.get_mut(&key) else { return Ok(()) };
        let mut wants = Vec::new();
        act(&mut running.command, &mut wants);
        self.carry_out(now, key, wants)
    }

    fn carry_out(&mut self, now: Mono, key: CommandKey, wants: Vec<Want>) -> Result<(), Broken> {
        for want in wants {
            let Some(running) = self.commands.get_mut(&key) else { return Ok(()) };
            let remote = running.remote;
            match want {
                Want::Update(update) => {
                    running.command.update_sent(now);
                    self.call(remote, "update", &[update.to_argument()], Awaited::Update(key))?;
                }
                Want::Call(object, method, args) => {
                    self.call(object, method, &args, Awaited::Transfer(key))?
                }
                Want::Start(program) => {
                    self.orders.push(Order::Forget(key));
                    self.orders.push(Order::Start(key, program));
                }
                Want::Look(work) => self.orders.push(Order::Look(key, work)),
                Want::Pack(packing) => self.orders.push(Order::Pack(key, packing)),
                Want::Signal(signal) => self.orders.push(Order::Signal(key, signal)),
                Want::Complete(failure) => {
                    self.call(remote, "complete", &[failure.as_ref().into()], Awaited::Complete)?;
                    self.forget(key);
                }
            }
        }
        Ok(())
    }

    fn forget(&mut self, key: CommandKey) {
        self.orders.push(Order::Forget(key));
        let Some(running) = self.commands.remove(&key) else { return };
        for luid in running.lent.into_iter().chain([running.remote]) {
            self.session.release(luid);
        }
    }

    fn call(&mut self, object: Luid, method: &str, args: &[Value], awaited: Awaited) -> Result<(), Broken> {
        self.last_token += 1;
        self.session.call(object, method, args, &[], self.last_token)?;
        self.awaited.insert(self.last_token, awaited);
        Ok(())
    }
}
