//! Group commit: many jobs in one transaction, each told its own end, after the commit and in order.

use crate::engines::{Place, Test, on_both, quiet};
use bellwether::db::writer::{Committer, Job};
use bellwether::db::{Backlog, Database, DbError, Handle, Reader, Transaction, Writer, state};
use bellwether::kernel::sim::Sim;
use bellwether::model::Mono;
use serde_json::json;
use std::sync::{Arc, Mutex};

on_both!(
    jobs_end_after_their_commit_and_in_order,
    a_job_that_fails_is_undone_alone,
    writes_are_seen_in_the_order_in_which_they_were_sent,
    the_last_writes_are_committed_before_the_end,
    readers_cannot_write,
);

type End = (String, Result<(), DbError>);

/// What became of each job, in order.
#[derive(Clone, Default)]
pub struct Ends(Arc<Mutex<Vec<End>>>);

impl Ends {
    pub fn take(&self) -> Vec<End> {
        std::mem::take(&mut self.0.lock().expect("no panic"))
    }

    /// The names of those that ended well.
    pub fn take_names(&self) -> Vec<String> {
        self.take().into_iter().filter(|(_, outcome)| outcome.is_ok()).map(|(name, _)| name).collect()
    }
}

/// A job of a name that runs `work`.
pub struct Named<F> {
    pub name: &'static str,
    pub ends: Ends,
    pub has_caller: bool,
    pub work: F,
}

impl<F: FnMut(&mut Transaction<'_>) -> Result<(), DbError> + Send> Job for Named<F> {
    fn run(&mut self, tx: &mut Transaction<'_>) -> Result<(), DbError> {
        (self.work)(tx)
    }

    fn done(self: Box<Self>, outcome: Result<(), DbError>) {
        self.ends.0.lock().expect("no panic").push((self.name.to_owned(), outcome));
    }

    fn has_caller(&self) -> bool {
        self.has_caller
    }
}

/// Keeps a row of the job's own name.
pub fn keep(tx: &mut Transaction<'_>, name: &str) -> Result<(), DbError> {
    state::set(tx, "test", name, &json!(true))
}

/// Gives the committer a job that keeps a row.
pub fn take_keeper(committer: &mut Committer, name: &'static str, ends: &Ends, has_caller: bool, now: Mono) {
    let work = move |tx: &mut Transaction<'_>| keep(tx, name);
    let job = Named { name, ends: ends.clone(), has_caller, work };
    committer.take(Box::new(job), Backlog::default().enter(1), now);
}

pub fn kept(place: &Place) -> Vec<String> {
    let mut names = place
        .open()
        .query_map("SELECT name FROM object_state", &[], |mut row| row.take::<String>())
        .expect("rows");
    names.sort();
    names
}

fn jobs_end_after_their_commit_and_in_order(place: Place) {
    let mut committer = Committer::new(place.settings.clone(), quiet());
    let ends = Ends::default();
    for name in ["a", "b", "c"] {
        take_keeper(&mut committer, name, &ends, name == "b", Mono::default());
    }
    assert_eq!(ends.take(), []);
    assert_eq!(kept(&place), [""; 0]);
    committer.flush(Mono::default());
    assert_eq!(ends.take_names(), ["a", "b", "c"]);
    assert_eq!(kept(&place), ["a", "b", "c"]);
    assert_eq!((committer.waiting(), committer.next_wake()), (0, None));
}

fn a_job_that_fails_is_undone_alone(place: Place) {
    let mut committer = Committer::new(place.settings.clone(), quiet());
    let ends = Ends::default();
    take_keeper(&mut committer, "a", &ends, false, Mono::default());
    let bad = |tx: &mut Transaction<'_>| {
        keep(tx, "half")?;
        tx.execute(
            "INSERT INTO steps (id, build, number, name, state, hidden) VALUES (1, 77, 0, '', '', 0)",
            &[],
        )
        .map(drop)
    };
    let job = Named { name: "bad", ends: ends.clone(), has_caller: true, work: bad };
    committer.take(Box::new(job), Backlog::default().enter(1), Mono::default());
    take_keeper(&mut committer, "c", &ends, false, Mono::default());
    committer.flush(Mono::default());
    let ended = ends.take();
    let names: Vec<_> = ended.iter().map(|(name, outcome)| (name.as_str(), outcome.is_ok())).collect();
    assert_eq!(names, [("a", true), ("bad", false), ("c", true)]);
    assert!(matches!(ended[1].1, Err(DbError::Refused(_))), "{:?}", ended[1].1);
    assert_eq!(kept(&place), ["a", "c"]);
}

fn writes_are_seen_in_the_order_in_which_they_were_sent(place: Place) {
    let served = place.serve();
    for number in 0..500 {
        served.db.write_later(1, move |tx| {
            let last = state::get(tx, "test", "last")?;
            let fits = last == (number > 0).then(|| json!(number - 1));
            state::set(tx, "test", "last", &if fits { json!(number) } else { json!("out of order") })
        });
    }
    let last = served.db.write(|tx| state::get(tx, "test", "last"));
    assert_eq!(last, Ok(Some(json!(499))));
    assert_eq!(served.db.state().get("test", "last"), Ok(Some(json!(499))));
    assert_eq!((served.db.backlog().jobs(), served.db.backlog().bytes()), (0, 0));
}

fn the_last_writes_are_committed_before_the_end(place: Place) {
    let served = place.serve();
    served.db.write_later(1, |tx| keep(tx, "last"));
    served.finish();
    assert_eq!(kept(&place), ["last"]);
}

fn readers_cannot_write(place: Place) {
    let served = place.serve();
    let sql = "INSERT INTO object_state (object, name, value) VALUES ('a', 'b', 'null') RETURNING name";
    let answer = served.db.read(|connection| connection.query(sql, &[]).map(drop));
    assert!(answer.is_err());
    assert_eq!(kept(&place), [""; 0]);
}

#[test]
fn the_simulator_runs_the_same_services() {
    let place = Place::sqlite();
    drop(place.open());
    let mut sim = Sim::new(7, quiet());
    let (writer, writers_inbox) = sim.mailbox(4, None);
    let (reader, readers_inbox) = sim.mailbox(4, None);
    sim.add(Writer::new(place.settings.clone(), quiet()), writers_inbox);
    sim.add(Reader::new(place.settings.clone()), readers_inbox);
    let db: Handle<Test> = Database::new(writer, vec![reader]).handle();
    for name in ["a", "b", "c", "d", "e", "f"] {
        db.write_later(1, move |tx| keep(tx, name));
    }
    assert_eq!(db.write(|tx| keep(tx, "g")), Ok(()));
    assert_eq!(db.state().get("test", "f"), Ok(Some(json!(true))));
    assert_eq!(kept(&place), ["a", "b", "c", "d", "e", "f", "g"]);
}
