//! Small builds: how many a second, what each costs, and how soon one starts.
//!
//! A rate counts from the first change until the last build has ended in the database, which is later than what
//! the workers see, by the time that a commit takes.

use crate::Fallible;
use crate::baseline::{PAIRS, PAIRS_CPU, POOL, POOL_CPU, TRICKLE_P50, TRICKLE_P99};
use crate::farm::Farm;
use crate::home::Home;
use crate::master::Master;
use crate::options::Options;
use crate::site::Site;
use crate::store::Store;
use crate::table::Row;
use crate::worker::{SMALL_LOG_BYTES, Script};
use std::time::Duration;

/// Builders of the pairs, and workers of both.
const MANY: u64 = 50;
/// The rest between two changes that come alone.
const APART: Duration = Duration::from_millis(50);

pub fn measure(options: &Options) -> Fallible<Vec<Row>> {
    let mut rows = Vec::new();

    let home = Home::new(Site { builders: MANY, workers: MANY })?;
    let pairs = home.run(|master| {
        let (mut farm, store) = staffed(&home)?;
        burst(master, &mut farm, &store, options.builds.div_ceil(MANY), MANY)
    })?;
    rows.push(Row::more("dispatch: 50 builders with a worker each", "builds/s", pairs.rate, PAIRS));
    rows.push(Row::less("dispatch: the same, processor", "s/build", pairs.cpu_s, PAIRS_CPU));

    let home = Home::new(Site { builders: 1, workers: MANY })?;
    let (mut waits, pool) = home.run(|master| {
        let (mut farm, store) = staffed(&home)?;
        let waits = trickle(&mut farm, &store, options.trickle)?;
        Ok((waits, burst(master, &mut farm, &store, options.builds, 1)?))
    })?;
    waits.sort_unstable();
    let percentile = |percent: usize| waits[(waits.len() * percent).div_ceil(100) - 1].as_secs_f64();
    rows.push(Row::more("dispatch: 1 builder with 50 workers", "builds/s", pool.rate, POOL));
    rows.push(Row::less("dispatch: the same, processor", "s/build", pool.cpu_s, POOL_CPU));
    rows.push(Row::less("dispatch: change to start when idle, p50", "s", percentile(50), TRICKLE_P50));
    rows.push(Row::less("dispatch: change to start when idle, p99", "s", percentile(99), TRICKLE_P99));
    Ok(rows)
}

fn staffed(home: &Home) -> Fallible<(Farm, Store)> {
    let mut farm = Farm::new(home.pb)?;
    farm.hire_all((0..MANY).map(|_| Script::Small))?;
    Ok((farm, home.store()?))
}

/// What many builds at once come to.
struct Burst {
    /// Builds per second.
    rate: f64,
    /// Seconds of processor per build.
    cpu_s: f64,
}

/// Makes all changes at once, each of which starts some builds.
fn burst(master: &Master, farm: &mut Farm, store: &Store, changes: u64, builds_each: u64) -> Fallible<Burst> {
    let cpu_before = master.settle(farm)?;
    let ended_before = store.ended()?;
    let builds = changes * builds_each;
    let begun = farm.now();
    farm.commit(changes);
    let expected = farm.tally().started + builds;
    farm.until("all builds are started", |tally| tally.started == expected)?;
    farm.until_checked("all builds are stored", || Ok(store.ended()? == ended_before + builds))?;
    let seconds = farm.now().since(begun).as_secs_f64();
    let cpu = master.settle(farm)? - cpu_before;
    store.expect_no_failures()?;
    store.expect_log_bytes(builds * SMALL_LOG_BYTES as u64)?;
    Ok(Burst { rate: builds as f64 / seconds, cpu_s: cpu.as_secs_f64() / builds as f64 })
}

/// Makes one change after the other, each when the build of the one before has ended; says how long each took
/// to reach a worker.
fn trickle(farm: &mut Farm, store: &Store, changes: u64) -> Fallible<Vec<Duration>> {
    let mut waits = Vec::new();
    for number in 1..=changes {
        farm.rest(APART)?;
        let told = farm.now();
        farm.commit(1);
        farm.until("a build is started", |tally| tally.started == number)?;
        waits.push(farm.tally().last_start.since(told));
        farm.until_checked("a build is stored", || Ok(store.ended()? == number))?;
    }
    Ok(waits)
}
