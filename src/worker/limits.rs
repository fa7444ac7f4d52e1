//! Every bound of the worker agent, by name.

use std::time::Duration;

/// Bytes of output that are gathered before they are sent as updates.
pub const BUFFER_BYTES: usize = 64 * 1024;

/// How long output waits in the buffer before it is sent all the same. Buildbot's worker waits five seconds;
/// a shorter wait looks the same to the master and lets people watch a build live.
pub const BUFFER_WAIT: Duration = Duration::from_secs(1);

/// A line longer than this, in bytes, is sent in pieces, so that no program can make the agent keep all of it.
pub const LINE_BYTES: usize = 16 * 1024;

/// Update calls of one command that the master may leave unanswered before the command's output is no longer read.
pub const UPDATES_IN_FLIGHT: usize = 8;

/// Bytes read from a pipe or a log file at a time.
pub const READ_BYTES: usize = 32 * 1024;

/// Size of the terminal of a command that wants one; one of no size makes some programs stumble.
pub const TERMINAL_ROWS: u16 = 24;
/// See [`TERMINAL_ROWS`].
pub const TERMINAL_COLUMNS: u16 = 80;

/// Log files that one command may have followed.
pub const LOGFILES_MAX: usize = 256;

/// Reads of one command that wait for the main loop; when they are taken up, the command's pipes fill and it waits.
pub const READS_WAITING: usize = 2;

/// How often log files are looked at while their command runs.
pub const LOGFILE_POLL: Duration = Duration::from_secs(2);

/// How long a command may outlive the signal that should end it before it is given up as lost.
pub const KILL_PATIENCE: Duration = Duration::from_secs(5);

/// Commands that may be running, or dying, at the same time on all builders together.
pub const COMMANDS_MAX: usize = 256;

/// Largest block of a file transfer: what one PB string can hold.
pub const BLOCK_BYTES_MAX: usize = crate::pb::limits::STRING_BYTES_MAX;

/// Most names that `glob` and `listdir` send: what fits into one PB list, with room for the rest of the message.
pub const NAMES_MAX: usize = 512 * 1024;

/// Largest file in `info/` that is sent to the master.
pub const INFO_FILE_BYTES: u64 = 64 * 1024;

/// Bytes read from the master's socket at a time.
pub const SOCKET_READ_BYTES: usize = 64 * 1024;

/// Reads of the socket that wait for the main loop; then TCP slows the master.
pub const SOCKET_READS_WAITING: usize = 16;

/// Bytes for the master that may wait for its socket before the main loop reads nothing more.
pub const OUTBOX_BYTES: usize = 4 * 1024 * 1024;

/// How long one address is tried before the next one.
pub const CONNECT_WAIT: Duration = Duration::from_secs(30);

/// How long the master may take from the connection to the end of the login.
pub const LOGIN_WAIT: Duration = Duration::from_secs(120);

/// How long it may take from the first try to connect until the connection stands, TLS and all.
pub const CONNECTION_WAIT: Duration = Duration::from_secs(120);

/// Longest answer of an HTTP proxy that is read.
pub const PROXY_ANSWER_BYTES: usize = 16 * 1024;

/// How often the master is asked for a sign of life, unless the settings say otherwise.
pub const KEEPALIVE: Duration = Duration::from_secs(600);

/// How often the shutdown file is looked at.
pub const SHUTDOWN_FILE_POLL: Duration = Duration::from_secs(10);

/// First pause before the agent connects again.
pub const RECONNECT_FIRST: Duration = Duration::from_secs(1);

/// Longest pause before the agent connects again, unless the settings say otherwise.
pub const RECONNECT_MAX: Duration = Duration::from_secs(60);

/// How long the answer to the master's `shutdown` may take to leave before the agent ends all the same.
pub const GOODBYE_WAIT: Duration = Duration::from_secs(2);
