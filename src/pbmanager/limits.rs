//! Every bound of the listener, by name; those of one connection's wire are in [`crate::pb::limits`].

use std::time::Duration;

/// How long a peer may take from connecting to having proved who it is.
pub const AUTHENTICATE_WITHIN: Duration = Duration::from_secs(30);

/// How many connections may be there at once; more are closed as they come.
pub const CONNECTIONS_MAX: usize = 20_000;

/// How many of them may be without a login; more are closed as they come.
pub const STRANGERS_MAX: usize = 4_096;

/// How long to wait before accepting again where the operating system had no room for a connection.
pub const ACCEPT_AGAIN_AFTER: Duration = Duration::from_millis(50);

/// Bytes that wait for a peer that does not read; with more it is cut off.
pub const UNSENT_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Bytes read from one socket at a time.
pub const READ_BYTES: usize = 256 * 1024;

/// Bytes of calls that one peer may have sent since all its calls were answered; with more, its socket is not read
/// until they are.
pub const UNANSWERED_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Reads from one socket in one turn, so that a loud worker does not keep the others waiting.
pub const READS_PER_TURN: usize = 4;

/// How long until news that their owner had no room for are offered again.
pub const OFFER_AGAIN_AFTER: Duration = Duration::from_millis(2);

/// How long a closed connection may take to send what still waits.
pub const CLOSE_WITHIN: Duration = Duration::from_secs(5);

/// Messages that the owners of the connections may have waiting for the service.
pub const INBOX_MESSAGES: usize = 8_192;
