//! A poller on its thread, with a real repository and a real database.

use super::Place;
use crate::changes::Announce;
use crate::changes::git_poller::Settings;
use crate::changes::intake::Intake;
use crate::changes::poller::Poller;
use crate::changes::running::Needs;
use crate::config::{Branches, DatabaseUrl};
use crate::db::{self, Database, Writer};
use crate::kernel::supervise::Importance;
use crate::kernel::{Hint, Ranked, World, host, mailbox, rank};
use crate::metrics::Figures;
use crate::model::ChangeId;
use crossbeam_channel::{Receiver, Sender, unbounded};
use std::convert::Infallible;
use std::path::Path;

/// Whoever reads what the poller has stored.
struct Reader;
impl Ranked for Reader {
    const RANK: u8 = rank::BOTMASTER;
    const NAME: &'static str = "reader";
}

/// A log whose lines can be waited for.
struct Lines(Sender<String>);

impl slog::Drain for Lines {
    type Ok = ();
    type Err = Infallible;

    fn log(&self, record: &slog::Record, _: &slog::OwnedKVList) -> Result<(), Infallible> {
        // The test may have ended.
        let _ = self.0.send(record.msg().to_string());
        Ok(())
    }
}

/// A database, and what pollers on it tell.
struct Store {
    database: Database,
    added: Receiver<ChangeId>,
    announce: Announce,
    lines: Receiver<String>,
    log: slog::Logger,
}

impl Store {
    fn new(folder: &Path) -> Store {
        let url = DatabaseUrl::Sqlite(folder.join("state.sqlite"));
        let settings = db::Settings { durable: false, ..db::Settings::new(url) };
        let quiet = slog::Logger::root(slog::Discard, slog::o!());
        let (door, inbox) = mailbox(64, None);
        let make = move || Writer::new(settings.clone(), slog::Logger::root(slog::Discard, slog::o!()));
        host::start(make, inbox, World::real(), quiet, Importance::Vital, unbounded().0).unwrap();
        let (tell, added) = unbounded();
        let announce = Announce {
            added: Hint::to_fn(move |id| {
                let _ = tell.send(id);
            }),
            events: Hint::to_fn(|_| ()),
        };
        let (lines_in, lines) = unbounded();
        let log = slog::Logger::root(slog::Fuse(Lines(lines_in)), slog::o!());
        Store { database: Database::new(door, Vec::new()), added, announce, lines, log }
    }

    fn start(&self, settings: &Settings) -> Poller {
        let figures = Figures::default();
        let (added, db) = (figures.counter("added_changes"), self.database.handle());
        let intake = Intake { db, announce: self.announce.clone(), added };
        let needs = Needs::Git(settings.clone());
        needs.start("app", intake, &figures, &World::real(), &self.log).unwrap()
    }

    /// Waits for the next change to be told, and returns its message.
    fn next(&self) -> String {
        let id = self.added.recv().unwrap();
        self.database.handle::<Reader>().changes().get(id).unwrap().unwrap().told.comments
    }

    fn wait_for(&self, line: &str) {
        while self.lines.recv().unwrap() != line {}
    }
}

#[test]
fn a_poller_tells_each_commit_once_over_restarts_and_troubles() {
    let place = Place::new(Branches::Default);
    place.commit("history");
    let store = Store::new(place.folder.path());
    let first = store.start(&place.settings);
    // It has no place to begin from, so it looks without being told to.
    store.wait_for("commits from now on become changes");

    place.commit("one");
    first.poll_now();
    assert_eq!(store.next(), "one");
    drop(first);

    // While it is away, more happens; a second one goes on from where the first was.
    place.commit("two");
    let second = store.start(&place.settings);
    place.commit("three");
    second.poll_now();
    assert_eq!(store.added.recv().unwrap(), ChangeId(3));

    let (here, away) = (place.repository(), place.folder.path().join("away"));
    std::fs::rename(&here, &away).unwrap();
    second.poll_now();
    store.wait_for("cannot look at the repository");
    let trouble = second.observed().trouble.unwrap();
    assert!(trouble.contains("does not appear to be a git repository"), "{trouble}");
    // Said once: the next such look is no news.
    std::fs::rename(&away, &here).unwrap();
    place.commit("four");
    second.poll_now();
    store.wait_for("can look at the repository again");
    assert_eq!(store.next(), "four");
    drop(second);
    assert_eq!(store.added.try_iter().count(), 0);
    assert_eq!(store.database.handle::<Reader>().changes().recent(9).unwrap().len(), 4);
}
