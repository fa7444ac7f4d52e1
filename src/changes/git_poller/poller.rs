//! A poller's thread and the handle on it.

use super::GitPoller;
use super::command::{Git, GitError};
use super::look::look;
use super::mirror::Mirror;
use super::plan::{Kept, flat_name};
use crate::changes::intake::{Intake, PLACE, Place};
use crate::changes::limits::LONGEST_PAUSE;
use crate::config::{self, ChangeSource, ChangeSourceKind, Config};
use crate::db::DbError;
use crate::kernel::{World, thread};
use crate::metrics::Timer;
use crate::model::Wall;
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// All that a poller depends on: where any of it changes, the poller is started anew.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Its name, under which its place is kept.
    pub name: String,
    /// As configured.
    pub poller: config::GitPoller,
    /// Which codebase its changes belong to.
    pub codebase: String,
    /// Where its mirror is.
    pub directory: PathBuf,
}

impl Settings {
    /// Those of a change source, if it is a git poller.
    pub fn of(source: &ChangeSource, config: &Config) -> Option<Settings> {
        let ChangeSourceKind::GitPoller(poller) = &source.kind else { return None };
        Some(Settings {
            name: source.name.clone(),
            poller: poller.clone(),
            codebase: config.codebase_of(&poller.repository).to_owned(),
            directory: config.state_dir.join("gitpoller").join(flat_name(&source.name)),
        })
    }
}

/// How a poller is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Observed {
    /// When it last looked.
    pub last_look: Option<Wall>,
    /// Why that came to nothing, if it did.
    pub trouble: Option<String>,
}

/// A running poller. Dropped, it is stopped, with whatever it has git do.
pub struct Poller {
    settings: Settings,
    observed: Arc<Mutex<Observed>>,
    /// Both are closed to stop it: the one ends its wait, the other git.
    wake: Option<Sender<()>>,
    stop: Option<UnixStream>,
    thread: Option<thread::Running<()>>,
}

impl Poller {
    /// Starts it on a thread.
    ///
    /// # Errors
    /// The operating system has no room for another thread.
    pub fn start(
        settings: Settings,
        intake: Intake<GitPoller>,
        looks: Timer,
        world: World,
        log: &slog::Logger,
    ) -> std::io::Result<Poller> {
        let (wake, woken) = bounded(1);
        let (stop, stopped) = UnixStream::pair()?;
        let observed = Arc::default();
        let git = Git::new(world.clone(), stopped);
        let looker = Looker {
            mirror: Mirror::new(git, &settings.poller.repository, &settings.directory),
            settings: settings.clone(),
            intake,
            looks,
            world,
            log: log.new(slog::o!("change_source" => settings.name.clone())),
            observed: Arc::clone(&observed),
            failures: 0,
        };
        let thread = thread::spawn("git-poller", move || looker.run(&woken))?;
        Ok(Poller { settings, observed, wake: Some(wake), stop: Some(stop), thread: Some(thread) })
    }

    /// What it was started with.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Makes it look at once; if it is looking, once more after that.
    pub fn poll_now(&self) {
        if let Some(wake) = &self.wake {
            // Full is as good: it is woken already.
            let _ = wake.try_send(());
        }
    }

    /// How it is.
    pub fn observed(&self) -> Observed {
        self.observed.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Poller {
    fn drop(&mut self) {
        self.wake = None;
        self.stop = None;
        if let Some(thread) = self.thread.take() {
            // A panic of a look is caught, told and survived in the thread itself.
            let _ = thread.join();
        }
    }
}

/// What runs on the thread.
struct Looker {
    mirror: Mirror,
    settings: Settings,
    intake: Intake<GitPoller>,
    /// How long each look takes.
    looks: Timer,
    world: World,
    log: slog::Logger,
    observed: Arc<Mutex<Observed>>,
    /// In a row.
    failures: u32,
}

impl Looker {
    fn run(mut self, woken: &Receiver<()>) {
        // Without a place to begin from it looks at once: what is pushed from then on is not missed.
        let mut pause = match self.place() {
            Ok(Some(_)) if !self.settings.poller.poll_at_launch => self.settings.poller.poll_interval,
            _ => Duration::ZERO,
        };
        loop {
            match woken.recv_timeout(pause) {
                Ok(()) | Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            let began = self.world.now();
            let looked = thread::catch(|| self.look()).unwrap_or_else(|panic| Err(Trouble::Panic(panic)));
            self.looks.observe(self.world.now().since(began));
            if matches!(looked, Err(Trouble::Git(GitError::Stopped))) {
                return;
            }
            pause = self.observe(looked.err().map(|trouble| trouble.to_string()));
        }
    }

    fn look(&self) -> Result<(), Trouble> {
        let before = self.place()?;
        let look = look(&self.mirror, &self.settings, before.as_ref())?;
        for warning in look.warnings {
            slog::warn!(self.log, "{}", warning);
        }
        if let Some(kept) = look.kept {
            let value = serde_json::to_value(kept).map_err(|error| DbError::Bug(error.to_string()))?;
            let place = Place { source: self.settings.name.clone(), value };
            self.intake.store(look.changes, Some(place), self.world.wall())?;
        }
        if before.is_none() {
            slog::info!(self.log, "commits from now on become changes");
        }
        Ok(())
    }

    /// What the look before has kept. What cannot be read is as good as nothing.
    fn place(&self) -> Result<Option<Kept>, DbError> {
        let stored = self.intake.db.state().get(&self.settings.name, PLACE)?;
        Ok(stored.and_then(|value| serde_json::from_value(value).ok()))
    }

    /// Notes how a look went, says so in the log where that is new, and returns the pause before the next.
    fn observe(&mut self, trouble: Option<String>) -> Duration {
        let mut observed = self.observed.lock().unwrap_or_else(PoisonError::into_inner);
        observed.last_look = Some(self.world.wall());
        if observed.trouble != trouble {
            match &trouble {
                Some(why) => slog::warn!(self.log, "cannot look at the repository"; "why" => why),
                None => slog::info!(self.log, "can look at the repository again"),
            }
        }
        self.failures = if trouble.is_some() { self.failures.saturating_add(1) } else { 0 };
        observed.trouble = trouble;
        pause_after(self.settings.poller.poll_interval, self.failures)
    }
}

/// The interval, twice as long after each failure in a row.
pub(super) fn pause_after(interval: Duration, failures: u32) -> Duration {
    interval.saturating_mul(2_u32.saturating_pow(failures)).min(LONGEST_PAUSE.max(interval))
}

/// Why a look came to nothing.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error(transparent)]
    Git(#[from] GitError),
    #[error(transparent)]
    Db(#[from] DbError),
    #[error("a bug: {0}")]
    Panic(String),
}
