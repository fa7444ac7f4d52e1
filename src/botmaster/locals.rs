//! The local workers of the configuration: which agents run, which are started again, which end.

use super::Botmaster;
use super::limits::{RESPAWN_PAUSE, RESPAWN_PAUSE_LONGEST, RESPAWN_POLL};
use super::local::{Launch, Launcher, Process};
use super::service::Alarm;
use crate::config::WorkerKind;
use crate::kernel::Turn;
use crate::model::Mono;
use crate::pb::Secret;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

/// One local worker's process, or the pause before the next.
struct Local {
    launch: Launch,
    process: Option<Box<dyn Process>>,
    /// Where the running process reaches the master.
    reaches: SocketAddr,
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
        let processes = gone.iter().filter_map(|name| self.all.remove(name)?.process);
        for mut process in processes.collect::<Vec<_>>() {
            process.end();
            self.ending.push(process);
        }
        self.ending.retain_mut(|process| process.ended().is_none());
    }

    /// Adds a worker, whose first process is started at once.
    fn add(&mut self, launch: Launch, now: Mono) {
        let (name, reaches) = (launch.name.clone(), launch.master);
        let local =
            Local { launch, process: None, reaches, started: now, pause: RESPAWN_PAUSE, start_at: now };
        self.all.insert(name, local);
    }

    /// Starts processes that ended again, each time after a longer pause, and those of workers that are away
    /// since the master listens elsewhere. Returns what went wrong, by worker.
    fn watch(&mut self, now: Mono, is_away: impl Fn(&str) -> bool) -> Vec<(String, String)> {
        let mut troubles = Vec::new();
        for (name, local) in &mut self.all {
            if local.reaches != local.launch.master
                && is_away(name)
                && let Some(mut process) = local.process.take()
            {
                process.end();
                self.ending.push(process);
            }
            if let Some(how) = local.process.as_mut().and_then(|process| process.ended()) {
                local.process = None;
                if now.since(local.started) > RESPAWN_PAUSE_LONGEST {
                    local.pause = RESPAWN_PAUSE;
                }
                local.start_at = now + local.pause;
                local.pause = (local.pause * 2).min(RESPAWN_PAUSE_LONGEST);
                troubles.push((name.clone(), format!("its process ended ({how})")));
            }
            if local.process.is_none() && now >= local.start_at {
                (local.started, local.reaches) = (now, local.launch.master);
                match self.launcher.launch(&local.launch) {
                    Ok(process) => local.process = Some(process),
                    Err(error) => {
                        local.start_at = now + RESPAWN_PAUSE_LONGEST;
                        troubles.push((name.clone(), format!("its process cannot be started: {error}")));
                    }
                }
            }
        }
        troubles
    }

    /// Whether there is anything to watch.
    fn is_idle(&self) -> bool {
        self.all.is_empty() && self.ending.is_empty()
    }
}

impl Botmaster {
    /// Starts what is new, ends what is gone; one that only finishes its builds is ended with its worker.
    pub(super) fn adopt_locals(&mut self, turn: &mut Turn) {
        let config = self.config.clone();
        for worker in config.workers.iter().filter(|worker| worker.kind == WorkerKind::Local) {
            let Ok(Some(master)) = self.pb.local_address() else {
                self.trouble(&worker.name, "the master listens nowhere".to_owned());
                continue;
            };
            let dir = config.state_dir.join("workers").join(&worker.name);
            if let Some(local) = self.locals.all.get_mut(&worker.name) {
                (local.launch.master, local.launch.dir) = (master, dir);
                // It may have been removed, and have come back while it finished its builds.
                let secret = Secret::from(&*local.launch.password);
                let _ = self.pb.register(&worker.name, secret, self.ear.clone());
                continue;
            }
            let mut random = [0; 32];
            turn.world().entropy(&mut random);
            let password: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
            let _ = self.pb.register(&worker.name, Secret::from(&*password), self.ear.clone());
            self.locals.add(Launch { name: worker.name.clone(), master, password, dir }, turn.now());
        }
        self.watch_processes(turn);
    }

    /// Looks at all processes, and again soon if there are any.
    pub(super) fn watch_processes(&mut self, turn: &mut Turn) {
        let workers = &self.workers.all;
        self.locals
            .keep(|name| workers.get(name).is_some_and(|worker| worker.config.kind == WorkerKind::Local));
        let is_away = |name: &str| workers.get(name).is_none_or(|worker| worker.session.is_none());
        for (name, trouble) in self.locals.watch(turn.now(), is_away) {
            slog::warn!(turn.log(), "local worker is in trouble"; "worker" => &name, "trouble" => &trouble);
            self.trouble(&name, trouble);
        }
        if !self.locals.is_idle() {
            self.timers.set(Alarm::Processes, turn.now() + RESPAWN_POLL);
        }
    }

    fn trouble(&mut self, name: &str, trouble: String) {
        if let Some(worker) = self.workers.all.get_mut(name) {
            worker.trouble = Some(trouble);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};

    /// What became of each process: whether it was told to end, and how it ended.
    #[derive(Default)]
    struct Fate {
        told: bool,
        ended: Option<String>,
    }

    #[derive(Clone, Default)]
    struct Fates(Arc<Mutex<Vec<Fate>>>);

    struct Played(Fates, usize);

    impl Launcher for Fates {
        fn launch(&mut self, _: &Launch) -> std::io::Result<Box<dyn Process>> {
            let mut fates = self.0.lock().unwrap();
            fates.push(Fate::default());
            Ok(Box::new(Played(self.clone(), fates.len() - 1)))
        }
    }

    impl Process for Played {
        fn end(&mut self) {
            self.0.0.lock().unwrap()[self.1].told = true;
        }

        fn ended(&mut self) -> Option<String> {
            self.0.0.lock().unwrap()[self.1].ended.clone()
        }
    }

    fn at(seconds: u64) -> Mono {
        Mono(Duration::from_secs(seconds))
    }

    fn local(fates: &Fates) -> LocalWorkers {
        let mut locals = LocalWorkers::new(Box::new(fates.clone()));
        let (name, master) = ("w".to_owned(), "127.0.0.1:1".parse().unwrap());
        locals.add(Launch { name, master, password: String::new(), dir: "w".into() }, at(0));
        assert_eq!(locals.watch(at(0), |_| false), []);
        locals
    }

    #[test]
    fn a_process_that_ends_is_started_again_after_longer_and_longer_pauses() {
        let fates = Fates::default();
        let mut locals = local(&fates);
        let mut starts = vec![0];
        for second in 1..200 {
            fates.0.lock().unwrap().last_mut().unwrap().ended = Some("exit status: 1".to_owned());
            let before = fates.0.lock().unwrap().len();
            locals.watch(at(second), |_| true);
            if fates.0.lock().unwrap().len() > before {
                starts.push(second);
            }
        }
        assert_eq!(starts, [0, 2, 5, 10, 19, 36, 69, 130, 191]);
    }

    #[test]
    fn what_is_wrong_is_told() {
        let fates = Fates::default();
        let mut locals = local(&fates);
        fates.0.lock().unwrap()[0].ended = Some("exit status: 1".to_owned());
        let told = ("w".to_owned(), "its process ended (exit status: 1)".to_owned());
        assert_eq!(locals.watch(at(1), |_| true), [told]);
    }

    #[test]
    fn a_move_of_the_master_reaches_a_worker_once_it_is_away() {
        let fates = Fates::default();
        let mut locals = local(&fates);
        locals.all.get_mut("w").unwrap().launch.master = "127.0.0.1:2".parse().unwrap();
        locals.watch(at(1), |_| false);
        assert_eq!(fates.0.lock().unwrap().len(), 1);
        locals.watch(at(2), |_| true);
        let told: Vec<bool> = fates.0.lock().unwrap().iter().map(|fate| fate.told).collect();
        assert_eq!(told, [true, false]);
    }

    #[test]
    fn a_worker_that_is_gone_is_ended_and_watched_until_it_has() {
        let fates = Fates::default();
        let mut locals = local(&fates);
        locals.keep(|_| false);
        assert!(fates.0.lock().unwrap()[0].told && !locals.is_idle());
        fates.0.lock().unwrap()[0].ended = Some("exit status: 0".to_owned());
        locals.keep(|_| false);
        assert!(locals.is_idle());
    }
}
