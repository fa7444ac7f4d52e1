//! The service in the simulator, on a real database that survives crashes.

use crate::caches::Registry;
use crate::config::{Config, DatabaseUrl, Scheduler};
use crate::db::{self, Database, Reader, Writer};
use crate::kernel::sim::Sim;
use crate::kernel::{Control, Door, Hint, Ranked, rank, thread};
use crate::metrics::Figures;
use crate::model::{Buildset, BuildsetId, ChangeId, Event, NewChange, Results, Verdict};
use crate::schedulers::{Added, Handle, Msg, Parts, Schedulers};
use std::os::unix::fs::symlink;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tempfile::TempDir;

/// The database's file.
const DATABASE: &str = "state.sqlite";

/// A link to it, by which it is read.
const WAY: &str = "way.sqlite";

/// Whoever stands above.
pub(super) struct Above;
impl Ranked for Above {
    const RANK: u8 = rank::LISTENER;
    const NAME: &'static str = "above";
}

/// The service, what is below it, and what it tells.
pub(super) struct House {
    pub(super) sim: Sim,
    door: Door<Schedulers>,
    database: Database,
    settings: db::Settings,
    config: Arc<Config>,
    told: Arc<Mutex<Vec<String>>>,
    dies: Arc<AtomicBool>,
    folder: TempDir,
}

impl House {
    /// A house with these schedulers in force.
    pub(super) fn new(seed: u64, schedulers: Vec<Scheduler>) -> House {
        let folder = TempDir::new().unwrap();
        let url = DatabaseUrl::Sqlite(folder.path().join(DATABASE));
        let settings = db::Settings { durable: false, ..db::Settings::new(url) };
        symlink(DATABASE, folder.path().join(WAY)).unwrap();
        let mut sim = Sim::new(seed, quiet());
        let (told, dies) = (Arc::default(), Arc::default());
        let (database, door) = services(&mut sim, &settings, &told, &dies);
        let config = Arc::new(Config::empty());
        let mut house = House { sim, door, database, settings, config, told, dies, folder };
        house.put_in_force(schedulers);
        house
    }

    /// Reloads.
    pub(super) fn put_in_force(&mut self, schedulers: Vec<Scheduler>) {
        self.config = Arc::new(Config { schedulers, ..Config::empty() });
        self.apply();
        self.settle();
    }

    fn apply(&mut self) {
        let (door, config) = (self.door.clone(), self.config.clone());
        let applied =
            thread::catch(|| self.sim.control(&door, |reply| Control::Apply(config.clone(), reply)));
        if applied.is_err() {
            self.crash();
        }
    }

    /// The next time that the service tells of a commit, the process ends instead.
    pub(super) fn die_after_next_commit(&mut self, dies: bool) {
        self.dies.store(dies, Ordering::Relaxed);
    }

    /// The process ends here and now, and is started again.
    pub(super) fn crash(&mut self) {
        self.dies.store(false, Ordering::Relaxed);
        self.sim.crash();
        (self.database, self.door) = services(&mut self.sim, &self.settings, &self.told, &self.dies);
        self.apply();
    }

    /// The same, and meanwhile the configuration has changed.
    pub(super) fn restart_with(&mut self, schedulers: Vec<Scheduler>) {
        self.config = Arc::new(Config { schedulers, ..Config::empty() });
        self.crash();
    }

    /// The way to the database is lost to whoever connects to read it, or found again.
    pub(super) fn lose_the_way(&mut self, is_lost: bool) {
        let way = self.folder.path().join(WAY);
        std::fs::remove_file(&way).unwrap();
        symlink(if is_lost { "no folder/state.sqlite" } else { DATABASE }, way).unwrap();
    }

    /// One turn of some service; false if none had anything to do.
    pub(super) fn step(&mut self) -> bool {
        thread::catch(|| self.sim.step()).unwrap_or_else(|_| {
            self.crash();
            true
        })
    }

    /// Until nobody has anything to do.
    pub(super) fn settle(&mut self) {
        while self.step() {}
    }

    /// Turns the clock on, second by second.
    pub(super) fn wait(&mut self, seconds: u64) {
        for _ in 0..seconds {
            self.sim.advance(Duration::from_secs(1));
            self.settle();
        }
    }

    /// Stores a change, of which nobody is told yet.
    pub(super) fn store(&mut self, change: &NewChange) -> ChangeId {
        let now = self.sim.world().wall();
        self.db().changes().add(change.clone(), now).unwrap()
    }

    /// Tells that there are changes.
    pub(super) fn hint(&self, change: ChangeId) {
        self.door.hint(Msg::ChangeAdded).tell(change);
    }

    /// Tells that a buildset is complete, and lets the service act on it.
    pub(super) fn complete(&mut self, buildset: BuildsetId) {
        self.door.hint(Msg::BuildsetComplete).tell(buildset);
        self.settle();
    }

    /// Ends all requests that wait, so; nobody is told.
    pub(super) fn end_all(&mut self, results: Results) {
        let now = self.sim.world().wall();
        let ended = self.db().write(move |tx| {
            let waiting = db::requests::unclaimed(tx, None, 10_000)?;
            let ids: Vec<_> = waiting.iter().map(|request| request.id).collect();
            db::requests::cancel(tx, &ids, &db::requests::Ending { results, outcome: None }, now)
        });
        ended.unwrap();
    }

    /// Stores a change and lets the service act on it.
    pub(super) fn add(&mut self, change: &NewChange) -> ChangeId {
        let id = self.store(change);
        self.hint(id);
        self.settle();
        id
    }

    pub(super) fn handle(&self) -> Handle<Above> {
        Handle::new(self.door.address())
    }

    pub(super) fn db(&self) -> db::Handle<Above> {
        self.database.handle()
    }

    /// The buildsets of a scheduler, the oldest first.
    pub(super) fn buildsets(&self, scheduler: &str) -> Vec<Buildset> {
        let mut all = self.db().buildsets().recent(None, 10_000).unwrap();
        all.retain(|buildset| buildset.scheduler == scheduler);
        all.reverse();
        all
    }

    /// The changes of each buildset of a scheduler.
    pub(super) fn built(&self, scheduler: &str) -> Vec<Vec<i64>> {
        let changes = |buildset: &Buildset| buildset.changes.iter().map(|id| id.0).collect();
        self.buildsets(scheduler).iter().map(changes).collect()
    }

    /// What a scheduler has made of a change.
    pub(super) fn verdict(&self, change: ChangeId, scheduler: &str) -> Option<Verdict> {
        let verdicts = self.db().changes().verdicts(change).unwrap();
        verdicts.into_iter().find(|verdict| verdict.scheduler == scheduler)
    }

    /// What was told since this was last asked.
    pub(super) fn told(&self) -> Vec<String> {
        std::mem::take(&mut self.told.lock().unwrap())
    }
}

fn quiet() -> slog::Logger {
    slog::Logger::root(slog::Discard, slog::o!())
}

/// Starts what a process consists of.
fn services(
    sim: &mut Sim,
    settings: &db::Settings,
    told: &Arc<Mutex<Vec<String>>>,
    dies: &Arc<AtomicBool>,
) -> (Database, Door<Schedulers>) {
    let (writer, inbox) = sim.mailbox(64, None);
    sim.add(Writer::new(settings.clone(), quiet()), inbox);
    let (reader, inbox) = sim.mailbox(64, None);
    let DatabaseUrl::Sqlite(file) = &settings.url else { panic!("not on a file") };
    let url = DatabaseUrl::Sqlite(file.with_file_name(WAY));
    sim.add(Reader::new(db::Settings { url, ..settings.clone() }), inbox);
    let database = Database::new(writer, vec![reader]);
    let (for_events, for_requests, dies) = (Arc::clone(told), Arc::clone(told), Arc::clone(dies));
    let parts = Parts {
        db: database.handle(),
        caches: Registry::new(Figures::default()),
        events: Hint::to_fn(move |event: Event| {
            if dies.load(Ordering::Relaxed) {
                // A panic that nobody prints.
                std::panic::resume_unwind(Box::new("the process ends"));
            }
            for_events.lock().unwrap().push(format!("{event:?}"));
        }),
        requested: Hint::to_fn(move |added: Added| {
            for_requests.lock().unwrap().push(format!("requested {:?}", added.requests));
        }),
        figures: Figures::default(),
    };
    let (door, inbox) = sim.mailbox(4, None);
    sim.add(Schedulers::new(parts), inbox);
    (database, door)
}
