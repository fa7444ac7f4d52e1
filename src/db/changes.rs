//! Changes and the verdicts of the schedulers on them (`CM`, `DB-10`).

use super::engine::{Connection, DbError, Json, Row, Transaction, json, params};
use super::ids::{self, IdKind};
use super::listing::{self, Listing};
use super::{Handle, users};
use crate::kernel::Ranked;
use crate::model::{BuildsetId, Change, ChangeId, NewChange, VC_KINDS, Verdict, Wall};
use std::collections::BTreeMap;

macro_rules! select {
    ($tail:literal) => {
        concat!(
            "SELECT changes.id, happened_at, author, committer, comments, files, revision, branch, repository, \
             codebase, project, category, revlink, properties FROM changes ",
            $tail
        )
    };
}

fn read(mut row: Row) -> Result<Change, DbError> {
    let (id, when) = (row.take()?, row.take()?);
    let told = NewChange {
        author: row.take()?,
        committer: row.take()?,
        comments: row.take()?,
        files: row.take::<Json<_>>()?.0,
        revision: row.take()?,
        branch: row.take()?,
        repository: row.take()?,
        codebase: row.take()?,
        project: row.take()?,
        category: row.take()?,
        revlink: row.take()?,
        when: Some(when),
        properties: row.take::<Json<_>>()?.0,
        vc: None,
    };
    Ok(Change { id, when, told })
}

/// Stores a change. Ids are in the order of commits: who has seen an id has seen every smaller one.
pub fn add(tx: &mut Transaction<'_>, change: &NewChange, now: Wall) -> Result<ChangeId, DbError> {
    let id = ids::reserve(tx, IdKind::Change, 1)?.start;
    tx.execute(
        "INSERT INTO changes (id, arrived_at, happened_at, author, committer, comments, files, revision, branch,
             repository, codebase, project, category, revlink, properties)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
        params![
            id,
            now,
            change.when.unwrap_or(now),
            change.author,
            change.committer,
            change.comments,
            json(&change.files)?,
            change.revision,
            change.branch,
            change.repository,
            change.codebase,
            change.project,
            change.category,
            change.revlink,
            json(&change.properties)?,
        ],
    )?;
    if let Some(vc) = change.vc.as_deref().filter(|vc| VC_KINDS.contains(vc)) {
        let author = users::find_or_add(tx, vc, &change.author)?;
        users::assign(tx, ChangeId(id), author)?;
    }
    Ok(ChangeId(id))
}

/// The change with this id.
pub fn get(connection: &mut Connection, id: ChangeId) -> Result<Option<Change>, DbError> {
    connection.query_opt(select!("WHERE id = $1"), params![id])?.map(read).transpose()
}

/// The changes with ids above `cursor`, at most `limit`, the oldest first.
pub fn since(connection: &mut Connection, cursor: ChangeId, limit: u32) -> Result<Vec<Change>, DbError> {
    let sql = select!("WHERE id > $1 ORDER BY id LIMIT $2");
    connection.query_map(sql, params![cursor, i64::from(limit)], read)
}

/// The newest changes, at most `limit`, the oldest of them first.
pub fn recent(connection: &mut Connection, limit: u32) -> Result<Vec<Change>, DbError> {
    let sql = select!("ORDER BY id DESC LIMIT $1");
    let mut changes = connection.query_map(sql, params![i64::from(limit)], read)?;
    changes.reverse();
    Ok(changes)
}

/// The newest changes with ids under `before`, at most `limit`, the newest first.
pub fn before(
    connection: &mut Connection,
    before: Option<ChangeId>,
    limit: u32,
) -> Result<Vec<Change>, DbError> {
    let before = before.unwrap_or(ChangeId(i64::MAX));
    let sql = select!("WHERE id < $1 ORDER BY id DESC LIMIT $2");
    connection.query_map(sql, params![before, i64::from(limit)], read)
}

/// The newest change of each of these buildsets, and how many changes it has; those without any are left out.
pub fn newest_of_each(
    connection: &mut Connection,
    buildsets: &[BuildsetId],
) -> Result<BTreeMap<BuildsetId, (Change, i64)>, DbError> {
    let mut found = BTreeMap::new();
    for buildset in buildsets {
        let mut row = connection.query_one(
            "SELECT MAX(change), COUNT(*) FROM buildset_changes WHERE buildset = $1",
            params![*buildset],
        )?;
        let (newest, count): (Option<ChangeId>, i64) = (row.take()?, row.take()?);
        let newest = newest.map(|newest| get(connection, newest)).transpose()?.flatten();
        found.extend(newest.map(|change| (*buildset, (change, count))));
    }
    Ok(found)
}

/// The id of the newest change; 0 before the first.
pub fn latest(connection: &mut Connection) -> Result<ChangeId, DbError> {
    connection.query_one("SELECT COALESCE(MAX(id), 0) FROM changes", &[])?.take()
}

/// The changes that are in a buildset, the oldest first.
pub fn of_buildset(connection: &mut Connection, buildset: BuildsetId) -> Result<Vec<Change>, DbError> {
    let sql = select!("JOIN buildset_changes ON change = changes.id WHERE buildset = $1 ORDER BY changes.id");
    connection.query_map(sql, params![buildset], read)
}

/// What each scheduler made of a change, by the schedulers' names.
pub fn verdicts(connection: &mut Connection, change: ChangeId) -> Result<Vec<Verdict>, DbError> {
    let mut verdicts = connection.query_map(
        "SELECT change, scheduler, buildset, reason FROM verdicts WHERE change = $1",
        params![change],
        |mut row| {
            Ok(Verdict {
                change: row.take()?,
                scheduler: row.take()?,
                buildset: row.take()?,
                reason: row.take()?,
            })
        },
    )?;
    verdicts.sort_by(|a, b| a.scheduler.cmp(&b.scheduler));
    Ok(verdicts)
}

/// The changes that a listing asks for, and how many its conditions let through.
pub fn list(connection: &mut Connection, listing: &Listing) -> Result<(Vec<Change>, i64), DbError> {
    listing::read(connection, select!(""), "changes", listing, read)
}

/// The verbs about changes.
pub struct Changes<'a, Me>(pub(super) &'a Handle<Me>);

impl<Me: Ranked> Changes<'_, Me> {
    /// Stores a change; when this returns, it is committed.
    ///
    /// # Errors
    /// See [`DbError`].
    pub fn add(&self, change: NewChange, now: Wall) -> Result<ChangeId, DbError> {
        self.0.write(move |tx| add(tx, &change, now))
    }

    /// The change with this id.
    ///
    /// # Errors
    /// See [`DbError`].
    pub fn get(&self, id: ChangeId) -> Result<Option<Change>, DbError> {
        self.0.read(move |connection| get(connection, id))
    }

    /// The changes with ids above `cursor`, at most `limit`, the oldest first.
    ///
    /// # Errors
    /// See [`DbError`].
    pub fn since(&self, cursor: ChangeId, limit: u32) -> Result<Vec<Change>, DbError> {
        self.0.read(move |connection| since(connection, cursor, limit))
    }

    /// The newest changes, at most `limit`, the oldest of them first.
    ///
    /// # Errors
    /// See [`DbError`].
    pub fn recent(&self, limit: u32) -> Result<Vec<Change>, DbError> {
        self.0.read(move |connection| recent(connection, limit))
    }

    /// The id of the newest change; 0 before the first.
    ///
    /// # Errors
    /// See [`DbError`].
    pub fn latest(&self) -> Result<ChangeId, DbError> {
        self.0.read(latest)
    }

    /// The changes that are in a buildset, the oldest first.
    ///
    /// # Errors
    /// See [`DbError`].
    pub fn of_buildset(&self, buildset: BuildsetId) -> Result<Vec<Change>, DbError> {
        self.0.read(move |connection| of_buildset(connection, buildset))
    }

    /// Why a change was or was not built: what each scheduler made of it.
    ///
    /// # Errors
    /// See [`DbError`].
    pub fn verdicts(&self, change: ChangeId) -> Result<Vec<Verdict>, DbError> {
        self.0.read(move |connection| verdicts(connection, change))
    }
}
