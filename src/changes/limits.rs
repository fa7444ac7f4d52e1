//! Every bound of this room, by name.

use std::time::Duration;

/// How long a program may take to name a repository's branches.
pub const LOOK_TIME: Duration = Duration::from_secs(60);

/// How long a poller waits before it asks again for a mirror that another one uses.
pub const MIRROR_WAIT: Duration = Duration::from_millis(500);

/// How long a program may take to fetch: the first time, it is all of the history.
pub const FETCH_TIME: Duration = Duration::from_secs(30 * 60);

/// How long a program may take to read from a mirror.
pub const READ_TIME: Duration = Duration::from_secs(5 * 60);

/// How long a program may take to end when it is told to, before it is ended by force.
pub const GRACE: Duration = Duration::from_secs(2);

/// How much a program may print.
pub const OUTPUT_BYTES: usize = 64 << 20;

/// How much of what a program complains is kept.
pub const COMPLAINT_BYTES: usize = 4 << 10;

/// How many commits of a branch become changes in one look: of more, the newest.
pub const COMMITS_PER_LOOK: usize = 1000;

/// How many commits are read by one command.
pub const COMMITS_PER_READ: usize = 50;

/// The longest pause after failed looks, unless the interval itself is longer.
pub const LONGEST_PAUSE: Duration = Duration::from_secs(600);

/// How long an event of Gerrit's may be, in bytes.
pub const LINE_BYTES: usize = 4 << 20;

/// How long a connection to Gerrit has to live to be a good one (`CS-15`).
pub const GERRIT_GOOD_AFTER: Duration = Duration::from_secs(120);

/// The pause before a lost connection to Gerrit is made again.
pub const GERRIT_PAUSE_MIN: Duration = Duration::from_millis(500);

/// The longest such pause.
pub const GERRIT_PAUSE_MAX: Duration = Duration::from_secs(60);
