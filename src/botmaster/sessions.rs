//! What the service makes of news from its workers: greetings, calls, answers, lost connections.

use super::Botmaster;
use super::absence::Absence;
use super::antechamber::Guest;
use super::attach::{Greeting, Listed, Wish, builders, list_value};
use super::build::Input;
use super::limits::{GREETING_PATIENCE, GREETING_SHARE};
use super::service::Alarm;
use super::workers::{Arrival, Purpose, Session};
use crate::db;
use crate::kernel::Turn;
use crate::model::Event;
use crate::pb::{Call, Failure, Luid, Target, TextForm, Value};
use crate::pbmanager::{ConnectionId, News};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What a worker said, by name.
type Texts = BTreeMap<String, String>;

/// The key of the object that a worker gets for its login, on each connection.
const AVATAR: u64 = 1;

/// The key of the object that slaves get for each builder. All further keys are counted from here.
pub(super) const MASTER: u64 = 2;

impl Botmaster {
    pub(super) fn news(&mut self, news: News, turn: &mut Turn) {
        match news {
            News::Attached { connection, user, mind, peer, protocol, .. } => {
                slog::info!(turn.log(), "worker logs in"; "worker" => &user, "peer" => %peer,
                    "protocol" => %protocol);
                let Some(mind) = mind else {
                    let failure = Failure::pb_error("this name is a worker's, and a worker gives its Bot");
                    let _ = self.pb.refuse(connection, failure);
                    return;
                };
                self.attached(&user, Arrival { connection, mind, protocol });
            }
            News::Called { connection, call } => {
                self.heard(connection, turn);
                self.called(connection, call, turn);
            }
            News::Answered { connection, token, result } => {
                if result.is_ok() {
                    self.heard(connection, turn);
                }
                self.answered(connection, token, result, turn);
            }
            News::Released { .. } => {}
            News::Detached { connection, reason } => self.detached(connection, &reason, turn),
        }
    }

    fn attached(&mut self, name: &str, arrival: Arrival) {
        let connection = arrival.connection;
        if self.workers.all.get(name).is_none_or(|worker| worker.is_removed) {
            let _ = self.pb.close(connection, "no worker of this name is configured");
            return;
        }
        if !self.latents.may_attach(name) {
            // Refused, not closed: what was left of an instance ends by it (`LT-04`).
            let failure = Failure::pb_error("this worker is latent, and is not being started");
            let _ = self.pb.refuse(connection, failure);
            return;
        }
        self.workers.connect(connection, name);
        self.antechamber.enter(Guest { name: name.to_owned(), arrival });
    }

    /// Greets those who waited for it, as far as there are places.
    pub(super) fn greet_next(&mut self, turn: &mut Turn) {
        while let Some(Guest { name, arrival }) = self.antechamber.next() {
            match self.workers.session(&name).map(|session| (session.connection, session.mind)) {
                Some(old) => {
                    self.antechamber.leave(arrival.connection);
                    self.arbitrate(&name, arrival, old, turn);
                }
                None => self.greet(&name, arrival, turn),
            }
        }
    }

    /// A greeting takes long: it keeps nobody else waiting. One that takes too long is given up.
    pub(super) fn greeting_takes_long(&mut self, name: &str, turn: &mut Turn) {
        let Some(session) = self.workers.session(name) else { return };
        if self.antechamber.leave(session.connection) {
            let rest = GREETING_PATIENCE.saturating_sub(GREETING_SHARE);
            return self.timers.set(Alarm::Greeting(name.to_owned()), turn.now() + rest);
        }
        self.give_up(name, "its greeting takes too long", turn);
    }

    fn greet(&mut self, name: &str, arrival: Arrival, turn: &mut Turn) {
        let Arrival { connection, mind, protocol } = arrival;
        let mut wishes = Vec::new();
        let listed = self.list_for(name);
        let Some(worker) = self.workers.all.get_mut(name) else { return };
        worker.session = Some(Session {
            connection,
            mind,
            protocol,
            greeting: Some(Greeting::begin(mind, MASTER, listed.clone(), &mut wishes)),
            info: Arc::default(),
            environ: Arc::default(),
            abilities: Arc::default(),
            builders: BTreeMap::new(),
            is_slave: false,
            listed,
            is_listing: false,
            calls: BTreeMap::new(),
            commands: BTreeMap::new(),
            transfers: BTreeMap::new(),
            heard: turn.now(),
            heard_at: turn.wall(),
            unanswered: 0,
            is_leaving: false,
        });
        self.timers.set(Alarm::Greeting(name.to_owned()), turn.now() + GREETING_SHARE);
        self.grant(connection, name, wishes, turn);
    }

    /// Does what a greeting wants.
    fn grant(&mut self, connection: ConnectionId, name: &str, wishes: Vec<Wish>, turn: &mut Turn) {
        for wish in wishes {
            match wish {
                Wish::Call { object, method, args, ask } => {
                    self.call(connection, name, object, method, args, Purpose::Greeting(ask));
                }
                Wish::SendBytes => {
                    let _ = self.pb.set_text_form(connection, TextForm::Bytes);
                }
                Wish::Done => self.greeted(connection, name, turn),
                Wish::Failed(why) => {
                    slog::warn!(turn.log(), "worker cannot be used"; "worker" => name, "why" => &why);
                    self.drop_session(name, &why);
                }
            }
        }
    }

    fn greeted(&mut self, connection: ConnectionId, name: &str, turn: &mut Turn) {
        self.timers.cancel(&Alarm::Greeting(name.to_owned()));
        self.antechamber.leave(connection);
        let Some(worker) = self.workers.all.get_mut(name) else { return };
        let Some(session) = &mut worker.session else { return };
        let Some(greeting) = session.greeting.take() else { return };
        session.builders = greeting.builders;
        session.is_slave = greeting.is_slave;
        session.info = Arc::new(greeting.info);
        session.environ = Arc::new(greeting.environ.clone());
        let environ = greeting.environ;
        session.abilities = Arc::new(greeting.abilities);
        (worker.graceful, worker.trouble, worker.absence.told) = (false, None, false);
        worker.absence.told = false;
        worker.connects.note(turn.now());
        let info = session.info.clone();
        let _ = self.pb.admit(connection, AVATAR);
        slog::info!(turn.log(), "worker is ready"; "worker" => name,
            "version" => info.get("version").map_or("?", String::as_str));
        self.note_connection(name, Some((info, environ)), turn);
        self.check_pulse(name, turn);
        self.expect_back(name);
        self.update_list(name);
        self.may_start = true;
        self.instance_arrived(name, turn);
    }

    /// Stores that a worker came, with what it says of itself, or went; tells it after the commit.
    fn note_connection(&self, name: &str, came: Option<(Arc<Texts>, Texts)>, turn: &Turn) {
        let Some(claimant) = self.claimant else { return };
        let (worker, now) = (name.to_owned(), turn.wall());
        let event = match came {
            Some(_) => Event::WorkerConnected { worker: worker.clone() },
            None => Event::WorkerLost { worker: worker.clone() },
        };
        let tell = self.store.teller();
        self.db.write_later_then(
            0,
            move |tx| match &came {
                Some((info, environ)) => {
                    db::workers::connected(tx, &worker, claimant.master, (info, environ), now)
                }
                None => db::workers::disconnected(tx, &worker, claimant.master, now),
            },
            move |()| tell.tell(event),
        );
    }

    /// The builders that a worker is told of: the configured ones, and those whose last build it finishes. One
    /// that it is building keeps its directory until then.
    pub(super) fn list_for(&self, name: &str) -> Vec<Listed> {
        let running = self.builds.values().filter(|running| running.worker == name);
        let mut building: BTreeMap<&str, &str> = running
            .map(|running| &running.machine.plan().builder)
            .map(|builder| (builder.name.as_str(), builder.build_dir.as_str()))
            .collect();
        let configured = self.serving.get(name).into_iter().flatten();
        let mut listed: Vec<Listed> = configured
            .map(|builder| {
                let dir = building.remove(builder.name.as_str()).unwrap_or(&builder.build_dir);
                (builder.name.clone(), dir.to_owned())
            })
            .collect();
        listed.extend(building.into_iter().map(|(name, dir)| (name.to_owned(), dir.to_owned())));
        listed
    }

    /// Tells a worker its builders again, if they have changed (`SL-10`).
    pub(super) fn update_list(&mut self, name: &str) {
        let listed = self.list_for(name);
        let Some(session) = self.workers.session(name) else { return };
        if !session.is_ready() || session.is_listing || session.listed == listed {
            return;
        }
        let args = vec![list_value(&listed)];
        (session.listed, session.is_listing) = (listed, true);
        let (connection, mind) = (session.connection, session.mind);
        self.call(connection, name, mind, "setBuilderList", args, Purpose::BuilderList);
    }

    fn listed(
        &mut self,
        connection: ConnectionId,
        name: &str,
        answer: Result<Value, Failure>,
        turn: &mut Turn,
    ) {
        let Some(session) = self.workers.session(name) else { return };
        session.is_listing = false;
        match answer {
            Ok(answer) => {
                let new = builders(&answer, &session.listed);
                let old = std::mem::replace(&mut session.builders, new.clone());
                let gets_masters = session.is_slave;
                // An object that came again is one object: only those that did not are given back.
                for object in old.values().filter(|object| !new.values().any(|kept| kept == *object)) {
                    let _ = self.pb.release(connection, *object);
                }
                let added = new.into_values().filter(|object| !old.values().any(|known| known == object));
                for object in added.filter(|_| gets_masters) {
                    let args = vec![Value::local(MASTER)];
                    self.call(connection, name, object, "setMaster", args, Purpose::Nothing);
                }
                self.may_start = true;
                self.update_list(name);
                self.place_builds(name, turn);
            }
            Err(failure) => {
                self.drop_session(name, &format!("it does not take its builders: {failure}"));
            }
        }
    }

    /// Calls an object of a worker's.
    pub(super) fn call(
        &mut self,
        connection: ConnectionId,
        name: &str,
        object: Luid,
        method: &str,
        args: Vec<Value>,
        purpose: Purpose,
    ) {
        let token = self.key();
        if let Some(session) = self.workers.session(name) {
            session.calls.insert(token, purpose);
        }
        let _ = self.pb.call(connection, object, method, args, token);
    }

    fn answered(
        &mut self,
        connection: ConnectionId,
        token: u64,
        result: Result<Value, Failure>,
        turn: &mut Turn,
    ) {
        let Some((worker, name)) = self.workers.by_connection(connection) else { return };
        let name = name.to_owned();
        let Some(session) = &mut worker.session else { return };
        let Some(purpose) = session.calls.remove(&token) else { return };
        if result.as_ref().is_err_and(Failure::is_connection_lost) {
            return; // its detachment follows, and says all
        }
        match purpose {
            Purpose::Ping | Purpose::Nothing => {}
            Purpose::Greeting(ask) => {
                let mut wishes = Vec::new();
                if let Some(greeting) = &mut session.greeting {
                    greeting.answered(ask, result, &mut wishes);
                }
                self.grant(connection, &name, wishes, turn);
            }
            Purpose::Arbitration => self.old_one_stays(&name, turn),
            Purpose::BuilderList => self.listed(connection, &name, result, turn),
            Purpose::StartBuild(build) => match result {
                Err(failure) if !failure.is_no_such_method() => {
                    self.drop_session(&name, &format!("it refuses a build: {failure}"));
                }
                _ => self.feed(build, Input::Ready, turn),
            },
            Purpose::StartCommand(key) => {
                if let Err(failure) = result
                    && let Some(build) = session.commands.remove(&key)
                {
                    self.feed(build, Input::NotStarted(failure), turn);
                }
            }
            Purpose::Shutdown => {
                if result.is_err_and(|failure| failure.is_no_such_method())
                    && let Some(object) = session.builders.values().next().copied()
                {
                    // Slaves before 0.8.3 know it on their builders only, and die without an answer.
                    self.call(connection, &name, object, "shutdown", Vec::new(), Purpose::Nothing);
                }
            }
        }
    }

    fn called(&mut self, connection: ConnectionId, call: Call, turn: &mut Turn) {
        let session = self.workers.by_connection(connection).and_then(|(worker, name)| {
            let name = name.to_owned();
            worker.session.as_mut().map(|session| (session, name))
        });
        let Some((session, name)) = session else {
            let _ = self.pb.reject(connection, call, Failure::pb_error("not attached"));
            return;
        };
        if !call.received.is_empty() {
            let failure = Failure::type_error("no call here takes an object");
            let _ = self.pb.reject(connection, call, failure);
            return;
        }
        match (call.object, call.method.as_str()) {
            (Target::Key(AVATAR), "keepalive") => {
                let _ = self.pb.answer(connection, call.request, Value::None);
            }
            (Target::Key(AVATAR), "shutdown") => {
                let _ = self.pb.answer(connection, call.request, Value::None);
                self.asks_to_leave(&name, turn);
            }
            (Target::Key(AVATAR), method) => {
                let failure = Failure::no_such_perspective_method("Worker", method);
                let _ = self.pb.reject(connection, call, failure);
            }
            (Target::Key(key), "update") => {
                // The answer says that the text is safe: it follows once the text is where it is counted.
                if let Some(build) = session.commands.get(&key).copied()
                    && let Some(updates) = call.arg(0, "updates")
                {
                    self.feed(build, Input::Update(updates), turn);
                }
                let _ = self.pb.answer(connection, call.request, Value::Int(0));
            }
            (Target::Key(key), "complete") => {
                let failure =
                    call.arg(0, "failure").filter(|value| !value.is_none()).map(Failure::from_value);
                let build = session.commands.remove(&key);
                let _ = self.pb.answer(connection, call.request, Value::None);
                if let Some(build) = build {
                    self.feed(build, Input::Complete(failure), turn);
                }
            }
            (Target::Key(key), _) if session.transfers.contains_key(&key) => {
                let build = session.transfers[&key];
                self.transfer_called(connection, build, call);
            }
            (_, method) => {
                let failure = Failure::no_such_method(method);
                let _ = self.pb.reject(connection, call, failure);
            }
        }
    }

    pub(super) fn detached(&mut self, connection: ConnectionId, reason: &str, turn: &mut Turn) {
        self.antechamber.leave(connection);
        let Some(name) = self.workers.disconnect(connection) else { return };
        let Some(worker) = self.workers.all.get_mut(&name) else { return };
        if worker.contender.as_ref().is_some_and(|contender| contender.connection == connection) {
            worker.contender = None;
            self.timers.cancel(&Alarm::Arbitration(name));
            return;
        }
        let Some(session) = worker.session.take_if(|session| session.connection == connection) else {
            return;
        };
        slog::info!(turn.log(), "worker is gone"; "worker" => &name, "why" => reason);
        for alarm in [Alarm::Greeting, Alarm::Ping, Alarm::Arbitration, Alarm::Leaving] {
            self.timers.cancel(&alarm(name.clone()));
        }
        let contender = worker.contender.take();
        if session.is_ready() {
            worker.absence = Absence::begin(turn);
            self.note_connection(&name, None, turn);
        }
        let lost = self
            .builds
            .iter()
            .filter(|(build, running)| running.worker == name && !self.latents.is_awaited_by(&name, **build));
        for build in lost.map(|(build, _)| *build).collect::<Vec<_>>() {
            self.feed(build, Input::Lost("worker lost"), turn);
        }
        self.instance_detached(&name, turn);
        if let Some(contender) = contender {
            self.greet(&name, contender, turn);
        }
        self.expect_back(&name);
        self.settle_worker(&name, turn);
    }

    /// Closes the connection of a worker, which gets no more builds on it; the rest follows from its loss.
    pub(super) fn drop_session(&mut self, name: &str, why: &str) {
        if let Some(session) = self.workers.session(name) {
            session.is_leaving = true;
            let _ = self.pb.close(session.connection, why);
        }
    }
}
