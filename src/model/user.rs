//! People, as the master knows them.

use super::UserId;
use std::collections::BTreeMap;

/// A person (`US-01`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct User {
    /// The id.
    pub id: UserId,
    /// What people call them here: unique.
    pub identifier: String,
    /// What they log in as, if they can.
    pub login: Option<String>,
    /// What is known of them, by type: `git`, `hg`, ..., how a version control system writes them as an author;
    /// `email`; anything else.
    pub info: BTreeMap<String, String>,
}

/// The version control systems whose authors become users (`US-02`); also the types of what is known of them.
pub const VC_KINDS: [&str; 6] = ["git", "svn", "hg", "cvs", "darcs", "bzr"];
