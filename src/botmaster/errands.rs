//! Work that may take long - on the master's disk, by a program, with somebody's server - done beside the botmaster's
//! thread. It takes all that it needs along and brings it back with what it found, so that nothing is shared.
//!
//! Each lane has a few threads and a short queue before them; what finds no room waits here, in order. The
//! botmaster never waits for an errand; an errand may wait until the botmaster has room for its news.

use super::files::{Kept, Stream};
use super::limits::{DISK_THREADS, LANE_QUEUE, PROGRAM_THREADS, SERVER_THREADS};
use super::{Botmaster, Msg};
use crate::db::buildsets::Added;
use crate::kernel::{Address, Ranked, rank, thread};
use crate::model::{BuildId, Channel};
use crate::schedulers::TriggerError;
use bytes::Bytes;
use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};
use std::collections::{BTreeMap, VecDeque};

/// What an errand is about: those of one lane cannot hold up those of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lane {
    /// The master's disk.
    Disk,
    /// Programs on the master.
    Program,
    /// What the schedulers are asked.
    Schedulers,
    /// Servers that steps ask.
    Server,
}

impl Lane {
    /// How many errands of the lane are done at the same time.
    fn threads(self) -> usize {
        match self {
            Lane::Disk => DISK_THREADS,
            Lane::Program => PROGRAM_THREADS,
            // They answer one at a time.
            Lane::Schedulers => 1,
            Lane::Server => SERVER_THREADS,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Lane::Disk => "errand-disk",
            Lane::Program => "errand-program",
            Lane::Schedulers => "errand-trigger",
            Lane::Server => "errand-server",
        }
    }
}

/// What an errand found.
#[derive(Debug)]
pub enum Finding {
    /// What a call of the worker's to a file on the master came to, and the file.
    Moved(Box<Stream>, Result<Option<Bytes>, String>),
    /// A transfer is over: what it left behind, in its place, or why nothing.
    Settled(Result<Kept, String>),
    /// Whether a file is there to be sent.
    Looked(Result<(), String>),
    /// What the schedulers made of triggers.
    Triggered(Result<Vec<Added>, TriggerError>),
    /// What a program says: there will be more.
    Said(Channel, Bytes),
    /// A program ended: its exit code, `None` for a signal; or it never began.
    Exited(Result<Option<i32>, String>),
    /// The errand broke off by a bug: its panic.
    Broken(String),
}

/// An errand is done.
#[derive(Debug)]
pub struct Done {
    pub(super) key: u64,
    pub(super) finding: Finding,
}

/// An errand's own thread, as a caller of the botmaster.
pub struct Errand;

impl Ranked for Errand {
    const RANK: u8 = rank::BOTMASTER + 1;
    const NAME: &'static str = "errand";
}

/// Something to be done, with nobody to tell.
pub type Work = Box<dyn FnOnce() + Send>;

/// Does errands: on threads for the daemon, at once in the simulator.
pub trait Runner: Send {
    /// Does it, or will. `Err`: there is no room at present, and something of this lane is under way.
    ///
    /// # Errors
    /// The work itself.
    fn run(&mut self, lane: Lane, work: Work) -> Result<(), Work>;
}

/// Does everything at once, where it is asked for.
#[derive(Debug, Default)]
pub struct AtOnce;

impl Runner for AtOnce {
    fn run(&mut self, _: Lane, work: Work) -> Result<(), Work> {
        work();
        Ok(())
    }
}

/// The daemon's runner. Threads are started when they are first needed, and end with it.
#[derive(Default)]
pub struct Threads(BTreeMap<Lane, Crew>);

struct Crew {
    work: Sender<Work>,
    waiting: Receiver<Work>,
    threads: usize,
}

impl Runner for Threads {
    fn run(&mut self, lane: Lane, work: Work) -> Result<(), Work> {
        let crew = self.0.entry(lane).or_insert_with(|| {
            let (work, waiting) = bounded(LANE_QUEUE);
            Crew { work, waiting, threads: 0 }
        });
        if crew.threads < lane.threads() {
            let waiting = crew.waiting.clone();
            let body = move || waiting.iter().for_each(|work: Work| work());
            match thread::spawn(lane.name(), body) {
                Ok(_) => crew.threads += 1,
                // Without any thread, a slow disk is better than none.
                Err(_) if crew.threads == 0 => {
                    work();
                    return Ok(());
                }
                Err(_) => {}
            }
        }
        crew.work.try_send(work).map_err(|full| match full {
            TrySendError::Full(work) | TrySendError::Disconnected(work) => work,
        })
    }
}

/// The way home of an errand.
#[derive(Clone)]
pub struct Teller {
    home: Address<Errand, Botmaster>,
    key: u64,
}

impl Teller {
    /// Tells, as soon as the botmaster has room. Where it is gone, nobody needs to know.
    pub fn tell(&self, finding: Finding) {
        let _ = self.home.push(Msg::ErrandDone(Done { key: self.key, finding }));
    }
}

/// The errands that are under way.
pub(super) struct Errands {
    runner: Box<dyn Runner>,
    home: Address<Errand, Botmaster>,
    waiting: BTreeMap<Lane, VecDeque<Work>>,
    /// Whose errand it is, by its key.
    builds: BTreeMap<u64, BuildId>,
}

impl Errands {
    pub fn new(runner: Box<dyn Runner>, home: Address<Errand, Botmaster>) -> Errands {
        Errands { runner, home, waiting: BTreeMap::new(), builds: BTreeMap::new() }
    }

    /// Has it done for a build: [`Msg::ErrandDone`] comes with the same key.
    pub fn begin(
        &mut self,
        key: u64,
        build: BuildId,
        lane: Lane,
        errand: impl FnOnce(&Teller) -> Finding + Send + 'static,
    ) {
        self.builds.insert(key, build);
        let teller = Teller { home: self.home.clone(), key };
        let work = move || teller.tell(thread::catch(|| errand(&teller)).unwrap_or_else(Finding::Broken));
        self.add(lane, Box::new(work));
    }

    /// Has it done, and wants to hear nothing of it.
    pub fn forget(&mut self, lane: Lane, work: impl FnOnce() + Send + 'static) {
        // What it panics about is a bug that must not take the lane's thread along.
        self.add(lane, Box::new(move || drop(thread::catch(work))));
    }

    /// Whose errand it is, while it is under way.
    pub fn owner(&self, key: u64) -> Option<BuildId> {
        self.builds.get(&key).copied()
    }

    /// An errand is done, so that there is room: whose it was, unless that is over.
    pub fn returned(&mut self, key: u64) -> Option<BuildId> {
        for (lane, waiting) in &mut self.waiting {
            while let Some(work) = waiting.pop_front() {
                if let Err(work) = self.runner.run(*lane, work) {
                    waiting.push_front(work);
                    break;
                }
            }
        }
        self.builds.remove(&key)
    }

    fn add(&mut self, lane: Lane, work: Work) {
        let waiting = self.waiting.entry(lane).or_default();
        if !waiting.is_empty() {
            return waiting.push_back(work);
        }
        if let Err(work) = self.runner.run(lane, work) {
            waiting.push_back(work);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lane_that_is_full_gives_work_back_and_loses_none() {
        let (mut threads, mut taken) = (Threads::default(), 0);
        let (release, released) = bounded::<()>(0);
        let (done_in, done) = bounded(LANE_QUEUE + DISK_THREADS + 1);
        let given_back = loop {
            let (released, done_in) = (released.clone(), done_in.clone());
            let work = move || {
                // Until the other end is dropped.
                let _ = released.recv();
                done_in.send(()).unwrap();
            };
            match threads.run(Lane::Disk, Box::new(work)) {
                Ok(()) => taken += 1,
                Err(work) => break work,
            }
        };
        assert!((LANE_QUEUE..=LANE_QUEUE + DISK_THREADS).contains(&taken), "{taken} were taken");
        drop(release);
        (0..taken).for_each(|_| done.recv().unwrap());
        threads.run(Lane::Disk, given_back).unwrap_or_else(|_| panic!("there is room again"));
        done.recv().unwrap();
    }
}
