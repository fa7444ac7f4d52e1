//! A git working tree.

use super::Checkout;
use crate::config::Template;
use serde::Serialize;
use std::collections::BTreeMap;

/// A git working tree (`SRC-10` to `SRC-15`, `N-SR-01`).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Git {
    /// What all checkouts have.
    #[serde(flatten)]
    pub checkout: Checkout,
    /// How many commits to fetch; `None` for all.
    pub shallow: Option<u32>,
    /// Whether submodules are brought along.
    pub submodules: bool,
    /// Whether submodules follow their own branches, instead of the revisions that are recorded for them.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub remote_submodules: bool,
    /// Whether git shows its progress.
    pub progress: bool,
    /// Whether every fetch brings all tags.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub tags: bool,
    /// Whether a fetch that fails is tried once more (`SRC-13`).
    pub retry_fetch: bool,
    /// Whether a fetch that fails is followed by a fresh clone (`SRC-13`).
    pub clobber_on_failure: bool,
    /// What the clone calls the repository that it came from; `None` for `origin`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<Template>,
    /// A repository on the worker's machine that a clone borrows objects from (`SRC-21`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference: Option<Template>,
    /// What a partial clone leaves out, as git's `--filter` takes it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub filters: Vec<Template>,
    /// Git's settings for each of the commands.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub config: BTreeMap<String, Template>,
    /// The options of the `git describe` whose answer becomes the property `commit-description`; `None`: it is not
    /// asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub get_description: Option<Vec<String>>,
    /// Whether a change of Gerrit's is built: the reference of property `event.patchSet.ref`, or the change and
    /// patch set of property `gerrit_change` (`SRC-21`).
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub gerrit: bool,
}
