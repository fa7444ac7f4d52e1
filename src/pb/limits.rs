//! Every limit of the wire in one place: the protocol's own (`pb.md` §9) and our caps against hostile peers.

/// Longest byte string, in bytes; a longer one closes the connection.
pub const STRING_BYTES_MAX: usize = 640 * 1024;
/// Most items of one list, its type word included; a longer one closes the connection.
pub const LIST_ITEMS_MAX: usize = 640 * 1024;
/// Most base-128 digits of a prefix: integers stay below 2^448.
pub const PREFIX_DIGITS_MAX: usize = 64;

/// Our cap on lists open inside one another, in a message and in a value after expansion of shared parts.
pub const DEPTH_MAX: usize = 128;
/// Our cap on values in one message, counted again after expansion of shared parts.
pub const MESSAGE_ITEMS_MAX: usize = 1024 * 1024;
/// Our cap on the bytes of one message, and on its strings once shared parts are written out.
/// Real messages hold one log piece or one file block.
pub const MESSAGE_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Our cap on the values of one message of a peer that has not logged in: a login is a name and a few bytes.
pub const STRANGER_ITEMS_MAX: usize = 1024;
/// The bytes of one message of such a peer.
pub const STRANGER_BYTES_MAX: usize = 64 * 1024;
/// Strings from this size on share the read buffer; shorter ones are copied, so that a kept
/// name does not keep a whole buffer alive.
pub const SLICE_BYTES_MIN: usize = 1024;
/// Our cap on each text of a failure that we send, in bytes; the end of a traceback is dropped.
pub const FAILURE_TEXT_BYTES_MAX: usize = 64 * 1024;
/// Base classes kept of a failure that we receive.
pub const FAILURE_PARENTS_MAX: usize = 64;

/// Calls of ours that one peer may leave unanswered before `call` refuses more.
pub const CALLS_MAX: usize = 16 * 1024;
/// Calls of the peer waiting for our answer from which on the shell should stop reading its socket.
pub const UNANSWERED_CALLS_MAX: usize = 32;
/// Objects of ours that one peer may hold references to.
pub const EXPORTS_MAX: usize = 16 * 1024;
/// Objects of one peer that we hold references to; more closes the connection.
pub const IMPORTS_MAX: usize = 16 * 1024;

/// Longest user name taken at login, in bytes.
pub const USERNAME_BYTES_MAX: usize = 255;
/// Logins that one connection may begin.
pub const LOGINS_MAX: u64 = 16;
/// Longest HTTP request that asks for a WebSocket, in bytes.
pub const HANDSHAKE_BYTES_MAX: usize = 8 * 1024;
