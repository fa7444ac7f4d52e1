//! Draws what happens to a site, and looks on.

use crate::house::{EVERYTHING, House, configuration};
use crate::invariants::{check_always, check_at_end};
use crate::mutants::Forgets;
use bellwether::master::reload::Failed;
use bellwether::model::{ChangeId, NewChange};
use bellwether::schedulers::ForceRequest;
use std::sync::Arc;
use std::time::Duration;

/// Things that happen to a site in one run.
const HAPPENINGS: usize = 40;

/// How long the site is left alone in the end, until all must be done.
const CALM: Duration = Duration::from_secs(2 * 3600);

/// What happened in a run.
#[derive(Debug, Default, PartialEq)]
pub struct Told {
    pub changes: u64,
    pub forced: u64,
    pub builds: u64,
    pub cuts: u64,
    pub crashes: u64,
    pub reloads: u64,
    pub refusals: u64,
    pub stops: u64,
}

impl Told {
    pub fn add(&mut self, other: &Told) {
        self.changes += other.changes;
        self.forced += other.forced;
        self.builds += other.builds;
        self.cuts += other.cuts;
        self.crashes += other.crashes;
        self.reloads += other.reloads;
        self.refusals += other.refusals;
        self.stops += other.stops;
    }
}

/// Runs one seed. An error is a broken promise.
pub fn run(seed: u64, mutant: Option<Forgets>) -> Result<Told, String> {
    let mut house = House::new(seed);
    if let Some(mutant) = mutant {
        mutant.plant(&house);
    }
    let mut told = Told::default();
    let mut acknowledged: Vec<ChangeId> = Vec::new();
    for _ in 0..HAPPENINGS {
        let turns = house.chance.usize(0..60);
        house.stumble(turns);
        happen(&mut house, &mut told, &mut acknowledged)?;
        let pause = Duration::from_millis(house.chance.u64(0..8_000));
        house.live(pause)?;
        check_always(&house)?;
    }
    // Everyone comes back, with every builder that there was, and nothing goes wrong any more.
    let everything = Arc::new(configuration(EVERYTHING, house.dir()));
    house.put_in_force(everything).map_err(|failed| format!("the last reload failed: {failed:?}"))?;
    for _ in 0..120 {
        house.live(CALM / 120)?;
        check_always(&house)?;
    }
    told.builds = check_at_end(&house, &acknowledged)?;
    Ok(told)
}

fn happen(house: &mut House, told: &mut Told, acknowledged: &mut Vec<ChangeId>) -> Result<(), String> {
    let now = house.now();
    match house.chance.u32(0..100) {
        0..60 => {
            let change = change(&mut house.chance);
            let added =
                house.tree.changes.add(change).map_err(|error| format!("a change is not taken: {error}"))?;
            acknowledged.push(added);
            told.changes += 1;
        }
        60..65 => {
            let request =
                ForceRequest { scheduler: "force".into(), owner: "me".into(), ..ForceRequest::default() };
            house.tree.schedulers.force(request).map_err(|error| format!("a force is not taken: {error}"))?;
            told.forced += 1;
        }
        65..77 => {
            let which = house.chance.usize(0..house.peers.len());
            house.peers[which].cut(now, &house.net, &mut house.chance);
            told.cuts += 1;
        }
        77..83 => {
            house.crash();
            told.crashes += 1;
        }
        83..90 => {
            let variant = house.chance.u32(0..=EVERYTHING);
            let wanted = Arc::new(configuration(variant, house.dir()));
            house.put_in_force(wanted).map_err(|failed| format!("a reload failed: {failed:?}"))?;
            told.reloads += 1;
        }
        90..95 => {
            refused_reload(house)?;
            told.refusals += 1;
        }
        _ => {
            let snapshot = house.tree.botmaster.snapshot().map_err(|gone| gone.to_string())?;
            if let Some(running) = house.chance.choice(&snapshot.builds) {
                // It may end in the same moment: then there is nothing to stop.
                let _ = house.tree.botmaster.stop_build(running.build, "a whim", "me");
                told.stops += 1;
            }
        }
    }
    Ok(())
}

fn change(chance: &mut fastrand::Rng) -> NewChange {
    let branch = ["main", "dev", "elsewhere"][chance.usize(0..3)];
    let file = ["docs/manual", "src/code"][chance.usize(0..2)];
    NewChange {
        author: "Ada <ada@example.org>".into(),
        comments: "a change".into(),
        files: vec![file.into()],
        revision: Some(format!("{:040x}", chance.u128(..))),
        branch: Some(branch.into()),
        repository: "https://git.example.org/app.git".into(),
        ..NewChange::default()
    }
}

/// A configuration that can't be had: other builders, and a port that is not to be had. What was in force stays
/// in force, whole.
fn refused_reload(house: &mut House) -> Result<(), String> {
    let builders_before = served(house)?;
    let mut wanted = configuration(house.chance.u32(0..=EVERYTHING), house.dir());
    wanted.builders.retain(|builder| builder.name != "slow");
    wanted.schedulers.clear();
    wanted.pb.listen.push("127.0.0.1:1".parse().expect("an address"));
    match house.put_in_force(Arc::new(wanted)) {
        Err(Failed::Refused(_)) => {}
        other => return Err(format!("a port that is not to be had was had: {other:?}")),
    }
    let builders_after = served(house)?;
    if builders_before != builders_after {
        return Err(format!("a refused reload changed {builders_before:?} to {builders_after:?}"));
    }
    Ok(())
}

/// What is in force, as the services themselves tell it: each worker's builders, and the schedulers.
fn served(house: &House) -> Result<(Vec<Vec<String>>, Vec<String>), String> {
    let snapshot = house.tree.botmaster.snapshot().map_err(|gone| gone.to_string())?;
    let schedulers = house.tree.schedulers.snapshot().map_err(|gone| gone.to_string())?;
    let workers = snapshot.workers.into_iter().map(|worker| worker.builders).collect();
    Ok((workers, schedulers.into_iter().map(|status| status.scheduler.name).collect()))
}
