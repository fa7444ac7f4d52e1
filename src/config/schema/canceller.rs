//! `old_build_cancellers`: builds that newer ones make pointless.

use super::SourceStampFilter;
use crate::config::Formula;
use serde::Serialize;

/// Cancels requests that wait, and builds that run, once a newer request of the same builder has newer changes of the
/// same branch (`N-SC-18`). Those with a patch, or of no branch, are left alone.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct OldBuildCanceller {
    /// The builders whose builds are cancelled, globs resolved; all if the file names none.
    pub builders: Vec<String>,
    /// Which source stamps count; a build with none of these is left alone.
    pub source_stamp_filter: SourceStampFilter,
    /// An expression over `branch`, `codebase`, `project` and `repository` whose text two stamps of one branch have in
    /// common. `None` for the branch itself, where Gerrit's `refs/changes/45/12345/2` counts without its patch set.
    pub branch_key: Option<Formula>,
}
