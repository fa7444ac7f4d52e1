//! The stream of changes and the change sources that feed it.
//!
//! * Does: stores changes, each acknowledged only once its row is committed, and runs the change sources.
//! * Thread `changes`, rank 40; each poller has a thread of its own, rank 45: [`poller`]. Calls db and pbmanager; tells
//!   schedulers that changes were added and status what they are, after the commit.
//! * Owns: the change sources: the registered PB users, the pollers' threads and their mirrors on disk.
//! * Around the service, pure: [`perspective`] (a PB client's dictionary to a change), what each
//!   poller decides by ([`git_poller::plan`], [`hg_poller::plan`], [`svn_poller::layout`], [`gerrit::event`]).
//! * Never: decides whether anything is built, keeps a change only in memory, waits for a poller but at its end.

mod access;
mod commit;
pub mod gerrit;
pub mod git_poller;
pub mod hg_poller;
mod intake;
pub mod limits;
pub mod perspective;
pub mod poller;
mod programs;
mod revlink;
mod running;
pub mod service;
mod settings;
pub mod svn_poller;

pub use poller::SourceThread;
pub use service::{Changes, Parts};

use crate::db::DbError;
use crate::kernel::{Address, Door, Gone, Hint, Offer, Ranked, Reply, World};
use crate::model::{ChangeId, Event, NewChange, Wall};
use crate::pbmanager::News;

/// What can be told to the service.
#[derive(Debug)]
pub enum Msg {
    /// See [`Handle::add`].
    Add {
        /// What happened.
        change: Box<NewChange>,
        /// Its id, once it is committed.
        reply: Reply<Result<ChangeId, DbError>>,
    },
    /// From a connection of a PB change source's user.
    News(News),
    /// See [`Handle::poll_now`].
    PollNow {
        /// The poller's name; `None` for all.
        source: Option<String>,
        /// How many pollers were woken.
        reply: Reply<usize>,
    },
    /// See [`Handle::snapshot`].
    Snapshot(Reply<Vec<SourceStatus>>),
}

/// Who hears of new changes.
#[derive(Clone)]
pub struct Announce {
    /// The schedulers: this change, and all before it, are committed.
    pub added: Hint<ChangeId>,
    /// Status.
    pub events: Hint<Event>,
}

/// How change sources that block are run.
#[derive(Clone, Debug)]
pub enum Shell {
    /// Each on a thread of its own, with the clock of this world.
    Threads(World),
    /// Not at all: the simulator has no programs to run and no repositories to look at.
    Absent,
}

/// How a change source is (`CM-05`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceStatus {
    /// Its name.
    pub name: String,
    /// One line for people: what it listens to.
    pub description: String,
    /// When it last looked, or was last told something.
    pub last_activity: Option<Wall>,
    /// What is wrong with it, for people; `None` if all is well.
    pub trouble: Option<String>,
}

/// The offer by which pbmanager brings the service its news.
pub fn news_offer(door: &Door<Changes>) -> Offer<News> {
    door.offer(Msg::News, |msg| match msg {
        Msg::News(news) => Some(news),
        Msg::Add { .. } | Msg::PollNow { .. } | Msg::Snapshot(_) => None,
    })
}

/// `Me`'s way to the service.
pub struct Handle<Me>(Address<Me, Changes>);

impl<Me> Clone for Handle<Me> {
    fn clone(&self) -> Self {
        Handle(self.0.clone())
    }
}

impl<Me: Ranked> Handle<Me> {
    /// From the service's address.
    pub fn new(address: Address<Me, Changes>) -> Handle<Me> {
        Handle(address)
    }

    /// Stores a change; when this returns, it is committed. A change without a codebase gets the one that the
    /// configuration has for its repository, one without a time the time of its arrival.
    ///
    /// # Errors
    /// See [`DbError`]: nothing is stored then.
    pub fn add(&self, change: NewChange) -> Result<ChangeId, DbError> {
        let change = Box::new(change);
        let added = self.0.call(|reply| Msg::Add { change, reply });
        added.map_err(|gone| DbError::Outage(gone.to_string()))?
    }

    /// Makes a poller look at once; all pollers without a name. Returns how many will.
    ///
    /// # Errors
    /// The service has ended.
    pub fn poll_now(&self, source: Option<&str>) -> Result<usize, Gone> {
        let source = source.map(str::to_owned);
        self.0.call(|reply| Msg::PollNow { source, reply })
    }

    /// How each change source is, in the order of the configuration.
    ///
    /// # Errors
    /// The service has ended.
    pub fn snapshot(&self) -> Result<Vec<SourceStatus>, Gone> {
        self.0.call(Msg::Snapshot)
    }
}

#[cfg(test)]
mod tests;
