//! The main loop: connects, carries bytes between the socket and the [`Bot`] and orders between the bot and the
//! [`Workbench`], and connects again. The thread of whoever calls it; it owns everything that the connection has.

use super::AgentError;
use super::backoff::Backoff;
use super::bot::{Bot, Broken, CommandKey, Order};
use super::info::About;
use super::leftovers;
use super::limits::{CONNECTION_WAIT, GOODBYE_WAIT, OUTBOX_BYTES};
use super::link::{self, Line, LinkEvent, Target};
use super::wishes::Wish;
use super::workbench::Workbench;
use crate::kernel::World;
use crate::model::Mono;
use bytes::Bytes;
use crossbeam_channel::{Receiver, Select, TryRecvError, TrySendError};
use slog::{Logger, info, warn};
use std::sync::Arc;

/// Why a connection is over.
#[derive(Debug)]
pub enum Parting {
    /// It broke: connect again.
    Lost(String),
    /// The agent is to end: it is wished from outside, or by the master.
    Stop(&'static str),
}

/// The agent for as long as the process lives.
#[derive(Debug)]
pub struct Agent {
    /// Who it is.
    pub about: Arc<About>,
    /// Time and chance.
    pub world: World,
    /// Where it logs.
    pub log: Logger,
    /// Tells when the agent is to end, and how.
    pub wishes: Receiver<Wish>,
    /// How many tries in a row may fail before it gives up; None: any number.
    pub max_retries: Option<u32>,
}

impl Agent {
    /// Serves the master through lost connections, until it is to stop.
    ///
    /// # Errors
    /// The master can't be reached as often as it was to be tried, or the system has no room for the threads of a
    /// connection.
    pub fn run(&mut self, target: Target, mut backoff: Backoff) -> Result<(), AgentError> {
        let target = Arc::new(target);
        loop {
            info!(self.log, "connecting"; "master" => &target.master);
            let events = link::connect(target.clone())?;
            let stopped = match self.connection(&events, &mut backoff) {
                Parting::Stop(why) => Some(why),
                Parting::Lost(why) if self.max_retries.is_some_and(|most| backoff.made() >= most) => {
                    return Err(AgentError::GaveUp { tries: backoff.made().saturating_add(1), why });
                }
                Parting::Lost(why) => {
                    let pause = backoff.pause(self.world.chance().f64());
                    warn!(self.log, "no connection"; "why" => why, "next_try_s" => pause.as_secs_f64().round());
                    self.wishes.recv_timeout(pause).ok().map(Wish::why)
                }
            };
            if let Some(why) = stopped {
                info!(self.log, "stopping"; "why" => why);
                return Ok(());
            }
        }
    }

    /// Waits for the connection to stand, then serves it.
    fn connection(&mut self, events: &Receiver<LinkEvent>, backoff: &mut Backoff) -> Parting {
        let until = self.world.now() + CONNECTION_WAIT;
        let mut socket = None;
        loop {
            crossbeam_channel::select! {
                recv(self.wishes) -> wish => {
                    return Parting::Stop(wish.map_or("nobody can stop the agent any more", Wish::why));
                }
                recv(events) -> event => match event {
                    Ok(LinkEvent::Dialled(hangup)) => socket = Some(hangup),
                    Ok(LinkEvent::Connected(outgoing)) => return self.serve(Line { outgoing, socket }, events, backoff),
                    Ok(LinkEvent::Lost(error)) => return Parting::Lost(error.to_string()),
                    Ok(LinkEvent::Received(_)) | Err(_) => return Parting::Lost(READER_GONE.to_owned()),
                },
                default(until.since(self.world.now())) => {
                    return Parting::Lost(format!("there was no connection after {} s", CONNECTION_WAIT.as_secs()));
                }
            }
        }
    }

    /// Serves one connection to its end. Every command that then still runs is killed.
    pub fn serve(&mut self, line: Line, events: &Receiver<LinkEvent>, backoff: &mut Backoff) -> Parting {
        let bot = Bot::new(self.world.now(), self.about.clone(), self.log.clone());
        let bench = Workbench::default();
        let mut connection = Connection { bot, bench, line, outbox: Bytes::new(), finishing: None };
        let mut attached = false;
        loop {
            let turn = connection.turn(self, events);
            if !attached && connection.bot.is_attached() {
                attached = true;
                backoff.reset();
            }
            let lost = match turn {
                Ok(None) => continue,
                Ok(Some(Parting::Stop(why))) => {
                    connection.say_goodbye(events);
                    return Parting::Stop(why);
                }
                Ok(Some(Parting::Lost(why))) => why,
                Err(broken) => broken.to_string(),
            };
            // What it waited for is over, one way or the other.
            return connection.finishing.map_or(Parting::Lost(lost), Parting::Stop);
        }
    }
}

const READER_GONE: &str = "the reading thread has ended";

/// What wakes the loop.
#[derive(Clone, Copy)]
enum Wake {
    Wish,
    Link,
    Writer,
    Command(CommandKey),
}

/// One connection.
struct Connection {
    bot: Bot,
    bench: Workbench,
    line: Line,
    /// Taken from the bot, and not yet by the writer.
    outbox: Bytes,
    /// Why the master was asked for a graceful shutdown, if it was.
    finishing: Option<&'static str>,
}

impl Connection {
    /// Waits until something can be done, and does it.
    fn turn(&mut self, agent: &Agent, events: &Receiver<LinkEvent>) -> Result<Option<Parting>, Broken> {
        if let Some(parting) = self.flush() {
            return Ok(Some(parting));
        }
        let wake = self.wait(agent.world.now(), events, &agent.wishes);
        let now = agent.world.now();
        match wake {
            Some(Wake::Wish) => match agent.wishes.try_recv() {
                Ok(Wish::Finish(why)) if self.bot.ask_for_shutdown()? => {
                    info!(agent.log, "asking the master for a graceful shutdown"; "why" => why);
                    self.finishing = Some(why);
                }
                wish => return Ok(Some(Parting::Stop(wish.map_or("stopped", Wish::why)))),
            },
            Some(Wake::Link) => match events.try_recv() {
                Ok(LinkEvent::Received(bytes)) => self.bot.receive(now, &bytes)?,
                Ok(LinkEvent::Lost(error)) => return Ok(Some(Parting::Lost(error.to_string()))),
                Ok(LinkEvent::Dialled(_) | LinkEvent::Connected(_)) | Err(TryRecvError::Empty) => {}
                Err(TryRecvError::Disconnected) => return Ok(Some(Parting::Lost(READER_GONE.to_owned()))),
            },
            Some(Wake::Command(key)) => {
                if let Some(event) = self.bench.next_event(key) {
                    self.bot.command_event(now, key, event)?;
                }
            }
            Some(Wake::Writer) | None => {}
        }
        if self.bot.deadline().is_some_and(|at| at <= now) {
            self.bot.tick(now)?;
        }
        self.carry_out(now, agent)
    }

    fn carry_out(&mut self, now: Mono, agent: &Agent) -> Result<Option<Parting>, Broken> {
        loop {
            let orders = self.bot.take_orders();
            if orders.is_empty() {
                return Ok(None);
            }
            for order in orders {
                match order {
                    Order::Shutdown => return Ok(Some(Parting::Stop("the master asked for it"))),
                    Order::Remove(names) => leftovers::remove(&agent.about.basedir, &names, &agent.log),
                    order => {
                        if let Err((key, error)) = self.bench.carry_out(order) {
                            self.bot.not_started(now, key, &error)?;
                        }
                    }
                }
            }
        }
    }

    /// Gives the writer what it has room for: all there is, or the rest stays in the outbox, where the wait sees it.
    fn flush(&mut self) -> Option<Parting> {
        loop {
            if self.outbox.is_empty() {
                self.outbox = self.bot.take_output();
            }
            if self.outbox.is_empty() {
                return None;
            }
            match self.line.outgoing.try_send(std::mem::take(&mut self.outbox)) {
                Ok(()) => {}
                Err(TrySendError::Full(bytes)) => {
                    self.outbox = bytes;
                    return None;
                }
                Err(TrySendError::Disconnected(_)) => {
                    return Some(Parting::Lost("the writing thread has ended".to_owned()));
                }
            }
        }
    }

    fn wait(&self, now: Mono, events: &Receiver<LinkEvent>, wishes: &Receiver<Wish>) -> Option<Wake> {
        let mut select = Select::new();
        let mut wakes = vec![Wake::Wish];
        select.recv(wishes);
        if !self.outbox.is_empty() {
            select.send(&self.line.outgoing);
            wakes.push(Wake::Writer);
        }
        // A master that does not read its socket gets nothing more to answer, and no program is read for it.
        if self.bot.output_len() < OUTBOX_BYTES {
            select.recv(events);
            wakes.push(Wake::Link);
            for (key, source) in self.bench.sources().filter(|(key, _)| self.bot.reads(*key)) {
                select.recv(source);
                wakes.push(Wake::Command(key));
            }
        }
        let ready = match self.bot.deadline() {
            Some(deadline) => select.ready_timeout(deadline.since(now)).ok()?,
            None => select.ready(),
        };
        wakes.get(ready).copied()
    }

    /// Lets the last bytes leave, for a short while.
    fn say_goodbye(mut self, events: &Receiver<LinkEvent>) {
        drop(self.bench);
        let last = [self.outbox, self.bot.take_output()].concat();
        // A writer that has no room in that time would not write it either.
        let _ = self.line.outgoing.send_timeout(last.into(), GOODBYE_WAIT);
        drop(self.line.outgoing);
        let hangup = self.line.socket.take();
        while let Ok(LinkEvent::Received(_)) = events.recv_timeout(GOODBYE_WAIT / 4) {}
        drop(hangup);
    }
}
