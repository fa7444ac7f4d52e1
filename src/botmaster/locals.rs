//! The local workers of the configuration: which agents run, which are started again, which end.

use super::Botmaster;
use super::limits::{RESPAWN_PAUSE, RESPAWN_PAUSE_LONGEST, RESPAWN_POLL};
use super::local::{Launch, Launcher, Process};
use super::service::Alarm;
use crate::config::{Config, WorkerKind};
use crate::kernel::Turn;
use crate::model::Mono;
use crate::pb::Secret;
use std::collections::BTreeMap;
use std::time::Duration;

/// One local worker's process, or the pause before the next.
struct Local {
    launch: Launch,
    process: Option<Box<dyn Process>>,
    started: Mono,
    pause: Duration,
    start_at: Mono,
}

/// The processes of all local workers.
pub(super) struct LocalWorkers {
    launcher: Box<dyn Launcher>,
    all: BTreeMap<String, Local>,
    /// Those that were told to end, until they have.
    ending: Vec<Box<dyn Process>>,
}

impl LocalWorkers {
    pub fn new(launcher: Box<dyn Launcher>) -> LocalWorkers {
        LocalWorkers { launcher, all: BTreeMap::new(), ending: Vec::new() }
    }

    /// Ends them all; this process is about to end too, and does not wait for them.
    pub fn stop_all(&mut self) {
        self.keep(|_| false);
    }

    /// Ends those of other workers.
    fn keep(&mut self, wanted: impl Fn(&str) -> bool) {
        let gone: Vec<String> = self.all.keys().filter(|name| !wanted(name)).cloned().collect();
        for local in gone.iter().filter_map(|name| self.all.remove(name)) {
            if let Some(mut process) = local.process {
                process.end();
                self.ending.push(process);
            }
        }
        self.ending.retain_mut(|process| process.ended().is_none());
    }
}

impl Botmaster {
    /// Starts what is new, ends what is gone; one that only finishes its builds is ended with its worker.
    pub(super) fn adopt_locals(&mut self, old: &Config, turn: &mut Turn) {
        let config = self.config.clone();
        let moved = old.pb.listen != config.pb.listen || old.state_dir != config.state_dir;
        if moved {
            self.locals.keep(|_| false);
        }
        for worker in config.workers.iter().filter(|worker| worker.kind == WorkerKind::Local) {
            if let Some(local) = self.locals.all.get(&worker.name) {
                // It may have been removed, and have come back while it finished its builds.
                let secret = Secret::from(&*local.launch.password);
                let _ = self.pb.register(&worker.name, secret, self.ear.clone());
                continue;
            }
            let Ok(Some(master)) = self.pb.local_address() else {
                self.trouble(&worker.name, "the master listens nowhere".to_owned());
                continue;
            };
            let mut random = [0; 32];
            turn.world().entropy(&mut random);
            let password: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
            let _ = self.pb.register(&worker.name, Secret::from(&*password), self.ear.clone());
            let dir = config.state_dir.join("workers").join(&worker.name);
            let launch = Launch { name: worker.name.clone(), master, password, dir };
            let local = Local {
                launch,
                process: None,
                started: turn.now(),
                pause: RESPAWN_PAUSE,
                start_at: turn.now(),
            };
            self.locals.all.insert(worker.name.clone(), local);
        }
        self.watch_processes(turn);
    }

    /// Starts processes that ended again, each time after a longer pause; ends those of workers that are gone.
    pub(super) fn watch_processes(&mut self, turn: &mut Turn) {
        let now = turn.now();
        let mut troubles = Vec::new();
        let workers = &self.workers.all;
        let is_local =
            |name: &str| workers.get(name).is_some_and(|worker| worker.config.kind == WorkerKind::Local);
        self.locals.keep(is_local);
        if !self.locals.all.is_empty() || !self.locals.ending.is_empty() {
            self.timers.set(Alarm::Processes, now + RESPAWN_POLL);
        }
        for (name, local) in &mut self.locals.all {
            if let Some(how) = local.process.as_mut().and_then(|process| process.ended()) {
                local.process = None;
                let lived_long = now.since(local.started) > RESPAWN_PAUSE_LONGEST;
                local.pause =
                    if lived_long { RESPAWN_PAUSE } else { (local.pause * 2).min(RESPAWN_PAUSE_LONGEST) };
                local.start_at = now + local.pause;
                troubles.push((name.clone(), format!("its process ended ({how})")));
            }
            if local.process.is_none() && now >= local.start_at {
                local.started = now;
                match self.locals.launcher.launch(&local.launch) {
                    Ok(process) => local.process = Some(process),
                    Err(error) => {
                        local.start_at = now + RESPAWN_PAUSE_LONGEST;
                        troubles.push((name.clone(), format!("its process cannot be started: {error}")));
                    }
                }
            }
        }
        for (name, trouble) in troubles {
            slog::warn!(turn.log(), "local worker is in trouble"; "worker" => &name, "trouble" => &trouble);
            self.trouble(&name, trouble);
        }
    }

    fn trouble(&mut self, name: &str, trouble: String) {
        if let Some(worker) = self.workers.all.get_mut(name) {
            worker.trouble = Some(trouble);
        }
    }
}
