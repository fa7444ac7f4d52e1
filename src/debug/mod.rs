//! The control socket, by which operations staff speak to the running master; beside it Buildbot's debug client.
//!
//! * Does: takes requests of the `bellwether` commands, answers what it can from below, hands reload and stop
//!   to the root and passes the root's answer on.
//! * Thread `debug`, rank 85. Calls db, pbmanager, schedulers, botmaster and status; tells the root.
//! * Owns: the control socket and its connections, the debug client's PB user; the troubles that `status` tells.
//! * Never: acts on its own; every change goes the way that a signal goes.

pub mod client;
pub mod limits;
mod pb_client;
pub mod protocol;
mod report;
pub mod service;
pub mod socket;
#[cfg(test)]
mod tests;

pub use service::{Debug, Parts};

use crate::kernel::{Address, Door, Offer, Ranked};
use crate::pbmanager::News;
use protocol::ReloadReport;
use socket::Ticket;

/// What only the root can do.
#[derive(Debug)]
pub enum Wanted {
    /// Read the configuration again, or only plan to.
    Reload {
        /// Whom to answer.
        ticket: Ticket,
        /// Only the plan is wanted.
        plan: bool,
    },
    /// Stop.
    Stop {
        /// Whom to answer.
        ticket: Ticket,
        /// After the running builds.
        clean: bool,
    },
}

/// What can be told to the service.
#[derive(Debug)]
pub enum Msg {
    /// See [`Handle::reloaded`].
    Reloaded(Ticket, ReloadReport),
    /// See [`Handle::stopping`].
    Stopping(Ticket, String),
    /// From a debug client's connection.
    News(News),
    /// See [`Handle::trouble`].
    Trouble {
        /// The service.
        service: String,
        /// What happened.
        cause: String,
    },
}

/// The offer by which pbmanager brings the service its news.
pub fn news_offer(door: &Door<Debug>) -> Offer<News> {
    door.offer(Msg::News, |msg| match msg {
        Msg::News(news) => Some(news),
        Msg::Reloaded(..) | Msg::Stopping(..) | Msg::Trouble { .. } => None,
    })
}

/// The root's way to the service. If the service is gone, whoever asked learns it from his connection.
pub struct Handle<Me>(Address<Me, Debug>);

impl<Me: Ranked> Handle<Me> {
    /// From the service's address.
    pub fn new(address: Address<Me, Debug>) -> Handle<Me> {
        Handle(address)
    }

    /// Answers who wanted a reload.
    pub fn reloaded(&self, ticket: Ticket, report: ReloadReport) {
        let _ = self.0.push(Msg::Reloaded(ticket, report));
    }

    /// Answers who wanted a stop.
    pub fn stopping(&self, ticket: Ticket, message: &str) {
        let _ = self.0.push(Msg::Stopping(ticket, message.to_owned()));
    }

    /// Notes that a service is down, for `bellwether status`.
    pub fn trouble(&self, service: &str, cause: &str) {
        let _ = self.0.push(Msg::Trouble { service: service.to_owned(), cause: cause.to_owned() });
    }
}
