//! What `bellwether status` tells, put together from what the rooms below say.

use super::Parts;
use super::protocol::{Report, WorkerReport};
use crate::botmaster::{RunningBuild, Snapshot, WorkerState, WorkerStatus};
use crate::kernel::Gone;
use crate::model::Wall;

impl Parts {
    /// What the rooms say now.
    ///
    /// # Errors
    /// One of them has ended.
    pub(super) fn report(&self) -> Result<Report, Gone> {
        let Snapshot { workers, builds, waiting, draining, lacking: _, unfit: _ } =
            self.botmaster.snapshot()?;
        let mut troubles: Vec<String> = Vec::new();
        if draining {
            troubles.push("no new builds are started: a clean stop was asked for".to_owned());
        }
        let of_worker =
            |worker: &WorkerStatus| Some(format!("worker {}: {}", worker.name, worker.trouble.as_ref()?));
        troubles.extend(workers.iter().filter_map(of_worker));
        let missing = |worker: &WorkerStatus| {
            Some(format!("worker {}: {}", worker.name, missing(worker.missing_since?)))
        };
        troubles.extend(workers.iter().filter_map(missing));
        for source in self.changes.snapshot()? {
            troubles
                .extend(source.trouble.map(|trouble| format!("change source {}: {trouble}", source.name)));
        }
        for status in self.schedulers.snapshot()? {
            troubles.extend(
                status.trouble.map(|trouble| format!("scheduler {}: {trouble}", status.scheduler.name)),
            );
        }
        for reporter in self.status.reporters()? {
            troubles.extend(reporter.trouble.map(|trouble| format!("reporter {}: {trouble}", reporter.name)));
        }
        Ok(Report {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            pid: std::process::id(),
            url: self.status.web_address()?.map(|address| format!("http://{address}/")),
            workers: workers.iter().map(worker).collect(),
            running: builds.iter().map(running).collect(),
            waiting_requests: waiting.iter().map(|(_, count)| count).sum(),
            troubles,
            ..Report::default()
        })
    }
}

fn worker(status: &WorkerStatus) -> WorkerReport {
    WorkerReport {
        name: status.name.clone(),
        connected: status.state == WorkerState::Connected,
        running_builds: status.running,
        remarks: remarks(status),
    }
}

/// What is to be said of a worker beside what it builds.
fn remarks(status: &WorkerStatus) -> Vec<String> {
    let mut remarks = Vec::new();
    match status.pause.as_deref() {
        Some("") => remarks.push("paused".to_owned()),
        Some(reason) => remarks.push(format!("paused ({reason})")),
        None => {}
    }
    if let Some(until) = status.quarantined_until {
        remarks.push(format!("in quarantine until {}", time(until)));
    }
    if status.graceful {
        remarks.push("leaving".to_owned());
    }
    remarks.extend(status.instance.map(|instance| instance.told(time)));
    remarks.extend(status.missing_since.map(missing));
    remarks
}

fn missing(since: Wall) -> String {
    format!("missing since {}", time(since))
}

fn time(at: Wall) -> String {
    match jiff::Timestamp::from_microsecond(at.0) {
        Ok(at) => at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        Err(_) => "an unknown time".to_owned(),
    }
}

fn running(build: &RunningBuild) -> String {
    let step = build.step.as_ref().map_or_else(String::new, |(_, name)| format!(": {name}"));
    format!("{}/{} on {}{step}", build.builder, build.number, build.worker)
}
