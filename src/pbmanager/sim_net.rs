//! A simulated network: the service's end is a [`Net`], the other end is driven by whoever simulates the peers.

use super::ConnectionId;
use super::net::{Net, NetEvent};
use std::collections::{BTreeMap, VecDeque};
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Bytes towards a peer that the network holds before the service has to wait.
const TOWARDS_PEER_BYTES: usize = 64 * 1024;

#[derive(Default)]
struct Link {
    to_service: VecDeque<u8>,
    to_peer: VecDeque<u8>,
    /// The peer, or the network, has ended it.
    cut: bool,
    /// The service has closed it.
    closed: bool,
}

#[derive(Default)]
struct State {
    links: BTreeMap<ConnectionId, Link>,
    events: Vec<NetEvent>,
    last_id: u64,
    listening: Vec<SocketAddr>,
}

/// Both ends of a simulated network. The clone given to the service is its [`Net`].
#[derive(Clone, Default)]
pub struct SimNet(Arc<Mutex<State>>);

impl SimNet {
    /// A network without connections.
    pub fn new() -> SimNet {
        SimNet::default()
    }

    /// A peer connects. `None` while nobody listens.
    pub fn connect(&self, peer: SocketAddr) -> Option<ConnectionId> {
        let on = *self.lock().listening.first()?;
        self.connect_to(on, peer)
    }

    /// A peer connects to this address. `None` while nobody listens there.
    pub fn connect_to(&self, on: SocketAddr, peer: SocketAddr) -> Option<ConnectionId> {
        let mut state = self.lock();
        if !state.listening.contains(&on) {
            return None;
        }
        state.last_id += 1;
        let id = ConnectionId(state.last_id);
        state.links.insert(id, Link::default());
        state.events.push(NetEvent::Accepted { id, peer, on });
        Some(id)
    }

    /// The peer's bytes arrive.
    pub fn send(&self, id: ConnectionId, bytes: &[u8]) {
        let mut state = self.lock();
        if let Some(link) = state.links.get_mut(&id) {
            link.to_service.extend(bytes);
            state.events.push(NetEvent::Readable(id));
        }
    }

    /// Up to `most` bytes arrive at the peer.
    pub fn receive(&self, id: ConnectionId, most: usize) -> Vec<u8> {
        let mut state = self.lock();
        let Some(link) = state.links.get_mut(&id) else { return Vec::new() };
        let count = most.min(link.to_peer.len());
        let bytes: Vec<u8> = link.to_peer.drain(..count).collect();
        if !bytes.is_empty() {
            state.events.push(NetEvent::Writable(id));
        }
        bytes
    }

    /// The connection breaks. What was on its way to the service still arrives, as with TCP's orderly end.
    pub fn cut(&self, id: ConnectionId) {
        let mut state = self.lock();
        if let Some(link) = state.links.get_mut(&id) {
            link.cut = true;
            state.events.push(NetEvent::Readable(id));
        }
    }

    /// Whether the peer can see that the connection has ended.
    pub fn is_ended(&self, id: ConnectionId) -> bool {
        self.lock().links.get(&id).is_none_or(|link| link.cut || link.closed && link.to_peer.is_empty())
    }

    /// Bytes on their way to the service, which it has not read.
    pub fn unread(&self, id: ConnectionId) -> usize {
        self.lock().links.get(&id).map_or(0, |link| link.to_service.len())
    }

    /// The service's process is gone, and with it every socket.
    pub fn crash(&self) {
        let mut state = self.lock();
        state.links.clear();
        state.events.clear();
        state.listening.clear();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Net for SimNet {
    /// As for a user who is not root, ports below 1024 are not to be had.
    fn listen(&mut self, address: SocketAddr) -> io::Result<SocketAddr> {
        if address.port() < 1024 {
            return Err(ErrorKind::PermissionDenied.into());
        }
        let mut state = self.lock();
        if !state.listening.contains(&address) {
            state.listening.push(address);
        }
        Ok(address)
    }

    fn keep_only(&mut self, addresses: &[SocketAddr]) {
        self.lock().listening.retain(|listening| addresses.contains(listening));
    }

    fn poll(&mut self, _timeout: Option<Duration>, events: &mut Vec<NetEvent>) -> io::Result<()> {
        events.append(&mut self.lock().events);
        Ok(())
    }

    fn has_events(&self) -> bool {
        !self.lock().events.is_empty()
    }

    fn read(&mut self, connection: ConnectionId, buffer: &mut [u8]) -> io::Result<usize> {
        let mut state = self.lock();
        let link = state.links.get_mut(&connection).ok_or(ErrorKind::NotConnected)?;
        if link.to_service.is_empty() {
            return if link.cut { Ok(0) } else { Err(ErrorKind::WouldBlock.into()) };
        }
        io::Read::read(&mut link.to_service, buffer)
    }

    fn write(&mut self, connection: ConnectionId, bytes: &[u8]) -> io::Result<usize> {
        let mut state = self.lock();
        let link = state.links.get_mut(&connection).ok_or(ErrorKind::NotConnected)?;
        if link.cut {
            return Err(ErrorKind::ConnectionReset.into());
        }
        let room = TOWARDS_PEER_BYTES.saturating_sub(link.to_peer.len());
        if room == 0 {
            return Err(ErrorKind::WouldBlock.into());
        }
        let taken = room.min(bytes.len());
        link.to_peer.extend(&bytes[..taken]);
        Ok(taken)
    }

    fn close(&mut self, connection: ConnectionId) {
        if let Some(link) = self.lock().links.get_mut(&connection) {
            link.closed = true;
        }
    }
}
