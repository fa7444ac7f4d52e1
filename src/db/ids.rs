//! Ids given out in blocks: a step, a log or a build has its id before its row is written.

use super::Handle;
use super::engine::{DbError, Transaction, params};
use crate::kernel::Ranked;
use std::ops::Range;

/// What ids are given out for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdKind {
    /// Changes; their ids are in the order of their commits, also among several masters.
    Change,
    /// Steps.
    Step,
    /// Logs.
    Log,
    /// Builders; see [`super::names`].
    Builder,
    /// Workers; see [`super::names`].
    Worker,
    /// Schedulers; see [`super::names`].
    Scheduler,
}

impl IdKind {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            IdKind::Change => "change",
            IdKind::Step => "step",
            IdKind::Log => "log",
            IdKind::Builder => "builder",
            IdKind::Worker => "worker",
            IdKind::Scheduler => "scheduler",
        }
    }
}

/// Takes the next `count` ids; they are never given out again.
pub fn reserve(tx: &mut Transaction<'_>, kind: IdKind, count: u32) -> Result<Range<i64>, DbError> {
    let count = i64::from(count);
    let next: i64 = tx
        .query_one(
            "INSERT INTO id_blocks (kind, next) VALUES ($1, CAST($2 AS BIGINT) + 1)
             ON CONFLICT (kind) DO UPDATE SET next = id_blocks.next + CAST($2 AS BIGINT) RETURNING next",
            params![kind.as_str(), count],
        )?
        .take()?;
    Ok(next - count..next)
}

/// The verbs about ids.
pub struct Ids<'a, Me>(pub(super) &'a Handle<Me>);

impl<Me: Ranked> Ids<'_, Me> {
    /// Takes the next `count` ids; they are never given out again, not even after a restart.
    ///
    /// # Errors
    /// See [`DbError`].
    pub fn reserve(&self, kind: IdKind, count: u32) -> Result<Range<i64>, DbError> {
        self.0.write(move |tx| reserve(tx, kind, count))
    }
}
