//! The thread of a driver: takes jobs, does them one after the other, tells what came of each.

use super::instance::{Prospect, Refusal};
use super::{Driver, Drivers, Order, Report, Site, Told, command, docker};
use crate::botmaster::limits::{INSTANCE_CHECK_TIME, INSTANCE_STOP_TIME};
use crate::config::LatentDriver;
use crate::kernel::program::wait;
use crate::kernel::{Offer, World, thread};
use crossbeam_channel::{Receiver, Sender, bounded};
use std::convert::Infallible;
use std::io;
use std::os::unix::net::UnixStream;
use std::time::Duration;

/// How many jobs may wait: a stop, and the start that follows it, beside the one that runs.
const JOBS: usize = 4;

/// How long a report that found no room is kept before it is offered again.
const FULL_PAUSE: Duration = Duration::from_millis(20);

/// What a job is done with.
pub struct Means<'a> {
    /// Whose instance it is.
    pub site: &'a Site,
    /// The time.
    pub world: &'a World,
    /// Can be read from as soon as the job is to be cut short.
    pub stop: &'a UnixStream,
    /// How long it may take.
    pub time: Duration,
}

/// The real drivers: a thread for each.
pub struct Threads(World);

impl Threads {
    /// With this clock.
    pub fn new(world: World) -> Threads {
        Threads(world)
    }
}

enum Task {
    Start(Box<Order>),
    Check,
    Stop,
}

impl Task {
    /// What is told of it where it could not even be tried.
    fn untried(&self, why: String) -> Told {
        match self {
            Task::Start(_) => Told::Started(Err(Refusal { prospect: Prospect::Perhaps, why })),
            Task::Check => Told::Checked(Err(why)),
            Task::Stop => Told::Stopped(Err(why)),
        }
    }
}

struct Job {
    number: u64,
    task: Task,
    stop: io::Result<UnixStream>,
}

struct Handle {
    jobs: Sender<Job>,
    /// Closed, it cuts the latest job short.
    cut: Option<UnixStream>,
    ended: Receiver<Infallible>,
    worker: String,
    tell: Offer<Report>,
}

impl Drivers for Threads {
    fn open(&mut self, site: Site, tell: Offer<Report>) -> Box<dyn Driver> {
        let (jobs, todo) = bounded(JOBS);
        let (alive, ended) = bounded(0);
        let (worker, own, world) = (site.worker.clone(), tell.clone(), self.0.clone());
        // Where there is no room for a thread, the jobs find nobody, and that is what is told of them.
        drop(thread::spawn("latent-worker", move || {
            let _alive = alive;
            work(site, &todo, &own, &world);
        }));
        Box::new(Handle { jobs, cut: None, ended, worker, tell })
    }
}

impl Handle {
    fn give(&mut self, number: u64, task: Task) {
        let (cut, stop) = match UnixStream::pair() {
            Ok((cut, stop)) => (Some(cut), Ok(stop)),
            Err(error) => (None, Err(error)),
        };
        // The one of the job before is closed here.
        self.cut = cut;
        if let Err(refused) = self.jobs.try_send(Job { number, task, stop }) {
            let told = refused.into_inner().task.untried("there is no thread for it".to_owned());
            let _ = self.tell.offer(Report { worker: self.worker.clone(), number, told });
        }
    }
}

impl Driver for Handle {
    fn start(&mut self, number: u64, order: Order) {
        self.give(number, Task::Start(Box::new(order)));
    }

    fn check(&mut self, number: u64) {
        self.give(number, Task::Check);
    }

    fn stop(&mut self, number: u64) {
        self.give(number, Task::Stop);
    }

    fn farewell(self: Box<Self>, patience: Duration) {
        let Handle { jobs, cut, ended, .. } = *self;
        drop(jobs);
        // It ends by disconnection, or not in time; the next life of the master then removes what is left.
        let _ = ended.recv_timeout(patience);
        drop(cut);
    }
}

fn work(mut site: Site, todo: &Receiver<Job>, tell: &Offer<Report>, world: &World) {
    for Job { number, task, stop } in todo {
        let told = match stop {
            Ok(stop) => {
                // From now on, what was started is looked at and stopped as it was started.
                if let Task::Start(order) = &task {
                    site.recipe = order.recipe.clone();
                }
                thread::catch(|| perform(&task, &site, world, &stop))
                    .unwrap_or_else(|panic| task.untried(format!("a bug: {panic}")))
            }
            Err(error) => task.untried(error.to_string()),
        };
        let mut report = Report { worker: site.worker.clone(), number, told };
        loop {
            match tell.offer(report) {
                Ok(()) => break,
                Err(Some(back)) => report = back,
                Err(None) => return,
            }
            let _ = wait(&mut [], FULL_PAUSE);
        }
    }
}

fn perform(task: &Task, site: &Site, world: &World, stop: &UnixStream) -> Told {
    let means = |time| Means { site, world, stop, time };
    match (task, &site.recipe) {
        (Task::Start(order), LatentDriver::Command(commands)) => {
            Told::Started(command::start(commands, order, &means(order.time)))
        }
        (Task::Start(order), LatentDriver::Docker(docker)) => {
            Told::Started(docker::start(docker, order, &means(order.time)))
        }
        (Task::Check, LatentDriver::Command(commands)) => {
            Told::Checked(command::check(commands, &means(INSTANCE_CHECK_TIME)))
        }
        (Task::Check, LatentDriver::Docker(docker)) => {
            Told::Checked(docker::check(docker, &means(INSTANCE_CHECK_TIME)))
        }
        (Task::Stop, LatentDriver::Command(commands)) => {
            Told::Stopped(command::stop(commands, &means(INSTANCE_STOP_TIME)))
        }
        (Task::Stop, LatentDriver::Docker(docker)) => {
            Told::Stopped(docker::stop(docker, &means(INSTANCE_STOP_TIME)))
        }
    }
}
