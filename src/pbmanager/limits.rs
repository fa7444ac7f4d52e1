//! Every bound of the listener, by name; those of one connection's wire are in [`crate::pb::limits`].

use std::time::Duration;

/// How long a peer may take from connecting to having proved who it is.
pub const AUTHENTICATE_WITHIN: Duration = Duration::from_secs(30);

/// How many connections may be there at once; more are closed as they come.
pub const CONNECTIONS_MAX: usize = 20_000;

/// How many of them may be without a login; more are closed as they come.
pub const STRANGERS_MAX: usize = 4_096;

/// How many of those may be from one address (of IPv6: one /64), so that none alone keeps all others out. A farm
/// behind one address that comes back after a restart is no attack.
pub const STRANGERS_PER_ADDRESS_MAX: usize = 2_048;

/// How often at most the log says that connections were closed as they came.
pub const TURNED_AWAY_TOLD_EVERY: Duration = Duration::from_secs(10);

/// How long to wait before accepting again where the operating system had no room for a connection.
pub const ACCEPT_AGAIN_AFTER: Duration = Duration::from_millis(50);

/// Bytes that a peer may send before the two sides have agreed on the keys of TLS.
pub const TLS_HANDSHAKE_BYTES_MAX: usize = 64 * 1024;

/// Bytes that wait for a peer that does not read; with more it is cut off. From half of it on, its socket is not read.
pub const UNSENT_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Bytes of answers that wait for a peer without a login, from which on its socket is not read.
pub const STRANGER_UNSENT_BYTES_MAX: usize = 16 * 1024;

/// How long a peer may take none of the bytes that wait for it; then it is cut off. Not less than the probes below
/// take: the operating system measures a peer that is silent by this, too.
pub const SEND_PROGRESS_WITHIN: Duration = Duration::from_secs(30);

/// How long a peer may be silent before the operating system asks whether it is there.
pub const PROBE_AFTER: Duration = Duration::from_secs(10);

/// How long the operating system waits until it asks again.
pub const PROBE_EVERY: Duration = Duration::from_secs(5);

/// How many questions may stay without an answer; then the connection breaks.
pub const PROBES_MAX: u32 = 3;

/// Bytes read from one socket at a time.
pub const READ_BYTES: usize = 256 * 1024;

/// The same of a peer without a login: a few bytes of its make answers many times as long.
pub const STRANGER_READ_BYTES: usize = 1024;

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
