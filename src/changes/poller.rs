//! The shell of every change source that looks at something now and then (`CM-06`, `N-CS-01`).
//!
//! * Does: waits for its time or for [`Poller::poll_now`], has a [`Look`] taken, stores the changes that follow together
//!   with the place up to which they are told, and waits longer after each failure in a row.
//! * Thread: one for each, rank 45. Calls db; tells schedulers and status what was added, after the commit.
//! * Owns: nothing but what its [`Look`] does.
//! * Never: looks twice at the same time, ends at a trouble, holds up another source.

use super::intake::{Intake, PLACE, Place};
use super::limits::LONGEST_PAUSE;
use crate::config::Rhythm;
use crate::db::DbError;
use crate::kernel::{Ranked, World, rank, thread};
use crate::metrics::Timer;
use crate::model::{NewChange, Wall};
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use serde_json::Value;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// A change source's own thread, as a caller of the services.
pub enum SourceThread {}

impl Ranked for SourceThread {
    const RANK: u8 = rank::CHANGE_SOURCE;
    const NAME: &'static str = "change-source";
}

/// What one kind of poller knows: how to look.
pub trait Look: Send + 'static {
    /// Looks. `before` is what the look before has kept; without it, or if it cannot be read, this one only finds a
    /// place to begin from.
    ///
    /// # Errors
    /// See [`LookError`]; what was kept stays, and the next look finds the same.
    fn look(&mut self, before: Option<&Value>) -> Result<Found, LookError>;

    /// What it looks at, for people.
    fn what(&self) -> &'static str {
        "the repository"
    }

    /// How long to wait before the next look, after so many failures in a row: the interval, twice as long after each.
    fn pause(&self, interval: Duration, failures: u32) -> Duration {
        interval.saturating_mul(2_u32.saturating_pow(failures)).min(LONGEST_PAUSE.max(interval))
    }
}

/// What a look comes to.
#[derive(Debug, Default)]
pub struct Found {
    /// The new changes, the oldest of each branch first.
    pub changes: Vec<NewChange>,
    /// What to keep with them; `None` if nothing moved.
    pub kept: Option<Value>,
    /// What could not be told, for the log.
    pub warnings: Vec<String>,
    /// What is nothing to tell, and why: for who looks closely at the log.
    pub passed_over: Vec<String>,
}

/// Why a look came to nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LookError {
    /// The poller is to end.
    #[error("the poller is stopped")]
    Stopped,
    /// For people: what the program said, or why it could not be asked.
    #[error("{0}")]
    Failed(String),
}

/// What a poller is made with, beside its [`Look`].
pub struct Parts {
    /// The change source's name, under which its place is kept.
    pub name: String,
    /// When it looks.
    pub rhythm: Rhythm,
    /// Where its changes go.
    pub(super) intake: Intake<SourceThread>,
    /// How long each look takes.
    pub looks: Timer,
    /// Its clock and its chance.
    pub world: World,
    /// The log, with the source's name on every line.
    pub log: slog::Logger,
}

/// How a change source is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Observed {
    /// When it last looked, or heard something.
    pub last_activity: Option<Wall>,
    /// Why that came to nothing, if it did.
    pub trouble: Option<String>,
}

/// A running poller. Dropped, it is stopped, with whatever it has running.
pub struct Poller {
    observed: Arc<Mutex<Observed>>,
    /// Both are closed to stop it: the one ends its wait, the other its look.
    wake: Option<Sender<()>>,
    stop: Option<UnixStream>,
    thread: Option<thread::Running<()>>,
}

impl Poller {
    /// Starts it on a thread of this name. `look` gets what can be read from as soon as the poller is to end.
    ///
    /// # Errors
    /// The operating system has no room for another thread.
    pub fn start<L: Look>(
        thread_name: &str,
        parts: Parts,
        look: impl FnOnce(UnixStream) -> L,
    ) -> std::io::Result<Poller> {
        let (wake, woken) = bounded(1);
        let (stop, stopped) = UnixStream::pair()?;
        let observed = Arc::default();
        let looker = Looker { look: look(stopped), parts, observed: Arc::clone(&observed), failures: 0 };
        let thread = thread::spawn(thread_name, move || looker.run(&woken))?;
        Ok(Poller { observed, wake: Some(wake), stop: Some(stop), thread: Some(thread) })
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
struct Looker<L> {
    look: L,
    parts: Parts,
    observed: Arc<Mutex<Observed>>,
    /// In a row.
    failures: u32,
}

impl<L: Look> Looker<L> {
    fn run(mut self, woken: &Receiver<()>) {
        // Without a place to begin from it looks at once: what happens from then on is not missed.
        let mut pause = match self.place() {
            Ok(Some(_)) if !self.parts.rhythm.poll_at_launch => self.parts.rhythm.poll_interval,
            _ => Duration::ZERO,
        };
        loop {
            pause += self.parts.rhythm.delay(self.parts.world.chance().f64());
            match woken.recv_timeout(pause) {
                Ok(()) | Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            let began = self.parts.world.now();
            let looked = thread::catch(|| self.look()).unwrap_or_else(|panic| Err(Trouble::Panic(panic)));
            self.parts.looks.observe(self.parts.world.now().since(began));
            if matches!(looked, Err(Trouble::Look(LookError::Stopped))) {
                return;
            }
            pause = self.observe(looked.err().map(|trouble| trouble.to_string()));
        }
    }

    fn look(&mut self) -> Result<(), Trouble> {
        let before = self.place()?;
        let found = self.look.look(before.as_ref())?;
        for warning in found.warnings {
            slog::warn!(self.parts.log, "{}", warning);
        }
        for nothing in found.passed_over {
            slog::debug!(self.parts.log, "{}", nothing);
        }
        if let Some(value) = found.kept {
            let place = Place { source: self.parts.name.clone(), value };
            self.parts.intake.store(found.changes, Some(place), self.parts.world.wall())?;
        }
        if before.is_none() {
            slog::info!(self.parts.log, "commits from now on become changes");
        }
        Ok(())
    }

    /// What the look before has kept.
    fn place(&self) -> Result<Option<Value>, DbError> {
        self.parts.intake.db.state().get(&self.parts.name, PLACE)
    }

    /// Notes how a look went, says so in the log where that is new, and returns the pause before the next.
    fn observe(&mut self, trouble: Option<String>) -> Duration {
        let mut observed = self.observed.lock().unwrap_or_else(PoisonError::into_inner);
        observed.last_activity = Some(self.parts.world.wall());
        if observed.trouble != trouble {
            match &trouble {
                Some(why) => slog::warn!(self.parts.log, "cannot look at {}", self.look.what(); "why" => why),
                None => slog::info!(self.parts.log, "can look at {} again", self.look.what()),
            }
        }
        self.failures = if trouble.is_some() { self.failures.saturating_add(1) } else { 0 };
        observed.trouble = trouble;
        self.look.pause(self.parts.rhythm.poll_interval, self.failures)
    }
}

#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error(transparent)]
    Look(#[from] LookError),
    #[error(transparent)]
    Db(#[from] DbError),
    #[error("a bug: {0}")]
    Panic(String),
}

#[cfg(test)]
mod tests {
    use super::{Found, Look, LookError};
    use serde_json::Value;
    use std::time::Duration;

    struct Blind;

    impl Look for Blind {
        fn look(&mut self, _: Option<&Value>) -> Result<Found, LookError> {
            Ok(Found::default())
        }
    }

    #[test]
    fn failures_make_the_pause_longer() {
        let seconds = |interval, failures| Blind.pause(Duration::from_secs(interval), failures).as_secs();
        assert_eq!([0, 1, 2, 4, 99].map(|failures| seconds(60, failures)), [60, 120, 240, 600, 600]);
        assert_eq!([0, 1, 99].map(|failures| seconds(3600, failures)), [3600, 3600, 3600]);
    }
}
