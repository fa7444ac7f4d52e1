//! Every bound of this room, by name.

use std::time::Duration;

/// How many changes are classified in one transaction.
pub const CHANGES_PER_BATCH: u32 = 200;

/// The pause after a failed try to reach the database.
pub const RETRY_PAUSE: Duration = Duration::from_secs(1);
