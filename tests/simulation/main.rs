//! The whole tree on one thread in virtual time, under drawn faults: cut connections, dead machines, slow links,
//! crashes of the master, reloads, refused reloads, stopped and repeated builds, cancelled requests, workers that are
//! paused or sent away, two workers of one name, instances of a latent worker that come late, never, or do not go, builds
//! that trigger others, two deep. A seed replays its run.
//!
//! `BELLWETHER_SIM_SEEDS=N` widens the sweep, `BELLWETHER_SIM_SEED=N` runs one seed.

mod cloud;
mod driver;
mod families;
mod house;
mod invariants;
mod mutants;
mod peer;

/// How many seeds the sweep takes unless told otherwise.
const SEEDS: u64 = 200;

fn number_from_environment(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} takes a number, not {text:?}")))
}

#[test]
fn no_work_is_lost_doubled_or_started_where_there_is_no_room() {
    if let Some(seed) = number_from_environment("BELLWETHER_SIM_SEED") {
        driver::run(seed, None).unwrap_or_else(|broken| panic!("seed {seed}: {broken}"));
        return;
    }
    let seeds = number_from_environment("BELLWETHER_SIM_SEEDS").unwrap_or(SEEDS);
    let mut totals = driver::Told::default();
    for seed in 0..seeds {
        match driver::run(seed, None) {
            Ok(told) => totals.add(&told),
            Err(broken) => panic!("seed {seed}: {broken}\nreplay it with BELLWETHER_SIM_SEED={seed}"),
        }
    }
    // A sweep in which nothing happened proves nothing.
    assert!(totals.changes > seeds && totals.builds > seeds, "{totals:?}");
    assert!(totals.families > seeds / 4, "{totals:?}");
    assert!(totals.deaths > 0 && totals.departures > 0, "{totals:?}");
    let cloud = totals.cloud;
    assert!(cloud.starts > 0 && cloud.mishaps > 0 && cloud.stops > 0 && cloud.stuck > 0, "{totals:?}");
    assert!(totals.strikes > 0, "{totals:?}");
    assert!(totals.crashes > 0 && totals.cuts > 0 && totals.reloads > 0 && totals.refusals > 0, "{totals:?}");
}

#[test]
fn a_seed_replays() {
    let run = |seed| driver::run(seed, None).unwrap_or_else(|broken| panic!("seed {seed}: {broken}"));
    assert_eq!(run(11), run(11));
    assert_ne!(run(11), run(12));
}
