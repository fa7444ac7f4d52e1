//! A Subversion working copy.

use super::Checkout;
use crate::config::Template;
use serde::Serialize;

/// A Subversion working copy (`SRC-17`, `SRC-18`, `N-SR-07`).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Svn {
    /// What all checkouts have.
    #[serde(flatten)]
    pub checkout: Checkout,
    /// Whether the address is that of all branches: the branch takes the place of `%%BRANCH%%` in it, or is put after
    /// it. `base_url` instead of `repository` in the file.
    pub branches: bool,
    /// Who logs in.
    pub username: Option<Template>,
    /// The password, which goes to the standard input of Subversion, 1.10 at least: never into its command line.
    pub password: Option<Template>,
    /// How deep the working copy goes; `None` for everything.
    pub depth: Option<SvnDepth>,
    /// Words after those of each checkout and update.
    pub extra_args: Vec<Template>,
    /// Paths that `clean` and `fresh` leave where they are, although nobody put them under control.
    pub keep_on_purge: Vec<String>,
    /// Whether `got_revision` is the last one in which something below the address changed, instead of the
    /// repository's.
    pub prefer_last_changed_rev: bool,
}

/// How deep a working copy goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SvnDepth {
    /// The directory only.
    Empty,
    /// Its files too.
    Files,
    /// Its directories too, without what is in them.
    Immediates,
    /// Everything.
    Infinity,
}

impl SvnDepth {
    /// In Subversion's word.
    pub fn word(self) -> &'static str {
        match self {
            SvnDepth::Empty => "empty",
            SvnDepth::Files => "files",
            SvnDepth::Immediates => "immediates",
            SvnDepth::Infinity => "infinity",
        }
    }
}
