//! The queue as the build request distributor keeps it: each request that waits, with what tells whether a newer
//! one makes it superfluous (`N-BQ-03`).

use super::engine::{Connection, DbError, params};
use crate::model::{BuildsetId, RequestId};

/// A request that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// Its id.
    pub request: RequestId,
    /// Its buildset.
    pub buildset: BuildsetId,
    /// Its builder.
    pub builder: String,
    /// Higher goes first; then the smaller id.
    pub priority: i64,
    /// Whether its buildset came from changes.
    pub has_changes: bool,
    /// Its source stamps, in their order.
    pub stamps: Vec<Stamp>,
}

/// What of a source stamp counts when two requests are compared.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stamp {
    /// The codebase.
    pub codebase: String,
    /// The project.
    pub project: String,
    /// The repository's address.
    pub repository: String,
    /// The branch.
    pub branch: Option<String>,
    /// The revision.
    pub revision: Option<String>,
    /// Whether there is a patch to lay over it.
    pub is_patched: bool,
}

/// The requests that wait, with ids above `after`, the oldest first, at most `limit`.
///
/// # Errors
/// See [`DbError`].
pub fn after(connection: &mut Connection, after: RequestId, limit: u32) -> Result<Vec<Waiting>, DbError> {
    let rows = connection.query(
        "SELECT r.id, r.buildset, r.builder, r.priority,
             CASE WHEN EXISTS (SELECT 1 FROM buildset_changes c WHERE c.buildset = r.buildset)
                 THEN CAST(1 AS BIGINT) ELSE CAST(0 AS BIGINT) END,
             s.codebase, s.project, s.repository, s.branch, s.revision,
             CASE WHEN s.patch IS NULL THEN CAST(0 AS BIGINT) ELSE CAST(1 AS BIGINT) END
         FROM (SELECT id, buildset, builder, priority FROM build_requests
               WHERE id > $1 AND complete_at IS NULL AND claimed_by IS NULL ORDER BY id LIMIT $2) r
         LEFT JOIN buildset_sourcestamps b ON b.buildset = r.buildset
         LEFT JOIN sourcestamps s ON s.id = b.sourcestamp
         ORDER BY r.id, b.position",
        params![after, i64::from(limit)],
    )?;
    let mut all: Vec<Waiting> = Vec::new();
    for mut row in rows {
        let request = row.take()?;
        let (buildset, builder, priority, has_changes) = (row.take()?, row.take()?, row.take()?, row.take()?);
        let stamp: (Option<String>, Option<String>, Option<String>) = (row.take()?, row.take()?, row.take()?);
        let (branch, revision, is_patched) = (row.take()?, row.take()?, row.take()?);
        if all.last().is_none_or(|last| last.request != request) {
            let stamps = Vec::new();
            all.push(Waiting { request, buildset, builder, priority, has_changes, stamps });
        }
        if let (Some(last), (Some(codebase), Some(project), Some(repository))) = (all.last_mut(), stamp) {
            last.stamps.push(Stamp { codebase, project, repository, branch, revision, is_patched });
        }
    }
    Ok(all)
}

/// The ids of the requests that wait, at most `limit`, the oldest ones.
///
/// # Errors
/// See [`DbError`].
pub fn ids(connection: &mut Connection, limit: u32) -> Result<Vec<RequestId>, DbError> {
    connection.query_map(
        "SELECT id FROM build_requests WHERE complete_at IS NULL AND claimed_by IS NULL ORDER BY id LIMIT $1",
        params![i64::from(limit)],
        |mut row| row.take(),
    )
}
