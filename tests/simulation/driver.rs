//! Draws what happens to a site, and looks on.

use crate::cloud::Counts;
use crate::families::check_families;
use crate::house::{EVERYTHING, House, WORKERS, configuration};
use crate::invariants::{check_always, check_at_end};
use crate::mutants::Forgets;
use bellwether::botmaster::WorkerWish;
use bellwether::db::builds::Filter;
use bellwether::master::reload::Failed;
use bellwether::model::{BuildsetId, ChangeId, NewChange};
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
    pub deaths: u64,
    pub departures: u64,
    pub crashes: u64,
    pub reloads: u64,
    pub refusals: u64,
    pub stops: u64,
    pub cancels: u64,
    pub rebuilds: u64,
    pub pauses: u64,
    pub twins: u64,
    pub strikes: u64,
    pub families: u64,
    pub cloud: Counts,
}

/// What the site has been told is stored: all of it must be done.
#[derive(Default)]
pub struct Acknowledged {
    pub changes: Vec<ChangeId>,
    pub buildsets: Vec<BuildsetId>,
}

impl Told {
    pub fn add(&mut self, other: &Told) {
        self.changes += other.changes;
        self.forced += other.forced;
        self.builds += other.builds;
        self.cuts += other.cuts;
        self.deaths += other.deaths;
        self.departures += other.departures;
        self.crashes += other.crashes;
        self.reloads += other.reloads;
        self.refusals += other.refusals;
        self.stops += other.stops;
        self.cancels += other.cancels;
        self.rebuilds += other.rebuilds;
        self.pauses += other.pauses;
        self.twins += other.twins;
        self.strikes += other.strikes;
        self.families += other.families;
        self.cloud.add(other.cloud);
    }
}

/// Runs one seed. An error is a broken promise.
pub fn run(seed: u64, mutant: Option<Forgets>) -> Result<Told, String> {
    let mut house = House::new(seed, mutant);
    if let Some(mutant) = mutant {
        mutant.plant(&house);
    }
    let mut told = Told::default();
    let mut acknowledged = Acknowledged::default();
    for _ in 0..HAPPENINGS {
        let turns = house.chance.usize(0..60);
        house.stumble(turns);
        happen(&mut house, &mut told, &mut acknowledged)?;
        let pause = Duration::from_millis(house.chance.u64(0..8_000));
        house.live(pause)?;
        check_always(&mut house)?;
    }
    house.cloud.calm();
    // No more twins.
    house.remove_twins();
    // Everyone comes back, with every builder that there was, and nothing goes wrong any more.
    let everything = Arc::new(configuration(EVERYTHING, house.dir()));
    house.put_in_force(everything).map_err(|failed| format!("the last reload failed: {failed:?}"))?;
    // Nobody holds builds back.
    for worker in ["w1", "w2", "w3", "w4"] {
        pause(&mut house, worker, false)?;
    }
    for _ in 0..120 {
        house.live(CALM / 120)?;
        check_always(&mut house)?;
    }
    told.cloud = house.cloud.counts();
    told.builds = check_at_end(&house, &acknowledged)?;
    told.families = check_families(&house)?;
    Ok(told)
}

fn happen(house: &mut House, told: &mut Told, acknowledged: &mut Acknowledged) -> Result<(), String> {
    let now = house.now();
    match house.chance.u32(0..100) {
        0..8 => {
            let struck = house.cloud.strike(now, &house.net);
            told.strikes += u64::from(struck);
        }
        8..50 => {
            let change = change(&mut house.chance);
            let added =
                house.tree.changes.add(change).map_err(|error| format!("a change is not taken: {error}"))?;
            acknowledged.changes.push(added);
            told.changes += 1;
        }
        50..55 => {
            let request =
                ForceRequest { scheduler: "force".into(), owner: "me".into(), ..ForceRequest::default() };
            let forced = house.tree.schedulers.force(request);
            let forced = forced.map_err(|error| format!("a force is not taken: {error}"))?;
            acknowledged.buildsets.push(forced.id);
            told.forced += 1;
        }
        55..61 => {
            let which = house.chance.usize(0..house.peers.len());
            house.peers[which].die(now, &mut house.chance);
            told.deaths += 1;
        }
        61..63 => {
            let worker = ["w1", "w2", "w3", "w4"][house.chance.usize(0..4)];
            let wish = if house.chance.bool() { WorkerWish::Leave } else { WorkerWish::Kill };
            // It may be away: then it can be sent nowhere.
            let sent = house.tree.botmaster.steer_worker(worker, wish).map_err(|gone| gone.to_string())?;
            told.departures += u64::from(sent.is_ok());
        }
        63..67 => {
            let which = house.chance.usize(0..house.peers.len());
            house.peers[which].cut(now, &house.net, &mut house.chance);
            told.cuts += 1;
        }
        67..73 => {
            house.crash();
            told.crashes += 1;
        }
        73..80 => {
            let variant = house.chance.u32(0..=EVERYTHING);
            let wanted = Arc::new(configuration(variant, house.dir()));
            house.put_in_force(wanted).map_err(|failed| format!("a reload failed: {failed:?}"))?;
            told.reloads += 1;
        }
        80..85 => {
            refused_reload(house)?;
            told.refusals += 1;
        }
        85..88 => {
            let waiting = house.tree.db.requests().unclaimed(None, 100).map_err(|error| error.to_string())?;
            if let Some(request) = house.chance.choice(&waiting) {
                let cancelled = house.tree.botmaster.cancel_request(request.id, "a whim", "me");
                cancelled.map_err(|gone| gone.to_string())?.map_err(|refused| refused.to_string())?;
                told.cancels += 1;
            }
        }
        88..91 => {
            let builds =
                house.tree.db.builds().recent(Filter::default(), 5).map_err(|error| error.to_string())?;
            if let Some(build) = house.chance.choice(&builds) {
                // Its builder may be configured no more: then it is refused.
                let again = house.tree.botmaster.rebuild(build.id, "me").map_err(|gone| gone.to_string())?;
                acknowledged.buildsets.extend(again);
                told.rebuilds += 1;
            }
        }
        91..94 => {
            let worker = WORKERS[house.chance.usize(0..WORKERS.len())];
            let paused = house.chance.bool();
            pause(house, worker, paused)?;
            told.pauses += 1;
        }
        94..96 => {
            let of = house.chance.usize(0..WORKERS.len());
            house.add_twin(of);
            told.twins += 1;
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

/// Has builds held back from a worker, or no longer.
fn pause(house: &mut House, worker: &str, paused: bool) -> Result<(), String> {
    let wish = if paused { WorkerWish::Pause("a whim".to_owned()) } else { WorkerWish::Unpause };
    let done = house.tree.botmaster.steer_worker(worker, wish).map_err(|gone| gone.to_string())?;
    done.map_err(|refused| format!("{worker} is not paused: {refused}"))
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
    wanted.pb.listen.push(std::net::SocketAddr::from(([127, 0, 0, 1], 1)).into());
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
    let workers = snapshot
        .workers
        .into_iter()
        .map(|worker| worker.builders.into_iter().map(|slot| slot.builder).collect())
        .collect();
    Ok((workers, schedulers.into_iter().map(|status| status.scheduler.name).collect()))
}
