//! The service's state and its turn.

use super::channel::Channel;
use super::connection::{Connection, Outlook};
use super::listeners::Listeners;
use super::net::{Net, NetEvent};
use super::registry::{Entry, Registry};
use super::strangers::Strangers;
use super::{ConnectionId, Msg, limits};
use crate::config::Config;
use crate::kernel::{Inbox, Ranked, Refusal, Service, Turn, rank};
use crate::model::Mono;
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

/// The service.
pub struct PbManager {
    net: Box<dyn Net>,
    registry: Registry,
    connections: BTreeMap<ConnectionId, Connection>,
    /// Connections to look at in this turn.
    stirred: BTreeSet<ConnectionId>,
    /// Connections whose owner has no room: offered again then.
    held: BTreeSet<ConnectionId>,
    offer_again_at: Option<Mono>,
    deadlines: BTreeSet<(Mono, ConnectionId)>,
    strangers: Strangers,
    listeners: Listeners,
    buffer: Vec<u8>,
    events: Vec<NetEvent>,
}

impl PbManager {
    /// On this network.
    pub fn new(net: Box<dyn Net>) -> PbManager {
        PbManager {
            net,
            registry: Registry::default(),
            connections: BTreeMap::new(),
            stirred: BTreeSet::new(),
            held: BTreeSet::new(),
            offer_again_at: None,
            deadlines: BTreeSet::new(),
            strangers: Strangers::default(),
            listeners: Listeners::default(),
            buffer: vec![0; limits::READ_BYTES],
            events: Vec::new(),
        }
    }

    fn poll(&mut self, timeout: Option<Duration>) {
        if let Err(error) = self.net.poll(timeout, &mut self.events) {
            // Without a poll no peer can be served: end, and let the supervisor start the process anew.
            panic!("the poll on sockets failed: {error}");
        }
    }

    fn heed(&mut self, turn: &mut Turn) {
        let mut events = std::mem::take(&mut self.events);
        for event in events.drain(..) {
            match event {
                NetEvent::Accepted { id, peer, on } => self.accepted(id, peer, on, turn),
                NetEvent::Readable(id) => {
                    if let Some(connection) = self.connections.get_mut(&id) {
                        connection.readable = true;
                        self.stirred.insert(id);
                    }
                }
                NetEvent::Writable(id) => drop(self.stirred.insert(id)),
            }
        }
        self.events = events;
    }

    fn accepted(&mut self, id: ConnectionId, peer: SocketAddr, on: SocketAddr, turn: &mut Turn) {
        // A listener that went meanwhile has nothing more to serve.
        let Some(listener) = self.listeners.at(on) else { return self.net.close(id) };
        let channel = match Channel::new(listener.tls.clone()) {
            Ok(channel) => channel,
            Err(error) => {
                slog::error!(turn.log(), "a connection is closed"; "peer" => %peer, "why" => %error);
                return self.net.close(id);
            }
        };
        let entered = match self.connections.len() < limits::CONNECTIONS_MAX {
            true => self.strangers.enter(peer.ip()),
            false => Err("too many connections"),
        };
        if let Err(why) = entered {
            if let Some(count) = self.strangers.turn_away(turn.now()) {
                slog::warn!(turn.log(), "connections are closed as they come"; "why" => why, "count" => count, "peer" => %peer);
            }
            return self.net.close(id);
        }
        let mut connection =
            Connection::new(id, peer, (listener.entrance(), channel), listener.protocol, turn.now());
        self.schedule(id, &mut connection);
        self.connections.insert(id, connection);
        self.stirred.insert(id);
    }

    /// Sees that the connection is looked at when its deadline has passed. One alarm at most is kept of each: a
    /// deadline that moves back is found out when the alarm rings.
    fn schedule(&mut self, id: ConnectionId, connection: &mut Connection) {
        let deadline = connection.deadline();
        let Some(at) = deadline.filter(|at| connection.alarm.is_none_or(|alarm| *at < alarm)) else { return };
        if let Some(alarm) = connection.alarm.replace(at) {
            self.deadlines.remove(&(alarm, id));
        }
        self.deadlines.insert((at, id));
    }

    /// Looks at every connection that something happened on, a share of work each.
    fn serve(&mut self, turn: &mut Turn) {
        for id in std::mem::take(&mut self.stirred) {
            let Some(mut connection) = self.connections.remove(&id) else { continue };
            let was_stranger = connection.is_stranger();
            let served = self.serve_one(&mut connection, turn);
            for user in connection.take_refused() {
                let is_known = self.registry.names(connection.entrance()).get(&user).is_some();
                let why = if is_known { "wrong password" } else { "no such user" };
                slog::warn!(turn.log(), "a login is refused"; "user" => ?user, "peer" => %connection.peer(), "why" => why);
            }
            if let Err(reason) = served {
                self.cut(id, &mut connection, &reason, turn);
            }
            if was_stranger && !connection.is_stranger() {
                self.strangers.leave(connection.peer().ip());
            }
            self.schedule(id, &mut connection);
            if connection.has_untold() {
                self.held.insert(id);
                self.offer_again_at.get_or_insert(turn.now() + limits::OFFER_AGAIN_AFTER);
            }
            if connection.is_over() {
                if connection.is_stranger() {
                    self.strangers.leave(connection.peer().ip());
                }
                if let Some(alarm) = connection.alarm {
                    self.deadlines.remove(&(alarm, id));
                }
                continue;
            }
            if connection.readable && connection.may_read() {
                self.stirred.insert(id);
            }
            self.connections.insert(id, connection);
        }
    }

    fn serve_one(&mut self, connection: &mut Connection, turn: &mut Turn) -> Result<(), String> {
        connection.advance(&self.registry, turn.world())?;
        for _ in 0..limits::READS_PER_TURN {
            if !(connection.readable && connection.may_read()) {
                break;
            }
            match connection.read(&mut *self.net, &mut self.buffer) {
                Ok(0) => return Err("the peer closed the connection".to_owned()),
                Ok(count) => {
                    connection.received(&self.buffer[..count]);
                    connection.advance(&self.registry, turn.world())?;
                }
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => connection.readable = false,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return Err(format!("the connection broke: {error}")),
            }
        }
        match connection.flush(&mut *self.net, turn.now()) {
            Ok(Outlook::Open) => Ok(()),
            Ok(Outlook::Cut) => Err("closed".to_owned()),
            Err(error) => Err(format!("the connection broke: {error}")),
        }
    }

    fn cut(&mut self, id: ConnectionId, connection: &mut Connection, reason: &str, turn: &mut Turn) {
        if connection.cut(&mut *self.net, reason) {
            slog::info!(turn.log(), "connection ended"; "connection" => id.0, "user" => connection.who(),
                "peer" => %connection.peer(), "reason" => reason);
        }
    }

    /// Strangers that took too long, and closed connections that did not end.
    fn expire(&mut self, turn: &mut Turn) {
        while let Some((at, id)) = self.deadlines.first().copied() {
            if at > turn.now() {
                return;
            }
            self.deadlines.pop_first();
            let Some(mut connection) = self.connections.remove(&id) else { continue };
            connection.alarm = None;
            if connection.deadline().is_some_and(|deadline| deadline <= at) {
                let reason = connection.overdue();
                self.cut(id, &mut connection, reason, turn);
            }
            self.schedule(id, &mut connection);
            self.connections.insert(id, connection);
            self.stirred.insert(id);
        }
    }
}

impl Ranked for PbManager {
    const RANK: u8 = rank::PBMANAGER;
    const NAME: &'static str = "pb";
}

impl Service for PbManager {
    type Msg = Msg;

    fn prepare(&mut self, wanted: &Arc<Config>, _turn: &mut Turn) -> Result<(), Vec<Refusal>> {
        self.listeners.prepare(&mut *self.net, wanted).map_err(|faults| {
            faults.into_iter().map(|what| Refusal { service: PbManager::NAME, what }).collect()
        })
    }

    fn abandon(&mut self) {
        self.listeners.abandon(&mut *self.net);
    }

    fn apply(&mut self, _wanted: &Arc<Config>, turn: &mut Turn) {
        for address in self.listeners.apply(&mut *self.net) {
            slog::info!(turn.log(), "listening for workers and clients"; "address" => %address);
        }
    }

    fn handle(&mut self, msg: Msg, turn: &mut Turn) {
        match msg {
            Msg::Register { port, user, secret, is_worker, owner } => {
                self.registry.insert(port, user, Entry { secret, is_worker, owner: owner.0 });
            }
            Msg::Unregister { port, user, owner } => self.registry.remove(port, &user, &owner.0),
            Msg::LocalAddress(reply) => reply.send(self.listeners.local_address()),
            Msg::On(id, verb) => {
                let Some(mut connection) = self.connections.remove(&id) else { return };
                if let Err(reason) = connection.act(verb, turn.now()) {
                    self.cut(id, &mut connection, &reason, turn);
                }
                self.schedule(id, &mut connection);
                self.connections.insert(id, connection);
                self.stirred.insert(id);
            }
        }
    }

    fn next_wake(&self) -> Option<Mono> {
        if !self.stirred.is_empty() || !self.events.is_empty() || self.net.has_events() {
            return Some(Mono::default());
        }
        let deadline = self.deadlines.first().map(|(at, _)| *at);
        self.offer_again_at.into_iter().chain(deadline).min()
    }

    fn wake(&mut self, turn: &mut Turn) {
        if self.offer_again_at.is_some_and(|at| at <= turn.now()) {
            self.offer_again_at = None;
            self.stirred.append(&mut self.held);
        }
        self.expire(turn);
    }

    /// Also while messages keep coming, the sockets get their turn.
    fn settle(&mut self, turn: &mut Turn) {
        self.poll(Some(Duration::ZERO));
        self.heed(turn);
        self.serve(turn);
    }

    fn wait(&mut self, _inbox: &Inbox<Self>, timeout: Option<Duration>) {
        self.poll(timeout);
    }

    /// What waits to be sent is sent as far as the sockets take it at once.
    fn stop(&mut self, turn: &mut Turn) {
        self.stirred.extend(self.connections.keys());
        self.serve(turn);
    }
}
