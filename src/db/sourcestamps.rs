//! Source stamps, each distinct one stored once (`SX-01`).

use super::engine::{Connection, DbError, Json, Row, Transaction, json, params};
use crate::model::{BuildsetId, SourceStamp};
use sha2::{Digest, Sha256};

/// Finds the row of this source stamp, or makes it.
pub fn find_or_create(tx: &mut Transaction<'_>, stamp: &SourceStamp) -> Result<i64, DbError> {
    let digest: String = Sha256::digest(json(stamp)?).iter().map(|byte| format!("{byte:02x}")).collect();
    if let Some(mut row) = tx.query_opt("SELECT id FROM sourcestamps WHERE digest = $1", params![digest])? {
        return row.take();
    }
    // The update changes nothing: it makes the row come back where another master was faster.
    tx.query_one(
        "INSERT INTO sourcestamps (digest, codebase, project, repository, branch, revision, patch)
         VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT (digest) DO UPDATE SET digest = excluded.digest RETURNING id",
        params![
            digest,
            stamp.codebase,
            stamp.project,
            stamp.repository,
            stamp.branch,
            stamp.revision,
            stamp.patch.as_ref().map(json).transpose()?,
        ],
    )?
    .take()
}

/// The source stamps of a buildset, in the order in which they were given.
pub fn of_buildset(connection: &mut Connection, buildset: BuildsetId) -> Result<Vec<SourceStamp>, DbError> {
    connection.query_map(
        "SELECT codebase, project, repository, branch, revision, patch
         FROM buildset_sourcestamps JOIN sourcestamps ON sourcestamps.id = sourcestamp
         WHERE buildset = $1 ORDER BY position",
        params![buildset],
        read,
    )
}

/// The source stamps of a buildset with their ids, in the order in which they were given.
pub fn with_ids(
    connection: &mut Connection,
    buildset: BuildsetId,
) -> Result<Vec<(i64, SourceStamp)>, DbError> {
    let ids: Vec<i64> = connection.query_map(
        "SELECT sourcestamp FROM buildset_sourcestamps WHERE buildset = $1 ORDER BY position",
        params![buildset],
        |mut row| row.take(),
    )?;
    Ok(ids.into_iter().zip(of_buildset(connection, buildset)?).collect())
}

fn read(mut row: Row) -> Result<SourceStamp, DbError> {
    Ok(SourceStamp {
        codebase: row.take()?,
        project: row.take()?,
        repository: row.take()?,
        branch: row.take()?,
        revision: row.take()?,
        patch: row.take::<Option<Json<_>>>()?.map(|patch| patch.0),
    })
}
