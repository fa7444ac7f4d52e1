//! PB clients that watch: developers who try a patch, and Buildbot's status clients (`clients.md` §4, §5, `PL-01`).
//!
//! * Does: takes developers' jobs to the schedulers, answers what clients ask of builders, builds, steps and logs, and
//!   calls them when something happens that they wait for.
//! * Thread `clients`, rank 82. Calls db, schedulers, botmaster and status; is told by pbmanager and the event hub.
//! * Owns: the connections of its users, and who waits for what.
//! * An object that a client holds is a number that says what it is ([`object`]): nothing is kept for it.
//! * Never: decides anything about builds, keeps what the rows have, waits for a client.

mod answers;
mod avatar;
mod connection;
mod events;
mod logs;
mod object;
pub mod service;
mod waiting;

pub use service::{Clients, Parts};

use crate::kernel::{Door, Offer};
use crate::pbmanager::News;

/// What can be told to the service.
#[derive(Debug)]
pub enum Msg {
    /// From a connection of one of its users.
    News(News),
    /// The event hub has something to tell.
    Stirred,
}

/// The offer by which pbmanager brings the service its news.
pub fn news_offer(door: &Door<Clients>) -> Offer<News> {
    door.offer(Msg::News, |msg| match msg {
        Msg::News(news) => Some(news),
        Msg::Stirred => None,
    })
}
