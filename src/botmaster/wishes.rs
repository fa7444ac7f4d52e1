//! What operators wish of a worker: pauses, shutdowns, its end (`N-WK-02`, `SL-13`), and how each comes about.

use super::limits::{KILL_PATIENCE, SHUTDOWN_PATIENCE};
use super::service::Alarm;
use super::workers::Purpose;
use super::{Botmaster, Refused, WorkerWish};
use crate::db;
use crate::kernel::Turn;
use crate::model::{Event, Mono, Results};
use std::time::Duration;

impl Botmaster {
    /// Does what an operator wishes of a worker. What is to outlive this process is committed when it returns.
    pub(super) fn steer_worker(
        &mut self,
        name: &str,
        wish: WorkerWish,
        turn: &mut Turn,
    ) -> Result<(), Refused> {
        let Some(worker) = self.workers.all.get_mut(name) else {
            return Err(Refused::NoSuchWorker(name.to_owned()));
        };
        slog::info!(turn.log(), "worker is steered"; "worker" => name, "wish" => ?wish);
        match wish {
            WorkerWish::Pause(reason) => {
                self.db.workers().set_wishes(name, Some(&reason), worker.graceful)?;
                worker.pause = Some(reason);
                self.lift_quarantine(name);
            }
            WorkerWish::Unpause => {
                self.db.workers().set_wishes(name, None, worker.graceful)?;
                worker.pause = None;
                self.lift_quarantine(name);
            }
            WorkerWish::Leave | WorkerWish::Kill if worker.session.is_none() => {
                return Err(Refused::NotConnected(name.to_owned()));
            }
            WorkerWish::Leave => {
                self.db.workers().set_wishes(name, worker.pause.as_deref(), true)?;
                self.leave_gracefully(name, turn);
            }
            WorkerWish::Kill => self.send_away(name, KILL_PATIENCE, turn),
        }
        self.may_start = true;
        self.store.teller().tell(Event::WorkerUpdated { worker: name.to_owned() });
        Ok(())
    }

    /// The worker itself wants to leave (`SL-13`).
    pub(super) fn asks_to_leave(&mut self, name: &str, turn: &mut Turn) {
        slog::info!(turn.log(), "worker asks to leave"; "worker" => name);
        let Some(worker) = self.workers.all.get(name) else { return };
        let (leaving, pause) = (name.to_owned(), worker.pause.clone());
        let (tell, event) = (self.store.teller(), Event::WorkerUpdated { worker: name.to_owned() });
        self.db.write_later_then(
            0,
            move |tx| db::workers::set_wishes(tx, &leaving, pause.as_deref(), true),
            move |()| tell.tell(event),
        );
        self.leave_gracefully(name, turn);
    }

    /// From now on the worker gets no builds; once its last is done, it is shut down (`SL-13`).
    fn leave_gracefully(&mut self, name: &str, turn: &mut Turn) {
        if let Some(worker) = self.workers.all.get_mut(name) {
            worker.graceful = true;
        }
        self.settle_worker(name, turn);
    }

    /// After a build, or a change: lets a worker go that should, and removes one that is not configured.
    pub(super) fn settle_worker(&mut self, name: &str, turn: &mut Turn) {
        let Some(worker) = self.workers.all.get_mut(name) else { return };
        if !worker.building.is_empty() {
            return;
        }
        match &worker.session {
            Some(_) if worker.is_removed => self.drop_session(name, "it is not configured any more"),
            Some(session) if worker.graceful && session.is_ready() && !session.is_leaving => {
                self.send_away(name, SHUTDOWN_PATIENCE, turn);
            }
            None if worker.is_removed => drop(self.workers.all.remove(name)),
            Some(_) | None => {}
        }
    }

    /// Tells a worker to shut down; if it stays, it is cut off. What it builds is built again.
    fn send_away(&mut self, name: &str, patience: Duration, turn: &Turn) {
        let Some(session) = self.workers.session(name) else { return };
        session.is_leaving = true;
        let (connection, mind) = (session.connection, session.mind);
        self.timers.set(Alarm::Leaving(name.to_owned()), turn.now() + patience);
        self.call(connection, name, mind, "shutdown", Vec::new(), Purpose::Shutdown);
    }

    /// A build has ended on a worker: an exception holds the next ones back for a while (`N-WK-03`).
    pub(super) fn judge_worker(&mut self, name: &str, results: Results, turn: &Turn) {
        let Some(worker) = self.workers.all.get_mut(name) else { return };
        let until = worker.quarantine.build_ended(results, turn.now());
        self.hold_back(name, until, turn);
    }

    /// A latent worker could not be started: the next try is held back for a while (`N-WK-03`).
    pub(super) fn start_failed(&mut self, name: &str, turn: &Turn) {
        let Some(worker) = self.workers.all.get_mut(name) else { return };
        let until = worker.quarantine.start_failed(turn.now());
        self.hold_back(name, until, turn);
    }

    fn hold_back(&mut self, name: &str, until: Option<Mono>, turn: &Turn) {
        let Some(until) = until else { return };
        let seconds = until.since(turn.now()).as_secs();
        slog::warn!(turn.log(), "worker is in quarantine"; "worker" => name, "for_s" => seconds);
        self.timers.set(Alarm::Quarantine(name.to_owned()), until);
        self.store.teller().tell(Event::WorkerUpdated { worker: name.to_owned() });
    }

    /// The time of a quarantine is over.
    pub(super) fn end_quarantine(&mut self, name: &str) {
        if let Some(worker) = self.workers.all.get_mut(name) {
            worker.quarantine.is_over();
            self.may_start = true;
            self.store.teller().tell(Event::WorkerUpdated { worker: name.to_owned() });
        }
    }

    fn lift_quarantine(&mut self, name: &str) {
        self.timers.cancel(&Alarm::Quarantine(name.to_owned()));
        if let Some(worker) = self.workers.all.get_mut(name) {
            worker.quarantine.lift();
        }
    }
}

/// How often a worker has connected within the last hour (`SL-14`).
#[derive(Debug, Default)]
pub(super) struct Connects(std::collections::VecDeque<Mono>);

impl Connects {
    const WINDOW: Duration = Duration::from_secs(3600);

    /// Notes one.
    pub fn note(&mut self, now: Mono) {
        self.0.retain(|at| now.since(*at) < Connects::WINDOW);
        if self.0.len() == super::limits::CONNECTS_KEPT {
            self.0.pop_front();
        }
        self.0.push_back(now);
    }

    /// How many there were.
    pub fn count(&self, now: Mono) -> usize {
        self.0.iter().filter(|at| now.since(**at) < Connects::WINDOW).count()
    }
}
