//! `git_poller`: looks at a git repository now and then (`CS-02`, `CS-03`, `N-CS-01`, `N-CS-02`).
//!
//! Each poller has a thread, which waits for its time or for [`Poller::poll_now`], asks the remote for its branches,
//! fetches what moved into a mirror of its own, and stores the new commits as changes together with the place up
//! to which it has told them. What decides is pure: [`plan`] and [`commits`]; [`mirror`] and [`command`] run git.

pub mod command;
pub mod commits;
pub mod look;
pub mod mirror;
pub mod plan;
mod poller;

pub(super) use poller::{Poller, Settings};

use crate::kernel::{Ranked, rank};

/// A poller's own thread, as a caller of the services.
pub enum GitPoller {}

impl Ranked for GitPoller {
    const RANK: u8 = rank::CHANGE_SOURCE;
    const NAME: &'static str = "git-poller";
}

#[cfg(test)]
mod tests;
