//! A whole site for one test: a database in a temporary file, the status service on it, and rooms below that note
//! what they are asked.

use bellwether::botmaster::{Snapshot, WorkerWish};
use bellwether::config::{Config, DatabaseUrl, load_text};
use bellwether::db::{Connection, Database, Reader, Settings, Writer, engine, migrate};
use bellwether::kernel::supervise::Importance;
use bellwether::kernel::{Control, Door, Hint, Ranked, World, host, mailbox, rank};
use bellwether::metrics::Figures;
use bellwether::model::{BuildId, BuildsetId, Event, RequestId};
use bellwether::schedulers::{ForceRequest, SchedulerStatus};
use bellwether::status::web::actions::{Actions, Refused};
use bellwether::status::web::{Below, Web};
use bellwether::status::{Msg, Parts, Status};
use bellwether::{db, status};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};

/// Who speaks to the services in these tests.
pub struct Test;

impl Ranked for Test {
    const RANK: u8 = rank::MASTER;
    const NAME: &'static str = "test";
}

pub fn quiet() -> slog::Logger {
    slog::Logger::root(slog::Discard, slog::o!())
}

/// What the rooms below were asked, and what they answer.
#[derive(Default)]
pub struct Rooms {
    pub asked: Mutex<Vec<String>>,
    pub snapshot: Mutex<Snapshot>,
    pub schedulers: Mutex<Vec<SchedulerStatus>>,
    pub refusal: Mutex<Option<Refused>>,
}

impl Rooms {
    fn ask(&self, what: String) -> Result<BuildsetId, Refused> {
        self.asked.lock().expect("not poisoned").push(what);
        match self.refusal.lock().expect("not poisoned").clone() {
            Some(refusal) => Err(refusal),
            None => Ok(BuildsetId(1)),
        }
    }
}

/// The same rooms, as the site has them.
#[derive(Clone, Default)]
pub struct Shared(pub Arc<Rooms>);

impl Actions for Shared {
    fn force(&self, request: ForceRequest) -> Result<BuildsetId, Refused> {
        let ForceRequest { scheduler, builders, owner, fields } = request;
        self.0.ask(format!("force {scheduler} {builders:?} by {owner:?} with {fields:?}"))
    }

    fn stop(&self, build: BuildId, owner: &str, reason: &str) -> Result<(), Refused> {
        self.0.ask(format!("stop {build} by {owner} for {reason:?}")).map(drop)
    }

    fn rebuild(&self, build: BuildId, owner: &str) -> Result<BuildsetId, Refused> {
        self.0.ask(format!("rebuild {build} by {owner}"))
    }

    fn cancel(&self, request: RequestId, owner: &str, reason: &str) -> Result<(), Refused> {
        self.0.ask(format!("cancel {request} by {owner} for {reason:?}")).map(drop)
    }

    fn steer_worker(&self, worker: &str, wish: WorkerWish) -> Result<(), Refused> {
        self.0.ask(format!("steer {worker}: {wish:?}")).map(drop)
    }

    fn enable_scheduler(&self, scheduler: &str, enabled: bool) -> Result<(), Refused> {
        self.0.ask(format!("enable {scheduler}: {enabled}")).map(drop)
    }

    fn snapshot(&self) -> Result<Snapshot, Refused> {
        Ok(self.0.snapshot.lock().expect("not poisoned").clone())
    }

    fn schedulers(&self) -> Result<Vec<SchedulerStatus>, Refused> {
        Ok(self.0.schedulers.lock().expect("not poisoned").clone())
    }
}

/// A running site.
pub struct Site {
    pub db: db::Handle<Test>,
    pub rooms: Arc<Rooms>,
    pub address: SocketAddr,
    pub status: Door<Status>,
    pub events: Hint<Event>,
}

impl Site {
    /// A site with this configuration, its database in `folder`, listening at `listen`.
    pub fn start(folder: &Path, config: &str, listen: &str) -> Site {
        let config = config_of(config, listen);
        let url = DatabaseUrl::Sqlite(folder.join("state.sqlite"));
        let settings = Settings { durable: false, ..Settings::new(url) };
        let mut connection = Connection::open(&settings, engine::Access::Write).expect("a database");
        migrate::migrate(&mut connection).expect("the schema");
        let database = serve(&settings);

        let rooms = Shared::default();
        *rooms.0.schedulers.lock().expect("not poisoned") = config.schedulers.iter().map(idle).collect();
        let (door, inbox) = mailbox::<Status>(1024, None);
        let figures = Figures::default();
        figures.counter("pages_looked_at").add(3);
        let below = Below { db: database.handle::<Web>(), actions: Arc::new(rooms.clone()), figures };
        let parts = Parts { below, own: door.hint(|msg| msg), log: quiet(), world: World::real() };
        let (notices, _) = crossbeam_channel::unbounded();
        let make = move || Status::new(parts.clone());
        host::start(make, inbox, World::real(), quiet(), Importance::Vital, notices).expect("a thread");
        let config = Arc::new(config);
        let prepared = door.command(|reply| Control::Prepare(config.clone(), reply)).expect("it runs");
        prepared.expect("no refusal");
        door.command(|reply| Control::Apply(config, reply)).expect("it runs");
        let address = status::Handle::<Test>::new(door.address()).web_address().expect("it runs");
        Site {
            db: database.handle(),
            rooms: rooms.0,
            address: address.expect("it listens"),
            events: door.hint(Msg::News),
            status: door,
        }
    }
}

/// The database's services, which end with the last handle.
fn serve(settings: &Settings) -> Database {
    let (notices, _) = crossbeam_channel::unbounded();
    let (writer, inbox) = mailbox(64, None);
    let own = settings.clone();
    let make = move || Writer::new(own.clone(), quiet());
    host::start(make, inbox, World::real(), quiet(), Importance::Vital, notices.clone()).expect("a thread");
    let (reader, inbox) = mailbox(64, None);
    let own = settings.clone();
    let make = move || Reader::new(own.clone());
    host::start(make, inbox, World::real(), quiet(), Importance::Vital, notices).expect("a thread");
    Database::new(writer, vec![reader])
}

pub fn config_of(text: &str, listen: &str) -> Config {
    let text = format!("{text}\nwww: {{listen: '{listen}'}}\n");
    match load_text("site.yaml", &text) {
        Ok(loaded) => loaded.config,
        Err(complaints) => panic!("{complaints:#?}"),
    }
}

/// A scheduler in which nothing waits.
fn idle(scheduler: &bellwether::config::Scheduler) -> SchedulerStatus {
    let scheduler = scheduler.clone();
    SchedulerStatus { scheduler, enabled: true, pending: 0, awaits: 0, builds_at: None, trouble: None }
}
