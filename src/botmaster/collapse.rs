//! When a newer request makes an older one superfluous (`N-BQ-02`, `N-BQ-03`, `traps.md` 12).

use crate::db::waiting::{Stamp, Waiting};

/// What two requests of one builder must have in common. Properties are never compared.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Sameness(Vec<Stamp>);

/// The sameness of a request; `None` for one that stands for itself alone: it has a patch, or a build waits for it, with
/// which it may be cancelled.
pub fn sameness(waiting: &Waiting) -> Option<Sameness> {
    if waiting.asked.waited_for || waiting.stamps.iter().any(|stamp| stamp.is_patched) {
        return None;
    }
    let mut stamps = waiting.stamps.clone();
    for stamp in stamps.iter_mut().filter(|stamp| stamp.has_changes) {
        // The newer one has the newer revision. A codebase without changes keeps its revision, and so is another.
        stamp.revision = None;
    }
    stamps.sort();
    Some(Sameness(stamps))
}
