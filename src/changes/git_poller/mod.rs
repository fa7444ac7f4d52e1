//! `git_poller`: looks at a git repository now and then (`CS-02`, `CS-03`, `N-CS-01`, `N-CS-02`).
//!
//! It asks the remote for its refs, fetches what moved into a mirror, and tells the new commits as changes. What
//! decides is pure: [`plan`] and [`commits`]; [`mirror`], [`command`] and [`access`] run git. Pollers of one repository
//! share a mirror, one at a time.

pub mod access;
pub mod command;
pub mod commits;
pub mod look;
pub mod mirror;
pub mod plan;

pub use look::{GitLook, Settings};

#[cfg(test)]
mod tests;
