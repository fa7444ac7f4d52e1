//! Every bound of the control socket, by name.

use std::time::Duration;

/// Longest request, in bytes.
pub const REQUEST_BYTES_MAX: usize = 1024 * 1024;

/// Longest response that a client reads, in bytes.
pub const RESPONSE_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Connections at once; more are closed as they come.
pub const CONNECTIONS_MAX: usize = 64;

/// How long a connection may take to say what it wants.
pub const ASK_WITHIN: Duration = Duration::from_secs(10);
