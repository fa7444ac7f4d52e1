//! One command of the master, from `startCommand` to `complete`: which work it is and what it wants next.

use super::arguments::Arguments;
use super::chain::Chain;
use super::directory::{DirectoryUpload, Packing};
use super::environment::Environment;
use super::files::FileWork;
use super::limits::UPDATES_IN_FLIGHT;
use super::process::Program;
use super::run::{Effect, End, Exit, Run, Source, elapsed, elapsed_header};
use super::shell::{self, Prepared};
use super::transfer::{Step, Transfer};
use super::updates::{Update, reason};
use crate::model::Mono;
use crate::pb::{Failure, Luid, Value};
use rustix::process::Signal;
use std::path::Path;

/// Every command that a master may ask for, by its name on the wire.
pub const COMMANDS: [&str; 11] = [
    "shell",
    "uploadFile",
    "uploadDirectory",
    "downloadFile",
    "mkdir",
    "rmdir",
    "cpdir",
    "stat",
    "glob",
    "listdir",
    "rmfile",
];

/// What a command's threads tell the main loop.
#[derive(Debug)]
pub enum CommandEvent {
    /// Some output.
    Output(Source, Vec<u8>),
    /// The process has ended, all its output came before.
    Exited(Exit),
    /// A file operation is done: updates up to and with `rc`.
    Looked(Vec<Update>),
    /// A block of a directory.
    Block(Vec<u8>),
    /// The directory is packed to its end, or can't be.
    Packed(std::io::Result<()>),
}

/// What a command wants from the connection and from the machine.
#[derive(Debug)]
pub enum Want {
    /// Send an update.
    Update(Update),
    /// Call another object of the master; its answer goes to [`Command::answered`].
    Call(Luid, &'static str, Vec<Value>),
    /// Start a process, after the one before has ended.
    Start(Program),
    /// Start a file operation.
    Look(FileWork),
    /// Pack a directory.
    Pack(Packing),
    /// Signal the process.
    Signal(Signal),
    /// Tell the master that it is over.
    Complete(Option<Failure>),
}

/// Where a command runs.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// The builder's directory.
    pub dir: &'a Path,
    /// The agent's directory.
    pub base: &'a Path,
    /// The agent's environment.
    pub environment: &'a Environment,
}

#[derive(Debug)]
enum Work {
    Shell(Run),
    Chain(Chain, Run),
    Files,
    Transfer(Transfer),
    Directory(DirectoryUpload),
}

/// A command that runs.
#[derive(Debug)]
pub struct Command {
    work: Work,
    started: Mono,
    interrupted: bool,
    in_flight: usize,
}

impl Command {
    /// Reads the arguments and says what to begin with.
    ///
    /// # Errors
    /// There is no such command, or an argument is missing or wrong: nothing runs.
    pub fn start(
        now: Mono,
        name: &str,
        args: &Value,
        place: Place,
        wants: &mut Vec<Want>,
    ) -> Result<Command, Failure> {
        let args = Arguments::new(name, args)?;
        let mut begin = |prepared: Prepared| {
            wants.push(Want::Start(prepared.program));
            Run::new(now, prepared.plan)
        };
        let work = if name == "shell" {
            Work::Shell(begin(shell::prepare(&args, place.dir, place.environment)?))
        } else if let Some((chain, first)) =
            Chain::read(name, &args, place.dir, place.base, place.environment)?
        {
            Work::Chain(chain, begin(first))
        } else if let Some(work) = FileWork::read(name, &args, place.dir)? {
            wants.push(Want::Look(work));
            Work::Files
        } else if let Some(transfer) = Transfer::read(name, &args, place.dir)? {
            Work::Transfer(transfer)
        } else if let Some((upload, packing)) = DirectoryUpload::read(name, &args, place.dir)? {
            wants.push(Want::Pack(packing));
            Work::Directory(upload)
        } else {
            let class = "buildbot_worker.base.UnknownCommand";
            let text = format!("(command {name}): unrecognized WorkerCommand");
            return Err(Failure::derived(class, &["twisted.spread.pb.Error"], "Exception", text));
        };
        let mut command = Command { work, started: now, interrupted: false, in_flight: 0 };
        if let Work::Transfer(transfer) = &mut command.work {
            let step = transfer.start();
            command.step(now, step, wants);
        }
        Ok(command)
    }

    /// Something came from its threads.
    pub fn event(&mut self, now: Mono, event: CommandEvent, wants: &mut Vec<Want>) {
        let mut effects = Vec::new();
        match (&mut self.work, event) {
            (Work::Shell(run) | Work::Chain(_, run), CommandEvent::Output(source, bytes)) => {
                run.output(now, source, &bytes, &mut effects);
            }
            (Work::Shell(run) | Work::Chain(_, run), CommandEvent::Exited(exit)) => {
                run.exited(now, exit, &mut effects);
            }
            (Work::Files, CommandEvent::Looked(updates)) => self.finish(now, updates, None, wants),
            (Work::Directory(upload), CommandEvent::Block(block)) => {
                let step = upload.block(block);
                self.step(now, step, wants);
            }
            (Work::Directory(upload), CommandEvent::Packed(result)) => {
                let step = upload.packed(result);
                self.step(now, step, wants);
            }
            // Each kind of work gets the events of its own threads only.
            (Work::Shell(_) | Work::Chain(..) | Work::Files | Work::Transfer(_) | Work::Directory(_), _) => {}
        }
        self.carry_out(now, effects, wants);
    }

    /// What [`Want::Start`], [`Want::Look`] or [`Want::Pack`] asked for can't be done.
    pub fn not_started(&mut self, now: Mono, error: &std::io::Error, wants: &mut Vec<Want>) {
        let mut effects = Vec::new();
        match &mut self.work {
            Work::Shell(run) | Work::Chain(_, run) => run.not_started(now, error, &mut effects),
            Work::Files | Work::Transfer(_) | Work::Directory(_) => {
                let updates = vec![Update::new("stderr", reason(error) + "\n"), Update::new("rc", 1)];
                self.finish(now, updates, None, wants);
            }
        }
        self.carry_out(now, effects, wants);
    }

    /// The master has answered [`Want::Call`].
    pub fn answered(&mut self, now: Mono, result: Result<Value, Failure>, wants: &mut Vec<Want>) {
        let step = match &mut self.work {
            Work::Transfer(transfer) => transfer.answered(result),
            Work::Directory(upload) => upload.answered(result),
            // These make no calls but updates.
            Work::Shell(_) | Work::Chain(..) | Work::Files => return,
        };
        self.step(now, step, wants);
    }

    /// The master wants it to end.
    pub fn interrupt(&mut self, now: Mono, wants: &mut Vec<Want>) {
        let mut effects = Vec::new();
        self.interrupted = true;
        match &mut self.work {
            Work::Shell(run) | Work::Chain(_, run) => run.interrupt(now, &mut effects),
            Work::Transfer(transfer) => transfer.interrupt(),
            Work::Directory(upload) => upload.interrupt(),
            // Its thread can't be stopped, where a file system hangs say; but nobody waits for it any more.
            Work::Files => {
                let said = Update::new("header", "command interrupted\n");
                return self.finish(now, vec![said, Update::new("rc", -1)], None, wants);
            }
        }
        self.carry_out(now, effects, wants);
    }

    /// Time has passed.
    pub fn tick(&mut self, now: Mono, wants: &mut Vec<Want>) {
        let mut effects = Vec::new();
        if let Work::Shell(run) | Work::Chain(_, run) = &mut self.work {
            run.tick(now, &mut effects);
        }
        self.carry_out(now, effects, wants);
    }

    /// When [`Command::tick`] wants to be called.
    pub fn deadline(&self) -> Option<Mono> {
        match &self.work {
            Work::Shell(run) | Work::Chain(_, run) => run.deadline(),
            Work::Files | Work::Transfer(_) | Work::Directory(_) => None,
        }
    }

    /// An update was sent.
    pub fn update_sent(&mut self, now: Mono) {
        self.in_flight += 1;
        self.tell_stalled(now);
    }

    /// The master has answered an update.
    pub fn update_answered(&mut self, now: Mono) {
        self.in_flight = self.in_flight.saturating_sub(1);
        self.tell_stalled(now);
    }

    /// Whether the master has fallen so far behind that nothing more of the command should be read.
    pub fn stalled(&self) -> bool {
        match &self.work {
            Work::Directory(upload) => !upload.wants_block(),
            _ => self.in_flight >= UPDATES_IN_FLIGHT,
        }
    }

    fn tell_stalled(&mut self, now: Mono) {
        let stalled = self.stalled();
        if let Work::Shell(run) | Work::Chain(_, run) = &mut self.work {
            run.set_stalled(now, stalled);
        }
    }

    fn carry_out(&mut self, now: Mono, effects: Vec<Effect>, wants: &mut Vec<Want>) {
        for effect in effects {
            match effect {
                Effect::Update(update) => wants.push(Want::Update(update)),
                Effect::Signal(signal) => wants.push(Want::Signal(signal)),
                Effect::End(end) => self.process_ended(now, end, wants),
            }
        }
    }

    fn process_ended(&mut self, now: Mono, end: End, wants: &mut Vec<Want>) {
        let header = elapsed_header(end.took);
        match &mut self.work {
            Work::Chain(chain, run) => {
                wants.push(Want::Update(header));
                let next = chain.ended(end.rc);
                match next.filter(|_| !self.interrupted && end.failure.is_none()) {
                    Some(next) => {
                        wants.push(Want::Start(next.program));
                        *run = Run::new(now, next.plan);
                    }
                    None => {
                        let rc = if self.interrupted || end.failure.is_some() { end.rc } else { chain.rc() };
                        self.finish(now, vec![Update::new("rc", rc)], end.failure, wants);
                    }
                }
            }
            _ => self.finish(now, vec![Update::new("rc", end.rc), header], end.failure, wants),
        }
    }

    fn step(&mut self, now: Mono, step: Step, wants: &mut Vec<Want>) {
        match step {
            Step::Call(remote, method, args) => wants.push(Want::Call(remote, method, args)),
            Step::Wait => {}
            Step::Done(updates, failure) => self.finish(now, updates, failure, wants),
        }
    }

    fn finish(&mut self, now: Mono, updates: Vec<Update>, failure: Option<Failure>, wants: &mut Vec<Want>) {
        wants.extend(updates.into_iter().map(Want::Update));
        if !self.interrupted {
            wants.push(Want::Update(elapsed(now.since(self.started))));
        }
        wants.push(Want::Complete(failure));
    }
}
