//! Every bound of this room, by name.

use std::time::Duration;

/// The most jobs in one transaction.
pub const JOBS_PER_COMMIT: usize = 256;

/// The most bytes, before compression, in one transaction.
pub const BYTES_PER_COMMIT: usize = 16 << 20;

/// How many bytes may wait for their commit before whoever pushes more waits for it too.
pub const UNFLUSHED_BYTES: usize = 8 << 20;

/// How many jobs may wait for their commit before whoever pushes more waits for it too.
pub const UNFLUSHED_JOBS: usize = 16 << 10;

/// How long an outage may last before a waiting caller is told of it; its job is then not done.
pub const CALLER_PATIENCE: Duration = Duration::from_secs(10);

/// The pause after the first failed try; each further one is twice as long. Short, since a deadlock between two
/// masters is over at once.
pub const FIRST_PAUSE: Duration = Duration::from_millis(50);

/// The longest pause between two tries.
pub const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// How many links a step keeps; further ones are left out.
pub const LINKS_PER_STEP: usize = 256;
