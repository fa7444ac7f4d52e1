//! The mail reporter: tells people by letters what happens.
//!
//! * Does: hears the events of the hub, writes the letters that the configuration asks for, hands them to the relay.
//! * Thread `mail`, rank 82, one for each reporter. Calls botmaster; supervised by `status`, which is told its end.
//! * Owns: nothing that is lost with it: the outbox outlives the thread.
//! * While the relay is away, letters wait in order, so many at the most; what is wrong shows in `bellwether status`.
//! * Never: keeps a letter over a restart of the master. What is still true then is found again, and told again.

mod letter;
mod outbox;
mod relay;
#[cfg(test)]
mod tests;

pub use letter::Letter;
pub use outbox::Outbox;

use super::hub::{Heard, Subscription};
use super::web::actions::Actions;
use crate::config::{Config, Mail};
use crate::kernel::thread::{self, Running};
use crate::kernel::{Bell, World};
use crate::model::{Event, Wall};
use crossbeam_channel::{Receiver, Sender, bounded, select};
use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// What a reporter is to go by.
#[derive(Clone)]
pub struct Orders {
    /// How mail is sent.
    pub mail: Mail,
    /// The configuration in force.
    pub config: Arc<Config>,
}

/// What the thread of a reporter is made of.
pub struct Parts {
    /// The events.
    pub news: Subscription,
    /// Rung for each of them: see [`doorbell`].
    pub rung: Receiver<()>,
    /// The rooms below.
    pub actions: Arc<dyn Actions>,
    /// Where letters wait.
    pub outbox: Shared,
    /// The clock.
    pub world: World,
    /// Where it logs.
    pub log: slog::Logger,
}

/// An outbox that its reporter and whoever looks after the reporter both see.
#[derive(Clone, Default)]
pub struct Shared(Arc<Mutex<Outbox>>);

impl Shared {
    /// The outbox. Nobody keeps it for longer than a moment: not while a letter is on its way.
    pub fn lock(&self) -> MutexGuard<'_, Outbox> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A running reporter. Dropping it ends the thread, as soon as the relay has answered.
pub struct Mailer {
    orders: Sender<Orders>,
    thread: Running<()>,
}

impl Mailer {
    /// Puts other settings in force. False if the thread has ended.
    pub fn put_in_force(&self, orders: Orders) -> bool {
        self.orders.send(orders).is_ok()
    }

    /// Whether its thread has ended.
    pub fn is_finished(&self) -> bool {
        self.thread.is_finished()
    }

    /// How its thread ended; waits for that.
    pub fn join(self) -> Result<(), String> {
        drop(self.orders);
        self.thread.join()
    }
}

/// A bell, and what hears it ring.
pub fn doorbell() -> (Receiver<()>, Bell) {
    let (ring, rung) = bounded(1);
    // One that has rung and was not heard yet need not ring again.
    (
        rung,
        Arc::new(move || {
            let _ = ring.try_send(());
        }),
    )
}

/// Starts a reporter; `on_end` is told when its thread ends, for whatever reason.
///
/// # Errors
/// The operating system has no room for another thread.
pub fn start(orders: Orders, parts: Parts, on_end: impl FnOnce() + Send + 'static) -> io::Result<Mailer> {
    // A reload waits for nobody: each sends one, and there are few.
    let (sender, receiver) = crossbeam_channel::unbounded();
    let end = OnEnd(Some(on_end));
    let reporter = Reporter { orders, parts, told: BTreeMap::new() };
    let thread = thread::spawn("mail", move || {
        let _end = end;
        reporter.run(&receiver);
    })?;
    Ok(Mailer { orders: sender, thread })
}

/// Tells of the thread's end, also when that is a panic.
struct OnEnd<F: FnOnce()>(Option<F>);

impl<F: FnOnce()> Drop for OnEnd<F> {
    fn drop(&mut self) {
        if let Some(tell) = self.0.take() {
            tell();
        }
    }
}

struct Reporter {
    orders: Orders,
    parts: Parts,
    /// Since when each worker is missing of which it was told.
    told: BTreeMap<String, Wall>,
}

impl Reporter {
    fn run(mut self, orders: &Receiver<Orders>) {
        self.look_for_missing();
        loop {
            while let Some(heard) = self.parts.news.next() {
                self.hear(&heard);
            }
            self.send_one();
            select! {
                recv(orders) -> orders => match orders {
                    Ok(orders) => self.obey(orders),
                    Err(_) => return,
                },
                recv(self.parts.rung) -> rung => if rung.is_err() { return },
                default(self.pause()) => {}
            }
        }
    }

    fn obey(&mut self, orders: Orders) {
        if self.orders.mail != orders.mail {
            self.parts.outbox.lock().try_anew();
        }
        self.orders = orders;
        // Somebody may have been named who is to be told.
        self.look_for_missing();
    }

    fn hear(&mut self, heard: &Heard) {
        match heard {
            Heard::Missed => self.look_for_missing(),
            Heard::Event(event) => match &**event {
                Event::WorkerMissing { .. } => self.look_for_missing(),
                Event::WorkerConnected { worker } => drop(self.told.remove(worker)),
                _ => {}
            },
        }
    }

    /// Writes the letters about workers that are missing and of which nobody was told: the event only says that
    /// there is one, the botmaster knows which.
    fn look_for_missing(&mut self) {
        let snapshot = match self.parts.actions.snapshot() {
            Ok(snapshot) => snapshot,
            Err(refused) => {
                return slog::warn!(self.parts.log, "the mail reporter cannot look at the workers"; "why" => ?refused);
            }
        };
        for worker in &snapshot.workers {
            let Some(since) = worker.missing_since else { continue };
            let letters = letter::missing(&self.orders.config, worker, since);
            if letters.is_empty() || self.told.insert(worker.name.clone(), since) == Some(since) {
                continue;
            }
            for letter in letters {
                let to = letter.to.clone();
                if !self.parts.outbox.lock().add(letter) {
                    slog::error!(self.parts.log, "there is no room for a letter"; "to" => to);
                }
            }
        }
    }

    /// Tries the first letter, if it is time.
    fn send_one(&mut self) {
        let Some(letter) = self.parts.outbox.lock().due(self.parts.world.now()).cloned() else { return };
        let outcome = relay::deliver(&self.orders.mail, &self.orders.config, &letter);
        match &outcome {
            Ok(()) => {
                slog::info!(self.parts.log, "a letter is sent"; "to" => &letter.to, "subject" => &letter.subject)
            }
            Err(why) => {
                slog::warn!(self.parts.log, "a letter is not sent"; "to" => &letter.to, "why" => ?why)
            }
        }
        self.parts.outbox.lock().tried(outcome, self.parts.world.now());
    }

    /// How long to wait if nothing happens.
    fn pause(&self) -> Duration {
        let outbox = self.parts.outbox.lock();
        let now = self.parts.world.now();
        match outbox.next_try() {
            Some(at) => at.since(now),
            None if outbox.due(now).is_some() => Duration::ZERO,
            None => Duration::MAX,
        }
    }
}
