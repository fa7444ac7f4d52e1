//! Whether a worker is there: pings of silent ones, and of the old one of two connections of one name (`SL-07`,
//! `BM-07`). A connection that is given up counts as lost at once, whatever its socket still does.

use super::Botmaster;
use super::limits::{ARBITRATION_PATIENCE, PING_PATIENCE_LONGEST, PING_PATIENCE_SHORTEST, PINGS};
use super::service::Alarm;
use super::workers::{Arrival, Purpose};
use crate::kernel::Turn;
use crate::model::Mono;
use crate::pb::{Failure, Luid, Value};
use crate::pbmanager::ConnectionId;
use std::time::Duration;

impl Botmaster {
    /// Notes that something came from a worker.
    pub(super) fn heard(&mut self, connection: ConnectionId, turn: &Turn) {
        if let Some((worker, _)) = self.workers.by_connection(connection)
            && let Some(session) = &mut worker.session
        {
            (session.heard, session.heard_at, session.unanswered) = (turn.now(), turn.wall(), 0);
        }
    }

    /// Pings a worker that is silent, or gives it up (`SL-07`).
    pub(super) fn check_pulse(&mut self, name: &str, turn: &mut Turn) {
        let alarm = Alarm::Ping(name.to_owned());
        let Some(worker) = self.workers.all.get_mut(name) else { return };
        let interval = self.config.keepalive_of(&worker.config);
        let Some((interval, session)) = interval.zip(worker.session.as_mut().filter(|s| s.is_ready())) else {
            return self.timers.cancel(&alarm);
        };
        if session.unanswered == 0 && turn.now() < earliest(session.heard, interval) {
            let due = between(earliest(session.heard, interval), session.heard + interval, turn);
            return self.timers.set(alarm, due);
        }
        if session.unanswered >= PINGS {
            return self.give_up(name, "it does not answer", turn);
        }
        session.unanswered += 1;
        let (connection, mind) = (session.connection, session.mind);
        self.timers.set(alarm, turn.now() + patience(interval));
        self.call(connection, name, mind, "print", vec![Value::from("ping")], Purpose::Ping);
    }

    /// Two connections of one name: the old one stays if it answers.
    pub(super) fn arbitrate(
        &mut self,
        name: &str,
        contender: Arrival,
        old: (ConnectionId, Luid),
        turn: &Turn,
    ) {
        let Some(worker) = self.workers.all.get_mut(name) else { return };
        let Arrival { connection, mind, .. } = contender;
        let earlier = worker.contender.replace(contender);
        self.workers.connect(connection, name);
        if let Some(earlier) = earlier {
            let _ = self.pb.close(earlier.connection, "another connection of this name came after it");
        }
        let notice = format!("master already has a connection named '{name}' - checking its liveness");
        let _ = self.pb.call(connection, mind, "print", vec![Value::from(notice)], 0);
        self.call(old.0, name, old.1, "print", vec![Value::from("ping")], Purpose::Arbitration);
        // The old one has as long as it had when the first contender came, however many come.
        let alarm = Alarm::Arbitration(name.to_owned());
        if self.timers.get(&alarm).is_none() {
            self.timers.set(alarm, turn.now() + ARBITRATION_PATIENCE);
        }
    }

    /// The old connection has answered: the new one has to go.
    pub(super) fn old_one_stays(&mut self, name: &str, turn: &Turn) {
        self.timers.cancel(&Alarm::Arbitration(name.to_owned()));
        let Some(worker) = self.workers.all.get_mut(name) else { return };
        let Some(contender) = worker.contender.take() else { return };
        slog::warn!(turn.log(), "a second worker of one name is refused"; "worker" => name);
        let failure = Failure::runtime_error("rejecting duplicate worker");
        let _ = self.pb.refuse(contender.connection, failure);
    }

    /// Closes the connection of a worker that is taken for dead, and does at once what its loss brings about:
    /// what still waits to be sent to it may take its time (`SL-17`).
    pub(super) fn give_up(&mut self, name: &str, why: &str, turn: &mut Turn) {
        let Some(session) = self.workers.session(name) else { return };
        let connection = session.connection;
        let _ = self.pb.close(connection, why);
        self.detached(connection, why, turn);
    }
}

/// From when on a worker that was heard of at `heard` may be pinged: a fifth before it must, so that a thousand
/// workers that came together are not pinged together for ever.
fn earliest(heard: Mono, interval: Duration) -> Mono {
    heard + part(interval, 4, 5)
}

fn between(from: Mono, to: Mono, turn: &mut Turn) -> Mono {
    from + part(to.since(from), turn.world().chance().u32(0..=1000), 1000)
}

/// So much of it, in whole microseconds: clocks know no less.
fn part(of: Duration, numerator: u32, denominator: u32) -> Duration {
    let micros = of.as_micros() * u128::from(numerator) / u128::from(denominator);
    Duration::from_micros(u64::try_from(micros).unwrap_or(u64::MAX))
}

/// How long a worker has to answer a ping.
fn patience(interval: Duration) -> Duration {
    part(interval, 2, 3).clamp(PING_PATIENCE_SHORTEST, PING_PATIENCE_LONGEST)
}
