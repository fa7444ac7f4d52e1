//! One scheduler's part of a batch of changes: the verdicts, the buildsets that are made at once, and what waits.

use super::change_driven::Grouping;
use super::importance::{Judgement, judge};
use super::sources::Sources;
use crate::config::{ChangeDriven, Scheduler};
use crate::db::buildsets::Added;
use crate::db::schedulers::{self, Classified};
use crate::db::{DbError, Transaction};
use crate::model::{Change, ChangeId, NewBuildset, Wall};

/// What a scheduler makes of the changes after its cursor.
#[derive(Clone, Debug)]
pub(super) struct Share {
    /// The scheduler's name.
    pub(super) scheduler: String,
    /// Its cursor, before and after.
    span: (ChangeId, ChangeId),
    pub(super) verdicts: Vec<Classified>,
    /// Without a timer, each important change makes a buildset of its own, at once (`SC-03`).
    pub(super) buildsets: Vec<NewBuildset>,
    /// With a timer: the changes that wait, each with whether it is important.
    pub(super) waiting: Vec<(Change, bool)>,
}

impl Share {
    /// Leaves all changes, for the same reason.
    pub(super) fn of_none(
        scheduler: &Scheduler,
        (cursor, to): (ChangeId, ChangeId),
        changes: &[Change],
        reason: &str,
    ) -> Share {
        let left = changes.iter().filter(|change| change.id > cursor);
        let verdict =
            |change: &Change| Classified { change: change.id, important: None, reason: reason.to_owned() };
        Share {
            scheduler: scheduler.name.clone(),
            span: (cursor, to),
            verdicts: left.map(verdict).collect(),
            buildsets: Vec::new(),
            waiting: Vec::new(),
        }
    }

    /// Judges the changes after `cursor`, of which `to` is the last one's id.
    pub(super) fn new(
        scheduler: &Scheduler,
        (grouping, settings): (Grouping, &ChangeDriven),
        (cursor, to): (ChangeId, ChangeId),
        changes: &[Change],
    ) -> Share {
        let mut share = Share {
            scheduler: scheduler.name.clone(),
            span: (cursor, to),
            verdicts: Vec::new(),
            buildsets: Vec::new(),
            waiting: Vec::new(),
        };
        let until_time = grouping == Grouping::UntilTime;
        let waits = until_time || settings.tree_stable_timer.is_some();
        for change in changes.iter().filter(|change| change.id > cursor) {
            let (important, reason) = match (judge(scheduler, settings, &change.told), waits) {
                (Judgement::Left(reason), _) => (None, reason),
                (Judgement::Taken { important }, true) => {
                    share.waiting.push((change.clone(), important));
                    let reason = match important {
                        true if until_time => "waiting for the scheduler's time",
                        true => "waiting for the tree to be stable",
                        false => "not important: waits for the next build",
                    };
                    (Some(important), reason.to_owned())
                }
                (Judgement::Taken { important: true }, false) => match by_changes(scheduler, [change]) {
                    Ok(new) => {
                        share.buildsets.push(new);
                        (Some(true), String::new())
                    }
                    Err(why) => (None, why),
                },
                (Judgement::Taken { important: false }, false) => (None, "not important".to_owned()),
            };
            share.verdicts.push(Classified { change: change.id, important, reason });
        }
        share
    }

    /// The cursor after it.
    pub(super) fn cursor(&self) -> ChangeId {
        self.span.1
    }

    /// Writes it; returns the buildsets that were made.
    pub(super) fn write(&self, tx: &mut Transaction<'_>, now: Wall) -> Result<Vec<Added>, DbError> {
        schedulers::classify(tx, &self.scheduler, self.span, &self.verdicts)?;
        let flush = |new| schedulers::flush_into_buildset(tx, &self.scheduler, new, &[], now);
        self.buildsets.iter().map(flush).collect()
    }
}

/// The buildset of some changes, the oldest first. Of codebases of the scheduler without a change, the newest revision
/// is built.
///
/// # Errors
/// Why there is none.
pub(super) fn by_changes<'a>(
    scheduler: &Scheduler,
    changes: impl IntoIterator<Item = &'a Change>,
) -> Result<NewBuildset, String> {
    let mut sources = Sources::of_changes(changes);
    sources.add_latest(scheduler.codebases(&[]), None);
    let why = match sources.changes().len() {
        1 => format!("a change, by scheduler '{}'", scheduler.name),
        count => format!("{count} changes, by scheduler '{}'", scheduler.name),
    };
    sources.buildset(scheduler, why)
}
