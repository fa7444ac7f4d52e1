//! The socket to the master: one thread connects and reads, one writes, both end with the [`Link`].

use super::limits::{CONNECT_WAIT, SOCKET_READ_BYTES, SOCKET_READS_WAITING};
use crate::kernel::thread;
use bytes::Bytes;
use crossbeam_channel::{Receiver, Sender, bounded};
use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream, ToSocketAddrs};
use std::sync::Arc;

/// What the link tells.
#[derive(Debug)]
pub enum LinkEvent {
    /// The connection stands.
    Connected(Line),
    /// Bytes came.
    Received(Vec<u8>),
    /// There is no connection, or not any more; nothing follows.
    Lost(std::io::Error),
}

/// The way to write, which closes the connection when it is dropped.
#[derive(Debug)]
pub struct Line {
    /// Bytes to write; when this is dropped, what is in it is still written before the connection closes.
    pub outgoing: Sender<Bytes>,
    /// Closes the connection at once when it is dropped, written or not.
    pub socket: Option<Hangup>,
}

/// See [`Line::socket`].
#[derive(Debug)]
pub struct Hangup(Arc<TcpStream>);

impl Drop for Hangup {
    fn drop(&mut self) {
        // It may be closed already.
        let _ = self.0.shutdown(Shutdown::Both);
    }
}

/// Begins to connect to `address` (`HOST:PORT`). The first event tells how it went.
///
/// # Errors
/// The system has no room for another thread.
pub fn connect(address: String) -> std::io::Result<Receiver<LinkEvent>> {
    let (events_in, events) = bounded(SOCKET_READS_WAITING);
    thread::spawn("link-read", move || {
        let Err(error) = read(&address, &events_in);
        // Where nobody listens any more, nobody needs to know.
        let _ = events_in.send(LinkEvent::Lost(error));
    })?;
    Ok(events)
}

/// Connects, and reads until the end.
fn read(address: &str, events: &Sender<LinkEvent>) -> std::io::Result<std::convert::Infallible> {
    let socket = Arc::new(dial(address)?);
    // A long-silent connection is then tested by the system.
    rustix::net::sockopt::set_socket_keepalive(&*socket, true)?;
    socket.set_nodelay(true)?;
    let (outgoing, to_write) = bounded::<Bytes>(1);
    let writer = socket.clone();
    thread::spawn("link-write", move || write(&writer, &to_write))?;
    let line = Line { outgoing, socket: Some(Hangup(socket.clone())) };
    let gone = |_| std::io::Error::other("nobody listens");
    events.send(LinkEvent::Connected(line)).map_err(gone)?;
    let mut buffer = vec![0; SOCKET_READ_BYTES];
    loop {
        match (&*socket).read(&mut buffer) {
            Ok(0) => return Err(std::io::Error::from(std::io::ErrorKind::UnexpectedEof)),
            Ok(count) => events.send(LinkEvent::Received(buffer[..count].to_vec())).map_err(gone)?,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

fn write(mut socket: &TcpStream, to_write: &Receiver<Bytes>) {
    for bytes in to_write {
        if socket.write_all(&bytes).is_err() {
            break;
        }
    }
    let _ = socket.shutdown(Shutdown::Both);
}

/// Tries each address of the name in turn.
fn dial(address: &str) -> std::io::Result<TcpStream> {
    let mut last = std::io::Error::from(std::io::ErrorKind::AddrNotAvailable);
    for address in address.to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, CONNECT_WAIT) {
            Ok(socket) => return Ok(socket),
            Err(error) => last = error,
        }
    }
    Err(last)
}
