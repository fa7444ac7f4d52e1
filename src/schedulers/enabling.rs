//! Schedulers that people have disabled (`N-SC-15`). That they have is a row, which all masters read again and again.

use super::limits::ROWS_LOOK;
use super::service::{Running, Schedulers};
use crate::db::{self, DbError};
use crate::kernel::Turn;
use crate::model::{Event, Mono};

/// Why a scheduler was neither enabled nor disabled.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EnableError {
    /// No scheduler is called so.
    #[error("no scheduler is called {0:?}")]
    NoSuchScheduler(String),
    /// The database is out of reach.
    #[error("{0}")]
    Outage(String),
}

impl Schedulers {
    /// Enables or disables a scheduler.
    pub(super) fn enable(&mut self, name: &str, enabled: bool, turn: &Turn) -> Result<(), EnableError> {
        if self.config.scheduler(name).is_none() {
            return Err(EnableError::NoSuchScheduler(name.to_owned()));
        }
        let of = name.to_owned();
        let stored = self.db.write(move |tx| db::schedulers::set_enabled(tx, &of, enabled));
        stored.map_err(|error| EnableError::Outage(error.to_string()))?;
        match enabled {
            true => self.disabled.remove(name),
            false => self.disabled.insert(name.to_owned()),
        };
        // What waited may be due now.
        self.clock_look = self.clock_look.map(|_| turn.now());
        self.rows_look = Mono::default();
        self.events.tell(Event::SchedulerUpdated { scheduler: name.to_owned() });
        Ok(())
    }

    /// Whether it may make buildsets.
    pub(super) fn is_enabled(&self, running: &Running) -> bool {
        !self.disabled.contains(&running.scheduler.name)
    }

    /// Reads what other masters, and the ends of buildsets, change in the rows, when it is time.
    pub(super) fn look_at_rows(&mut self, turn: &Turn) -> Result<(), DbError> {
        if turn.now() < self.rows_look {
            return Ok(());
        }
        self.disabled = self.db.read(db::schedulers::disabled)?;
        self.follow_upstreams(turn)?;
        self.rows_look = turn.now() + ROWS_LOOK;
        Ok(())
    }
}
