//! A Mercurial working tree.

use super::Checkout;
use serde::Serialize;

/// A Mercurial working tree (`SRC-16`).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Hg {
    /// What all checkouts have. The branch, where nothing says one, is `default`.
    #[serde(flatten)]
    pub checkout: Checkout,
    /// What a branch is.
    pub branch_type: HgBranch,
    /// Whether a tree of another branch is removed and cloned, instead of updated.
    pub clobber_on_branch_change: bool,
}

/// What a branch of Mercurial's is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum HgBranch {
    /// A repository of its own, whose name is put after the address.
    Dirname,
    /// A name inside the one repository.
    Inrepo,
}
