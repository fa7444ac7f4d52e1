//! The one way into the stream of changes: rows first, then the news.

use super::Announce;
use super::revlink::revlink;
use crate::config::Config;
use crate::db::{self, DbError};
use crate::kernel::Ranked;
use crate::metrics::Counter;
use crate::model::{ChangeId, Event, NewChange, Wall};
use serde_json::Value;

/// What a change source keeps for itself, stored together with the changes up to there.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Place {
    /// The change source's name.
    pub(super) source: String,
    /// What it keeps.
    pub(super) value: Value,
}

/// The name under which a change source keeps its place.
pub(super) const PLACE: &str = "place";

/// A way into the stream, for `Me`.
#[derive(Clone)]
pub(super) struct Intake<Me> {
    pub(super) db: db::Handle<Me>,
    pub(super) announce: Announce,
    pub(super) added: Counter,
}

impl<Me: Ranked> Intake<Me> {
    /// Stores changes, and the place of their source with them, in one transaction; tells of them after it. A crash
    /// so neither loses one nor doubles it. A change without a page gets that of its commit, where it is known.
    pub(super) fn store(
        &self,
        mut changes: Vec<NewChange>,
        place: Option<Place>,
        now: Wall,
    ) -> Result<Vec<ChangeId>, DbError> {
        for change in changes.iter_mut().filter(|change| change.revlink.is_empty()) {
            let page = change.revision.as_deref().and_then(|id| revlink(&change.repository, id));
            change.revlink = page.unwrap_or_default();
        }
        let ids = self.db.write(move |tx| {
            if let Some(place) = &place {
                db::state::set(tx, &place.source, PLACE, &place.value)?;
            }
            let add = |change| db::changes::add(tx, change, now);
            changes.iter().map(add).collect::<Result<Vec<_>, _>>()
        })?;
        self.added.add(ids.len() as u64);
        for change in &ids {
            self.announce.events.tell(Event::ChangeAdded { change: *change });
        }
        if let Some(newest) = ids.last() {
            self.announce.added.tell(*newest);
        }
        Ok(ids)
    }
}

/// Fills in what the configuration knows better than the source (`N-CO-02`), and takes out what PostgreSQL cannot
/// store and nobody means: NULs in texts.
pub(super) fn complete(change: &mut NewChange, config: &Config) {
    let optional = [&mut change.committer, &mut change.revision, &mut change.branch, &mut change.category];
    let texts = [&mut change.author, &mut change.comments, &mut change.repository, &mut change.codebase];
    let texts = texts.into_iter().chain([&mut change.project, &mut change.revlink]);
    for text in texts.chain(optional.into_iter().flatten()).filter(|text| text.contains('\0')) {
        *text = text.replace('\0', "\u{fffd}");
    }
    if change.codebase.is_empty() {
        config.codebase_of(&change.repository).clone_into(&mut change.codebase);
    }
}
