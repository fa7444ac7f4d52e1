//! Runs a service: one turn after the other, on a thread of its own. The simulator takes the same turns.

use super::limits::MESSAGES_PER_TURN;
use super::supervise::{Importance, Notice, Supervision, Verdict};
use super::thread::{self, Running};
use super::{Control, Inbox, Service, Turn, World};
use crate::config::Config;
use crossbeam_channel::{Sender, TryRecvError};
use std::sync::Arc;

/// What a turn came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Something was done.
    Busy,
    /// There was nothing to do.
    Idle,
    /// The service was told to stop, and has.
    Stopped,
}

/// A service with its inbox and its world.
pub(super) struct Hosted<S: Service> {
    pub(super) service: S,
    pub(super) inbox: Inbox<S>,
    pub(super) world: World,
    pub(super) log: slog::Logger,
    /// The configuration in force, for a service that is started again.
    pub(super) applied: Option<Arc<Config>>,
}

impl<S: Service> Hosted<S> {
    /// One turn, without waiting: all controls, some messages, an overrun, a due deadline.
    pub(super) fn turn(&mut self) -> Progress {
        let mut progress = Progress::Idle;
        let deserted = loop {
            let control = match self.inbox.try_control() {
                Ok(control) => control,
                Err(nothing) => break nothing == TryRecvError::Disconnected,
            };
            progress = Progress::Busy;
            let turn = &mut Turn::begin(&mut self.world, &self.log);
            match control {
                Control::Prepare(wanted, reply) => reply.send(self.service.prepare(&wanted, turn)),
                Control::Abandon(reply) => {
                    self.service.abandon();
                    reply.send(());
                }
                Control::Apply(wanted, reply) => {
                    self.service.apply(&wanted, turn);
                    self.applied = Some(wanted);
                    reply.send(());
                }
                Control::Stop(reply) => {
                    self.service.stop(turn);
                    reply.send(());
                    return Progress::Stopped;
                }
            }
        };
        let turn = &mut Turn::begin(&mut self.world, &self.log);
        for _ in 0..MESSAGES_PER_TURN {
            // Each message may wait, for a database that is out of reach say: a stop must not wait for them all.
            if self.inbox.has_control() {
                progress = Progress::Busy;
                break;
            }
            match self.inbox.try_data() {
                Ok(msg) => {
                    progress = Progress::Busy;
                    self.service.handle(msg, turn);
                }
                // The last door is closed and the last message read: nobody will ever speak to it again.
                Err(TryRecvError::Disconnected) if deserted => {
                    self.service.stop(turn);
                    return Progress::Stopped;
                }
                Err(_) => break,
            }
        }
        if self.inbox.take_overrun() {
            progress = Progress::Busy;
            self.service.overrun(turn);
        }
        if self.service.next_wake().is_some_and(|due| due <= turn.now()) {
            progress = Progress::Busy;
            self.service.wake(turn);
        }
        if progress == Progress::Busy {
            self.service.settle(turn);
        }
        progress
    }

    fn wait(&mut self) {
        let timeout = self.service.next_wake().map(|due| due.since(self.world.now()));
        self.service.wait(&self.inbox, timeout);
    }

    fn run(&mut self) {
        loop {
            match self.turn() {
                Progress::Stopped => return,
                Progress::Busy => {}
                Progress::Idle => self.wait(),
            }
        }
    }
}

/// Starts a service on a thread of its own, under supervision: `make` builds it, again after each panic that
/// the policy forgives, and then the configuration in force is applied to it before it takes a message.
///
/// # Errors
/// The operating system has no room for another thread.
pub fn start<S: Service>(
    make: impl Fn() -> S + Send + 'static,
    inbox: Inbox<S>,
    world: World,
    log: slog::Logger,
    importance: Importance,
    notices: Sender<Notice>,
) -> std::io::Result<Running<()>> {
    thread::spawn(S::NAME, move || {
        if S::IN_BACKGROUND {
            thread::let_others_go_first();
        }
        let mut supervision = Supervision::default();
        let mut applied: Option<Arc<Config>> = None;
        loop {
            let service = make();
            let mut hosted = Hosted {
                service,
                inbox: inbox.clone(),
                world: world.clone(),
                log: log.clone(),
                applied: None,
            };
            let ended = thread::catch(|| {
                if let Some(config) = &applied {
                    resume(&mut hosted, config);
                }
                hosted.run();
            });
            applied = hosted.applied.take().or(applied);
            // Before the pause, in which what it held (a port, a thread) comes free for its successor.
            drop(hosted);
            let Err(cause) = ended else { return };
            slog::error!(log, "service panicked"; "service" => S::NAME, "cause" => &cause);
            match supervision.panicked(importance, world.now()) {
                Verdict::RestartAfter(pause) => {
                    // The root may have stopped listening; the restart does not depend on it.
                    let _ = notices.send(Notice::Restarting { service: S::NAME.to_owned(), cause });
                    thread::pause(pause);
                }
                Verdict::GiveUp => {
                    let vital = importance == Importance::Vital;
                    let _ = notices.send(Notice::Failed { service: S::NAME.to_owned(), cause, vital });
                    return;
                }
            }
        }
    })
}

/// Puts the configuration that was in force before a panic back in force. A service that refuses it is of no use:
/// that is a panic of its own, after which it is tried again, or marked as failed.
fn resume<S: Service>(hosted: &mut Hosted<S>, config: &Arc<Config>) {
    let turn = &mut Turn::begin(&mut hosted.world, &hosted.log);
    if let Err(refusals) = hosted.service.prepare(config, turn) {
        let told: Vec<String> = refusals.iter().map(ToString::to_string).collect();
        panic!("started again, it refuses its configuration: {}", told.join("; "));
    }
    hosted.service.apply(config, turn);
    hosted.applied = Some(config.clone());
}
