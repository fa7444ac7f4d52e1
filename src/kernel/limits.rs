//! Every bound of the kernel, by name.

use std::time::Duration;

/// How many messages an inbox holds unless its service says otherwise.
pub const INBOX_MESSAGES: usize = 1024;

/// How many messages a service handles in one turn before it looks at control and timers again.
pub const MESSAGES_PER_TURN: usize = 64;

/// How many controls wait for a service.
pub const CONTROLS: usize = 16;

/// How many restarts within [`RESTART_WINDOW`] are tried before a service counts as failed.
pub const RESTARTS: usize = 3;

/// See [`RESTARTS`].
pub const RESTART_WINDOW: Duration = Duration::from_secs(60);

/// The pause before the first restart; each further one is twice as long.
pub const RESTART_PAUSE: Duration = Duration::from_millis(500);
