//! What lies between a socket and the protocol spoken on it: nothing, or TLS.

use super::net::Net;
use super::{ConnectionId, limits};
use rustls::{ServerConfig, ServerConnection};
use std::io::{self, ErrorKind, Read, Write};
use std::sync::Arc;

/// How the bytes of one connection travel.
pub(super) enum Channel {
    /// As they are.
    Plain,
    /// Encrypted.
    Tls(Box<Tls>),
}

/// One encrypted connection. What it holds in memory is bounded: it is read only into an empty buffer, and encrypts
/// only once the socket has taken all that was encrypted before.
pub(super) struct Tls {
    connection: ServerConnection,
    /// Bytes that came before the two sides had agreed on keys.
    handshake_bytes: usize,
}

impl Channel {
    /// The channel of a new connection of a listener with this configuration.
    ///
    /// # Errors
    /// The configuration cannot serve a connection.
    pub(super) fn new(config: Option<Arc<ServerConfig>>) -> Result<Channel, rustls::Error> {
        let Some(config) = config else { return Ok(Channel::Plain) };
        let connection = ServerConnection::new(config)?;
        Ok(Channel::Tls(Box::new(Tls { connection, handshake_bytes: 0 })))
    }

    /// The two ends of the channel joined: the protocol reads and writes here, the bytes go over this socket.
    pub(super) fn over<'a>(&'a mut self, net: &'a mut dyn Net, id: ConnectionId) -> Wire<'a> {
        Wire { channel: self, socket: Socket { net, id, taken: 0 } }
    }
}

/// One connection's socket.
struct Socket<'a> {
    net: &'a mut dyn Net,
    id: ConnectionId,
    /// Bytes that it has taken.
    taken: usize,
}

impl Read for Socket<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.net.read(self.id, buffer)
    }
}

impl Write for Socket<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.net.write(self.id, bytes)?;
        self.taken += count;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A channel joined to its socket.
pub(super) struct Wire<'a> {
    channel: &'a mut Channel,
    socket: Socket<'a>,
}

impl Wire<'_> {
    /// Bytes that the socket has taken since the two were joined.
    pub(super) fn taken(&self) -> usize {
        self.socket.taken
    }

    /// Says farewell, as far as the socket takes it at once.
    pub(super) fn farewell(&mut self) {
        if let Channel::Tls(tls) = self.channel {
            tls.connection.send_close_notify();
            // The peer that does not hear it sees the connection end all the same.
            let _ = tls.send(&mut self.socket);
        }
    }
}

impl Read for Wire<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.channel {
            Channel::Plain => self.socket.read(buffer),
            Channel::Tls(tls) => tls.read(&mut self.socket, buffer),
        }
    }
}

impl Write for Wire<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.channel {
            Channel::Plain => self.socket.write(bytes),
            Channel::Tls(tls) => tls.write(&mut self.socket, bytes),
        }
    }

    /// `WouldBlock` while something written has not reached the socket.
    fn flush(&mut self) -> io::Result<()> {
        match self.channel {
            Channel::Plain => Ok(()),
            Channel::Tls(tls) => tls.send(&mut self.socket),
        }
    }
}

impl Tls {
    fn read(&mut self, socket: &mut Socket<'_>, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.connection.reader().read(buffer) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                // It hung up without a farewell, as Twisted does. Every message says its own length, so that
                // none can be cut short unnoticed.
                Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(0),
                read => return read,
            }
            let count = self.connection.read_tls(socket)?;
            if self.connection.is_handshaking() {
                self.handshake_bytes += count;
                if self.handshake_bytes > limits::TLS_HANDSHAKE_BYTES_MAX {
                    return Err(io::Error::other("TLS: the handshake is too long"));
                }
            }
            let fault = self.connection.process_new_packets().err();
            // The answer of the handshake, or why there is none.
            let sent = self.send(socket);
            if let Some(fault) = fault {
                return Err(io::Error::other(format!("TLS: {fault}")));
            }
            match sent {
                Err(error) if error.kind() != ErrorKind::WouldBlock => return Err(error),
                _ => {}
            }
        }
    }

    fn write(&mut self, socket: &mut Socket<'_>, bytes: &[u8]) -> io::Result<usize> {
        self.send(socket)?;
        match self.connection.writer().write(bytes)? {
            // As much waits for the handshake as may.
            0 => Err(ErrorKind::WouldBlock.into()),
            count => Ok(count),
        }
    }

    /// Sends what is encrypted.
    fn send(&mut self, socket: &mut Socket<'_>) -> io::Result<()> {
        while self.connection.wants_write() {
            if self.connection.write_tls(socket)? == 0 {
                return Err(ErrorKind::WriteZero.into());
            }
        }
        Ok(())
    }
}
