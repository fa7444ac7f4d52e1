//! Everybody who is played, in one loop over non-blocking sockets.

use crate::Fallible;
use crate::connection::{Connection, Part};
use crate::developer::Developer;
use crate::site::{DEVELOPER, PASSWORD, Site};
use crate::worker::{Script, Worker};
use bellwether::kernel::World;
use bellwether::model::Mono;
use mio::{Events, Interest, Poll, Token};
use std::net::SocketAddr;
use std::time::Duration;

/// How long the master may take over something before the run is given up.
const PATIENCE: Duration = Duration::from_secs(300);
/// The most that is read at a time.
const READ_BYTES: usize = 64 * 1024;
/// The developer; workers follow.
const DEVELOPER_TOKEN: Token = Token(0);

/// What has happened so far.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tally {
    /// Workers whom the master has let in, which it does after it has told their builders.
    pub attached: u64,
    /// Commands that were started.
    pub started: u64,
    /// When the last of them was.
    pub last_start: Mono,
}

impl Tally {
    /// A command was started.
    pub fn started(&mut self, now: Mono) {
        self.started += 1;
        self.last_start = now;
    }
}

/// See the module.
pub struct Farm {
    world: World,
    address: SocketAddr,
    poll: Poll,
    events: Events,
    buffer: Vec<u8>,
    developer: Connection<Developer>,
    workers: Vec<Connection<Worker>>,
    /// Who has more to say than one turn took.
    eager: Vec<Token>,
    tally: Tally,
}

impl Farm {
    /// A developer and no workers, at the master that listens at `address`.
    pub fn new(address: SocketAddr) -> Fallible<Farm> {
        let poll = Poll::new()?;
        let mut developer = Connection::open(address, DEVELOPER, PASSWORD, Developer::default())?;
        register(&poll, &mut developer, DEVELOPER_TOKEN)?;
        Ok(Farm {
            world: World::real(),
            address,
            poll,
            events: Events::with_capacity(1024),
            buffer: vec![0; READ_BYTES],
            developer,
            workers: Vec::new(),
            eager: Vec::new(),
            tally: Tally::default(),
        })
    }

    /// The time.
    pub fn now(&self) -> Mono {
        self.world.now()
    }

    /// What has happened so far.
    pub fn tally(&self) -> Tally {
        self.tally
    }

    /// How many workers are connected or about to be.
    pub fn workers(&self) -> u64 {
        self.workers.len() as u64
    }

    /// One more worker connects.
    pub fn hire(&mut self, script: Script) -> Fallible<()> {
        let name = Site::worker(self.workers());
        let mut worker = Connection::open(self.address, &name, PASSWORD, Worker::new(script))?;
        register(&self.poll, &mut worker, Token(self.workers.len() + 1))?;
        self.workers.push(worker);
        Ok(())
    }

    /// Workers connect, and everybody waits until the master has let them in.
    pub fn hire_all(&mut self, scripts: impl IntoIterator<Item = Script>) -> Fallible<()> {
        for script in scripts {
            self.hire(script)?;
        }
        let all = self.workers();
        self.until("workers are let in", |tally| tally.attached == all)
    }

    /// The developer makes this many changes.
    pub fn commit(&mut self, changes: u64) {
        self.developer.part.want(changes);
        self.eager.push(DEVELOPER_TOKEN);
    }

    /// Plays until something has happened.
    pub fn until(&mut self, what: &str, mut happened: impl FnMut(&Tally) -> bool) -> Fallible<()> {
        let begun = self.now();
        while !happened(&self.tally) {
            self.turn(Duration::from_secs(1))?;
            if self.now().since(begun) > PATIENCE {
                return Err(format!("waited {PATIENCE:?} until {what}: {:?}", self.tally).into());
            }
        }
        Ok(())
    }

    /// Plays until `check` says so, which is asked every few milliseconds.
    pub fn until_checked(&mut self, what: &str, mut check: impl FnMut() -> Fallible<bool>) -> Fallible<()> {
        let begun = self.now();
        while !check()? {
            self.rest(Duration::from_millis(5))?;
            if self.now().since(begun) > PATIENCE {
                return Err(format!("waited {PATIENCE:?} until {what}: {:?}", self.tally).into());
            }
        }
        Ok(())
    }

    /// Plays for a while.
    pub fn rest(&mut self, time: Duration) -> Fallible<()> {
        let until = self.now() + time;
        loop {
            let left = until.since(self.now());
            if left.is_zero() {
                return Ok(());
            }
            self.turn(left)?;
        }
    }

    fn turn(&mut self, wait: Duration) -> Fallible<()> {
        let wait = if self.eager.is_empty() { wait } else { Duration::ZERO };
        match self.poll.poll(&mut self.events, Some(wait)) {
            Err(error) if error.kind() != std::io::ErrorKind::Interrupted => return Err(error.into()),
            _ => {}
        }
        let mut due = std::mem::take(&mut self.eager);
        due.extend(self.events.iter().map(mio::event::Event::token));
        due.sort_unstable();
        due.dedup();
        for token in due {
            let now = self.world.now();
            let eager = match token {
                DEVELOPER_TOKEN => self.developer.act(&mut self.buffer, &mut self.tally, now)?,
                Token(number) => self.workers[number - 1].act(&mut self.buffer, &mut self.tally, now)?,
            };
            if eager {
                self.eager.push(token);
            }
        }
        Ok(())
    }
}

fn register<P: Part>(poll: &Poll, connection: &mut Connection<P>, token: Token) -> Fallible<()> {
    let interest = Interest::READABLE | Interest::WRITABLE;
    Ok(poll.registry().register(&mut connection.stream, token, interest)?)
}
