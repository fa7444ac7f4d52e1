//! The real network: non-blocking sockets and the one poll on them.

use super::net::{Net, NetEvent};
use super::{ConnectionId, limits};
use crate::kernel::Bell;
use mio::event::Source;
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token, Waker};
use rustix::net::sockopt;
use std::collections::BTreeMap;
use std::io::{self, ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

/// The bell's token; listeners and connections count up from the next.
const BELL: Token = Token(0);

/// Events taken from the operating system at a time.
const EVENTS_PER_POLL: usize = 1024;

struct Listener {
    wanted: SocketAddr,
    actual: SocketAddr,
    socket: TcpListener,
}

/// Sockets by token; a connection's id is its token's number.
pub struct MioNet {
    poll: Poll,
    events: Events,
    listeners: BTreeMap<usize, Listener>,
    streams: BTreeMap<usize, TcpStream>,
    last_token: usize,
    /// Listeners with connections still to accept.
    accepting: Vec<usize>,
    /// The operating system had no room for the last of them.
    is_starved: bool,
}

impl MioNet {
    /// A network without sockets, and the bell that ends its poll.
    ///
    /// # Errors
    /// The operating system has no room for another poll.
    pub fn new() -> io::Result<(MioNet, Bell)> {
        let poll = Poll::new()?;
        let waker = Waker::new(poll.registry(), BELL)?;
        // A poll that cannot be woken has ended, and with it the service.
        let bell: Bell = Arc::new(move || drop(waker.wake()));
        let net = MioNet {
            poll,
            events: Events::with_capacity(EVENTS_PER_POLL),
            listeners: BTreeMap::new(),
            streams: BTreeMap::new(),
            last_token: BELL.0,
            accepting: Vec::new(),
            is_starved: false,
        };
        Ok((net, bell))
    }

    fn register(&mut self, source: &mut impl Source, interest: Interest) -> io::Result<usize> {
        self.last_token += 1;
        self.poll.registry().register(source, Token(self.last_token), interest)?;
        Ok(self.last_token)
    }

    /// Accepts from one listener, until it has no more or the turn's share is taken. True if it may have more.
    fn accept(&mut self, token: usize, found: &mut Vec<NetEvent>) -> bool {
        for _ in 0..EVENTS_PER_POLL {
            let Some(listener) = self.listeners.get(&token) else { return false };
            let on = listener.wanted;
            let (mut stream, peer) = match listener.socket.accept() {
                Ok(accepted) => accepted,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return false,
                Err(error) if error.kind() == ErrorKind::ConnectionAborted => continue,
                // No file descriptors are left, most likely: those who wait are accepted when some are free.
                Err(_) => {
                    self.is_starved = true;
                    return true;
                }
            };
            let interest = Interest::READABLE | Interest::WRITABLE;
            let Ok(id) = self.register(&mut stream, interest) else { continue };
            tune(&stream);
            self.streams.insert(id, stream);
            found.push(NetEvent::Accepted { id: ConnectionId(id as u64), peer, on });
        }
        true
    }

    fn stream(&mut self, connection: ConnectionId) -> io::Result<&mut TcpStream> {
        let token = usize::try_from(connection.0).map_err(|_| ErrorKind::NotConnected)?;
        self.streams.get_mut(&token).ok_or_else(|| ErrorKind::NotConnected.into())
    }
}

/// Sends small messages at once, and lets the operating system find out by itself that a peer is dead: that wakes
/// nobody while all is well. Without it the connection works all the same.
fn tune(stream: &TcpStream) {
    let _ = stream.set_nodelay(true);
    let _ = sockopt::set_socket_keepalive(stream, true);
    let _ = sockopt::set_tcp_keepidle(stream, limits::PROBE_AFTER);
    let _ = sockopt::set_tcp_keepintvl(stream, limits::PROBE_EVERY);
    let _ = sockopt::set_tcp_keepcnt(stream, limits::PROBES_MAX);
    let unacknowledged_ms = u32::try_from(limits::SEND_PROGRESS_WITHIN.as_millis()).unwrap_or(u32::MAX);
    let _ = sockopt::set_tcp_user_timeout(stream, unacknowledged_ms);
}

impl Net for MioNet {
    fn listen(&mut self, address: SocketAddr) -> io::Result<SocketAddr> {
        if let Some(listener) = self.listeners.values().find(|listener| listener.wanted == address) {
            return Ok(listener.actual);
        }
        let mut socket = TcpListener::bind(address)?;
        let actual = socket.local_addr()?;
        let token = self.register(&mut socket, Interest::READABLE)?;
        self.listeners.insert(token, Listener { wanted: address, actual, socket });
        Ok(actual)
    }

    fn keep_only(&mut self, addresses: &[SocketAddr]) {
        self.listeners.retain(|_, listener| addresses.contains(&listener.wanted));
    }

    fn poll(&mut self, timeout: Option<Duration>, found: &mut Vec<NetEvent>) -> io::Result<()> {
        let mut accepting = std::mem::take(&mut self.accepting);
        let timeout = match accepting.is_empty() {
            true => timeout,
            false if self.is_starved => {
                Some(timeout.unwrap_or(Duration::MAX).min(limits::ACCEPT_AGAIN_AFTER))
            }
            false => Some(Duration::ZERO),
        };
        self.is_starved = false;
        match self.poll.poll(&mut self.events, timeout) {
            Err(error) if error.kind() != ErrorKind::Interrupted => return Err(error),
            _ => {}
        }
        for event in &self.events {
            let token = event.token().0;
            if self.listeners.contains_key(&token) {
                accepting.push(token);
            } else if token != BELL.0 {
                let connection = ConnectionId(token as u64);
                if event.is_readable() || event.is_read_closed() || event.is_error() {
                    found.push(NetEvent::Readable(connection));
                }
                if event.is_writable() {
                    found.push(NetEvent::Writable(connection));
                }
            }
        }
        accepting.dedup();
        accepting.retain(|token| self.accept(*token, found));
        self.accepting = accepting;
        Ok(())
    }

    fn read(&mut self, connection: ConnectionId, buffer: &mut [u8]) -> io::Result<usize> {
        self.stream(connection)?.read(buffer)
    }

    fn write(&mut self, connection: ConnectionId, bytes: &[u8]) -> io::Result<usize> {
        self.stream(connection)?.write(bytes)
    }

    fn close(&mut self, connection: ConnectionId) {
        if let Ok(token) = usize::try_from(connection.0) {
            self.streams.remove(&token);
        }
    }
}
