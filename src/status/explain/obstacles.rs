//! What stands between a builder's next request and its build: each worker's obstacles, locks, who goes first.

use super::circle::circle;
use super::{Live, Reason, Subject, moment};
use crate::botmaster::{Lacking, RunningBuild, SlotState, Snapshot, WorkerState, WorkerStatus};
use crate::model::{BuildRequest, Wall, WorkerInfo};

/// Why a builder's requests wait, and what would end it.
pub(super) struct Waits {
    pub(super) because: Vec<Reason>,
    /// `None` if nothing needs to be done.
    pub(super) unblock: Option<String>,
}

/// What keeps one worker from a build of one builder; the later ones take somebody's doing to go.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Obstacle {
    /// It builds this builder already: it does so once at a time.
    Busy(Vec<String>),
    /// It builds as much as it may.
    Full { max_builds: u32, builds: Vec<String> },
    /// It is being greeted, or has not taken the builder yet.
    Attaching,
    /// Builds ended as exceptions, or it could not be started.
    Quarantined { until: Wall, why: Option<String> },
    /// An operator holds builds back.
    Paused { why: String },
    /// It leaves after its builds.
    Leaving,
    /// It is not connected.
    Away { seen: Option<Wall>, missing: Option<Wall>, trouble: Option<String> },
}

impl Obstacle {
    /// In words, after the worker's name.
    pub(super) fn told(&self) -> String {
        match self {
            Obstacle::Busy(builds) => format!("busy with {}", builds.join(", ")),
            Obstacle::Full { max_builds, builds } => {
                format!("full: max_builds is {max_builds}, and it runs {}", builds.join(", "))
            }
            Obstacle::Attaching => "being greeted: it has not taken the builder yet".to_owned(),
            Obstacle::Quarantined { until, why } => {
                let why = why.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
                format!("in quarantine until {}{why}", moment(*until))
            }
            Obstacle::Paused { why } if why.is_empty() => "paused, without a reason given".to_owned(),
            Obstacle::Paused { why } => format!("paused: {why}"),
            Obstacle::Leaving => "leaving as soon as its builds are done".to_owned(),
            Obstacle::Away { seen, missing, trouble } => {
                let mut told = "not connected".to_owned();
                match seen {
                    Some(at) => told.push_str(&format!(", last seen {}", moment(*at))),
                    None => told.push_str(", never seen"),
                }
                if let Some(since) = missing {
                    told.push_str(&format!(", missing since {}", moment(*since)));
                }
                if let Some(trouble) = trouble {
                    told.push_str(&format!(" ({trouble})"));
                }
                told
            }
        }
    }

    /// What would end it.
    fn remedy(&self, worker: &str) -> String {
        match self {
            Obstacle::Busy(builds) | Obstacle::Full { builds, .. } => {
                format!("the end of {}", builds.join(" or "))
            }
            Obstacle::Attaching => format!("the greeting of {worker}, which takes moments"),
            Obstacle::Quarantined { until, .. } => {
                format!(
                    "the end of the quarantine of {worker} at {}, or `bellwether worker unpause {worker}`",
                    moment(*until)
                )
            }
            Obstacle::Paused { .. } => format!("`bellwether worker unpause {worker}`"),
            Obstacle::Leaving => format!("a new start of {worker}, once it has left"),
            Obstacle::Away { .. } => {
                format!("a connection of worker {worker}: start it, or look into its log")
            }
        }
    }
}

/// What keeps a worker from a build of this builder; without one, from any build.
pub(super) fn obstacles(
    worker: &WorkerStatus,
    builder: Option<&str>,
    builds: &[RunningBuild],
    stored: Option<&WorkerInfo>,
) -> Vec<Obstacle> {
    let mut found = Vec::new();
    let named = |build: &&RunningBuild| format!("{}/{}", build.builder, build.number);
    let here: Vec<&RunningBuild> = builds.iter().filter(|build| build.worker == worker.name).collect();
    let same: Vec<String> =
        here.iter().filter(|build| Some(build.builder.as_str()) == builder).map(named).collect();
    if !same.is_empty() {
        found.push(Obstacle::Busy(same));
    } else if let Some(max_builds) = worker.max_builds.filter(|most| worker.running >= *most as usize) {
        found.push(Obstacle::Full { max_builds, builds: here.iter().map(named).collect() });
    }
    let slot = worker.builders.iter().find(|slot| Some(slot.builder.as_str()) == builder);
    let attaching = slot.is_some_and(|slot| slot.state == SlotState::Attaching);
    // A latent one is started when a build wants it.
    let is_latent = worker.instance.is_some();
    if !is_latent && (worker.state == WorkerState::Attaching || attaching) {
        found.push(Obstacle::Attaching);
    }
    // One that is connected has come: what was in its way is gone.
    let why = worker.trouble.clone().filter(|_| is_latent);
    found.extend(worker.quarantined_until.map(|until| Obstacle::Quarantined { until, why }));
    found.extend(worker.pause.clone().map(|why| Obstacle::Paused { why }));
    if worker.graceful {
        found.push(Obstacle::Leaving);
    }
    if !is_latent && worker.state == WorkerState::Away {
        found.push(Obstacle::Away {
            seen: stored.and_then(|stored| stored.last_seen_at),
            missing: worker.missing_since,
            trouble: worker.trouble.clone(),
        });
    }
    found
}

/// All that keeps a worker, in one line, with what would end it.
pub(super) fn told(worker: &WorkerStatus, obstacles: &[Obstacle]) -> (Reason, String) {
    let each: Vec<String> = obstacles.iter().map(Obstacle::told).collect();
    let what = format!(
        "worker {}: {}",
        worker.name,
        if each.is_empty() { "free".to_owned() } else { each.join("; ") }
    );
    let remedies: Vec<String> = obstacles.iter().map(|obstacle| obstacle.remedy(&worker.name)).collect();
    (Reason::new(what).about(Subject::Worker(worker.name.clone())), remedies.join(", and "))
}

/// Why a request of this builder waits that has `ahead` others of its builder before it.
pub(super) fn of_builder(
    builder: &str,
    request: Option<&BuildRequest>,
    ahead: usize,
    stored: &[WorkerInfo],
    live: &Live,
) -> Waits {
    let Some(snapshot) = &live.snapshot else {
        return Waits {
            because: vec![Reason::new("what the workers do is not known: the build engine does not answer")],
            unblock: Some("an engine that answers: look at `bellwether status`".to_owned()),
        };
    };
    let mut because = Vec::new();
    if ahead > 0 {
        let what = format!("{} of the builder before it", super::count(ahead, "request"));
        because.push(Reason::new(what).about(Subject::Builder(builder.to_owned())));
    }
    let serves = |worker: &&WorkerStatus| worker.builders.iter().any(|slot| slot.builder == builder);
    let mut hindered = Vec::new();
    let mut free = None;
    for worker in snapshot.workers.iter().filter(serves) {
        let stored = stored.iter().find(|stored| stored.name == worker.name);
        let obstacles = obstacles(worker, Some(builder), &snapshot.builds, stored);
        let (reason, remedy) = told(worker, &obstacles);
        because.push(reason);
        match obstacles.into_iter().max() {
            Some(worst) => hindered.push((worst, remedy)),
            None => free = Some(worker.name.as_str()),
        }
    }
    let lacking = snapshot.lacking.iter().find(|lacking| lacking.builder == builder);
    because.extend(lacking.map(|lacking| lock(lacking, snapshot)));
    let unfit = snapshot.unfit.iter().find(|(unfit, _)| request.is_some_and(|request| request.id == *unfit));
    because.extend(unfit.map(|(_, why)| Reason::new(why)));
    // What running builds wait for is built all the same (`N-SC-13`).
    if snapshot.draining && !request.is_some_and(|request| request.waited_for) {
        because.insert(0, Reason::new("the master starts no more builds: it is about to stop"));
        return Waits { because, unblock: Some("the master's next start".to_owned()) };
    }
    if let Some((reason, remedy)) = request.and_then(|request| circle(request, snapshot)) {
        because.insert(0, reason);
        return Waits { because, unblock: Some(remedy) };
    }
    let unblock = match (free, lacking, hindered.into_iter().min()) {
        (Some(_), Some(lacking), _) => Some(format!("the release of the lock {}", lacking.lock)),
        (Some(_), None, _) if unfit.is_some() => {
            Some("a worker that the builder's conditions let take it".to_owned())
        }
        // It, or one of those before it, begins in a moment.
        (Some(_), None, _) => None,
        (None, _, Some((_, remedy))) => Some(remedy),
        (None, _, None) => {
            because.push(Reason::new("the builder is not configured on this master"));
            Some("the builder in the configuration; or cancel the request".to_owned())
        }
    };
    Waits { because, unblock }
}

fn lock(lacking: &Lacking, snapshot: &Snapshot) -> Reason {
    let holders = snapshot.builds.iter().filter(|build| lacking.holders.contains(&build.build));
    let holders: Vec<Reason> = holders
        .map(|build| {
            let about = Subject::Build { builder: build.builder.clone(), number: build.number };
            Reason::new(format!("{about} has it")).about(about)
        })
        .collect();
    let what = match holders.is_empty() {
        true => format!("the lock {} is kept for those ahead", lacking.lock),
        false => format!("the lock {} is not to be had", lacking.lock),
    };
    Reason::new(what).because(holders)
}
