//! What a tree of services stands on: threads for the daemon, or one simulated thread. The tree is built the
//! same way on either.

use super::host;
use super::sim::Sim;
use super::supervise::{Importance, Notice};
use super::thread::Running;
use super::{Bell, Door, Inbox, Service, World, mailbox};
use crossbeam_channel::Sender;
use std::sync::{Mutex, PoisonError};

/// Where services are put.
pub trait Ground {
    /// A mailbox for a service that will stand here.
    fn mailbox<S: Service>(&mut self, capacity: usize, bell: Option<Bell>) -> (Door<S>, Inbox<S>);

    /// Puts a service here that the tree cannot do without: its panic ends the tree.
    ///
    /// # Errors
    /// The operating system has no room for it.
    fn put_vital<S: Service>(&mut self, service: S, inbox: Inbox<S>) -> std::io::Result<()>;

    /// Puts a service here that is built anew after a panic.
    ///
    /// # Errors
    /// The operating system has no room for it.
    fn put_restartable<S: Service>(
        &mut self,
        make: impl Fn() -> S + Send + 'static,
        inbox: Inbox<S>,
    ) -> std::io::Result<()>;
}

/// A thread for each service.
pub struct Threads {
    world: World,
    log: slog::Logger,
    notices: Sender<Notice>,
    running: Vec<Running<()>>,
}

impl Threads {
    /// Threads that tell of their panics to `notices`.
    pub fn new(world: World, log: slog::Logger, notices: Sender<Notice>) -> Threads {
        Threads { world, log, notices, running: Vec::new() }
    }

    fn start<S: Service>(
        &mut self,
        make: impl Fn() -> S + Send + 'static,
        inbox: Inbox<S>,
        importance: Importance,
    ) -> std::io::Result<()> {
        let (world, notices) = (self.world.branch(S::NAME), self.notices.clone());
        let log = self.log.new(slog::o!("service" => S::NAME));
        self.running.push(host::start(make, inbox, world, log, importance, notices)?);
        Ok(())
    }

    /// Waits until every thread has ended; they were told to stop before.
    pub fn join(self) {
        for running in self.running {
            // A panic was told as a notice when it happened.
            let _ = running.join();
        }
    }
}

impl Ground for Threads {
    fn mailbox<S: Service>(&mut self, capacity: usize, bell: Option<Bell>) -> (Door<S>, Inbox<S>) {
        mailbox(capacity, bell)
    }

    fn put_vital<S: Service>(&mut self, service: S, inbox: Inbox<S>) -> std::io::Result<()> {
        let once = Mutex::new(Some(service));
        let make = move || {
            let service = once.lock().unwrap_or_else(PoisonError::into_inner).take();
            service.expect("a vital service is never built anew")
        };
        self.start(make, inbox, Importance::Vital)
    }

    fn put_restartable<S: Service>(
        &mut self,
        make: impl Fn() -> S + Send + 'static,
        inbox: Inbox<S>,
    ) -> std::io::Result<()> {
        self.start(make, inbox, Importance::Restartable)
    }
}

impl Ground for Sim {
    fn mailbox<S: Service>(&mut self, capacity: usize, bell: Option<Bell>) -> (Door<S>, Inbox<S>) {
        Sim::mailbox(self, capacity, bell)
    }

    fn put_vital<S: Service>(&mut self, service: S, inbox: Inbox<S>) -> std::io::Result<()> {
        self.add(service, inbox);
        Ok(())
    }

    fn put_restartable<S: Service>(
        &mut self,
        make: impl Fn() -> S + Send + 'static,
        inbox: Inbox<S>,
    ) -> std::io::Result<()> {
        self.add(make(), inbox);
        Ok(())
    }
}
