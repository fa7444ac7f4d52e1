//! Asks rows and services at once, for whoever has no other use for them.

use super::{Explanation, Live, Subject, explain, read};
use crate::db::{self, DbError};
use crate::kernel::Ranked;
use crate::{botmaster, schedulers};

/// The ways to all that an explanation is made of.
pub struct Asker<Me> {
    /// What is recorded.
    pub db: db::Handle<Me>,
    /// How the schedulers are.
    pub schedulers: schedulers::Handle<Me>,
    /// What the workers do.
    pub botmaster: botmaster::Handle<Me>,
}

impl<Me> Clone for Asker<Me> {
    fn clone(&self) -> Self {
        Asker { db: self.db.clone(), schedulers: self.schedulers.clone(), botmaster: self.botmaster.clone() }
    }
}

impl<Me: Ranked> Asker<Me> {
    /// Explains something; `None` if there is no such thing. Where the services do not answer, the rows alone are told.
    ///
    /// # Errors
    /// See [`DbError`].
    pub fn ask(&self, subject: &Subject) -> Result<Option<Explanation>, DbError> {
        let wanted = subject.clone();
        let facts = self.db.read(move |connection| read(connection, &wanted))?;
        let live = Live {
            snapshot: self.botmaster.snapshot().ok(),
            schedulers: self.schedulers.snapshot().unwrap_or_default(),
        };
        Ok(facts.and_then(|facts| explain(&facts, &live)))
    }
}
