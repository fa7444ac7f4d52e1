//! What the service needs of a network, so that a simulated one can stand in for the real.

use super::ConnectionId;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

/// Something that happened on the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NetEvent {
    /// A peer connected. The connection may be readable and writable at once.
    Accepted {
        /// The connection.
        id: ConnectionId,
        /// Where the peer is.
        peer: SocketAddr,
        /// The listening socket's address, as given to [`Net::listen`].
        on: SocketAddr,
    },
    /// There may be something to read, or the end. Told once; read until `WouldBlock` or remember it.
    Readable(ConnectionId),
    /// There may be room to write again. Told once.
    Writable(ConnectionId),
}

/// Listening and connected sockets.
pub trait Net: Send {
    /// Opens a listening socket without accepting on it yet, in place of nothing: [`Net::keep_only`] says
    /// which stay. Gives the address with its real port.
    ///
    /// # Errors
    /// The address is taken, not this machine's, or not allowed.
    fn listen(&mut self, address: SocketAddr) -> io::Result<SocketAddr>;

    /// Closes every listening socket whose address, as given to [`Net::listen`], is not among these.
    fn keep_only(&mut self, addresses: &[SocketAddr]);

    /// Waits for events, for `timeout` at most, and appends them.
    ///
    /// # Errors
    /// The network as a whole does not work.
    fn poll(&mut self, timeout: Option<Duration>, events: &mut Vec<NetEvent>) -> io::Result<()>;

    /// Whether [`Net::poll`] would have events at once; only a simulated network can tell.
    fn has_events(&self) -> bool {
        false
    }

    /// Reads; zero bytes are the end.
    ///
    /// # Errors
    /// `WouldBlock` if nothing is there yet; any other ends the connection.
    fn read(&mut self, connection: ConnectionId, buffer: &mut [u8]) -> io::Result<usize>;

    /// Writes; gives how many bytes were taken.
    ///
    /// # Errors
    /// `WouldBlock` if there is no room; any other ends the connection.
    fn write(&mut self, connection: ConnectionId, bytes: &[u8]) -> io::Result<usize>;

    /// Closes the connection.
    fn close(&mut self, connection: ConnectionId);
}
