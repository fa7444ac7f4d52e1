//! Which requests a builder drops for newer ones.

use crate::config::Condition;
use serde::Serialize;

/// Whether a newer request takes an older one's place: the older one is then complete as skipped, and not every
/// change gets a build of its own (`MG-02`, `N-BQ-01` to `N-BQ-04`).
///
/// Two requests are alike if, in every codebase, they are of the same repository, project and branch, have no patch, and
/// both come from changes or both name the same revision.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Collapse {
    /// `false`: each request is built.
    Never,
    /// `true`: where they are alike.
    Alike,
    /// A condition: where they are alike and it holds. `older` and `newer` are the requests: `older.branch`, `.revision`,
    /// `.repository`, `.project`, `.codebase`, `.priority`, `.reason`, `.scheduler`, `.has_changes`,
    /// `.property('name', default)`.
    If(Condition),
}
