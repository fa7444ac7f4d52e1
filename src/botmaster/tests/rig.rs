//! The service in the simulator, with the real database and, in the place of pbmanager, sessions that speak the
//! real wire with played workers.

use super::below;
use super::peer::{AVATAR_CALL, BOT, Kind, LOGIN, Peer};
use crate::botmaster::errands::AtOnce;
use crate::botmaster::latent::{Driver, Drivers, Report, Site};
use crate::botmaster::local::{Launch, Launcher, Process};
use crate::botmaster::{Botmaster, Handle, Wiring, child_done, ear, reports, requests_may_wait};
use crate::config::{Config, DatabaseUrl, Port};
use crate::db::{self, Settings};
use crate::kernel::sim::Sim;
use crate::kernel::{Control, Door, Hint, Inbox, Offer, Ranked, rank};
use crate::model::{
    Build, BuildId, BuildsetId, Event, Mono, NewBuildset, Properties, RequestId, SourceStamp,
};
use crate::pb::{self, Callee, Session, Target, Value};
use crate::pbmanager::service::PbManager;
use crate::pbmanager::{self, ConnectionId, News, Protocol, Verb};
use crate::schedulers::Schedulers;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Who asks the questions.
pub(super) struct Test;

impl Ranked for Test {
    const RANK: u8 = rank::MASTER;
    const NAME: &'static str = "test";
}

/// Nobody has local workers here.
struct NoProcesses;

impl Drivers for NoProcesses {
    fn open(&mut self, site: Site, _: Offer<Report>) -> Box<dyn Driver> {
        unreachable!("no configuration here has the latent worker {}", site.worker)
    }
}

impl Launcher for NoProcesses {
    fn launch(&mut self, _: &Launch) -> std::io::Result<Box<dyn Process>> {
        Err(std::io::ErrorKind::Unsupported.into())
    }
}

/// The service, with all that is around it.
pub(super) struct Rig {
    pub sim: Sim,
    pub handle: Handle<Test>,
    pub db: db::Handle<Test>,
    pub events: Arc<Mutex<Vec<Event>>>,
    door: Door<Botmaster>,
    schedulers: Door<Schedulers>,
    pb: Inbox<PbManager>,
    ear: Offer<News>,
    peers: BTreeMap<ConnectionId, Peer>,
    registered: BTreeSet<String>,
    /// What the master called, in order.
    pub calls: Vec<String>,
    last_connection: u64,
    dir: Arc<tempfile::TempDir>,
}

impl Rig {
    /// A service with this configuration in force.
    pub fn new(config: &Config) -> Rig {
        Rig::over(Arc::new(tempfile::tempdir().unwrap()), config)
    }

    /// The process dies at once, and another begins on the same database.
    pub fn reborn(mut self, config: &Config) -> Rig {
        self.sim.crash();
        Rig::over(self.dir, config)
    }

    fn over(dir: Arc<tempfile::TempDir>, config: &Config) -> Rig {
        let log = slog::Logger::root(slog::Discard, slog::o!());
        let mut sim = Sim::new(1, log.clone());
        let url = DatabaseUrl::Sqlite(dir.path().join("state.sqlite"));
        let settings = Settings { durable: false, ..Settings::new(url) };
        let (writer, writer_inbox) = sim.mailbox::<db::Writer>(1024, None);
        let (reader, reader_inbox) = sim.mailbox::<db::Reader>(1024, None);
        let (pb_door, pb) = sim.mailbox::<PbManager>(1024, None);
        let (door, inbox) = sim.mailbox::<Botmaster>(1024, None);
        sim.add(db::Writer::new(settings.clone(), log.clone()), writer_inbox);
        sim.add(db::Reader::new(settings), reader_inbox);
        let database = db::Database::new(writer, vec![reader]);
        let events = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&events);
        let schedulers = below::schedulers(&mut sim, &database, &door);
        let complete = schedulers.hint(crate::schedulers::Msg::BuildsetComplete);
        sim.add(
            Botmaster::new(Wiring {
                name: "m".to_owned(),
                db: database.handle(),
                pb: pbmanager::Handle::new(pb_door.address()),
                ear: ear(&door),
                events: Hint::to_fn(move |event| {
                    if let Event::BuildsetComplete { buildset, .. } = event {
                        complete.tell(buildset);
                    }
                    heard.lock().unwrap().push(event);
                }),
                launcher: Box::new(NoProcesses),
                runner: Box::new(AtOnce),
                home: door.address(),
                drivers: Box::new(NoProcesses),
                reports: reports(&door),
                schedulers: crate::schedulers::Handle::new(schedulers.address()),
                child_done: child_done(&door),
            }),
            inbox,
        );
        let mut rig = Rig {
            sim,
            handle: Handle::new(door.address()),
            db: database.handle(),
            events,
            ear: ear(&door),
            door,
            schedulers,
            pb,
            peers: BTreeMap::new(),
            registered: BTreeSet::new(),
            calls: Vec::new(),
            last_connection: 0,
            dir,
        };
        rig.apply(config);
        rig
    }

    /// Puts a configuration in force.
    pub fn apply(&mut self, config: &Config) {
        let wanted = Arc::new(config.clone());
        let prepared = self.sim.control(&self.schedulers, |reply| Control::Prepare(wanted.clone(), reply));
        assert_eq!(prepared, Ok(Ok(())));
        let prepared = self.sim.control(&self.door, |reply| Control::Prepare(wanted.clone(), reply));
        assert_eq!(prepared, Ok(Ok(())));
        self.sim.control(&self.schedulers, |reply| Control::Apply(wanted.clone(), reply)).unwrap();
        self.sim.control(&self.door, |reply| Control::Apply(wanted.clone(), reply)).unwrap();
        self.settle();
    }

    /// A worker of this name logs in.
    pub fn connect(&mut self, name: &str, kind: Kind) -> ConnectionId {
        self.log_in(name, kind, true)
    }

    /// One that logs in and never answers anything.
    pub fn connect_mute(&mut self, name: &str) -> ConnectionId {
        self.log_in(name, Kind::Worker, false)
    }

    fn log_in(&mut self, name: &str, kind: Kind, answers: bool) -> ConnectionId {
        assert!(self.registered.contains(name), "{name} is not registered");
        self.last_connection += 1;
        let connection = ConnectionId(self.last_connection);
        let mut peer = Peer {
            kind,
            name: name.to_owned(),
            server: Session::server(),
            client: Session::client(),
            login: None,
            avatar: None,
            builders: BTreeMap::new(),
            last_key: BOT,
            running: BTreeMap::new(),
            answers: true,
            closed: false,
        };
        peer.server.trust();
        peer.pass_bytes();
        peer.client.call(Callee::Root, "login", &[Value::local(BOT)], &[], LOGIN).unwrap();
        peer.answers = answers;
        self.peers.insert(connection, peer);
        self.settle();
        connection
    }

    /// The connection is cut.
    pub fn cut(&mut self, connection: ConnectionId) {
        self.close(connection, "cut");
        self.settle();
    }

    /// How many objects of the worker's the master holds.
    pub fn held(&self, connection: ConnectionId) -> usize {
        self.peers[&connection].client.references().0
    }

    /// From now on nothing comes from there, though the connection stands.
    pub fn silence(&mut self, connection: ConnectionId) {
        self.peers.get_mut(&connection).unwrap().answers = false;
    }

    /// The worker calls the object that it got for its login; returns what came of it.
    pub fn call_avatar(&mut self, connection: ConnectionId, method: &str) {
        let peer = self.peers.get_mut(&connection).unwrap();
        let avatar = peer.avatar.expect("an admitted worker");
        peer.client.call(avatar, method, &[], &[], AVATAR_CALL).unwrap();
        self.settle();
    }

    /// The worker's running command says something.
    pub fn say(&mut self, connection: ConnectionId, key: &str, value: Value) {
        let peer = self.peers.get_mut(&connection).unwrap();
        let object = *peer.running.values().next().expect("a running command");
        peer.update(object, key, value);
        self.settle();
    }

    /// A buildset of one source stamp, for one builder.
    pub fn ask(&mut self, builder: &str, revision: &str) -> (BuildsetId, RequestId) {
        let added = self.ask_quietly(builder, revision);
        requests_may_wait(&self.door).tell(());
        self.settle();
        added
    }

    /// The same, but nobody tells the service.
    pub fn ask_quietly(&mut self, builder: &str, revision: &str) -> (BuildsetId, RequestId) {
        let new = NewBuildset {
            scheduler: "s".to_owned(),
            reason: "because".to_owned(),
            external_id: String::new(),
            source_stamps: vec![SourceStamp {
                revision: Some(revision.to_owned()),
                branch: Some("main".to_owned()),
                ..SourceStamp::default()
            }],
            changes: Vec::new(),
            properties: Properties::default(),
            builders: vec![builder.to_owned()],
            priority: 0,
            parent_build: None,
        };
        let now = self.sim.world().wall();
        let added = self.db.buildsets().add(new, now).unwrap();
        (added.id, added.requests[0].1)
    }

    /// A buildset for one builder; its request.
    pub fn request(&mut self, new: NewBuildset) -> RequestId {
        let now = self.sim.world().wall();
        let added = self.db.buildsets().add(new, now).unwrap();
        requests_may_wait(&self.door).tell(());
        self.settle();
        added.requests[0].1
    }

    /// Takes turns until nobody has anything to do.
    pub fn settle(&mut self) {
        for _ in 0..100_000 {
            if !self.sim.step() && !self.pass() {
                return;
            }
        }
        panic!("no end is in sight");
    }

    /// Lets time pass, deadline by deadline.
    pub fn wait(&mut self, duration: Duration) {
        let end = Mono(self.sim.world().now().0 + duration);
        while let Some(next) = self.sim.next_wake().filter(|next| *next <= end) {
            self.sim.advance_to(next);
            self.settle();
        }
        self.sim.advance_to(end);
        self.settle();
    }

    /// The first build of a request.
    pub fn build(&mut self, request: RequestId) -> Build {
        self.db.builds().of_request(request).unwrap().remove(0)
    }

    /// The running command of a build succeeds.
    pub fn finish(&mut self, build: BuildId) {
        let running = self.handle.snapshot().unwrap().builds;
        let builder = running.into_iter().find(|running| running.build == build).expect("it runs").builder;
        for peer in self.peers.values_mut() {
            let key = peer.builders.iter().find(|(_, name)| **name == builder).map(|(key, _)| *key);
            if let Some(object) = key.and_then(|key| peer.running.remove(&key)) {
                peer.end(object, 0);
            }
        }
        self.settle();
    }

    /// What happened, one line each, since it was last asked.
    pub fn told(&mut self) -> String {
        let events = std::mem::take(&mut *self.events.lock().unwrap());
        events.into_iter().map(|event| serde_json::to_string(&event).unwrap() + "\n").collect()
    }

    /// The stored text of a step's log.
    pub fn log(&mut self, step: crate::model::StepId, slug: &str) -> String {
        let log = self.db.logs().by_slug(step, slug).unwrap().expect("the log");
        let lines = self.db.logs().read_lines(log.id, 0, 1000).unwrap();
        String::from_utf8(lines.text).unwrap()
    }

    /// What the service asked of pbmanager, and what the workers say: true if there was anything.
    fn pass(&mut self) -> bool {
        let mut busy = false;
        while let Ok(msg) = self.pb.try_data() {
            busy = true;
            match msg {
                pbmanager::Msg::Register { user, .. } => drop(self.registered.insert(user)),
                pbmanager::Msg::Unregister { user, .. } => drop(self.registered.remove(&user)),
                pbmanager::Msg::LocalAddress(reply) => reply.send(None),
                pbmanager::Msg::On(connection, verb) => self.obey(connection, verb),
            }
        }
        for connection in self.peers.keys().copied().collect::<Vec<_>>() {
            busy |= self.converse(connection);
        }
        busy
    }

    fn obey(&mut self, connection: ConnectionId, verb: Verb) {
        let Some(peer) = self.peers.get_mut(&connection) else { return };
        match verb {
            Verb::Admit(avatar) => {
                self.calls.push("admit".to_owned());
                let login = peer.login.take().expect("a login");
                peer.server.answer(login, &Value::local(avatar));
            }
            Verb::Refuse(failure) => {
                self.calls.push(format!("refuse {failure}"));
                peer.server.fail(peer.login.take().expect("a login"), &failure);
                peer.closed = true;
            }
            Verb::Call { object, method, args, kwargs, token } => {
                peer.server.call(object, &method, &args, &kwargs, token).unwrap();
            }
            Verb::Answer(request, value) => peer.server.answer(request, &value),
            Verb::Fail(request, failure) => peer.server.fail(request, &failure),
            Verb::Reject(call, failure) => peer.server.reject(call, &failure),
            Verb::Release(object) => peer.server.release(object),
            Verb::SetTextForm(form) => peer.server.set_text_form(form),
            Verb::Close(reason) => {
                self.calls.push(format!("close: {reason}"));
                self.close(connection, &reason);
            }
        }
    }

    fn close(&mut self, connection: ConnectionId, reason: &str) {
        let Some(mut peer) = self.peers.remove(&connection) else { return };
        for event in peer.server.lost() {
            self.tell(connection, event);
        }
        let reason = reason.to_owned();
        assert!(self.ear.offer(News::Detached { connection, reason }).is_ok());
    }

    /// Tells the service what its end of a connection has come to.
    fn tell(&mut self, connection: ConnectionId, event: pb::Event) {
        let news = match event {
            pb::Event::Ready => return,
            pb::Event::Call(call) if call.object == Target::Root => {
                let mind = call.args[0].as_remote();
                let peer = self.peers.get_mut(&connection).unwrap();
                peer.login = Some(call.request);
                let (user, address) = (peer.name.clone(), "127.0.0.1:1".parse().unwrap());
                News::Attached {
                    connection,
                    user,
                    port: Port::Shared,
                    mind,
                    peer: address,
                    protocol: Protocol::Pb,
                }
            }
            pb::Event::Call(call) => News::Called { connection, call },
            pb::Event::Answered { token, result } => News::Answered { connection, token, result },
            pb::Event::Released { key } => News::Released { connection, key },
        };
        assert!(self.ear.offer(news).is_ok());
    }

    fn converse(&mut self, connection: ConnectionId) -> bool {
        let Some(peer) = self.peers.get_mut(&connection) else { return false };
        if peer.closed && peer.server.output_len() == 0 {
            self.close(connection, "refused");
            return true;
        }
        let (to_worker, to_master) = peer.pass_bytes();
        let busy = !to_worker.is_empty() || !to_master.is_empty();
        for event in to_worker {
            match event {
                pb::Event::Call(call) => self.calls.push(peer.play(call)),
                pb::Event::Answered { token: LOGIN, result } => {
                    peer.avatar = result.ok().and_then(|value| value.as_remote());
                }
                pb::Event::Answered { token: AVATAR_CALL, result } => {
                    self.calls.push(format!(
                        "answered {}",
                        result.map_or_else(|e| e.to_string(), |v| format!("{v:?}"))
                    ));
                }
                pb::Event::Answered { .. } | pb::Event::Ready | pb::Event::Released { .. } => {}
            }
        }
        to_master.into_iter().for_each(|event| self.tell(connection, event));
        busy
    }
}
