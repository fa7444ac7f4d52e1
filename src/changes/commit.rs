//! One commit, as any version control system tells of it.

use crate::model::Wall;

/// One commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commit {
    /// Its id.
    pub revision: String,
    /// Who wrote it: `Name <address>` where there is an address.
    pub author: String,
    /// Who committed it, where that is told apart.
    pub committer: Option<String>,
    /// When it was committed.
    pub when: Wall,
    /// Its message.
    pub comments: String,
    /// The files that it touches, against its first parent.
    pub files: Vec<String>,
}
