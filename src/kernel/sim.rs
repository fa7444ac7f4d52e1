//! The simulator: the whole tree on one thread, in virtual time, its order drawn from a seed.
//!
//! Services sit in a [`Registry`]. A waiting call takes the callee's turns until the answer is there; since
//! waiting only goes down, the callee is never one that is already in its turn. The seed replays a run: the
//! order of turns, each service's chance and all faults are drawn from it.

use super::host::{Hosted, Progress};
use super::mailbox::{Bell, Patience, mailbox_in};
use super::{Control, Door, Gone, Inbox, Reply, Service, World};
use crate::model::Mono;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// A service as the simulator sees it.
trait Steps: Send {
    fn turn(&mut self) -> Progress;
    fn has_mail(&self) -> bool;
    fn next_wake(&self) -> Option<Mono>;
}

impl<S: Service> Steps for Hosted<S> {
    fn turn(&mut self) -> Progress {
        Hosted::turn(self)
    }

    fn has_mail(&self) -> bool {
        !self.inbox.is_empty()
    }

    fn next_wake(&self) -> Option<Mono> {
        self.service.next_wake()
    }
}

/// Every simulated service by name. `None` while it is in its turn.
type Services = BTreeMap<&'static str, Option<Box<dyn Steps>>>;

/// The services of one simulation, shared by all who may have to wait for them.
#[derive(Clone, Default)]
pub(super) struct Registry(Arc<Mutex<Services>>);

impl Registry {
    /// Gives the service of this name a turn. `Gone` if it is not there or is itself waiting, which the rank
    /// rule rules out for calls.
    pub(super) fn step(&self, name: &'static str) -> Result<(), Gone> {
        let taken = self.lock().get_mut(name).and_then(Option::take);
        let mut service = taken.ok_or(Gone(name))?;
        let progress = service.turn();
        let mut services = self.lock();
        match progress {
            Progress::Stopped => drop(services.remove(name)),
            Progress::Busy | Progress::Idle => drop(services.insert(name, Some(service))),
        }
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, Services> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One simulation.
pub struct Sim {
    registry: Registry,
    world: World,
    log: slog::Logger,
}

impl Sim {
    /// An empty one that draws from `seed`.
    pub fn new(seed: u64, log: slog::Logger) -> Sim {
        Sim::in_world(World::virtual_from(seed), log)
    }

    /// An empty one in this world, which is a virtual one.
    pub fn in_world(world: World, log: slog::Logger) -> Sim {
        Sim { registry: Registry::default(), world, log }
    }

    /// A mailbox whose senders wait by giving the simulated services their turns.
    pub fn mailbox<S: Service>(&self, capacity: usize, bell: Option<Bell>) -> (Door<S>, Inbox<S>) {
        mailbox_in(Patience::Sim(self.registry.clone()), capacity, bell)
    }

    /// Adds a service.
    pub fn add<S: Service>(&mut self, service: S, inbox: Inbox<S>) {
        let world = self.world.branch(S::NAME);
        let hosted = Hosted { service, inbox, world, log: self.log.clone(), applied: None };
        self.registry.lock().insert(S::NAME, Some(Box::new(hosted)));
    }

    /// Sends a control to a service and takes turns until it is answered.
    ///
    /// # Errors
    /// The service is not there.
    pub fn control<S: Service, R>(
        &self,
        door: &Door<S>,
        control: impl FnOnce(Reply<R>) -> Control,
    ) -> Result<R, Gone> {
        door.command(control)
    }

    /// Takes all services away at once, as a crash of the process does: nothing is stopped in order.
    pub fn crash(&mut self) {
        let services = std::mem::take(&mut *self.registry.lock());
        drop(services);
    }

    /// The simulation's own world: its clock is everyone's.
    pub fn world(&mut self) -> &mut World {
        &mut self.world
    }

    /// One turn of a service that has something to do, drawn by chance. False if none has.
    pub fn step(&mut self) -> bool {
        let now = self.world.now();
        let ready: Vec<&'static str> = {
            let services = self.registry.lock();
            let is_ready =
                |service: &dyn Steps| service.has_mail() || service.next_wake().is_some_and(|due| due <= now);
            services
                .iter()
                .filter(|(_, service)| service.as_deref().is_some_and(is_ready))
                .map(|(name, _)| *name)
                .collect()
        };
        let Some(name) = self.world.chance().choice(ready) else { return false };
        self.registry.step(name).is_ok()
    }

    /// The earliest deadline of any service.
    pub fn next_wake(&self) -> Option<Mono> {
        self.registry.lock().values().flatten().filter_map(|service| service.next_wake()).min()
    }

    /// Turns the clock on by `duration`.
    pub fn advance(&mut self, duration: Duration) {
        self.world.turn_to(self.world.now() + duration);
    }

    /// Turns the clock on to `to`; never back.
    pub fn advance_to(&mut self, to: Mono) {
        self.world.turn_to(to);
    }
}
