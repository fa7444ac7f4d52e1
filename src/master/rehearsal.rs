//! What the schedulers of a configuration would make of past changes: the real services, on a database of their own, in
//! virtual time. Nothing is built: each buildset succeeds after a given time, so that what depends on it follows.

use crate::caches::Registry;
use crate::config::{Config, DatabaseUrl, SchedulerKind};
use crate::db::requests::Ending;
use crate::db::{self, Database, DbError, Reader, Writer};
use crate::kernel::sim::Sim;
use crate::kernel::{Control, Door, Gone, Hint, World, limits};
use crate::metrics::Figures;
use crate::model::{Buildset, BuildsetId, Change, ChangeId, Mono, NewChange, Results, Verdict, Wall};
use crate::schedulers::{self, Msg, Schedulers};
use std::collections::{BTreeMap, VecDeque};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// The seed of every rehearsal: twice the same comes to the same.
const SEED: u64 = 1;

/// What it is made of.
#[derive(Clone, Debug)]
pub struct Script {
    /// When it begins.
    pub from: Wall,
    /// When it ends.
    pub until: Wall,
    /// How long each buildset takes.
    pub build_time: Duration,
    /// The changes, each at its time; those of before the beginning come at once.
    pub changes: Vec<(Wall, NewChange)>,
}

/// What came of it.
#[derive(Debug)]
pub struct Outcome {
    /// The changes, with the ids that they had in the rehearsal, and what each scheduler made of them.
    pub changes: Vec<(Change, Vec<Verdict>)>,
    /// The buildsets, in their order.
    pub buildsets: Vec<(Buildset, Vec<String>)>,
}

/// Why it could not be held.
#[derive(Debug, thiserror::Error)]
pub enum RehearsalError {
    /// The database of its own, or that of the past, fails.
    #[error(transparent)]
    Db(#[from] DbError),
    /// A service has ended: a bug.
    #[error(transparent)]
    Gone(#[from] Gone),
}

/// Holds a rehearsal in `directory`, which is empty.
///
/// # Errors
/// See [`RehearsalError`].
pub fn rehearse(config: &Config, script: Script, directory: &Path) -> Result<Outcome, RehearsalError> {
    let mut stage = Stage::set(config, &script, directory)?;
    let mut changes = VecDeque::from(script.changes);
    loop {
        stage.settle();
        stage.note_buildsets(script.build_time)?;
        let next_change = changes.front().map(|(at, _)| stage.moment(*at));
        let next_end = stage.ends.first_key_value().map(|((at, _), ())| *at);
        let due = next_change.into_iter().chain(next_end).chain(stage.sim.next_wake()).min();
        let end = stage.moment(script.until);
        let Some(due) = due.filter(|due| *due <= end) else { break };
        // A deadline that has passed is that of this moment: it goes on only with the clock.
        let now = stage.sim.world().now();
        stage.sim.advance_to(if due > now { due } else { now + Duration::from_micros(1) });
        stage.end_buildsets()?;
        while changes.front().is_some_and(|(at, _)| stage.moment(*at) <= stage.sim.world().now()) {
            if let Some((at, change)) = changes.pop_front() {
                stage.add(change, at)?;
            }
        }
    }
    stage.outcome()
}

/// The services, and what is awaited.
struct Stage {
    sim: Sim,
    begin: Wall,
    door: Door<Schedulers>,
    database: Database,
    /// The newest buildset that is noted.
    noted: BuildsetId,
    /// When which buildset ends.
    ends: BTreeMap<(Mono, BuildsetId), ()>,
}

impl Stage {
    fn set(config: &Config, script: &Script, directory: &Path) -> Result<Stage, RehearsalError> {
        let log = slog::Logger::root(slog::Discard, slog::o!());
        let url = DatabaseUrl::Sqlite(directory.join("rehearsal.sqlite"));
        let settings = db::Settings { durable: false, readers: 0, ..db::Settings::new(url) };
        let mut sim = Sim::in_world(World::virtual_at(script.from, SEED), log.clone());
        let (writer, inbox) = sim.mailbox::<Writer>(limits::INBOX_MESSAGES, None);
        sim.add(Writer::new(settings, log), inbox);
        let database = Database::new(writer, Vec::new());
        let parts = schedulers::Parts {
            db: database.handle(),
            caches: Registry::new(Figures::default()),
            // Nobody builds, nobody looks on.
            requested: Hint::to_fn(|_| ()),
            events: Hint::to_fn(|_| ()),
            figures: Figures::default(),
        };
        let (door, inbox) = sim.mailbox::<Schedulers>(limits::INBOX_MESSAGES, None);
        sim.add(Schedulers::new(parts), inbox);
        let config = Arc::new(without_jobs(config));
        sim.control(&door, |reply| Control::Apply(config, reply))?;
        let (begin, noted, ends) = (script.from, BuildsetId(0), BTreeMap::new());
        Ok(Stage { sim, begin, door, database, noted, ends })
    }

    fn db(&self) -> db::Handle<super::Root> {
        self.database.handle()
    }

    fn moment(&self, wall: Wall) -> Mono {
        Mono::default() + wall.since(self.begin)
    }

    fn settle(&mut self) {
        while self.sim.step() {}
    }

    fn add(&mut self, change: NewChange, at: Wall) -> Result<(), DbError> {
        let id = self.db().changes().add(change, at)?;
        self.door.hint(Msg::ChangeAdded).tell(id);
        Ok(())
    }

    /// Notes when the new buildsets end.
    fn note_buildsets(&mut self, build_time: Duration) -> Result<(), DbError> {
        let now = self.sim.world().now();
        for buildset in self.db().buildsets().open()? {
            if buildset.id > self.noted {
                self.noted = buildset.id;
                self.ends.insert((now + build_time, buildset.id), ());
            }
        }
        Ok(())
    }

    /// Has those succeed whose time has come.
    fn end_buildsets(&mut self) -> Result<(), DbError> {
        let (now, wall) = (self.sim.world().now(), self.sim.world().wall());
        while let Some(entry) = self.ends.first_entry().filter(|entry| entry.key().0 <= now) {
            let ((_, buildset), ()) = entry.remove_entry();
            let requests = self.db().requests().of_buildset(buildset)?;
            let requests = requests.iter().map(|request| request.id).collect();
            let ending = Ending { results: Results::Success, outcome: None };
            self.db().requests().cancel(requests, ending, wall)?;
            self.door.hint(Msg::BuildsetComplete).tell(buildset);
        }
        Ok(())
    }

    fn outcome(self) -> Result<Outcome, RehearsalError> {
        let db = self.db();
        let changes = db.changes().since(ChangeId(0), u32::MAX)?;
        let told = changes.into_iter().map(|change| {
            let verdicts = db.changes().verdicts(change.id)?;
            Ok((change, verdicts))
        });
        let mut buildsets = db.buildsets().recent(None, u32::MAX)?;
        buildsets.reverse();
        let made = buildsets.into_iter().map(|buildset| {
            let requests = db.requests().of_buildset(buildset.id)?;
            Ok((buildset, requests.into_iter().map(|request| request.builder).collect()))
        });
        let changes = told.collect::<Result<_, DbError>>()?;
        Ok(Outcome { changes, buildsets: made.collect::<Result<_, DbError>>()? })
    }
}

/// The configuration without the schedulers that wait for people and tools: one of them would take the jobs that lie in
/// its directory.
fn without_jobs(config: &Config) -> Config {
    let mut config = config.clone();
    config.schedulers.retain(|scheduler| {
        !matches!(scheduler.kind, SchedulerKind::TryJobdir(_) | SchedulerKind::TryUserpass(_))
    });
    config
}

/// The newest changes of a master's database, the oldest first. It is only read.
///
/// # Errors
/// It cannot be opened, or is none of ours.
pub fn past_changes(url: &DatabaseUrl, newest: u32) -> Result<Vec<Change>, DbError> {
    let log = slog::Logger::root(slog::Discard, slog::o!());
    let mut sim = Sim::new(SEED, log);
    let (reader, inbox) = sim.mailbox::<Reader>(limits::INBOX_MESSAGES, None);
    sim.add(Reader::new(db::Settings::new(url.clone())), inbox);
    let (writer, _inbox) = sim.mailbox::<Writer>(limits::INBOX_MESSAGES, None);
    let database = Database::new(writer, vec![reader]);
    let mut changes = database.handle::<super::Root>().changes().recent(newest)?;
    changes.sort_by_key(|change| change.id);
    Ok(changes)
}

#[cfg(test)]
mod tests {
    use super::{Outcome, Script, rehearse};
    use crate::config;
    use crate::model::{NewChange, Wall};
    use expect_test::{Expect, expect};
    use std::time::Duration;
    use tempfile::TempDir;

    /// 2026-11-23T00:00Z, a Monday.
    const MIDNIGHT_S: i64 = 1_795_392_000;

    const CONFIG: &str = "timezone: UTC
state_dir: /nowhere
workers: [{name: w, type: local}]
builders:
  - {name: unit, workers: [w], steps: [shell: 'true']}
  - {name: package, workers: [w], steps: [shell: 'true']}
schedulers:
  - {type: single_branch, name: main, change_filter: {branch: main}, tree_stable_timer: 60s, builders: [unit]}
  - {type: dependent, name: after, upstream: main, builders: [package]}
  - {type: nightly, name: night, branch: main, hour: 3, only_if_changed: true, builders: [package]}
  - {type: try_jobdir, name: try, jobdir: /nowhere/jobs, builders: [unit]}
";

    fn check(changes: &[(u64, &str)], expected: Expect) {
        let loaded = config::load_text("m.yaml", CONFIG).unwrap_or_else(|faults| panic!("{faults:#?}"));
        let folder = TempDir::new().unwrap();
        let from = Wall::from_seconds(MIDNIGHT_S);
        let change = |(minutes, branch): &(u64, &str)| {
            let branch = Some((*branch).to_owned());
            (from + Duration::from_secs(minutes * 60), NewChange { branch, ..NewChange::default() })
        };
        let script = Script {
            from,
            until: from + Duration::from_secs(2 * 86_400),
            build_time: Duration::from_secs(600),
            changes: changes.iter().map(change).collect(),
        };
        let Outcome { changes, buildsets } = rehearse(&loaded.config, script, folder.path()).unwrap();
        let mut told = String::new();
        for (buildset, builders) in buildsets {
            let minutes = buildset.submitted_at.since(from).as_secs_f64() / 60.0;
            let ids: Vec<String> = buildset.changes.iter().map(|id| id.0.to_string()).collect();
            told +=
                &format!("{minutes:.1} {}: {} [{}]\n", buildset.scheduler, builders.join(" "), ids.join(" "));
        }
        for (change, verdicts) in changes {
            told += &format!("change {}: {} verdicts\n", change.id, verdicts.len());
        }
        expected.assert_eq(&told);
    }

    #[test]
    fn schedulers_do_what_they_would_have_done() {
        check(
            &[(10, "main"), (10, "main"), (11, "main"), (20, "other"), (1500, "main")],
            expect![[r#"
            12.0 main: unit [1 2 3]
            22.0 after: package [1 2 3]
            180.0 night: package [1 2 3]
            1501.0 main: unit [5]
            1511.0 after: package [5]
            1620.0 night: package [5]
            change 1: 3 verdicts
            change 2: 3 verdicts
            change 3: 3 verdicts
            change 4: 2 verdicts
            change 5: 3 verdicts
        "#]],
        );
    }
}
