//! `git_poller`: looks at a git repository now and then (`CS-02`, `CS-03`, `N-CS-01`, `N-CS-02`).

use crate::kernel::{Ranked, rank};

/// A poller's own thread, as a caller of the services.
pub enum GitPoller {}

impl Ranked for GitPoller {
    const RANK: u8 = rank::CHANGE_SOURCE;
    const NAME: &'static str = "git-poller";
}
