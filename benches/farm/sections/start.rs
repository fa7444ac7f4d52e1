//! How soon a master serves, and in how much memory, with few and many builders.

use crate::Fallible;
use crate::baseline::{RSS_10, RSS_1000, START_10, START_1000};
use crate::farm::Farm;
use crate::home::Home;
use crate::site::Site;
use crate::table::Row;

/// Starts of which the middle one counts; the database is made before.
const STARTS: usize = 3;

pub fn measure() -> Fallible<Vec<Row>> {
    let mut rows = Vec::new();
    for (builders, seconds_before, rss_before) in [(10, START_10, RSS_10), (1000, START_1000, RSS_1000)] {
        let home = Home::new(Site { builders, workers: 10 })?;
        let mut starts = Vec::new();
        for _ in 0..=STARTS {
            starts.push(home.run(|master| {
                master.settle(&mut Farm::new(home.pb)?)?;
                Ok((master.started_in.as_secs_f64(), master.memory()?.resident_kib as f64 / 1024.0))
            })?);
        }
        let mut counted = starts.split_off(1);
        counted.sort_by(|a, b| a.0.total_cmp(&b.0));
        let (seconds, rss) = counted[STARTS / 2];
        rows.push(Row::less(
            format!("start: {builders} builders until served"),
            "s",
            seconds,
            seconds_before,
        ));
        rows.push(Row::less(format!("start: {builders} builders, resident"), "MiB", rss, rss_before));
    }
    Ok(rows)
}
