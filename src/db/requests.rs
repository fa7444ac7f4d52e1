//! Build requests: unclaimed, claimed, complete (`SX-03` to `SX-14`). Every step of a request is one conditional
//! write, so that two masters, or two lives of one, cannot both take it.

use super::buildsets::{self, Completed};
use super::engine::{Connection, DbError, Row, Transaction, params};
use super::listing::{self, Listing};
use super::masters::{self, Claimant};
use super::{Handle, builds};
use crate::kernel::Ranked;
use crate::model::{BuildId, BuildRequest, BuildsetId, MasterId, RequestId, Results, Wall};
use std::collections::BTreeMap;

macro_rules! select {
    ($tail:literal) => {
        concat!(
            "SELECT id, buildset, builder, priority, submitted_at, claimed_by, claimed_at, complete_at, \
             results, outcome, \
             (SELECT s.waited_for FROM buildsets s WHERE s.id = build_requests.buildset) FROM build_requests ",
            $tail
        )
    };
}

fn read(mut row: Row) -> Result<BuildRequest, DbError> {
    Ok(BuildRequest {
        id: row.take()?,
        buildset: row.take()?,
        builder: row.take()?,
        priority: row.take()?,
        submitted_at: row.take()?,
        claimed_by: row.take()?,
        claimed_at: row.take()?,
        complete_at: row.take()?,
        results: row.take()?,
        outcome: row.take()?,
        waited_for: row.take()?,
    })
}

/// A build to be started, if its request can be claimed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Start {
    /// The request that it answers.
    pub request: RequestId,
    /// The worker that will run it.
    pub worker: String,
    /// Why it is started.
    pub reason: String,
}

/// A build whose request was claimed and whose row is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Started {
    /// The request.
    pub request: RequestId,
    /// The build.
    pub build: BuildId,
    /// Its number within its builder.
    pub number: i64,
}

/// Claims each request that is still to be had, and writes the row of its build. Those that were not to be had
/// are left out of the answer; a master that was recovered meanwhile gets none.
pub fn claim_and_start(
    tx: &mut Transaction<'_>,
    claimant: Claimant,
    starts: &[Start],
    now: Wall,
) -> Result<Vec<Started>, DbError> {
    let mut started = Vec::with_capacity(starts.len());
    // This holds the master's row until the commit: who recovers this master waits, and then sees these claims.
    if !masters::touch(tx, claimant, now)? {
        return Ok(started);
    }
    for start in starts {
        let claimed = tx.query_opt(
            "UPDATE build_requests SET claimed_by = $1, fence = $2, claimed_at = $3
             WHERE id = $4 AND claimed_by IS NULL AND complete_at IS NULL RETURNING builder, buildset",
            params![claimant.master, claimant.fence, now, start.request],
        )?;
        if let Some(mut row) = claimed {
            let (builder, buildset) = (row.take()?, row.take()?);
            let (build, number) = builds::add(tx, claimant.master, start, builder, buildset, now)?;
            started.push(Started { request: start.request, build, number });
        }
    }
    Ok(started)
}

/// Gives up this master's own claims; ignores those that are not its own.
pub fn unclaim(tx: &mut Transaction<'_>, claimant: Claimant, requests: &[RequestId]) -> Result<(), DbError> {
    for request in requests {
        tx.execute(
            "UPDATE build_requests SET claimed_by = NULL, claimed_at = NULL, fence = NULL
             WHERE id = $1 AND claimed_by = $2 AND fence = $3 AND complete_at IS NULL",
            params![*request, claimant.master, claimant.fence],
        )?;
    }
    Ok(())
}

/// Gives up all claims of a master, of any of its lives.
pub(super) fn unclaim_all(tx: &mut Transaction<'_>, master: MasterId) -> Result<Vec<RequestId>, DbError> {
    let mut freed = tx.query_map(
        "UPDATE build_requests SET claimed_by = NULL, claimed_at = NULL, fence = NULL
         WHERE claimed_by = $1 AND complete_at IS NULL RETURNING id",
        params![master],
        |mut row| row.take(),
    )?;
    freed.sort();
    Ok(freed)
}

/// How a request ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ending {
    /// Its result.
    pub results: Results,
    /// Why, if it was not built.
    pub outcome: Option<String>,
}

/// Completes requests that this master has claimed; those that it has not, or that are complete, are left as
/// they are. Returns the buildsets that are complete by it.
pub fn complete(
    tx: &mut Transaction<'_>,
    claimant: Claimant,
    requests: &[RequestId],
    ending: &Ending,
    now: Wall,
) -> Result<Vec<Completed>, DbError> {
    let mut completed = Vec::new();
    for request in requests {
        let row = tx.query_opt(
            "UPDATE build_requests SET complete_at = $1, results = $2, outcome = $3
             WHERE id = $4 AND complete_at IS NULL AND claimed_by = $5 AND fence = $6 RETURNING buildset",
            params![now, ending.results, ending.outcome, *request, claimant.master, claimant.fence],
        )?;
        if let Some(mut row) = row {
            completed.extend(buildsets::close_request(tx, row.take()?, now)?);
        }
    }
    Ok(completed)
}

/// What a cancelling, or a collapsing, has done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cancelled {
    /// The requests that it came in time for.
    pub requests: Vec<RequestId>,
    /// The buildsets that are complete by it.
    pub completed: Vec<Completed>,
}

/// Completes requests that nobody has claimed; for those that somebody has, it is too late (`SX-10`).
pub fn cancel(
    tx: &mut Transaction<'_>,
    requests: &[RequestId],
    ending: &Ending,
    now: Wall,
) -> Result<Cancelled, DbError> {
    let mut cancelled = Cancelled::default();
    for request in requests {
        let row = tx.query_opt(
            "UPDATE build_requests SET complete_at = $1, results = $2, outcome = $3
             WHERE id = $4 AND complete_at IS NULL AND claimed_by IS NULL RETURNING buildset",
            params![now, ending.results, ending.outcome, *request],
        )?;
        if let Some(mut row) = row {
            cancelled.requests.push(*request);
            cancelled.completed.extend(buildsets::close_request(tx, row.take()?, now)?);
        }
    }
    Ok(cancelled)
}

/// The requests that wait, of one builder or of all, in the order in which each builder takes them:
/// by priority, then the oldest first.
pub fn unclaimed(
    connection: &mut Connection,
    builder: Option<&str>,
    limit: u32,
) -> Result<Vec<BuildRequest>, DbError> {
    let limit = i64::from(limit);
    match builder {
        Some(builder) => connection.query_map(
            select!(
                "WHERE complete_at IS NULL AND claimed_by IS NULL AND builder = $1
                 ORDER BY priority DESC, id LIMIT $2"
            ),
            params![builder, limit],
            read,
        ),
        None => connection.query_map(
            select!(
                "WHERE complete_at IS NULL AND claimed_by IS NULL ORDER BY builder, priority DESC, id LIMIT $1"
            ),
            params![limit],
            read,
        ),
    }
}

/// How many requests wait, by builder; builders without any are left out.
pub fn waiting(connection: &mut Connection) -> Result<BTreeMap<String, i64>, DbError> {
    let counts = connection.query_map(
        "SELECT builder, COUNT(*) FROM build_requests WHERE complete_at IS NULL AND claimed_by IS NULL
         GROUP BY builder",
        &[],
        |mut row| Ok((row.take()?, row.take()?)),
    )?;
    Ok(counts.into_iter().collect())
}

/// How many requests of its builder go before this one, which waits.
pub fn ahead(connection: &mut Connection, request: &BuildRequest) -> Result<usize, DbError> {
    let count: i64 = connection
        .query_one(
            "SELECT COUNT(*) FROM build_requests
             WHERE complete_at IS NULL AND claimed_by IS NULL AND builder = $1
                 AND (priority > $2 OR (priority = $2 AND id < $3))",
            params![request.builder, request.priority, request.id],
        )?
        .take()?;
    Ok(usize::try_from(count).unwrap_or(0))
}

/// The request with this id.
pub fn get(connection: &mut Connection, id: RequestId) -> Result<Option<BuildRequest>, DbError> {
    connection.query_opt(select!("WHERE id = $1"), params![id])?.map(read).transpose()
}

/// The requests of a buildset, in the order of their ids.
pub fn of_buildset(connection: &mut Connection, buildset: BuildsetId) -> Result<Vec<BuildRequest>, DbError> {
    connection.query_map(select!("WHERE buildset = $1 ORDER BY id"), params![buildset], read)
}

/// The newest requests of a builder, at most `limit`, the newest first.
pub fn of_builder(
    connection: &mut Connection,
    builder: &str,
    limit: u32,
) -> Result<Vec<BuildRequest>, DbError> {
    let sql = select!("WHERE builder = $1 ORDER BY id DESC LIMIT $2");
    connection.query_map(sql, params![builder, i64::from(limit)], read)
}

/// The requests that a listing asks for, and how many its conditions let through.
pub fn list(connection: &mut Connection, listing: &Listing) -> Result<(Vec<BuildRequest>, i64), DbError> {
    listing::read(connection, select!(""), "build_requests", listing, read)
}

/// The verbs about build requests.
pub struct Requests<'a, Me>(pub(super) &'a Handle<Me>);

impl<Me: Ranked> Requests<'_, Me> {
    /// The requests that wait, of one builder or of all, by priority, then the oldest first.
    ///
    /// # Errors
    /// See [`DbError`].
    pub fn unclaimed(&self, builder: Option<&str>, limit: u32) -> Result<Vec<BuildRequest>, DbError> {
        let builder = builder.map(str::to_owned);
        self.0.read(move |connection| unclaimed(connection, builder.as_deref(), limit))
    }

    /// The request with this id.
    ///
    /// # Errors
    /// See [`DbError`].
    pub fn get(&self, id: RequestId) -> Result<Option<BuildRequest>, DbError> {
        self.0.read(move |connection| get(connection, id))
    }

    /// The requests of a buildset.
    ///
    /// # Errors
    /// See [`DbError`].
    pub fn of_buildset(&self, buildset: BuildsetId) -> Result<Vec<BuildRequest>, DbError> {
        self.0.read(move |connection| of_buildset(connection, buildset))
    }

    /// The newest requests of a builder, at most `limit`, the newest first.
    ///
    /// # Errors
    /// See [`DbError`].
    pub fn of_builder(&self, builder: &str, limit: u32) -> Result<Vec<BuildRequest>, DbError> {
        let builder = builder.to_owned();
        self.0.read(move |connection| of_builder(connection, &builder, limit))
    }

    /// Claims each request that is still to be had and writes the row of its build, in one transaction. Those
    /// that were not to be had are left out of the answer.
    ///
    /// # Errors
    /// See [`DbError`].
    pub fn claim_and_start(
        &self,
        claimant: Claimant,
        starts: Vec<Start>,
        now: Wall,
    ) -> Result<Vec<Started>, DbError> {
        self.0.write(move |tx| claim_and_start(tx, claimant, &starts, now))
    }

    /// Gives up this master's own claims; ignores those that are not its own.
    ///
    /// # Errors
    /// See [`DbError`].
    pub fn unclaim(&self, claimant: Claimant, requests: Vec<RequestId>) -> Result<(), DbError> {
        self.0.write(move |tx| unclaim(tx, claimant, &requests))
    }

    /// Completes requests that this master has claimed; returns the buildsets that are complete by it.
    /// The request of a build is completed by the build's own end, see [`builds::Builds::finish`].
    ///
    /// # Errors
    /// See [`DbError`].
    pub fn complete(
        &self,
        claimant: Claimant,
        requests: Vec<RequestId>,
        ending: Ending,
        now: Wall,
    ) -> Result<Vec<Completed>, DbError> {
        self.0.write(move |tx| complete(tx, claimant, &requests, &ending, now))
    }

    /// Completes requests that nobody has claimed: cancelled ones, collapsed ones.
    ///
    /// # Errors
    /// See [`DbError`].
    pub fn cancel(&self, requests: Vec<RequestId>, ending: Ending, now: Wall) -> Result<Cancelled, DbError> {
        self.0.write(move |tx| cancel(tx, &requests, &ending, now))
    }

    /// Gives a request that waits another priority; false if it waits no longer.
    ///
    /// # Errors
    /// See [`DbError`].
    pub fn set_priority(&self, request: RequestId, priority: i64) -> Result<bool, DbError> {
        self.0.write(move |tx| {
            let touched = tx.execute(
                "UPDATE build_requests SET priority = $2
                 WHERE id = $1 AND complete_at IS NULL AND claimed_by IS NULL",
                params![request, priority],
            )?;
            Ok(touched == 1)
        })
    }
}
