//! The service's state and its turn.

use super::connection::{Connection, Outlook};
use super::net::{Net, NetEvent};
use super::registry::{Entry, Registry};
use super::{ConnectionId, Msg, limits};
use crate::config::{Config, Listen, WorkerKind};
use crate::kernel::{Inbox, Ranked, Refusal, Service, Turn, rank};
use crate::model::Mono;
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

/// Where a local worker connects when no port is configured.
const LOOPBACK: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

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
    strangers: usize,
    /// Addresses in force, as configured and as bound.
    listening: Vec<(SocketAddr, SocketAddr)>,
    /// What `prepare` bound.
    prepared: Vec<(SocketAddr, SocketAddr)>,
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
            strangers: 0,
            listening: Vec::new(),
            prepared: Vec::new(),
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
                NetEvent::Accepted(id, peer) => self.accepted(id, peer, turn),
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

    fn accepted(&mut self, id: ConnectionId, peer: SocketAddr, turn: &mut Turn) {
        if self.strangers >= limits::STRANGERS_MAX {
            slog::warn!(turn.log(), "too many connections without a login: closed"; "peer" => %peer);
            return self.net.close(id);
        }
        let connection = Connection::new(id, peer, turn.now());
        self.deadlines.extend(connection.deadline().map(|at| (at, id)));
        self.connections.insert(id, connection);
        self.strangers += 1;
        self.stirred.insert(id);
    }

    /// Looks at every connection that something happened on, a share of work each.
    fn serve(&mut self, turn: &mut Turn) {
        for id in std::mem::take(&mut self.stirred) {
            let Some(mut connection) = self.connections.remove(&id) else { continue };
            let (was_stranger, deadline) = (connection.is_stranger(), connection.deadline());
            let served = self.serve_one(id, &mut connection, turn);
            for user in connection.take_refused() {
                let why = if self.registry.get(&user).is_some() { "wrong password" } else { "no such user" };
                slog::warn!(turn.log(), "a login is refused"; "user" => ?user, "peer" => %connection.peer(), "why" => why);
            }
            if let Err(reason) = served {
                self.cut(id, &mut connection, &reason, turn);
            }
            if was_stranger && !connection.is_stranger() {
                self.strangers = self.strangers.saturating_sub(1);
            }
            if connection.deadline() != deadline {
                self.deadlines.extend(connection.deadline().map(|at| (at, id)));
            }
            if connection.has_untold() {
                self.held.insert(id);
                self.offer_again_at.get_or_insert(turn.now() + limits::OFFER_AGAIN_AFTER);
            }
            if connection.is_over() {
                if connection.is_stranger() {
                    self.strangers = self.strangers.saturating_sub(1);
                }
                continue;
            }
            if connection.readable && connection.may_read() {
                self.stirred.insert(id);
            }
            self.connections.insert(id, connection);
        }
    }

    fn serve_one(
        &mut self,
        id: ConnectionId,
        connection: &mut Connection,
        turn: &mut Turn,
    ) -> Result<(), String> {
        connection.advance(&self.registry, turn.world())?;
        for _ in 0..limits::READS_PER_TURN {
            if !(connection.readable && connection.may_read()) {
                break;
            }
            match self.net.read(id, &mut self.buffer) {
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
        match connection.flush(|bytes| self.net.write(id, bytes)) {
            Ok(Outlook::Open) => Ok(()),
            Ok(Outlook::Cut) => Err("closed".to_owned()),
            Err(error) => Err(format!("the connection broke: {error}")),
        }
    }

    fn cut(&mut self, id: ConnectionId, connection: &mut Connection, reason: &str, turn: &mut Turn) {
        if connection.cut(reason) {
            let peer = connection.peer();
            slog::info!(turn.log(), "connection ended"; "connection" => id.0, "peer" => %peer, "reason" => reason);
            self.net.close(id);
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
            if connection.deadline() == Some(at) {
                let reason = if connection.is_stranger() { "it did not log in in time" } else { "closed" };
                self.cut(id, &mut connection, reason, turn);
            }
            self.connections.insert(id, connection);
            self.stirred.insert(id);
        }
    }

    /// The places to listen on: those configured, and one on loopback if local workers find no plain one.
    fn wanted(config: &Config) -> Vec<Listen> {
        let mut wanted = config.pb.listen.clone();
        let local_worker = config.workers.iter().any(|worker| worker.kind == WorkerKind::Local);
        if local_worker && wanted.iter().all(|listen| listen.tls.is_some()) {
            wanted.push(LOOPBACK.into());
        }
        wanted
    }

    /// Where a program on this machine reaches the service.
    fn local_address(&self) -> Option<SocketAddr> {
        let (_, mut address) = self.listening.first().copied()?;
        if address.ip().is_unspecified() {
            address.set_ip(match address.ip() {
                IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
                IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
            });
        }
        Some(address)
    }
}

impl Ranked for PbManager {
    const RANK: u8 = rank::PBMANAGER;
    const NAME: &'static str = "pb";
}

impl Service for PbManager {
    type Msg = Msg;

    fn prepare(&mut self, wanted: &Arc<Config>, _turn: &mut Turn) -> Result<(), Vec<Refusal>> {
        let mut refusals = Vec::new();
        self.prepared.clear();
        for Listen { address, tls } in PbManager::wanted(wanted) {
            if tls.is_some() {
                let what = format!("cannot listen on {address}: TLS is not served yet");
                refusals.push(Refusal { service: PbManager::NAME, what });
            }
            match self.net.listen(address) {
                Ok(bound) => self.prepared.push((address, bound)),
                Err(error) => {
                    let what = format!("cannot listen on {address}: {error}");
                    refusals.push(Refusal { service: PbManager::NAME, what });
                }
            }
        }
        if refusals.is_empty() { Ok(()) } else { Err(refusals) }
    }

    fn abandon(&mut self) {
        self.prepared.clear();
        let kept: Vec<SocketAddr> = self.listening.iter().map(|(wanted, _)| *wanted).collect();
        self.net.keep_only(&kept);
    }

    fn apply(&mut self, _wanted: &Arc<Config>, turn: &mut Turn) {
        let before = std::mem::replace(&mut self.listening, std::mem::take(&mut self.prepared));
        let kept: Vec<SocketAddr> = self.listening.iter().map(|(wanted, _)| *wanted).collect();
        self.net.keep_only(&kept);
        for (_, address) in self.listening.iter().filter(|listener| !before.contains(listener)) {
            slog::info!(turn.log(), "listening for workers and clients"; "address" => %address);
        }
    }

    fn handle(&mut self, msg: Msg, turn: &mut Turn) {
        match msg {
            Msg::Register { user, secret, owner } => {
                self.registry.insert(user, Entry { secret, owner: owner.0 });
            }
            Msg::Unregister { user, owner } => self.registry.remove(&user, &owner.0),
            Msg::LocalAddress(reply) => reply.send(self.local_address()),
            Msg::On(id, verb) => {
                let Some(mut connection) = self.connections.remove(&id) else { return };
                let deadline = connection.deadline();
                if let Err(reason) = connection.act(verb, turn.now()) {
                    self.cut(id, &mut connection, &reason, turn);
                }
                if connection.deadline() != deadline {
                    self.deadlines.extend(connection.deadline().map(|at| (at, id)));
                }
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
