//! Long logs: how fast they are stored, and what that costs.
//!
//! A rate counts from the change until every log is complete in the database; processor and room, until the master has
//! packed them all, as the originals had when theirs were taken. Workers do not wait for answers, as real ones do not;
//! they wait only where the socket does not take more.

use crate::Fallible;
use crate::baseline::{LOGS_1, LOGS_8, Logs};
use crate::compiler::{Output, UPDATE_BYTES};
use crate::farm::Farm;
use crate::home::Home;
use crate::options::Options;
use crate::site::Site;
use crate::table::Row;
use crate::worker::Script;
use std::rc::Rc;

const MIB: f64 = 1024.0 * 1024.0;

pub fn measure(options: &Options) -> Fallible<Vec<Row>> {
    let output = Rc::new(Output::new());
    let mut rows = Vec::new();
    for (workers, baseline) in [(1, LOGS_1), (8, LOGS_8)] {
        rows.extend(stream(workers, options.mib, &output, &baseline)?);
    }
    Ok(rows)
}

fn stream(workers: u64, mib: u64, output: &Rc<Output>, baseline: &Logs) -> Fallible<Vec<Row>> {
    let updates = (mib * 1024 * 1024).div_ceil(workers * UPDATE_BYTES as u64);
    let script = |worker| Script::Compiler { output: output.clone(), updates, first: worker * updates };
    let log_bytes = workers * updates * UPDATE_BYTES as u64;
    let home = Home::new(Site { builders: workers, workers })?;
    home.run(|master| {
        let mut farm = Farm::new(home.pb)?;
        farm.hire_all((0..workers).map(script))?;
        let store = home.store()?;
        let cpu_before = master.settle(&mut farm)?;
        let size_before = store.size()?;
        let begun = farm.now();
        farm.commit(1);
        farm.until_checked("all logs are stored", || Ok(store.ended()? == workers))?;
        let seconds = farm.now().since(begun).as_secs_f64();
        farm.until_checked("all logs are packed", || Ok(store.unpacked_logs()? == 0))?;
        let cpu = master.settle(&mut farm)? - cpu_before;
        store.expect_no_failures()?;
        store.expect_log_bytes(log_bytes)?;
        let stored = store.size()? - size_before;
        let mib = log_bytes as f64 / MIB;
        let peak_mib = master.memory()?.peak_kib as f64 / 1024.0;
        let what = |what: &str| format!("logs: {workers} at a time, {what}");
        Ok(vec![
            Row::more(what("until stored"), "MiB/s", mib / seconds, baseline.rate),
            Row::less(what("processor"), "s/MiB", cpu.as_secs_f64() / mib, baseline.cpu),
            Row::less(what("resident at the most"), "MiB", peak_mib, baseline.peak_rss),
            Row::less(what("stored per byte"), "B", stored as f64 / log_bytes as f64, baseline.stored),
        ])
    })
}
