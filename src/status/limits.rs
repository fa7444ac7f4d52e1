//! Every bound of this room, by name.

use std::time::Duration;

/// The most subscribers of the hub, listeners included.
pub const SUBSCRIBERS: usize = 256;

/// How many events wait for the web listener before it misses some.
pub const WEB_EVENTS: usize = 4096;

/// How many events wait for a reporter before it misses some.
pub const REPORTER_EVENTS: usize = 4096;

/// How many letters wait for the relay at most; with more, the new ones are lost, which shows.
pub const LETTERS: usize = 10_000;

/// The pause after which a letter that the relay did not take is tried again, at first and at most.
pub const RELAY_PAUSE: Duration = Duration::from_secs(1);

/// See [`RELAY_PAUSE`].
pub const RELAY_PAUSE_LONGEST: Duration = Duration::from_secs(300);

/// How long a relay may take for each answer.
pub const RELAY_PATIENCE: Duration = Duration::from_secs(30);

/// How many events wait for one browser before its page is told to load anew.
pub const STREAM_EVENTS: usize = 512;

/// The most event streams at a time.
pub const STREAMS: usize = 256;

/// How often a silent event stream says that it is there, so that no proxy closes it.
pub const STREAM_PULSE: Duration = Duration::from_secs(20);

/// The most connections at a time; the next ones wait to be accepted.
pub const CONNECTIONS: usize = 512;

/// How long a client may take to send a request's head; also how long it may stay silent between two requests.
pub const HEAD_TIME: Duration = Duration::from_secs(20);

/// How long a client may take none of what it is sent before its connection is closed.
pub const WRITE_STALL: Duration = Duration::from_secs(60);

/// How large a request's head may be.
pub const HEAD_BYTES: usize = 32 << 10;

/// How many header lines a request may have.
pub const HEADERS: usize = 64;

/// How large a request's body may be: a force form with a few texts.
pub const BODY_BYTES: usize = 256 << 10;

/// How large a form with files may be: a file of the size that a parameter has by default, and some texts.
pub const UPLOAD_BYTES: usize = 12 << 20;

/// How many forms with files are read at a time; the next ones wait.
pub const UPLOADS: usize = 4;

/// How long a form with files may take to arrive.
pub const UPLOAD_TIME: Duration = Duration::from_secs(120);

/// How long a request's body may take to arrive.
pub const BODY_TIME: Duration = Duration::from_secs(20);

/// How many requests read the database at a time.
pub const READS: usize = 8;

/// How many requests may wait for their turn to read; the next ones are sent away (503).
pub const READS_WAITING: usize = 256;

/// How many rows an API answer has where the asker sets no limit, and the most it can have.
pub const API_ROWS: usize = 1000;

/// How many lines of a log one page shows.
pub const LOG_PAGE_LINES: i64 = 2000;

/// How many lines of a log the build page shows below a step.
pub const LOG_TAIL_LINES: i64 = 40;

/// How many builds a list shows on one page.
pub const BUILDS_PER_PAGE: u32 = 30;

/// How many changes a list shows on one page.
pub const CHANGES_PER_PAGE: u32 = 50;

/// How many waiting requests a page shows.
pub const REQUESTS_PER_PAGE: u32 = 200;

/// How long the listener may take to end its conversations when it stops.
pub const STOP_TIME: Duration = Duration::from_secs(2);

/// How many events wait for the PB clients that watch before they miss some.
pub const CLIENT_EVENTS: usize = 4096;

/// How many users the list shows on one page.
pub const USERS_PER_PAGE: u32 = 200;

/// How often a PB client can at most hear how long builds will take, whatever it asks for.
pub const CLIENT_ETA_EVERY_MIN: Duration = Duration::from_secs(1);

/// How much of a log one search reads before it answers; the asker then goes on.
pub const SEARCH_BYTES: usize = 64 << 20;

/// How much of a long line a search shows.
pub const SEARCH_LINE_BYTES: usize = 1000;

/// How long the text may be that is looked for.
pub const SEARCH_PATTERN_BYTES: usize = 500;

/// How many lines a page of hits shows.
pub const SEARCH_HITS_PER_PAGE: usize = 500;
