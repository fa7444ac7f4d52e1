//! The control socket itself: lines in, lines out, nothing that waits. Only the master's own user may connect.

use super::limits;
use crate::kernel::Bell;
use crate::model::Mono;
use mio::net::{UnixListener, UnixStream};
use mio::{Events, Interest, Poll, Token, Waker};
use std::collections::BTreeMap;
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// One connection on the socket; its number is never used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ticket(pub u64);

impl Ticket {
    /// Of a request that nobody waits for: no connection has this number, it is the bell's.
    pub const NOBODY: Ticket = Ticket(BELL.0 as u64);
}

const BELL: Token = Token(0);

struct Client {
    stream: UnixStream,
    asked: Vec<u8>,
    answer: Vec<u8>,
    /// When it came, while it has not asked yet.
    silent_since: Option<Mono>,
}

/// The bell of a service that is built anew after a panic: it rings whichever poll is there.
#[derive(Clone, Default)]
pub struct BellRope(Arc<Mutex<Option<Waker>>>);

impl BellRope {
    /// The bell for the mailbox.
    pub fn bell(&self) -> Bell {
        let rope = self.clone();
        Arc::new(move || {
            if let Some(waker) = &*rope.lock() {
                // A poll that cannot be woken has ended, and with it the service.
                let _ = waker.wake();
            }
        })
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Waker>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a master listens there.
pub fn is_alive(path: &Path) -> bool {
    std::os::unix::net::UnixStream::connect(path).is_ok()
}

/// A listening socket with its connections.
pub struct ControlSocket {
    poll: Poll,
    events: Events,
    listeners: BTreeMap<PathBuf, (Token, UnixListener)>,
    clients: BTreeMap<Ticket, Client>,
    last_token: u64,
    /// Something happened since the last look.
    stirred: bool,
}

impl ControlSocket {
    /// A socket that listens nowhere yet, its poll woken by this rope's bell.
    ///
    /// # Errors
    /// The operating system has no room for another poll.
    pub fn new(rope: &BellRope) -> io::Result<ControlSocket> {
        let poll = Poll::new()?;
        *rope.lock() = Some(Waker::new(poll.registry(), BELL)?);
        Ok(ControlSocket {
            poll,
            events: Events::with_capacity(limits::CONNECTIONS_MAX),
            listeners: BTreeMap::new(),
            clients: BTreeMap::new(),
            last_token: 0,
            stirred: false,
        })
    }

    /// Listens at `path`. A socket file that a dead master left is taken over; a living master's is not.
    ///
    /// # Errors
    /// A master lives there, or the directory cannot be written.
    pub fn listen(&mut self, path: &Path) -> io::Result<()> {
        if self.listeners.contains_key(path) {
            return Ok(());
        }
        if is_alive(path) {
            return Err(io::Error::new(ErrorKind::AddrInUse, "another master listens there"));
        }
        match std::fs::remove_file(path) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        path.parent().map_or(Ok(()), std::fs::create_dir_all)?;
        let mut listener = UnixListener::bind(path)?;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
        self.last_token += 1;
        let token = Token(usize::try_from(self.last_token).unwrap_or(usize::MAX));
        self.poll.registry().register(&mut listener, token, Interest::READABLE)?;
        self.listeners.insert(path.to_owned(), (token, listener));
        Ok(())
    }

    /// Stops listening everywhere but at `path`, and removes the files.
    pub fn keep_only(&mut self, path: Option<&Path>) {
        self.listeners.retain(|listening, _| {
            let keep = Some(listening.as_path()) == path;
            if !keep {
                // It may be gone already; whoever comes next takes the place over anyway.
                let _ = std::fs::remove_file(listening);
            }
            keep
        });
    }

    /// When the next silent connection has had its time.
    pub fn deadline(&self) -> Option<Mono> {
        let silent = self.clients.values().filter_map(|client| client.silent_since);
        silent.map(|since| since + limits::ASK_WITHIN).min()
    }

    /// Waits until something happens on the socket, or its bell rings, or for `timeout`.
    ///
    /// # Errors
    /// The poll does not work.
    pub fn wait(&mut self, timeout: Option<Duration>) -> io::Result<()> {
        match self.poll.poll(&mut self.events, timeout) {
            Err(error) if error.kind() != ErrorKind::Interrupted => Err(error),
            _ => {
                self.stirred |= self.events.iter().any(|event| event.token() != BELL);
                Ok(())
            }
        }
    }

    /// Whether something happened that [`ControlSocket::heed`] has not looked at.
    pub fn is_stirred(&self) -> bool {
        self.stirred
    }

    /// Looks at all connections: gives the lines that were asked, drops who was silent for too long.
    pub fn heed(&mut self, now: Mono) -> Vec<(Ticket, Vec<u8>)> {
        self.stirred = false;
        self.clients.retain(|_, client| {
            client.silent_since.is_none_or(|since| now.since(since) < limits::ASK_WITHIN)
        });
        self.accept(now);
        let mut asked = Vec::new();
        let mut ended = Vec::new();
        for (ticket, client) in &mut self.clients {
            match client.advance() {
                Ok(Some(line)) => asked.push((*ticket, line)),
                Ok(None) => {}
                Err(_) => ended.push(*ticket),
            }
        }
        for ticket in ended {
            self.clients.remove(&ticket);
        }
        asked
    }

    fn accept(&mut self, now: Mono) {
        for (_, listener) in self.listeners.values() {
            // Any error but "no more" leaves those who wait for the next turn.
            while let Ok((mut stream, _)) = listener.accept() {
                self.last_token += 1;
                let token = Token(usize::try_from(self.last_token).unwrap_or(usize::MAX));
                let interest = Interest::READABLE | Interest::WRITABLE;
                if self.clients.len() >= limits::CONNECTIONS_MAX
                    || self.poll.registry().register(&mut stream, token, interest).is_err()
                {
                    continue;
                }
                let (asked, answer) = (Vec::new(), Vec::new());
                let client = Client { stream, asked, answer, silent_since: Some(now) };
                self.clients.insert(Ticket(self.last_token), client);
            }
        }
    }

    /// Answers with this line and closes the connection once it is sent.
    pub fn answer(&mut self, ticket: Ticket, line: String) {
        let Some(client) = self.clients.get_mut(&ticket) else { return };
        client.answer = line.into_bytes();
        client.answer.push(b'\n');
        if client.advance().is_err() {
            self.clients.remove(&ticket);
        }
    }
}

impl Client {
    /// Reads up to the end of its line, writes what it is owed. An error, or all said: it is to be dropped.
    fn advance(&mut self) -> io::Result<Option<Vec<u8>>> {
        while !self.answer.is_empty() {
            match self.stream.write(&self.answer) {
                Ok(written) => drop(self.answer.drain(..written)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(None),
                Err(error) => return Err(error),
            }
            if self.answer.is_empty() {
                return Err(ErrorKind::ConnectionAborted.into());
            }
        }
        let mut buffer = [0; 4096];
        loop {
            match self.stream.read(&mut buffer) {
                // Whoever hangs up before it is answered does not want the answer, but what it asked is done.
                Ok(0) if self.silent_since.is_none() => return Ok(None),
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(count) => self.asked.extend_from_slice(&buffer[..count]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(None),
                Err(error) => return Err(error),
            }
            if self.silent_since.is_some() && self.asked.contains(&b'\n') {
                self.silent_since = None;
                return Ok(Some(std::mem::take(&mut self.asked)));
            }
            if self.asked.len() > limits::REQUEST_BYTES_MAX {
                return Err(ErrorKind::FileTooLarge.into());
            }
        }
    }
}
