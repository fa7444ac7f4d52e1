//! What builds do on the master, and the master's ends of transfers: what a worker writes or reads is handed to errands, one call at a time, and the
//! call is answered when the disk has done it. So a slow disk slows the worker that it serves, and nobody else.

use super::Botmaster;
use super::build::Input;
use super::errands::{Done, Finding, Lane};
use super::files::{self, Kept, Stream, Transfer, Verb};
use super::http;
use super::limits::TRANSFER_CALLS;
use super::programs::{self, Leash, Program};
use super::running::Place;
use crate::kernel::Turn;
use crate::model::BuildId;
use crate::pb::{Call, Failure, Request, Value};
use crate::pbmanager::ConnectionId;
use bytes::Bytes;
use std::collections::VecDeque;
use std::path::PathBuf;

/// What a step has done on the master.
pub(super) struct Errand {
    pub key: u64,
    /// Ends it, if it is a program.
    pub leash: Leash,
}

impl Errand {
    /// One that nothing ends before its time.
    pub fn new(key: u64) -> Errand {
        Errand { key, leash: Leash::default() }
    }
}

/// The transfer of a running command.
pub(super) struct Moving {
    /// The key of the object that the worker writes to or reads from.
    pub key: u64,
    /// `None` while an errand has it, and once it is settled.
    stream: Option<Box<Stream>>,
    /// The errand that has it.
    errand: Option<u64>,
    /// The call that the errand is about, and those that came after it.
    asked: VecDeque<(Request, Verb)>,
    /// Whether to keep what came, once all calls are done.
    settle: Option<bool>,
    /// The first thing that went wrong.
    trouble: Option<String>,
}

impl Botmaster {
    /// Makes the object that stands for a transfer; returns its key.
    pub(super) fn begin_transfer(&mut self, build: BuildId, transfer: Transfer) -> u64 {
        let key = self.key();
        let Some(running) = self.builds.get_mut(&build) else { return key };
        let stream = Some(Box::new(Stream::new(transfer, key)));
        let moving =
            Moving { key, stream, errand: None, asked: VecDeque::new(), settle: None, trouble: None };
        running.moving = Some(moving);
        let worker = running.worker.clone();
        if let Some(session) = self.workers.session(&worker) {
            session.transfers.insert(key, build);
        }
        key
    }

    /// A worker writes or reads.
    pub(super) fn transfer_called(&mut self, connection: ConnectionId, build: BuildId, call: Call) {
        let Some(verb) = verb(&call) else {
            let failure = Failure::no_such_method(&call.method);
            let _ = self.pb.reject(connection, call, failure);
            return;
        };
        let Some(running) = self.builds.get_mut(&build) else { return };
        let Some(moving) = &mut running.moving else { return };
        if moving.asked.len() >= TRANSFER_CALLS {
            // What was left out is missing in what it sent: that must not be kept.
            let why = "it does not wait for the answers of a transfer";
            moving.trouble = Some(format!("the worker is cut off: {why}"));
            let worker = running.worker.clone();
            return self.drop_session(&worker, why);
        }
        moving.asked.push_back((call.request, verb));
        self.move_on(build);
    }

    /// Does the next thing about a transfer, unless an errand is under way.
    fn move_on(&mut self, build: BuildId) {
        let key = self.key();
        let Some(moving) = self.builds.get_mut(&build).and_then(|running| running.moving.as_mut()) else {
            return;
        };
        let Some(mut stream) = moving.stream.take() else { return };
        moving.errand = Some(key);
        if let Some((_, verb)) = moving.asked.front() {
            let verb = verb.clone();
            self.errands.begin(key, build, Lane::Disk, move |_| {
                let answer = stream.perform(verb);
                Finding::Moved(stream, answer)
            });
        } else if let Some(keep) = moving.settle.take() {
            let trouble = moving.trouble.take();
            self.errands.begin(key, build, Lane::Disk, move |_| {
                let kept = match (keep, trouble) {
                    (true, None) => stream.keep(),
                    (_, trouble) => {
                        drop(stream);
                        trouble.map_or(Ok(Kept::Nothing), Err)
                    }
                };
                Finding::Settled(kept)
            });
        } else {
            (moving.stream, moving.errand) = (Some(stream), None);
        }
    }

    /// The command is complete: keeps what came, or throws it away; the build hears of it.
    pub(super) fn settle_transfer(&mut self, build: BuildId, keep: bool) {
        if let Some(moving) = self.builds.get_mut(&build).and_then(|running| running.moving.as_mut()) {
            moving.settle = Some(keep);
            self.move_on(build);
        }
    }

    /// The step is over: what its last command moved is thrown away, and what it runs on the master is ended.
    pub(super) fn end_transfer(&mut self, build: BuildId) {
        let Some(running) = self.builds.get_mut(&build) else { return };
        let (moving, worker) = (running.moving.take(), running.worker.clone());
        if let Some(Errand { leash, .. }) = running.errand.take() {
            leash.pull();
        }
        let Some(moving) = moving else { return };
        if let Some(session) = self.workers.session(&worker) {
            session.transfers.remove(&moving.key);
        }
        if let Some(stream) = moving.stream {
            self.errands.forget(Lane::Disk, move || drop(stream));
        }
    }

    /// Sees whether a file can be sent; the build hears of it.
    pub(super) fn look_for(&mut self, build: BuildId, path: PathBuf) {
        let key = self.key();
        if let Some(running) = self.builds.get_mut(&build) {
            running.errand = Some(Errand::new(key));
            self.errands.begin(key, build, Lane::Disk, move |_| Finding::Looked(files::look(&path)));
        }
    }

    /// Runs a program on the master; the build hears what it says, and of its end.
    pub(super) fn run_program(&mut self, build: BuildId, program: Program) {
        let (key, leash) = (self.key(), Leash::default());
        if let Some(running) = self.builds.get_mut(&build) {
            running.errand = Some(Errand { key, leash: leash.clone() });
            self.errands.begin(key, build, Lane::Program, move |teller| {
                let teller = teller.clone();
                let say = move |channel, text| teller.tell(Finding::Said(channel, text));
                Finding::Exited(programs::run(&program, &leash, say))
            });
        }
    }

    /// Asks a server; the build hears what it says, and the status of its answer.
    pub(super) fn ask_server(&mut self, build: BuildId, request: http::Request) {
        let (key, leash) = (self.key(), Leash::default());
        if let Some(running) = self.builds.get_mut(&build) {
            running.errand = Some(Errand { key, leash: leash.clone() });
            self.errands.begin(key, build, Lane::Server, move |teller| {
                let say = |channel, text| teller.tell(Finding::Said(channel, text));
                Finding::Exited(http::ask(&request, &leash, say))
            });
        }
    }

    pub(super) fn errand_done(&mut self, done: Done, turn: &mut Turn) {
        let Done { key, finding } = done;
        let is_last = !matches!(finding, Finding::Said(..));
        let owner = if is_last { self.errands.returned(key) } else { self.errands.owner(key) };
        let Some(build) = owner else { return };
        if let Finding::Broken(panic) = &finding {
            slog::crit!(turn.log(), "an errand broke off"; "panic" => panic);
        }
        let Some(running) = self.builds.get_mut(&build) else { return self.throw_away(finding) };
        if running.errand.as_ref().is_some_and(|errand| errand.key == key) {
            if is_last {
                running.errand = None;
            }
            let input = match finding {
                Finding::Said(channel, text) => Input::Said(channel, text),
                Finding::Looked(result) => Input::Looked(result),
                Finding::Exited(result) => Input::Exited(result),
                Finding::Triggered(result) => Input::Triggered(result),
                Finding::Moved(..) | Finding::Settled(_) => return,
                Finding::Broken(panic) => Input::Exited(Err(panic)),
            };
            return self.feed(build, input, turn);
        }
        let Some(Place { connection, .. }) = running.place else { return self.throw_away(finding) };
        let Some(moving) = running.moving.as_mut().filter(|moving| moving.errand == Some(key)) else {
            return self.throw_away(finding);
        };
        moving.errand = None;
        // Workers since 0.9 cannot tell of a call of theirs that failed, and would never say that their command is
        // complete. So none fails: where the master's side is in trouble, the command is interrupted.
        let mut in_vain = false;
        let answer = match finding {
            Finding::Moved(stream, answer) => {
                moving.stream = Some(stream);
                answer
            }
            Finding::Settled(result) => {
                self.end_transfer(build);
                return self.feed(build, Input::Settled(result), turn);
            }
            Finding::Looked(_) | Finding::Said(..) | Finding::Exited(_) | Finding::Triggered(_) => return,
            Finding::Broken(panic) if moving.asked.is_empty() => {
                self.end_transfer(build);
                return self.feed(build, Input::Settled(Err(panic)), turn);
            }
            // The stream is gone with it: the step cannot end well, and what the worker sends is of no use.
            Finding::Broken(panic) => {
                let worker = running.worker.clone();
                return self.drop_session(&worker, &format!("a transfer broke off: {panic}"));
            }
        };
        if let Some((request, verb)) = moving.asked.pop_front() {
            let answer = answer.unwrap_or_else(|trouble| {
                if moving.trouble.is_none() {
                    moving.trouble = Some(trouble);
                    in_vain = true;
                }
                matches!(verb, Verb::Read(_)).then(Bytes::new)
            });
            if in_vain {
                self.interrupt_command(build, "the master cannot go on with the transfer");
            }
            let _ = self.pb.answer(connection, request, answer.map_or(Value::None, Value::Bytes));
        }
        self.move_on(build);
    }

    /// What came back too late may have something to clear away.
    fn throw_away(&mut self, finding: Finding) {
        match finding {
            Finding::Moved(stream, _) => self.errands.forget(Lane::Disk, move || drop(stream)),
            Finding::Triggered(Ok(added)) => self.disown(added),
            _ => {}
        }
    }
}

/// What a worker wants of its end of a transfer; `None` for what has no meaning.
fn verb(call: &Call) -> Option<Verb> {
    Some(match call.method.as_str() {
        "write" => Verb::Write(call.arg(0, "data")?.as_bytes().cloned()?),
        "close" => Verb::Close,
        "utime" => match call.arg(0, "accessed_modified")?.as_items()? {
            [access, change] => match (access.as_f64(), change.as_f64()) {
                (Some(access), Some(change)) => Verb::Utime(access, change),
                // The worker could not open the file, and has no times.
                _ => Verb::Close,
            },
            _ => return None,
        },
        "unpack" => Verb::Unpack,
        "read" => Verb::Read(usize::try_from(call.arg(0, "length")?.as_int()?).ok()?),
        _ => return None,
    })
}
