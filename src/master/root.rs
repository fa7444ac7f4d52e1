//! The root of the tree: starts it, reloads it, stops it. It is the main thread, and the only one that waits
//! for everybody.

use super::reload::{Failed, put_in_force, stop};
use super::signals::{self, Signal};
use super::tree::{Foundation, Tree};
use crate::botmaster::{RunningBuild, Snapshot, WorkerState};
use crate::config::{self, Activity, Complaint, Config, Plan, Running};
use crate::debug::Wanted;
use crate::debug::protocol::{ReloadOutcome, ReloadReport};
use crate::debug::socket::{Ticket, is_alive};
use crate::kernel::supervise::Notice;
use crate::kernel::{Hint, Offer, Ranked, Threads, World, rank};
use crate::pbmanager::limits::CONNECTIONS_MAX;
use crossbeam_channel::{Receiver, Sender, bounded, unbounded};
use rustix::process::{Resource, getrlimit, setrlimit};
use slog::{error, info, warn};
use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The root as a caller of the services.
pub enum Root {}

impl Ranked for Root {
    const RANK: u8 = rank::MASTER;
    const NAME: &'static str = "master";
}

/// Events that wait for the root.
const EVENTS: usize = 256;

/// Something that the root has to act on.
#[derive(Debug)]
pub enum RootEvent {
    /// A signal came.
    Signal(Signal),
    /// An operator's command.
    Wanted(Wanted),
    /// No build runs any more, and none will start.
    Drained,
    /// A program of the same process wants the master to stop.
    Stop,
}

/// Why a master did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The configuration is wrong.
    #[error("the configuration has {} faults", .0.len())]
    Config(Vec<Complaint>),
    /// It is right, but can't be had here.
    #[error("the configuration cannot be put in force: {}", .0.join("; "))]
    Refused(Vec<String>),
    /// The operating system has no room.
    #[error("cannot start: {0}")]
    System(#[from] std::io::Error),
}

/// How a master ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// As it was told.
    Ordered,
    /// A service that it can't do without failed: to be started again.
    Failed,
}

/// A running master.
pub struct Master {
    path: PathBuf,
    running: Arc<Config>,
    tree: Tree,
    threads: Threads,
    events: Receiver<RootEvent>,
    notices: Receiver<Notice>,
    /// The root's own inbox, for what answers it later.
    to_self: Sender<RootEvent>,
    /// Events that came while it was reloading.
    deferred: VecDeque<RootEvent>,
    log: slog::Logger,
}

impl Master {
    /// Reads the configuration and starts the tree, as a reload from the empty configuration. The second value
    /// is the way to speak to it from the same process.
    ///
    /// # Errors
    /// See [`StartError`]; nothing runs then.
    pub fn start(path: &Path, log: slog::Logger) -> Result<(Master, Sender<RootEvent>), StartError> {
        let loaded = config::load(path).map_err(StartError::Config)?;
        for warning in &loaded.warnings {
            warn!(log, "configuration: {warning}");
        }
        let wanted = Arc::new(loaded.config);
        be_the_only_one(&wanted)?;
        if let Err(error) = make_room_for_files() {
            warn!(log, "few connections can be taken at once"; "error" => %error);
        }
        let (to_root, events) = bounded(EVENTS);
        let (notices_in, notices) = unbounded();
        let mut threads = Threads::new(World::real(), log.clone(), notices_in);
        let for_debug = to_root.clone();
        let offer = Offer::to_fn(move |wanted| {
            for_debug.try_send(RootEvent::Wanted(wanted)).map_err(|refused| match refused.into_inner() {
                RootEvent::Wanted(wanted) => Some(wanted),
                _ => None,
            })
        });
        let foundation = Foundation::real(&wanted, &log)?;
        let tree = Tree::build(&mut threads, foundation, offer)?;
        if let Err(failed) = put_in_force(&tree.members, &wanted) {
            stop(&tree.members, &log);
            return Err(StartError::Refused(failed.lines()));
        }
        signals::listen(to_root.clone())?;
        let path = path.to_owned();
        let to_self = to_root.clone();
        let deferred = VecDeque::new();
        let master = Master { path, running: wanted, tree, threads, events, notices, to_self, deferred, log };
        Ok((master, to_root))
    }

    /// The configuration in force.
    pub fn config(&self) -> &Arc<Config> {
        &self.running
    }

    /// The services.
    pub fn tree(&self) -> &Tree {
        &self.tree
    }

    /// Runs until it is told to stop, or until a vital service fails.
    pub fn run(mut self) -> End {
        notify(&[sd_notify::NotifyState::Ready]);
        info!(self.log, "master is running"; "pid" => std::process::id(), "configuration" => %self.path.display());
        let watchdog = sd_notify::watchdog_enabled().map(|limit| limit / 2);
        let pulse = watchdog.map_or_else(crossbeam_channel::never, crossbeam_channel::tick);
        let end = loop {
            if let Some(event) = self.deferred.pop_front() {
                match self.act(event) {
                    Some(end) => break end,
                    None => continue,
                }
            }
            let outcome = crossbeam_channel::select! {
                recv(self.events) -> event => match event {
                    Ok(event) => self.act(event),
                    Err(_) => Some(End::Failed),
                },
                recv(self.notices) -> notice => notice.ok().and_then(|notice| self.heed(notice)),
                recv(pulse) -> _ => { notify(&[sd_notify::NotifyState::Watchdog]); None }
            };
            if let Some(end) = outcome {
                break end;
            }
        };
        notify(&[sd_notify::NotifyState::Stopping]);
        stop(&self.tree.members, &self.log);
        drop(self.tree);
        self.threads.join();
        info!(self.log, "master has stopped");
        end
    }

    fn act(&mut self, event: RootEvent) -> Option<End> {
        match event {
            RootEvent::Signal(Signal::Reload) => self.reload(Vec::new()),
            RootEvent::Wanted(Wanted::Reload { ticket, plan: true }) => {
                let report = self.plan().map_or_else(|refused| refused, |(_, report)| report);
                self.tree.debug.reloaded(ticket, report);
                None
            }
            RootEvent::Wanted(Wanted::Reload { ticket, plan: false }) => self.reload(vec![ticket]),
            RootEvent::Wanted(Wanted::Stop { ticket, clean }) => {
                let message = if clean { "stopping once the running builds have ended" } else { "stopping" };
                self.tree.debug.stopping(ticket, message);
                self.stop(clean)
            }
            RootEvent::Signal(Signal::CleanStop) => self.stop(true),
            RootEvent::Signal(Signal::Stop) | RootEvent::Stop => self.stop(false),
            RootEvent::Drained => Some(End::Ordered),
        }
    }

    fn stop(&mut self, clean: bool) -> Option<End> {
        if !clean {
            return Some(End::Ordered);
        }
        info!(self.log, "no more builds are started; stopping once the running ones have ended");
        let to_self = self.to_self.clone();
        // A full inbox loses the word; then the stop is not lost, only to be asked for again.
        let idle = Hint::to_fn(move |()| drop(to_self.try_send(RootEvent::Drained)));
        self.tree.botmaster.drain(idle).err().map(|_| End::Failed)
    }

    fn heed(&mut self, notice: Notice) -> Option<End> {
        match notice {
            Notice::Restarting { service, cause } => {
                error!(self.log, "service is started again"; "service" => service, "cause" => cause);
                None
            }
            Notice::Failed { service, cause, vital } => {
                error!(self.log, "service has failed"; "service" => &service, "cause" => &cause, "vital" => vital);
                self.tree.debug.trouble(&service, &cause);
                vital.then_some(End::Failed)
            }
        }
    }

    /// What a reload would do; `Err` if it would be refused.
    fn plan(&self) -> Result<(Arc<Config>, ReloadReport), ReloadReport> {
        let mut report = ReloadReport {
            outcome: ReloadOutcome::Refused,
            plan: Vec::new(),
            complaints: Vec::new(),
            warnings: Vec::new(),
        };
        let lines = |complaints: &[Complaint]| complaints.iter().map(ToString::to_string).collect();
        let loaded = config::load(&self.path).map_err(|complaints| {
            report.complaints = lines(&complaints);
            report.clone()
        })?;
        report.warnings = lines(&loaded.warnings);
        let plan: Plan = config::diff(&self.running, &loaded.config).map_err(|complaints| {
            report.complaints = lines(&complaints);
            report.clone()
        })?;
        report.outcome = if plan.is_empty() { ReloadOutcome::Unchanged } else { ReloadOutcome::Planned };
        // Without a botmaster there is nothing that could be touched.
        let plan = plan.touching(&self.tree.botmaster.snapshot().map(activity).unwrap_or_default());
        report.plan = plan.to_string().lines().map(str::to_owned).collect();
        Ok((Arc::new(loaded.config), report))
    }

    /// Reads the configuration and puts it in force, or says why not. Requests that came meanwhile are
    /// answered with this one reload (`RF-01`).
    fn reload(&mut self, mut tickets: Vec<Ticket>) -> Option<End> {
        let waiting: Vec<RootEvent> = self.events.try_iter().collect();
        let mut others = Vec::new();
        for event in waiting {
            match event {
                RootEvent::Signal(Signal::Reload) => {}
                RootEvent::Wanted(Wanted::Reload { ticket, plan: false }) => tickets.push(ticket),
                other => others.push(other),
            }
        }
        self.deferred.extend(others);
        let since = sd_notify::NotifyState::monotonic_usec_now();
        let reloading = std::iter::once(sd_notify::NotifyState::Reloading).chain(since.ok());
        notify(&reloading.collect::<Vec<_>>());
        let (report, end) = self.reload_now();
        notify(&[sd_notify::NotifyState::Ready]);
        for line in &report.plan {
            info!(self.log, "reload: {line}");
        }
        for line in &report.complaints {
            error!(self.log, "reload refused: {line}");
        }
        info!(self.log, "reload finished"; "outcome" => ?report.outcome);
        for ticket in tickets {
            self.tree.debug.reloaded(ticket, report.clone());
        }
        end
    }

    fn reload_now(&mut self) -> (ReloadReport, Option<End>) {
        let (wanted, mut report) = match self.plan() {
            Ok(planned) => planned,
            Err(refused) => return (refused, None),
        };
        // Also an unchanged configuration is put in force: the files that it names, with certificates and secrets, may
        // have changed.
        match put_in_force(&self.tree.members, &wanted) {
            Ok(()) => {
                if report.outcome != ReloadOutcome::Unchanged {
                    report.outcome = ReloadOutcome::Applied;
                }
                self.running = wanted;
                (report, None)
            }
            Err(failed) => {
                report.outcome = ReloadOutcome::Refused;
                report.complaints = failed.lines();
                (report, matches!(failed, Failed::Broken(_)).then_some(End::Failed))
            }
        }
    }
}

/// What a plan may touch of what the botmaster is doing.
fn activity(snapshot: Snapshot) -> Activity {
    let running =
        |build: RunningBuild| Running { builder: build.builder, number: build.number, worker: build.worker };
    let connected = snapshot.workers.into_iter().filter(|worker| worker.state != WorkerState::Away);
    Activity {
        builds: snapshot.builds.into_iter().map(running).collect(),
        waiting: snapshot.waiting,
        workers: connected
            .map(|worker| (worker.name, worker.builders.into_iter().map(|slot| slot.builder).collect()))
            .collect(),
    }
}

/// Refuses to start beside a running master of the same configuration. Its rows would be taken for those of a dead
/// one, and its builds be ended, before the first port is found to be taken.
fn be_the_only_one(wanted: &Config) -> Result<(), StartError> {
    let path = &wanted.control_socket;
    if is_alive(path) {
        let what = format!("another master runs already: it listens on {}", path.display());
        return Err(StartError::Refused(vec![what]));
    }
    Ok(())
}

/// Open files that a master wants: its connections, and some for everything else.
const OPEN_FILES: u64 = 2 * CONNECTIONS_MAX as u64;

/// Raises the number of files that this process may open as far as it can and wants. What a session starts with
/// is so low that a few idle connections could keep the database from its own.
fn make_room_for_files() -> std::io::Result<()> {
    let mut limits = getrlimit(Resource::Nofile);
    let wanted = limits.maximum.map_or(OPEN_FILES, |maximum| maximum.min(OPEN_FILES));
    if limits.current.is_some_and(|current| current < wanted) {
        limits.current = Some(wanted);
        setrlimit(Resource::Nofile, limits)?;
    }
    Ok(())
}

/// Tells the service manager, if there is one.
fn notify(states: &[sd_notify::NotifyState]) {
    // Without a service manager, or with one that does not listen, the master runs all the same.
    let _ = sd_notify::notify(states);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_master_does_not_start_beside_the_first() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("control");
        let config = Config { control_socket: path.clone(), ..Config::empty() };
        assert!(be_the_only_one(&config).is_ok());
        let first = std::os::unix::net::UnixListener::bind(&path).unwrap();
        assert!(matches!(be_the_only_one(&config), Err(StartError::Refused(_))));
        // The file of one that is dead stands in nobody's way.
        drop(first);
        assert!(path.exists() && be_the_only_one(&config).is_ok());
    }

    #[test]
    fn there_is_room_for_files() {
        make_room_for_files().unwrap();
        let limits = getrlimit(Resource::Nofile);
        let possible = limits.maximum.map_or(OPEN_FILES, |maximum| maximum.min(OPEN_FILES));
        assert!(limits.current.is_none_or(|current| current >= possible));
    }
}
