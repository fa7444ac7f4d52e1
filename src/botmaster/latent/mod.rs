//! Latent workers: started when a build wants them, stopped when they have been idle (block `LT`, `N-LT`).
//!
//! * [`instance`] decides, purely; [`keep`] carries it out within the botmaster's turns.
//! * What blocks runs on a thread of its own for each latent worker ([`thread`]), which tells the botmaster what came
//!   of it ([`Report`]): [`command`] runs an operator's commands, [`docker`] asks a container engine over [`http`].
//! * Never: two instances of one worker at once, or one that nobody stops.

pub mod command;
pub mod docker;
pub mod http;
pub mod instance;
mod keep;
pub mod thread;

#[cfg(test)]
mod tests;

pub(super) use keep::{Latents, filled};

use crate::config::{LatentDriver, SecretText};
use crate::kernel::Offer;
use crate::model::Wall;
use instance::{Phase, Refusal};
use std::time::Duration;

/// How the instance of a latent worker stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// What it is doing.
    pub phase: Phase,
    /// Since when.
    pub since: Wall,
    /// Until when at most: its worker counts as missing then, it is stopped if no build comes, or the next try to stop
    /// it is made. `None` where no time is set.
    pub until: Option<Wall>,
}

impl Standing {
    /// In words, after the worker's name; `moment` writes a time.
    pub fn told(&self, moment: impl Fn(Wall) -> String) -> String {
        let since = moment(self.since);
        match (self.phase, self.until.map(&moment)) {
            (Phase::Down, _) => "not started: a build starts it".to_owned(),
            (Phase::Starting, None) => format!("being started since {since}"),
            (Phase::Starting, Some(until)) => format!("being started since {since}, missing from {until} on"),
            (Phase::Up, None) => format!("started since {since}"),
            (Phase::Up, Some(until)) => {
                format!("started since {since}, stopped at {until} if no build comes")
            }
            (Phase::Stopping, None) => format!("being stopped since {since}"),
            (Phase::Stopping, Some(until)) => format!("being stopped since {since}, tried again at {until}"),
        }
    }
}

/// Whose instances a driver handles.
#[derive(Clone, Debug)]
pub struct Site {
    /// The worker's name.
    pub worker: String,
    /// What tells this master from others that use the same engine.
    pub master: String,
    /// How instances are handled as long as none was started: nothing in it depends on a build.
    pub recipe: LatentDriver,
}

/// What an instance is started with.
#[derive(Clone)]
pub struct Order {
    /// How, with everything of the build filled in.
    pub recipe: LatentDriver,
    /// What its worker logs in with.
    pub password: SecretText,
    /// Where its worker finds the master: a host's name or address, and a port.
    pub reach: (String, u16),
    /// How long the start may take.
    pub time: Duration,
}

/// What came of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Of which worker.
    pub worker: String,
    /// The job's number.
    pub number: u64,
    /// What.
    pub told: Told,
}

/// See [`Report`]; the errors are for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// A start has returned.
    Started(Result<(), Refusal>),
    /// The instance was looked at.
    Checked(Result<(), String>),
    /// All that there was of it was removed, or not.
    Stopped(Result<(), String>),
}

/// Makes drivers. Real for the daemon; the simulator has its own.
pub trait Drivers: Send {
    /// The driver of one worker, which tells what comes of its jobs.
    fn open(&mut self, site: Site, tell: Offer<Report>) -> Box<dyn Driver>;
}

/// Starts, looks at and stops the instances of one worker, one job after the other; none of these waits.
pub trait Driver: Send {
    /// Removes what was left, and starts one.
    fn start(&mut self, number: u64, order: Order);

    /// Looks whether the one that was started is well.
    fn check(&mut self, number: u64);

    /// Cuts short what it is doing, and removes whatever there is.
    fn stop(&mut self, number: u64);

    /// The master ends: waits for the last job, but not for longer than this.
    fn farewell(self: Box<Self>, patience: Duration);
}
