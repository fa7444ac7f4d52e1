//! A simulated cloud: the drivers of latent workers, whose instances start late or not at all, leave rests behind,
//! vanish, and are not stopped at the first try. What exists survives the master.

use crate::mutants::Forgets;
use crate::peer::Peer;
use bellwether::botmaster::latent::instance::{Prospect, Refusal};
use bellwether::botmaster::latent::{Driver, Drivers, Order, Report, Site, Told};
use bellwether::kernel::Offer;
use bellwether::model::Mono;
use bellwether::pbmanager::sim_net::SimNet;
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

/// The cloud, as the house and the master's drivers see it.
#[derive(Clone)]
pub struct Cloud(Arc<Mutex<State>>);

struct State {
    plots: BTreeMap<String, Plot>,
    chance: fastrand::Rng,
    mutant: Option<Forgets>,
    /// Whether nothing goes wrong any more.
    is_calm: bool,
    offences: Vec<String>,
    counts: Counts,
}

/// What happened there.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Counts {
    /// Instances that were started.
    pub starts: u64,
    /// Starts that came to nothing, were late, or were cut short.
    pub mishaps: u64,
    /// Instances that were removed.
    pub stops: u64,
    /// Tries to remove one that did not work.
    pub stuck: u64,
}

impl Counts {
    pub fn add(&mut self, other: Counts) {
        self.starts += other.starts;
        self.mishaps += other.mishaps;
        self.stops += other.stops;
        self.stuck += other.stuck;
    }
}

/// What there is of one worker.
#[derive(Default)]
struct Plot {
    /// Where the driver of the master's present life tells what came of its jobs.
    tell: Option<Offer<Report>>,
    jobs: VecDeque<Job>,
    /// The machine that costs money, if there is one.
    machine: Option<Machine>,
    /// Whether the driver has stopped anything in this life.
    has_swept: bool,
    /// How many stops there were.
    stops: u64,
}

struct Machine {
    /// `None` for one that never boots.
    peer: Option<Peer>,
}

struct Job {
    number: u64,
    task: Task,
    /// How long it takes, from when its turn comes.
    takes: Duration,
    done_at: Option<Mono>,
    is_cut: bool,
}

enum Task {
    /// With this password.
    Start(String),
    Check,
    Stop,
}

/// The driver of one worker.
struct Hand {
    cloud: Cloud,
    worker: String,
}

impl Cloud {
    pub fn new(seed: u64, mutant: Option<Forgets>) -> Cloud {
        Cloud(Arc::new(Mutex::new(State {
            plots: BTreeMap::new(),
            chance: fastrand::Rng::with_seed(seed ^ 0x636c_6f75_6400),
            mutant,
            is_calm: false,
            offences: Vec::new(),
            counts: Counts::default(),
        })))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("no thread has died with it")
    }

    /// When something is due next.
    pub fn next_due(&self) -> Option<Mono> {
        let state = self.state();
        let jobs = state.plots.values().filter_map(|plot| plot.jobs.front()?.done_at);
        let peers = state.plots.values().filter_map(|plot| plot.machine.as_ref()?.peer.as_ref()?.next_due());
        jobs.chain(peers).min()
    }

    /// Moves jobs and workers on. True if anything moved.
    pub fn act(&self, now: Mono, net: &SimNet) -> bool {
        let State { plots, chance, mutant, is_calm, offences, counts } = &mut *self.state();
        let mut moved = false;
        for (worker, plot) in plots {
            moved |= plot.work(
                worker,
                now,
                net,
                &mut Fate { chance, mutant: *mutant, is_calm: *is_calm, offences, counts },
            );
            if let Some(peer) = plot.machine.as_mut().and_then(|machine| machine.peer.as_mut()) {
                moved |= peer.act(now, net, chance);
                offences.append(&mut peer.offences);
            }
        }
        moved
    }

    /// The master has crashed: what it was about has happened, or not; what exists stays.
    pub fn crash(&self, now: Mono, net: &SimNet) {
        let State { plots, chance, mutant, is_calm, offences, counts } = &mut *self.state();
        for (worker, plot) in plots {
            (plot.tell, plot.has_swept) = (None, false);
            let cut = plot.jobs.pop_front().filter(|_| chance.bool());
            plot.jobs.clear();
            if let Some(job) = cut {
                let mut fate = Fate { chance, mutant: *mutant, is_calm: *is_calm, offences, counts };
                plot.perform(worker, &job, now, net, &mut fate);
            }
        }
    }

    /// An instance vanishes, its worker loses its connection, or its machine hangs for a while. False if none runs.
    pub fn strike(&self, now: Mono, net: &SimNet) -> bool {
        let State { plots, chance, .. } = &mut *self.state();
        let Some(plot) = plots.values_mut().find(|plot| plot.machine.is_some()) else { return false };
        let kind = chance.u32(0..3);
        let Some(peer) = plot.machine.as_mut().and_then(|machine| machine.peer.as_mut()) else {
            return false;
        };
        match kind {
            0 => peer.cut(now, net, chance),
            1 => peer.die(now, chance),
            _ => {
                peer.cut(now, net, chance);
                plot.machine = None;
            }
        }
        true
    }

    /// From now on nothing goes wrong.
    pub fn calm(&self) {
        self.state().is_calm = true;
    }

    pub fn counts(&self) -> Counts {
        self.state().counts
    }

    /// What the master did that no master may do.
    pub fn offence(&self, most: impl Fn(&str) -> usize) -> Option<String> {
        let state = self.state();
        let too_busy = state.plots.iter().find_map(|(worker, plot)| {
            let busiest = plot.machine.as_ref()?.peer.as_ref()?.busiest;
            (busiest > most(worker)).then(|| format!("{worker} ran {busiest} builds at once"))
        });
        state.offences.first().cloned().or(too_busy)
    }

    /// A worker of which something is left.
    pub fn leftover(&self) -> Option<String> {
        let state = self.state();
        let left = state.plots.iter().find(|(_, plot)| plot.machine.is_some() || !plot.jobs.is_empty());
        left.map(|(worker, _)| worker.clone())
    }
}

/// What decides how a job ends.
struct Fate<'a> {
    chance: &'a mut fastrand::Rng,
    mutant: Option<Forgets>,
    is_calm: bool,
    offences: &'a mut Vec<String>,
    counts: &'a mut Counts,
}

impl Plot {
    fn work(&mut self, worker: &str, now: Mono, net: &SimNet, fate: &mut Fate<'_>) -> bool {
        let Some(job) = self.jobs.front_mut() else { return false };
        let (takes, is_cut) = (job.takes, job.is_cut);
        let done_at = *job.done_at.get_or_insert(now + takes);
        if now < done_at && !is_cut {
            return false;
        }
        let Some(job) = self.jobs.pop_front() else { return false };
        let told = self.perform(worker, &job, now, net, fate);
        if let Some(tell) = &self.tell {
            let report = Report { worker: worker.to_owned(), number: job.number, told };
            if tell.offer(report).is_err() {
                fate.offences.push(format!("nobody hears what came of a job of {worker}"));
            }
        }
        true
    }

    fn perform(&mut self, worker: &str, job: &Job, now: Mono, net: &SimNet, fate: &mut Fate<'_>) -> Told {
        match &job.task {
            Task::Start(password) => Told::Started(self.start(worker, password, job.is_cut, now, fate)),
            Task::Check => match &self.machine {
                Some(Machine { peer: Some(_) }) => Told::Checked(Ok(())),
                Some(Machine { peer: None }) if fate.chance.bool() => Told::Checked(Ok(())),
                _ => Told::Checked(Err("it does not run".to_owned())),
            },
            Task::Stop => Told::Stopped(self.stop(now, net, fate)),
        }
    }

    fn start(
        &mut self,
        worker: &str,
        password: &str,
        is_cut: bool,
        now: Mono,
        fate: &mut Fate<'_>,
    ) -> Result<(), Refusal> {
        if self.machine.is_some() {
            fate.offences.push(format!("two instances of {worker} at once"));
        }
        let luck = if fate.is_calm { 0 } else { fate.chance.u32(0..10) };
        let refused = |prospect, why: &str| Err(Refusal { prospect, why: why.to_owned() });
        fate.counts.mishaps += u64::from(is_cut || luck >= 5);
        if is_cut {
            // What it had made by then is there.
            self.machine = fate.chance.bool().then_some(Machine { peer: None });
            return refused(Prospect::Perhaps, "cut short");
        }
        let boot = match luck {
            0..5 => Duration::from_millis(fate.chance.u64(0..10_000)),
            // Perhaps too late.
            5 => Duration::from_secs(fate.chance.u64(20..120)),
            6 => {
                self.machine = Some(Machine { peer: None });
                return Ok(());
            }
            7 => {
                self.machine = Some(Machine { peer: None });
                return refused(Prospect::Perhaps, "something is left of it");
            }
            8 => return refused(Prospect::Later, "no room"),
            _ => return refused(Prospect::Perhaps, "it does not work"),
        };
        fate.counts.starts += 1;
        self.machine =
            Some(Machine { peer: Some(Peer::instance(worker, password, now + boot, fate.chance)) });
        Ok(())
    }

    fn stop(&mut self, now: Mono, net: &SimNet, fate: &mut Fate<'_>) -> Result<(), String> {
        self.stops += 1;
        let is_sweep = !std::mem::replace(&mut self.has_swept, true);
        let is_forgotten = match fate.mutant {
            Some(Forgets::Instances) => self.stops.is_multiple_of(3),
            Some(Forgets::Leftovers) => is_sweep,
            _ => false,
        };
        if is_forgotten {
            return Ok(());
        }
        if !fate.is_calm && fate.chance.u32(0..5) == 0 {
            fate.counts.stuck += 1;
            return Err("it does not go".to_owned());
        }
        if let Some(machine) = self.machine.take() {
            fate.counts.stops += 1;
            if let Some(mut peer) = machine.peer {
                peer.cut(now, net, fate.chance);
            }
        }
        Ok(())
    }
}

impl Drivers for Cloud {
    fn open(&mut self, site: Site, tell: Offer<Report>) -> Box<dyn Driver> {
        self.state().plots.entry(site.worker.clone()).or_default().tell = Some(tell);
        Box::new(Hand { cloud: self.clone(), worker: site.worker })
    }
}

impl Hand {
    fn give(&self, number: u64, task: Task, longest_ms: u64) {
        let State { plots, chance, .. } = &mut *self.cloud.state();
        let plot = plots.entry(self.worker.clone()).or_default();
        // Whatever comes later cuts short what runs.
        for earlier in &mut plot.jobs {
            earlier.is_cut = true;
        }
        let takes = Duration::from_millis(chance.u64(0..longest_ms));
        plot.jobs.push_back(Job { number, task, takes, done_at: None, is_cut: false });
    }
}

impl Driver for Hand {
    fn start(&mut self, number: u64, order: Order) {
        self.give(number, Task::Start(order.password.reveal().to_owned()), 20_000);
    }

    fn check(&mut self, number: u64) {
        self.give(number, Task::Check, 2_000);
    }

    fn stop(&mut self, number: u64) {
        self.give(number, Task::Stop, 8_000);
    }

    fn farewell(self: Box<Self>, _patience: Duration) {}
}
