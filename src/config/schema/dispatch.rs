//! Which requests a builder drops for newer ones, which it builds next, and where.

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

/// Which of a builder's requests of the same priority is built next (`BD-08`, `N-BD-05`).
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum NextBuild {
    /// `oldest`: the one that has waited longest.
    #[default]
    Oldest,
    /// `newest`: the one that came last.
    Newest,
    /// `prefer`: those for which a condition holds, then the others; the oldest first. It may use `branch`, `builder`,
    /// `codebase`, `has_changes`, `priority`, `project`, `property`, `reason`, `repository`, `revision` and `scheduler`.
    Prefer(Condition),
}

/// Which of the workers that are free takes a build (`BD-07`, `N-BD-04`).
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum NextWorker {
    /// `least_busy`: the one with the fewest builds, and of those the one that has been without one longest.
    #[default]
    LeastBusy,
    /// `random`: any.
    Random,
    /// `in_order`: the first of the builder's `workers`.
    InOrder,
    /// `last_used`: the one that built for this builder last, since the master's start: it has the warmest checkout.
    LastUsed,
    /// `property`: the one that the request's property of this name names, and no other; without one, the least busy.
    Property(String),
    /// `prefer`: those for which a condition holds, then the others. It may use what `can_start_build` may.
    Prefer(Condition),
}
