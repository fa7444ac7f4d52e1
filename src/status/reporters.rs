//! The reporters of the configuration: starts, restarts and ends their threads.

use super::Msg;
use super::hub::Hub;
use super::limits::REPORTER_EVENTS;
use super::mail::{self, Mailer, Orders, Shared};
use super::service::Parts;
use crate::config::{Config, ReporterKind};
use crate::kernel::Turn;
use crate::kernel::supervise::{Importance, Supervision, Verdict};
use crate::model::Mono;
use std::collections::BTreeMap;
use std::sync::Arc;

/// How a reporter is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReporterStatus {
    /// Its name.
    pub name: String,
    /// How many letters wait.
    pub waiting: usize,
    /// What is wrong, if something is.
    pub trouble: Option<String>,
}

struct Reporter {
    orders: Orders,
    outbox: Shared,
    running: Option<Mailer>,
    supervision: Supervision,
    restart_at: Option<Mono>,
}

/// All reporters, by name.
#[derive(Default)]
pub(super) struct Reporters(BTreeMap<String, Reporter>);

impl Reporters {
    /// Makes those of this configuration the ones that run.
    pub fn adopt(&mut self, wanted: &Arc<Config>, parts: &Parts, hub: &mut Hub) {
        self.0.retain(|name, _| wanted.reporters.iter().any(|reporter| reporter.name == *name));
        for reporter in &wanted.reporters {
            let ReporterKind::Mail(mail) = &reporter.kind;
            let orders = Orders { mail: mail.clone(), config: wanted.clone() };
            let kept = self.0.entry(reporter.name.clone()).or_insert_with(|| Reporter {
                orders: orders.clone(),
                outbox: Shared::default(),
                running: None,
                supervision: Supervision::default(),
                restart_at: None,
            });
            kept.orders = orders.clone();
            if !kept.running.as_ref().is_some_and(|mailer| mailer.put_in_force(orders)) {
                kept.supervision = Supervision::default();
                kept.start(&reporter.name, parts, hub);
            }
        }
    }

    /// Looks which have ended by themselves.
    pub fn supervise(&mut self, turn: &Turn) {
        for (name, reporter) in &mut self.0 {
            let Some(ended) = reporter.running.take_if(|mailer| mailer.is_finished()) else { continue };
            let cause = ended.join().err().unwrap_or_else(|| "it returned".to_owned());
            slog::error!(turn.log(), "a reporter ended"; "reporter" => name, "cause" => cause);
            match reporter.supervision.panicked(Importance::Restartable, turn.now()) {
                Verdict::RestartAfter(pause) => reporter.restart_at = Some(turn.now() + pause),
                Verdict::GiveUp => {
                    slog::error!(turn.log(), "a reporter stays down until the next reload"; "reporter" => name);
                }
            }
        }
    }

    /// When one is to be started again.
    pub fn next_wake(&self) -> Option<Mono> {
        self.0.values().filter_map(|reporter| reporter.restart_at).min()
    }

    /// Starts those again whose pause is over.
    pub fn wake(&mut self, now: Mono, parts: &Parts, hub: &mut Hub) {
        for (name, reporter) in &mut self.0 {
            if reporter.restart_at.is_some_and(|at| at <= now) {
                reporter.start(name, parts, hub);
            }
        }
    }

    /// How each is.
    pub fn statuses(&self) -> Vec<ReporterStatus> {
        let status = |(name, reporter): (&String, &Reporter)| {
            let outbox = reporter.outbox.lock();
            let trouble = match (&reporter.running, reporter.restart_at) {
                (None, None) => Some("it failed too often, and is down until the next reload".to_owned()),
                _ => outbox.trouble(),
            };
            ReporterStatus { name: name.clone(), waiting: outbox.waiting(), trouble }
        };
        self.0.iter().map(status).collect()
    }

    /// Ends all. A letter that is on its way keeps nobody.
    pub fn stop(&mut self, turn: &Turn) {
        for (name, reporter) in std::mem::take(&mut self.0) {
            let waiting = reporter.outbox.lock().waiting();
            if waiting > 0 {
                slog::warn!(turn.log(), "letters were not sent"; "reporter" => name, "letters" => waiting);
            }
        }
    }
}

impl Reporter {
    fn start(&mut self, name: &str, parts: &Parts, hub: &mut Hub) {
        self.restart_at = None;
        let (rung, bell) = mail::doorbell();
        let mail_parts = mail::Parts {
            news: hub.subscribe(REPORTER_EVENTS, Some(bell)),
            rung,
            actions: parts.below.actions.clone(),
            outbox: self.outbox.clone(),
            world: parts.world.clone(),
            log: parts.log.clone(),
        };
        let own = parts.own.clone();
        match mail::start(self.orders.clone(), mail_parts, move || own.tell(Msg::ReporterEnded)) {
            Ok(mailer) => self.running = Some(mailer),
            Err(error) => {
                slog::error!(parts.log, "a reporter does not start"; "reporter" => name, "error" => %error);
            }
        }
    }
}
