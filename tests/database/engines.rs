//! A database of either engine, for one test; and the services on it.

use crate::server::Server;
use bellwether::config::DatabaseUrl;
use bellwether::db::{Connection, Database, DbError, Handle, Reader, Settings, Transaction, Writer, engine};
use bellwether::kernel::supervise::Importance;
use bellwether::kernel::thread::Running;
use bellwether::kernel::{Ranked, World, host, mailbox, rank};
use bellwether::model::Wall;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tempfile::TempDir;

/// An empty database.
pub struct Place {
    pub settings: Settings,
    _keep: Keep,
}

/// What must live as long as the database.
enum Keep {
    Sqlite { _folder: TempDir },
    Postgres { _server: Arc<Server> },
}

impl Place {
    pub fn sqlite() -> Place {
        let folder = TempDir::new().expect("a folder");
        let url = DatabaseUrl::Sqlite(folder.path().join("state.sqlite"));
        Place { settings: fast(url), _keep: Keep::Sqlite { _folder: folder } }
    }

    pub fn postgres() -> Place {
        Place::on(Server::shared())
    }

    pub fn on(server: Arc<Server>) -> Place {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let name = format!("test_{}", COUNT.fetch_add(1, Ordering::Relaxed));
        server.create(&name);
        let url = DatabaseUrl::Postgres(server.address(&name));
        Place { settings: fast(url), _keep: Keep::Postgres { _server: server } }
    }

    /// A connection to it, with the newest schema.
    pub fn open(&self) -> Connection {
        let mut connection = Connection::open(&self.settings, engine::Access::Write).expect("a connection");
        bellwether::db::migrate::migrate(&mut connection).expect("the schema");
        connection
    }

    /// The services on it, as one master runs them.
    pub fn serve(&self) -> Served {
        drop(self.open());
        let (notices, _) = crossbeam_channel::unbounded();
        let (writer, inbox) = mailbox(64, None);
        let settings = self.settings.clone();
        let make = move || Writer::new(settings.clone(), quiet());
        let mut running =
            vec![host::start(make, inbox, World::real(), quiet(), Importance::Vital, notices.clone())];
        let readers = (0..2).map(|_| {
            let (reader, inbox) = mailbox(64, None);
            let settings = self.settings.clone();
            let make = move || Reader::new(settings.clone());
            let importance = Importance::Restartable;
            running.push(host::start(make, inbox, World::real(), quiet(), importance, notices.clone()));
            reader
        });
        let database = Database::new(writer, readers.collect());
        let threads = running.into_iter().map(|thread| thread.expect("a thread")).collect();
        Served { db: database.handle(), database, threads }
    }
}

/// The services, until they are dropped, and a handle of them.
pub struct Served {
    pub db: Handle<Test>,
    /// For handles of services.
    pub database: Database,
    threads: Vec<Running<()>>,
}

impl Served {
    /// Lets go of the last handle and waits for the services' end.
    pub fn finish(self) {
        drop((self.db, self.database));
        for thread in self.threads {
            thread.join().expect("no panic");
        }
    }
}

/// Who speaks to the database in these tests.
pub struct Test;

impl Ranked for Test {
    const RANK: u8 = rank::MASTER;
    const NAME: &'static str = "test";
}

fn fast(url: DatabaseUrl) -> Settings {
    Settings { durable: false, ..Settings::new(url) }
}

pub fn quiet() -> slog::Logger {
    slog::Logger::root(slog::Discard, slog::o!())
}

/// Runs `work` in a transaction of its own.
pub fn commit<R>(
    connection: &mut Connection,
    work: impl FnOnce(&mut Transaction<'_>) -> Result<R, DbError>,
) -> R {
    connection.transaction(work).expect("a commit")
}

/// The time `seconds` after the tests' beginning of time.
pub fn at(seconds: i64) -> Wall {
    Wall::from_seconds(1_800_000_000 + seconds)
}

/// Makes one test for each engine of a function that takes a [`Place`].
macro_rules! on_both {
    ($($name:ident),+ $(,)?) => {
        mod sqlite {
            $(#[test]
            fn $name() {
                super::$name(crate::engines::Place::sqlite());
            })+
        }

        mod postgres {
            $(#[test]
            fn $name() {
                super::$name(crate::engines::Place::postgres());
            })+
        }
    };
}
pub(crate) use on_both;
