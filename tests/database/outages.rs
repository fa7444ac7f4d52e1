//! Outages lose nothing: what waits is kept in order, and is written when the database is back.

use crate::commits::{Ends, Named, keep, kept, take_keeper};
use crate::cutter::Cutter;
use crate::engines::{Place, quiet};
use crate::server::Server;
use bellwether::config::DatabaseUrl;
use bellwether::db::limits::CALLER_PATIENCE;
use bellwether::db::writer::Committer;
use bellwether::db::{Backlog, DbError, Transaction};
use bellwether::model::Mono;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

fn seconds(seconds: u64) -> Mono {
    Mono(Duration::from_secs(seconds))
}

/// Flushes at each moment that the committer asks for, until `until`.
fn run(committer: &mut Committer, until: Mono) {
    while let Some(due) = committer.next_wake().filter(|due| *due <= until) {
        committer.flush(due);
    }
}

/// Fills the database while `is_full` holds: no more pages than it has.
fn fill(tx: &mut Transaction<'_>, is_full: &AtomicBool) -> Result<(), DbError> {
    let pages: i64 = tx.query_one("PRAGMA page_count", &[])?.take()?;
    let limit = if is_full.load(Ordering::Acquire) { pages } else { 1_000_000 };
    tx.query(&format!("PRAGMA max_page_count = {limit}"), &[])?;
    keep(tx, &"x".repeat(100_000))
}

#[test]
fn a_full_disk_holds_writes_up_and_loses_none() {
    let place = Place::sqlite();
    let mut committer = Committer::new(place.settings.clone(), quiet());
    let (ends, is_full) = (Ends::default(), Arc::new(AtomicBool::new(true)));
    take_keeper(&mut committer, "first", &ends, false, seconds(0));
    let for_job = Arc::clone(&is_full);
    let big = move |tx: &mut Transaction<'_>| fill(tx, &for_job);
    let job = Named { name: "big", ends: ends.clone(), has_caller: false, work: big };
    committer.take(Box::new(job), Backlog::default().enter(1), seconds(0));
    take_keeper(&mut committer, "asked", &ends, true, seconds(0));

    committer.flush(seconds(0));
    run(&mut committer, seconds(9));
    assert_eq!(ends.take(), [], "nothing is acknowledged");
    assert_eq!(kept(&place), [""; 0], "nothing is half written");
    assert_eq!(committer.waiting(), 3);

    // The caller is told when it has waited long enough, and its job is not done; the others stay.
    run(&mut committer, Mono(CALLER_PATIENCE));
    let told = ends.take();
    assert_eq!(told.len(), 1);
    assert!(told[0].0 == "asked" && told[0].1.as_ref().is_err_and(DbError::is_outage), "{told:?}");
    take_keeper(&mut committer, "later", &ends, false, seconds(20));
    take_keeper(&mut committer, "asked again", &ends, true, seconds(20));

    is_full.store(false, Ordering::Release);
    committer.flush(seconds(20));
    run(&mut committer, seconds(60));
    assert_eq!(ends.take_names(), ["first", "big", "later", "asked again"]);
    assert_eq!(kept(&place).len(), 4);
    assert_eq!(committer.next_wake(), None);
}

#[test]
fn tries_are_spaced_out() {
    let place = Place::sqlite();
    let mut committer = Committer::new(place.settings.clone(), quiet());
    let tries = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&tries);
    let work = move |_: &mut Transaction<'_>| {
        counted.fetch_add(1, Ordering::AcqRel);
        Err(DbError::Outage("always".into()))
    };
    let job = Named { name: "never", ends: Ends::default(), has_caller: false, work };
    committer.take(Box::new(job), Backlog::default().enter(1), seconds(0));
    committer.flush(seconds(0));
    run(&mut committer, seconds(60));
    let tried = tries.load(Ordering::Acquire);
    assert!((10..30).contains(&tried), "{tried} tries in a minute");
}

#[test]
fn a_database_that_is_not_there_yet_is_waited_for() {
    let place = Place::sqlite();
    let mut settings = place.settings.clone();
    let folder = tempfile::TempDir::new().expect("a folder");
    // A file stands where the folder is to be.
    let missing = folder.path().join("yet");
    std::fs::write(&missing, "").expect("a file");
    settings.url = DatabaseUrl::Sqlite(missing.join("state.sqlite"));
    let mut committer = Committer::new(settings, quiet());
    let ends = Ends::default();
    take_keeper(&mut committer, "patient", &ends, false, seconds(0));
    committer.flush(seconds(0));
    run(&mut committer, seconds(60));
    assert_eq!(ends.take(), []);
    std::fs::remove_file(missing).expect("the file");
    run(&mut committer, seconds(70));
    assert_eq!(ends.take_names(), ["patient"]);
}

#[test]
fn a_server_that_crashes_and_comes_back_gets_each_write_once() {
    let server = Arc::new(Server::start());
    let mut place = Place::on(Arc::clone(&server));
    place.settings.durable = true;
    let mut committer = Committer::new(place.settings.clone(), quiet());
    let ends = Ends::default();
    take_keeper(&mut committer, "before", &ends, false, seconds(0));
    committer.flush(seconds(0));
    server.halt();
    take_keeper(&mut committer, "meanwhile", &ends, false, seconds(1));
    take_keeper(&mut committer, "asked", &ends, true, seconds(1));
    committer.flush(seconds(1));
    run(&mut committer, seconds(20));
    let ended: Vec<_> = ends.take().into_iter().map(|(name, outcome)| (name, outcome.is_ok())).collect();
    assert_eq!(ended, [("before".to_owned(), true), ("asked".to_owned(), false)]);
    server.resume();
    run(&mut committer, seconds(40));
    assert_eq!(ends.take_names(), ["meanwhile"]);
    assert_eq!(kept(&place), ["before", "meanwhile"]);
}

#[test]
fn a_connection_cut_within_a_transaction_is_made_anew() {
    let place = Place::postgres();
    let mut committer = Committer::new(place.settings.clone(), quiet());
    let ends = Ends::default();
    take_keeper(&mut committer, "a", &ends, false, seconds(0));
    let mut is_first = true;
    let cut = move |tx: &mut Transaction<'_>| {
        if std::mem::take(&mut is_first) {
            tx.query("SELECT pg_terminate_backend(pg_backend_pid())::int", &[])?;
        }
        keep(tx, "b")
    };
    let job = Named { name: "b", ends: ends.clone(), has_caller: true, work: cut };
    committer.take(Box::new(job), Backlog::default().enter(1), seconds(0));
    committer.flush(seconds(0));
    assert_eq!(ends.take(), []);
    run(&mut committer, seconds(5));
    assert_eq!(ends.take_names(), ["a", "b"]);
    assert_eq!(kept(&place), ["a", "b"]);
}

#[test]
fn a_commit_whose_answer_is_cut_counts_once() {
    let server = Server::shared();
    let cutter = Cutter::before(server.folder());
    let socket = server.folder().display().to_string();
    let mut place = Place::on(server);
    let DatabaseUrl::Postgres(address) = &place.settings.url else { panic!("another engine") };
    let through = address.replace(&socket, &cutter.folder().display().to_string());
    let direct = std::mem::replace(&mut place.settings.url, DatabaseUrl::Postgres(through));

    let mut committer = Committer::new(place.settings.clone(), quiet());
    let (ends, runs) = (Ends::default(), Arc::new(AtomicUsize::new(0)));
    take_keeper(&mut committer, "before", &ends, false, seconds(0));
    committer.flush(seconds(0));
    let counted = Arc::clone(&runs);
    let work = move |tx: &mut Transaction<'_>| {
        counted.fetch_add(1, Ordering::AcqRel);
        keep(tx, "cut")
    };
    let job = Named { name: "cut", ends: ends.clone(), has_caller: true, work };
    committer.take(Box::new(job), Backlog::default().enter(1), seconds(1));
    cutter.arm();
    committer.flush(seconds(1));

    assert_eq!(ends.take_names(), ["before"], "whether it is committed is not known yet");
    run(&mut committer, seconds(30));
    assert_eq!(ends.take_names(), ["cut"]);
    assert_eq!(runs.load(Ordering::Acquire), 1, "it was written, so it is not run again");
    place.settings.url = direct;
    assert_eq!(kept(&place), ["before", "cut"]);
}

#[test]
fn readers_get_over_a_cut_connection() {
    let place = Place::postgres();
    let served = place.serve();
    let read = || served.db.state().get("test", "a");
    assert_eq!((read(), read()), (Ok(None), Ok(None)));
    place
        .open()
        .query(
            "SELECT pg_terminate_backend(pid)::int FROM pg_stat_activity
             WHERE datname = current_database() AND pid <> pg_backend_pid()",
            &[],
        )
        .expect("a cut");
    assert_eq!((read(), read()), (Ok(None), Ok(None)));
}
