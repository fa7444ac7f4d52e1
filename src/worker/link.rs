//! The socket to the master: one thread connects and reads, one writes, both end with the [`Line`].

use super::limits::{CONNECT_WAIT, SOCKET_READ_BYTES, SOCKET_READS_WAITING};
use super::proxy;
use super::tls::{Layer, Tls};
use crate::kernel::thread;
use bytes::Bytes;
use crossbeam_channel::{Receiver, Sender, bounded};
use std::io::{Error, Read, Write};
use std::net::{Shutdown, TcpStream, ToSocketAddrs};
use std::sync::Arc;

/// What to connect to, and how.
#[derive(Clone, Debug)]
pub struct Target {
    /// `HOST:PORT` of the master.
    pub master: String,
    /// `HOST:PORT` of an HTTP proxy on the way.
    pub proxy: Option<String>,
    /// What is spoken below the session.
    pub tls: Option<Tls>,
}

/// What the link tells.
#[derive(Debug)]
pub enum LinkEvent {
    /// Somebody takes connections there. Who dropped this gave up waiting for the rest.
    Dialled(Hangup),
    /// The connection stands. Bytes to write go here; when it is dropped, what is in it is still written before the
    /// connection closes.
    Connected(Sender<Bytes>),
    /// Bytes came.
    Received(Vec<u8>),
    /// There is no connection, or not any more; nothing follows.
    Lost(Error),
}

/// The way to write, which closes the connection when it is dropped.
#[derive(Debug)]
pub struct Line {
    /// See [`LinkEvent::Connected`].
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

/// Begins to connect. The first events tell how it goes.
///
/// # Errors
/// The system has no room for another thread.
pub fn connect(target: Arc<Target>) -> std::io::Result<Receiver<LinkEvent>> {
    let (events_in, events) = bounded(SOCKET_READS_WAITING);
    thread::spawn("link-read", move || {
        let Err(error) = read(&target, &events_in);
        // Where nobody listens any more, nobody needs to know.
        let _ = events_in.send(LinkEvent::Lost(error));
    })?;
    Ok(events)
}

/// Connects, and reads until the end.
fn read(target: &Target, events: &Sender<LinkEvent>) -> std::io::Result<std::convert::Infallible> {
    let gone = |_| Error::other("nobody listens");
    let socket = Arc::new(dial(target.proxy.as_ref().unwrap_or(&target.master))?);
    events.send(LinkEvent::Dialled(Hangup(socket.clone()))).map_err(gone)?;
    // A long-silent connection is then tested by the system.
    rustix::net::sockopt::set_socket_keepalive(&*socket, true)?;
    socket.set_nodelay(true)?;
    if target.proxy.is_some() {
        proxy::tunnel(&socket, &target.master)?;
    }
    let layer = target.tls.as_ref().map_or(Ok(Layer::Plain), |tls| tls.shake_hands(&socket))?;
    let (outgoing, to_write) = bounded::<Bytes>(1);
    let (writer, outer) = (socket.clone(), layer.clone());
    thread::spawn("link-write", move || {
        // The reader notices what is wrong with the socket.
        let _ = write(&writer, &outer, &to_write);
        let _ = writer.shutdown(Shutdown::Both);
    })?;
    events.send(LinkEvent::Connected(outgoing)).map_err(gone)?;
    // Whoever said goodbye waits for us to close: Twisted does, before it lets go of a connection with TLS.
    let forward = |bytes: &[u8]| {
        let (bytes, closed) = layer.incoming(bytes)?;
        events.send(LinkEvent::Received(bytes)).map_err(gone)?;
        if closed { Err(Error::from(std::io::ErrorKind::UnexpectedEof)) } else { Ok(()) }
    };
    forward(&[])?;
    let mut buffer = vec![0; SOCKET_READ_BYTES];
    loop {
        match (&*socket).read(&mut buffer) {
            Ok(0) => return Err(Error::from(std::io::ErrorKind::UnexpectedEof)),
            Ok(count) => forward(&buffer[..count])?,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

fn write(mut socket: &TcpStream, layer: &Layer, to_write: &Receiver<Bytes>) -> std::io::Result<()> {
    for bytes in to_write {
        socket.write_all(&layer.outgoing(bytes)?)?;
    }
    socket.write_all(&layer.farewell()?)
}

/// Tries each address of the name in turn.
fn dial(address: &str) -> std::io::Result<TcpStream> {
    let mut last = Error::from(std::io::ErrorKind::AddrNotAvailable);
    for address in address.to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, CONNECT_WAIT) {
            Ok(socket) => return Ok(socket),
            Err(error) => last = error,
        }
    }
    Err(last)
}
