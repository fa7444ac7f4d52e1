//! The queue as the build request distributor keeps it: each request that waits, with what tells whether a newer
//! one makes it superfluous (`N-BQ-03`).

use super::engine::{Connection, DbError, Json, params};
use crate::model::{BuildsetId, Properties, RequestId};
use std::sync::Arc;

/// A request that waits.
#[derive(Clone, Debug, PartialEq)]
pub struct Waiting {
    /// Its id.
    pub request: RequestId,
    /// Its buildset.
    pub buildset: BuildsetId,
    /// Its builder.
    pub builder: String,
    /// Higher goes first; then the smaller id.
    pub priority: i64,
    /// What it shares with the other requests of its buildset.
    pub asked: Arc<Asked>,
    /// Its source stamps, in their order.
    pub stamps: Vec<Stamp>,
}

/// Who asked for something, why, and with which properties.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Asked {
    /// The scheduler.
    pub scheduler: String,
    /// Why.
    pub reason: String,
    /// The properties of the buildset.
    pub properties: Properties,
    /// Whether a running build waits for it (`N-SC-13`).
    pub waited_for: bool,
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
    /// Whether changes of this codebase are in the buildset.
    pub has_changes: bool,
    /// Whether there is a patch to lay over it.
    pub is_patched: bool,
}

/// The requests that wait, with ids above `after`, the oldest first, at most `limit`.
///
/// # Errors
/// See [`DbError`].
pub fn after(connection: &mut Connection, after: RequestId, limit: u32) -> Result<Vec<Waiting>, DbError> {
    let rows = connection.query(
        "SELECT r.id, r.buildset, r.builder, r.priority, a.scheduler, a.reason, a.properties, a.waited_for,
             s.codebase, s.project, s.repository, s.branch, s.revision,
             CASE WHEN EXISTS (SELECT 1 FROM buildset_changes c JOIN changes h ON h.id = c.change
                               WHERE c.buildset = r.buildset AND h.codebase = s.codebase)
                 THEN CAST(1 AS BIGINT) ELSE CAST(0 AS BIGINT) END,
             CASE WHEN s.patch IS NULL THEN CAST(0 AS BIGINT) ELSE CAST(1 AS BIGINT) END
         FROM (SELECT id, buildset, builder, priority FROM build_requests
               WHERE id > $1 AND complete_at IS NULL AND claimed_by IS NULL ORDER BY id LIMIT $2) r
         JOIN buildsets a ON a.id = r.buildset
         LEFT JOIN buildset_sourcestamps b ON b.buildset = r.buildset
         LEFT JOIN sourcestamps s ON s.id = b.sourcestamp
         ORDER BY r.id, b.position",
        params![after, i64::from(limit)],
    )?;
    let mut all: Vec<Waiting> = Vec::new();
    for mut row in rows {
        let request = row.take()?;
        let (buildset, builder, priority) = (row.take()?, row.take()?, row.take()?);
        let (scheduler, reason) = (row.take()?, row.take()?);
        let (Json(properties), waited_for) = (row.take()?, row.take()?);
        let stamp: (Option<String>, Option<String>, Option<String>) = (row.take()?, row.take()?, row.take()?);
        let (branch, revision) = (row.take()?, row.take()?);
        let (has_changes, is_patched) = (row.take()?, row.take()?);
        if all.last().is_none_or(|last| last.request != request) {
            // The requests of one buildset come one after the other.
            let same = all.last().filter(|last| last.buildset == buildset).map(|last| last.asked.clone());
            let asked = same.unwrap_or_else(|| Arc::new(Asked { scheduler, reason, properties, waited_for }));
            all.push(Waiting { request, buildset, builder, priority, asked, stamps: Vec::new() });
        }
        if let (Some(last), (Some(codebase), Some(project), Some(repository))) = (all.last_mut(), stamp) {
            last.stamps.push(Stamp {
                codebase,
                project,
                repository,
                branch,
                revision,
                has_changes,
                is_patched,
            });
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
