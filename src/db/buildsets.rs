//! Buildsets: made with all their requests in one transaction, complete exactly once (`SX-02`, `SX-11`).

use super::engine::{Connection, DbError, Json, Row, Transaction, json, params};
use super::listing::{self, Listing};
use super::{Handle, schedulers, sourcestamps};
use crate::kernel::Ranked;
use crate::model::{BuildId, Buildset, BuildsetId, ChangeId, NewBuildset, Parent, RequestId, Results, Wall};

macro_rules! select {
    ($tail:literal) => {
        concat!(
            "SELECT id, scheduler, reason, external_id, submitted_at, complete_at, results, properties, \
             parent_build, waited_for FROM buildsets ",
            $tail
        )
    };
}

/// A buildset made just now, and its requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Added {
    /// The buildset.
    pub id: BuildsetId,
    /// Its requests, each with its builder's name, in the order in which the builders were given.
    pub requests: Vec<(String, RequestId)>,
}

/// A buildset that has just become complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Completed {
    /// The buildset.
    pub id: BuildsetId,
    /// The worst result of its requests (`traps.md` 3).
    pub results: Results,
}

/// Stores a buildset and one request for each of its builders. One without builders is complete at once.
pub fn add(tx: &mut Transaction<'_>, new: &NewBuildset, now: Wall) -> Result<Added, DbError> {
    let done = new.builders.is_empty();
    let id: BuildsetId = tx
        .query_one(
            "INSERT INTO buildsets (scheduler, reason, external_id, submitted_at, complete_at, results,
                 open_requests, properties, parent_build, waited_for)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) RETURNING id",
            params![
                new.scheduler,
                new.reason,
                new.external_id,
                now,
                done.then_some(now),
                done.then_some(Results::Success),
                new.builders.len() as i64,
                json(&new.properties)?,
                new.parent_build.map(|parent| parent.build),
                new.parent_build.is_some_and(|parent| parent.waits),
            ],
        )?
        .take()?;
    for (position, stamp) in new.source_stamps.iter().enumerate() {
        let stamp = sourcestamps::find_or_create(tx, stamp)?;
        tx.execute(
            "INSERT INTO buildset_sourcestamps (buildset, position, sourcestamp) VALUES ($1, $2, $3)",
            params![id, position as i64, stamp],
        )?;
    }
    for change in &new.changes {
        tx.execute(
            "INSERT INTO buildset_changes (buildset, change) VALUES ($1, $2) ON CONFLICT DO NOTHING",
            params![id, *change],
        )?;
    }
    schedulers::await_end(tx, id, new)?;
    let add_request = |builder: &String| {
        let mut row = tx.query_one(
            "INSERT INTO build_requests (buildset, builder, priority, submitted_at) VALUES ($1, $2, $3, $4)
             RETURNING id",
            params![id, *builder, new.priority, now],
        )?;
        Ok((builder.clone(), row.take()?))
    };
    let requests = new.builders.iter().map(add_request).collect::<Result<_, DbError>>()?;
    Ok(Added { id, requests })
}

/// Counts one request of the buildset as complete; completes the buildset with the last one. The counter is one
/// row that two masters cannot write at the same time, so exactly one of them sees it reach zero.
pub(super) fn close_request(
    tx: &mut Transaction<'_>,
    id: BuildsetId,
    now: Wall,
) -> Result<Option<Completed>, DbError> {
    let open: i64 = tx
        .query_one(
            "UPDATE buildsets SET open_requests = open_requests - 1 WHERE id = $1 RETURNING open_requests",
            params![id],
        )?
        .take()?;
    if open > 0 {
        return Ok(None);
    }
    let each: Vec<Option<Results>> =
        tx.query_map("SELECT results FROM build_requests WHERE buildset = $1", params![id], |mut row| {
            row.take()
        })?;
    let results = each.into_iter().flatten().fold(Results::Success, Results::worst);
    tx.execute(
        "UPDATE buildsets SET complete_at = $2, results = $3 WHERE id = $1",
        params![id, now, results],
    )?;
    Ok(Some(Completed { id, results }))
}

fn read(connection: &mut Connection, mut row: Row) -> Result<Buildset, DbError> {
    let id = row.take()?;
    Ok(Buildset {
        id,
        scheduler: row.take()?,
        reason: row.take()?,
        external_id: row.take()?,
        submitted_at: row.take()?,
        complete_at: row.take()?,
        results: row.take()?,
        properties: row.take::<Json<_>>()?.0,
        parent_build: {
            let (build, waits): (Option<_>, _) = (row.take()?, row.take()?);
            build.map(|build| Parent { build, waits })
        },
        source_stamps: sourcestamps::of_buildset(connection, id)?,
        changes: connection.query_map(
            "SELECT change FROM buildset_changes WHERE buildset = $1 ORDER BY change",
            params![id],
            |mut row| row.take(),
        )?,
    })
}

/// The buildset with this id.
pub fn get(connection: &mut Connection, id: BuildsetId) -> Result<Option<Buildset>, DbError> {
    let row = connection.query_opt(select!("WHERE id = $1"), params![id])?;
    row.map(|row| read(connection, row)).transpose()
}

/// The buildsets that are not complete, the oldest first.
pub fn open(connection: &mut Connection) -> Result<Vec<Buildset>, DbError> {
    let rows = connection.query(select!("WHERE complete_at IS NULL ORDER BY id"), &[])?;
    rows.into_iter().map(|row| read(connection, row)).collect()
}

/// The buildsets that a change is in, the oldest first.
pub fn of_change(connection: &mut Connection, change: ChangeId) -> Result<Vec<Buildset>, DbError> {
    let sql = select!("WHERE id IN (SELECT buildset FROM buildset_changes WHERE change = $1) ORDER BY id");
    let rows = connection.query(sql, params![change])?;
    rows.into_iter().map(|row| read(connection, row)).collect()
}

/// The buildsets that a build triggered, the oldest first.
pub fn of_parent(connection: &mut Connection, parent: BuildId) -> Result<Vec<Buildset>, DbError> {
    let rows = connection.query(select!("WHERE parent_build = $1 ORDER BY id"), params![parent])?;
    rows.into_iter().map(|row| read(connection, row)).collect()
}

/// The requests that nobody waits for any more: those of a buildset whose parent waited, and is over. Each with its
/// builder.
pub fn orphans(connection: &mut Connection) -> Result<Vec<(RequestId, String)>, DbError> {
    connection.query_map(
        "SELECT r.id, r.builder FROM buildsets s
         JOIN builds p ON p.id = s.parent_build
         JOIN build_requests r ON r.buildset = s.id
         WHERE s.complete_at IS NULL AND s.waited_for = 1 AND p.complete_at IS NOT NULL
             AND r.complete_at IS NULL
         ORDER BY r.id",
        &[],
        |mut row| Ok((row.take()?, row.take()?)),
    )
}

/// The newest buildsets with ids under `before`, at most `limit`, the newest first.
pub fn recent(
    connection: &mut Connection,
    before: Option<BuildsetId>,
    limit: u32,
) -> Result<Vec<Buildset>, DbError> {
    let before = before.unwrap_or(BuildsetId(i64::MAX));
    let sql = select!("WHERE id < $1 ORDER BY id DESC LIMIT $2");
    let rows = connection.query(sql, params![before, i64::from(limit)])?;
    rows.into_iter().map(|row| read(connection, row)).collect()
}

/// Those of these buildsets that are complete.
pub fn completed(connection: &mut Connection, ids: &[BuildsetId]) -> Result<Vec<Completed>, DbError> {
    let sql = "SELECT results FROM buildsets WHERE id = $1 AND complete_at IS NOT NULL";
    let mut completed = Vec::new();
    for id in ids {
        if let Some(mut row) = connection.query_opt(sql, params![*id])? {
            completed.push(Completed { id: *id, results: row.take()? });
        }
    }
    Ok(completed)
}

/// The buildsets to which their asker gave this id, the oldest first (`SX-12`).
pub fn by_external_id(connection: &mut Connection, external_id: &str) -> Result<Vec<Buildset>, DbError> {
    let sql = select!("WHERE external_id = $1 AND external_id <> '' ORDER BY id");
    let rows = connection.query(sql, params![external_id])?;
    rows.into_iter().map(|row| read(connection, row)).collect()
}

/// The buildsets that a listing asks for, and how many its conditions let through.
pub fn list(connection: &mut Connection, listing: &Listing) -> Result<(Vec<Buildset>, i64), DbError> {
    let (rows, total) = listing::read(connection, select!(""), "buildsets", listing, Ok)?;
    let buildsets = rows.into_iter().map(|row| read(connection, row)).collect::<Result<_, _>>()?;
    Ok((buildsets, total))
}

/// The verbs about buildsets.
pub struct Buildsets<'a, Me>(pub(super) &'a Handle<Me>);

impl<Me: Ranked> Buildsets<'_, Me> {
    /// Stores a buildset and one request for each of its builders; when this returns, they are committed.
    ///
    /// # Errors
    /// See [`DbError`].
    pub fn add(&self, new: NewBuildset, now: Wall) -> Result<Added, DbError> {
        self.0.write(move |tx| add(tx, &new, now))
    }

    /// The buildset with this id.
    ///
    /// # Errors
    /// See [`DbError`].
    pub fn get(&self, id: BuildsetId) -> Result<Option<Buildset>, DbError> {
        self.0.read(move |connection| get(connection, id))
    }

    /// The buildsets that are not complete, the oldest first.
    ///
    /// # Errors
    /// See [`DbError`].
    pub fn open(&self) -> Result<Vec<Buildset>, DbError> {
        self.0.read(open)
    }

    /// The newest buildsets with ids under `before`, at most `limit`, the newest first.
    ///
    /// # Errors
    /// See [`DbError`].
    pub fn recent(&self, before: Option<BuildsetId>, limit: u32) -> Result<Vec<Buildset>, DbError> {
        self.0.read(move |connection| recent(connection, before, limit))
    }

    /// The buildsets to which their asker gave this id (a try job's), the oldest first.
    ///
    /// # Errors
    /// See [`DbError`].
    pub fn by_external_id(&self, external_id: &str) -> Result<Vec<Buildset>, DbError> {
        let external_id = external_id.to_owned();
        self.0.read(move |connection| by_external_id(connection, &external_id))
    }
}
