//! When a newer request makes an older one superfluous (`N-BQ-02`, `N-BQ-03`, `traps.md` 12).

use crate::db::waiting::{Stamp, Waiting};

/// What two requests of one builder must have in common. Properties are never compared.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Sameness(Vec<Stamp>);

/// The sameness of a request; `None` for one that stands for itself alone: it has a patch.
pub fn sameness(waiting: &Waiting) -> Option<Sameness> {
    if waiting.stamps.iter().any(|stamp| stamp.is_patched) {
        return None;
    }
    let mut stamps = waiting.stamps.clone();
    stamps.sort();
    if waiting.has_changes {
        // The newer one has the newer revision. One without changes keeps its revision, and so is another.
        for stamp in &mut stamps {
            stamp.revision = Some("of its changes".to_owned());
        }
    }
    Some(Sameness(stamps))
}
