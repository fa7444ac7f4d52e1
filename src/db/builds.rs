//! Builds: begun with their request's claim, ended together with their request (`DB-14`, `SX-09`).

use super::buildsets::Completed;
use super::engine::{Connection, DbError, Json, Param, Row, ToParam, Transaction, json, params};
use super::listing::{self, Listing};
use super::masters::Claimant;
use super::requests::{self, Ending, Start};
use super::{Handle, expectations, steps};
use crate::kernel::Ranked;
use crate::model::{
    Build, BuildId, BuildsetId, ChangeId, MasterId, Properties, Property, RequestId, Results, Wall,
};
use std::time::Duration;

macro_rules! select {
    ($tail:literal) => {
        concat!(
            "SELECT id, number, builder, request, buildset, worker, master, started_at, complete_at, state, \
             results, reason, (SELECT CAST(COALESCE(SUM(steps.locks_acquired_at - steps.started_at), 0) AS BIGINT) \
             FROM steps WHERE steps.build = builds.id) FROM builds ",
            $tail
        )
    };
}

fn read(mut row: Row) -> Result<Build, DbError> {
    Ok(Build {
        id: row.take()?,
        number: row.take()?,
        builder: row.take()?,
        request: row.take()?,
        buildset: row.take()?,
        worker: row.take()?,
        master: row.take()?,
        started_at: row.take()?,
        complete_at: row.take()?,
        state: row.take()?,
        results: row.take()?,
        reason: row.take()?,
        locks_duration: Duration::from_micros(row.take::<i64>()?.max(0).unsigned_abs()),
    })
}

/// Writes the row of a build whose request was claimed in this transaction; gives it the builder's next number.
pub(super) fn add(
    tx: &mut Transaction<'_>,
    master: MasterId,
    start: &Start,
    builder: String,
    buildset: BuildsetId,
    now: Wall,
) -> Result<(BuildId, i64), DbError> {
    let next: i64 = tx
        .query_one(
            "INSERT INTO builders (name, next_number) VALUES ($1, 2)
             ON CONFLICT (name) DO UPDATE SET next_number = builders.next_number + 1 RETURNING next_number",
            params![builder],
        )?
        .take()?;
    let number = next - 1;
    let mut row = tx.query_one(
        "INSERT INTO builds (builder, number, request, buildset, worker, master, started_at, state, reason)
         VALUES ($1, $2, $3, $4, $5, $6, $7, 'starting', $8) RETURNING id",
        params![builder, number, start.request, buildset, start.worker, master, now, start.reason],
    )?;
    Ok((row.take()?, number))
}

/// Ends a build and its request. One that ends as retry leaves its request to be claimed anew; any other
/// completes it. Returns the buildset if it is complete by it. A build that has ended already is left as it is.
pub fn finish(
    tx: &mut Transaction<'_>,
    claimant: Claimant,
    build: BuildId,
    results: Results,
    state: &str,
    now: Wall,
) -> Result<Option<Completed>, DbError> {
    let ended = tx.query_opt(
        "UPDATE builds SET complete_at = $2, results = $3, state = $4 WHERE id = $1 AND complete_at IS NULL
         RETURNING request",
        params![build, now, results, state],
    )?;
    let Some(mut row) = ended else { return Ok(None) };
    let request: RequestId = row.take()?;
    steps::leave_out(tx, build, now)?;
    if results == Results::Success {
        expectations::learn(tx, build)?;
    }
    if results == Results::Retry {
        requests::unclaim(tx, claimant, &[request])?;
        return Ok(None);
    }
    let ending = Ending { results, outcome: None };
    Ok(requests::complete(tx, claimant, &[request], &ending, now)?.pop())
}

/// Ends all running builds of a master, with their steps and logs.
pub(super) fn interrupt_all(
    tx: &mut Transaction<'_>,
    master: MasterId,
    state: &str,
    results: Results,
    now: Wall,
) -> Result<Vec<BuildId>, DbError> {
    let mut builds: Vec<BuildId> = tx.query_map(
        "UPDATE builds SET complete_at = $2, results = $3, state = $4
         WHERE master = $1 AND complete_at IS NULL RETURNING id",
        params![master, now, results, state],
        |mut row| row.take(),
    )?;
    builds.sort();
    for build in &builds {
        steps::interrupt(tx, *build, state, results, now)?;
    }
    Ok(builds)
}

/// Says what a build is doing.
pub fn set_state(tx: &mut Transaction<'_>, build: BuildId, state: &str) -> Result<(), DbError> {
    let sql = "UPDATE builds SET state = $2 WHERE id = $1 AND complete_at IS NULL";
    tx.execute(sql, params![build, state]).map(drop)
}

/// Sets properties of a build; those of the same names are replaced.
pub fn set_properties(
    tx: &mut Transaction<'_>,
    build: BuildId,
    properties: &Properties,
) -> Result<(), DbError> {
    for (name, property) in properties.iter() {
        tx.execute(
            "INSERT INTO build_properties (build, name, value, source) VALUES ($1, $2, $3, $4)
             ON CONFLICT (build, name) DO UPDATE SET value = excluded.value, source = excluded.source",
            params![build, name, json(&property.value)?, property.source],
        )?;
    }
    Ok(())
}

/// The properties of a build.
pub fn properties(connection: &mut Connection, build: BuildId) -> Result<Properties, DbError> {
    let sql = "SELECT name, value, source FROM build_properties WHERE build = $1";
    let entries = connection.query_map(sql, params![build], |mut row| {
        Ok((row.take()?, Property { value: row.take::<Json<_>>()?.0, source: row.take()? }))
    })?;
    Ok(entries.into_iter().collect())
}

/// The build with this id.
pub fn get(connection: &mut Connection, id: BuildId) -> Result<Option<Build>, DbError> {
    connection.query_opt(select!("WHERE id = $1"), params![id])?.map(read).transpose()
}

/// The build with this number.
pub fn by_number(connection: &mut Connection, builder: &str, number: i64) -> Result<Option<Build>, DbError> {
    let sql = select!("WHERE builder = $1 AND number = $2");
    connection.query_opt(sql, params![builder, number])?.map(read).transpose()
}

/// Which builds to list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Those of this builder.
    pub builder: Option<String>,
    /// Those on this worker.
    pub worker: Option<String>,
    /// Those that have ended, or those that have not.
    pub complete: Option<bool>,
    /// Those with this result.
    pub results: Option<Results>,
    /// Those with smaller ids.
    pub before: Option<BuildId>,
}

/// The newest builds that the filter lets through, at most `limit`, the newest first.
pub fn recent(connection: &mut Connection, filter: &Filter, limit: u32) -> Result<Vec<Build>, DbError> {
    let mut sql = select!("WHERE id < $1").to_owned();
    let before = filter.before.unwrap_or(BuildId(i64::MAX));
    let mut params: Vec<Param<'_>> = vec![before.to_param()];
    let columns = [
        ("builder", filter.builder.as_deref().map(Param::Text)),
        ("worker", filter.worker.as_deref().map(Param::Text)),
        ("results", filter.results.as_ref().map(ToParam::to_param)),
    ];
    for (column, wanted) in columns {
        if let Some(wanted) = wanted {
            params.push(wanted);
            sql += &format!(" AND {column} = ${}", params.len());
        }
    }
    match filter.complete {
        Some(true) => sql += " AND complete_at IS NOT NULL",
        Some(false) => sql += " AND complete_at IS NULL",
        None => {}
    }
    params.push(Param::Int(limit.into()));
    sql += &format!(" ORDER BY id DESC LIMIT ${}", params.len());
    connection.query_map(&sql, &params, read)
}

/// The builds that run now, of all masters, the oldest first.
pub fn running(connection: &mut Connection) -> Result<Vec<Build>, DbError> {
    connection.query_map(select!("WHERE complete_at IS NULL ORDER BY id"), &[], read)
}

/// The builds of a request, the oldest first: more than one if the first ones ended as retry.
pub fn of_request(connection: &mut Connection, request: RequestId) -> Result<Vec<Build>, DbError> {
    connection.query_map(select!("WHERE request = $1 ORDER BY id"), params![request], read)
}

/// The builds of a buildset, the oldest first.
pub fn of_buildset(connection: &mut Connection, buildset: BuildsetId) -> Result<Vec<Build>, DbError> {
    connection.query_map(select!("WHERE buildset = $1 ORDER BY id"), params![buildset], read)
}

/// The builds that have this change, the newest first.
pub fn of_change(connection: &mut Connection, change: ChangeId) -> Result<Vec<Build>, DbError> {
    let sql = select!(
        "WHERE buildset IN (SELECT buildset FROM buildset_changes WHERE change = $1) ORDER BY id DESC"
    );
    connection.query_map(sql, params![change], read)
}

/// As much of a build as a row of many shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The builder's name.
    pub builder: String,
    /// Its number within its builder.
    pub number: i64,
    /// When it began.
    pub started_at: Wall,
    /// When it ended.
    pub complete_at: Option<Wall>,
    /// How it ended.
    pub results: Option<Results>,
}

/// The last `per_builder` builds of every builder that ever built, running ones too; by builder, the newest first.
pub fn last_of_each(connection: &mut Connection, per_builder: u32) -> Result<Vec<Outcome>, DbError> {
    // A cross join is taken in the order in which it stands: a few builds of each builder, not all builds.
    let sql = "SELECT builders.name, builds.number, builds.started_at, builds.complete_at, builds.results
         FROM builders CROSS JOIN builds WHERE builds.builder = builders.name AND builds.id >= COALESCE(
             (SELECT id FROM builds WHERE builder = builders.name ORDER BY id DESC LIMIT 1 OFFSET $1), 0)
         ORDER BY builders.name, builds.id DESC";
    connection.query_map(sql, params![i64::from(per_builder) - 1], |mut row| {
        Ok(Outcome {
            builder: row.take()?,
            number: row.take()?,
            started_at: row.take()?,
            complete_at: row.take()?,
            results: row.take()?,
        })
    })
}

/// The builds that a listing asks for, and how many its conditions let through.
pub fn list(connection: &mut Connection, listing: &Listing) -> Result<(Vec<Build>, i64), DbError> {
    listing::read(connection, select!(""), "builds", listing, read)
}

/// The verbs about builds.
pub struct Builds<'a, Me>(pub(super) &'a Handle<Me>);

impl<Me: Ranked> Builds<'_, Me> {
    /// Ends a build and its request in one transaction. One that ends as retry leaves its request to be claimed
    /// anew. Returns the buildset if it is complete by it.
    ///
    /// # Errors
    /// See [`DbError`].
    pub fn finish(
        &self,
        claimant: Claimant,
        build: BuildId,
        results: Results,
        state: &str,
        now: Wall,
    ) -> Result<Option<Completed>, DbError> {
        let state = state.to_owned();
        self.0.write(move |tx| finish(tx, claimant, build, results, &state, now))
    }

    /// Says what a build is doing; does not wait.
    pub fn set_state(&self, build: BuildId, state: &str) {
        let state = state.to_owned();
        self.0.write_later(state.len(), move |tx| set_state(tx, build, &state));
    }

    /// Sets properties of a build; does not wait.
    pub fn set_properties(&self, build: BuildId, properties: Properties) {
        self.0.write_later(0, move |tx| set_properties(tx, build, &properties));
    }

    /// The properties of a build.
    ///
    /// # Errors
    /// See [`DbError`].
    pub fn properties(&self, build: BuildId) -> Result<Properties, DbError> {
        self.0.read(move |connection| properties(connection, build))
    }

    /// The build with this id.
    ///
    /// # Errors
    /// See [`DbError`].
    pub fn get(&self, id: BuildId) -> Result<Option<Build>, DbError> {
        self.0.read(move |connection| get(connection, id))
    }

    /// The build with this number within its builder.
    ///
    /// # Errors
    /// See [`DbError`].
    pub fn by_number(&self, builder: &str, number: i64) -> Result<Option<Build>, DbError> {
        let builder = builder.to_owned();
        self.0.read(move |connection| by_number(connection, &builder, number))
    }

    /// The newest builds that the filter lets through, at most `limit`, the newest first.
    ///
    /// # Errors
    /// See [`DbError`].
    pub fn recent(&self, filter: Filter, limit: u32) -> Result<Vec<Build>, DbError> {
        self.0.read(move |connection| recent(connection, &filter, limit))
    }

    /// The builds that run now, of all masters, the oldest first.
    ///
    /// # Errors
    /// See [`DbError`].
    pub fn running(&self) -> Result<Vec<Build>, DbError> {
        self.0.read(running)
    }

    /// The builds of a request, the oldest first.
    ///
    /// # Errors
    /// See [`DbError`].
    pub fn of_request(&self, request: RequestId) -> Result<Vec<Build>, DbError> {
        self.0.read(move |connection| of_request(connection, request))
    }

    /// The builds of a buildset, the oldest first.
    ///
    /// # Errors
    /// See [`DbError`].
    pub fn of_buildset(&self, buildset: BuildsetId) -> Result<Vec<Build>, DbError> {
        self.0.read(move |connection| of_buildset(connection, buildset))
    }

    /// The builds that have this change, the newest first.
    ///
    /// # Errors
    /// See [`DbError`].
    pub fn of_change(&self, change: ChangeId) -> Result<Vec<Build>, DbError> {
        self.0.read(move |connection| of_change(connection, change))
    }
}
