//! The main loop: connects, carries bytes between the socket and the [`Bot`] and orders between the bot and the
//! [`Workbench`], and connects again. The thread of whoever calls it; it owns everything that the connection has.

use super::backoff::Backoff;
use super::bot::{Bot, Broken, CommandKey, Order};
use super::info::About;
use super::limits::{GOODBYE_WAIT, OUTBOX_BYTES};
use super::link::{self, Line, LinkEvent};
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
    /// The agent is to end: a signal, a parent that is gone, or the master's wish.
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
    /// Tells, with its reason, when the agent is to end.
    pub stop: Receiver<&'static str>,
}

impl Agent {
    /// Serves the master at `address`, through lost connections, until it is to stop.
    ///
    /// # Errors
    /// The system has no room for the threads of a connection.
    pub fn run(&mut self, address: &str) -> std::io::Result<()> {
        let mut backoff = Backoff::new();
        loop {
            info!(self.log, "connecting"; "master" => address);
            let events = link::connect(address.to_owned())?;
            match self.connection(&events, &mut backoff) {
                Parting::Stop(why) => {
                    info!(self.log, "stopping"; "why" => why);
                    return Ok(());
                }
                Parting::Lost(why) => {
                    let pause = backoff.pause(self.world.chance().f64());
                    warn!(self.log, "no connection"; "why" => why, "next_try_s" => pause.as_secs_f64().round());
                    if let Ok(why) = self.stop.recv_timeout(pause) {
                        info!(self.log, "stopping"; "why" => why);
                        return Ok(());
                    }
                }
            }
        }
    }

    /// Waits for the connection to stand, then serves it.
    fn connection(&mut self, events: &Receiver<LinkEvent>, backoff: &mut Backoff) -> Parting {
        crossbeam_channel::select! {
            recv(self.stop) -> why => Parting::Stop(why.unwrap_or("nobody can stop the agent any more")),
            recv(events) -> event => match event {
                Ok(LinkEvent::Connected(line)) => self.serve(line, events, backoff),
                Ok(LinkEvent::Lost(error)) => Parting::Lost(error.to_string()),
                Ok(LinkEvent::Received(_)) | Err(_) => Parting::Lost("the reading thread has ended".to_owned()),
            },
        }
    }

    /// Serves one connection to its end. Every command that then still runs is killed.
    pub fn serve(&mut self, line: Line, events: &Receiver<LinkEvent>, backoff: &mut Backoff) -> Parting {
        let bot = Bot::new(self.world.now(), self.about.clone(), self.log.clone());
        let mut connection = Connection { bot, bench: Workbench::default(), line, outbox: Bytes::new() };
        let mut attached = false;
        loop {
            let turn = connection.turn(&self.world, events, &self.stop);
            if !attached && connection.bot.is_attached() {
                attached = true;
                backoff.reset();
            }
            match turn {
                Ok(None) => {}
                Ok(Some(Parting::Stop(why))) => {
                    connection.say_goodbye(events);
                    return Parting::Stop(why);
                }
                Ok(Some(lost)) => return lost,
                Err(broken) => return Parting::Lost(broken.to_string()),
            }
        }
    }
}

/// What wakes the loop.
#[derive(Clone, Copy)]
enum Wake {
    Stop,
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
}

impl Connection {
    /// Waits until something can be done, and does it.
    fn turn(
        &mut self,
        world: &World,
        events: &Receiver<LinkEvent>,
        stop: &Receiver<&'static str>,
    ) -> Result<Option<Parting>, Broken> {
        if let Some(parting) = self.flush() {
            return Ok(Some(parting));
        }
        let wake = self.wait(world.now(), events, stop);
        let now = world.now();
        match wake {
            Some(Wake::Stop) => return Ok(Some(Parting::Stop(stop.try_recv().unwrap_or("stopped")))),
            Some(Wake::Link) => match events.try_recv() {
                Ok(LinkEvent::Received(bytes)) => self.bot.receive(now, &bytes)?,
                Ok(LinkEvent::Lost(error)) => return Ok(Some(Parting::Lost(error.to_string()))),
                Ok(LinkEvent::Connected(_)) | Err(TryRecvError::Empty) => {}
                Err(TryRecvError::Disconnected) => {
                    return Ok(Some(Parting::Lost("the reading thread has ended".to_owned())));
                }
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
        self.carry_out(now)
    }

    fn carry_out(&mut self, now: Mono) -> Result<Option<Parting>, Broken> {
        loop {
            let orders = self.bot.take_orders();
            if orders.is_empty() {
                return Ok(None);
            }
            for order in orders {
                if matches!(order, Order::Shutdown) {
                    return Ok(Some(Parting::Stop("the master asked for it")));
                }
                if let Err((key, error)) = self.bench.carry_out(order) {
                    self.bot.not_started(now, key, &error)?;
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

    fn wait(&self, now: Mono, events: &Receiver<LinkEvent>, stop: &Receiver<&'static str>) -> Option<Wake> {
        let mut select = Select::new();
        let mut wakes = vec![Wake::Stop];
        select.recv(stop);
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

/// Ends the agent when the process's standard input is closed: its parent is gone.
///
/// # Errors
/// The system has no room for another thread.
pub fn stop_with_parent(stop: crossbeam_channel::Sender<&'static str>) -> std::io::Result<()> {
    crate::kernel::thread::spawn("parent", move || {
        // What a parent writes means nothing.
        let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
        let _ = stop.try_send("the parent process has gone");
    })?;
    Ok(())
}
