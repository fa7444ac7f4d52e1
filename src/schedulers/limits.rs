//! Every bound of this room, by name.

use std::time::Duration;

/// How many changes are classified in one transaction.
pub const CHANGES_PER_BATCH: u32 = 200;

/// The pause after a failed try to reach the database.
pub const RETRY_PAUSE: Duration = Duration::from_secs(1);

/// How often the rows are asked for the end of buildsets that somebody waits for; they are asked at once when this
/// master has completed one.
pub const WAITERS_LOOK: Duration = Duration::from_secs(10);

/// How often the rows are asked which schedulers are disabled, and which buildsets that some scheduler awaits have
/// ended; they are asked at once when this master has done either.
pub const ROWS_LOOK: Duration = Duration::from_secs(10);

/// How long nobody looks at the wall clock, which may be set, while the next time of a scheduler is far.
pub const CLOCK_LOOK: Duration = Duration::from_secs(60);

/// How many jobs are taken from a job directory at one look.
pub const JOBS_PER_LOOK: usize = 100;

/// How large a file may be that is sent with a force form, where its parameter says nothing else.
pub const FILE_BYTES: usize = 10 << 20;

/// How large a job's file may be: a patch, and little else.
pub const JOB_FILE_BYTES: u64 = 16 << 20;
