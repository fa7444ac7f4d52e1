//! Many workers that connect and do nothing.

use crate::Fallible;
use crate::baseline::{CONNECT, CONNECT_CPU, NONE, WORKER_RSS};
use crate::farm::Farm;
use crate::home::Home;
use crate::options::Options;
use crate::site::Site;
use crate::table::Row;
use crate::worker::Script;
use std::time::Duration;

/// Workers that are being let in at the same time.
const AT_A_TIME: u64 = 64;
/// Workers on one builder.
const PER_BUILDER: u64 = 10;
/// How long to look at the master while nothing happens.
const IDLE: Duration = Duration::from_secs(3);

pub fn measure(options: &Options) -> Fallible<Vec<Row>> {
    let workers = options.workers;
    let home = Home::new(Site { builders: workers.div_ceil(PER_BUILDER), workers })?;
    home.run(|master| {
        let mut farm = Farm::new(home.pb)?;
        let cpu_before = master.settle(&mut farm)?;
        let rss_before = master.memory()?.resident_kib;
        let begun = farm.now();
        while farm.workers() < workers {
            farm.hire(Script::Small)?;
            let connecting = farm.workers();
            farm.until("workers are let in", |tally| connecting - tally.attached < AT_A_TIME)?;
        }
        farm.until("all workers are let in", |tally| tally.attached == workers)?;
        let seconds = farm.now().since(begun).as_secs_f64();
        let connected = master.settle(&mut farm)?;
        let grown = master.memory()?.resident_kib.saturating_sub(rss_before) as f64;
        farm.rest(IDLE)?;
        let idle = master.cpu()? - connected;
        // The originals were watched with 1000 workers only.
        let known = |baseline| if workers == 1000 { baseline } else { NONE };
        let what = |what: &str| format!("workers: {workers}, {what}");
        Ok(vec![
            Row::less(what("until all are let in"), "s", seconds, known(CONNECT)),
            Row::less(
                what("processor until idle"),
                "s",
                (connected - cpu_before).as_secs_f64(),
                known(CONNECT_CPU),
            ),
            Row::less(what("resident for each"), "KiB", grown / workers as f64, known(WORKER_RSS)),
            Row::less(what("idle, cores"), "", idle.as_secs_f64() / IDLE.as_secs_f64(), NONE),
        ])
    })
}
