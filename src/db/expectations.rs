//! How long the steps of builders take, by their names, and when a build that runs will end by that (`ET`).

use super::Handle;
use super::engine::{Connection, DbError, Transaction, params};
use crate::kernel::Ranked;
use crate::model::{Build, BuildId, StepId, Wall};
use std::collections::BTreeMap;
use std::time::Duration;

/// Learns from a build that went well: what is new counts as much as all that was known (`ET-04`). Steps that the
/// build did not have are forgotten, so that names made at run time do not pile up.
pub(super) fn learn(tx: &mut Transaction<'_>, build: BuildId) -> Result<(), DbError> {
    tx.execute(
        "INSERT INTO expectations (builder, step, took_us)
         SELECT builds.builder, steps.name, MAX(steps.complete_at - COALESCE(steps.started_at, steps.complete_at))
         FROM builds CROSS JOIN steps
         WHERE builds.id = $1 AND steps.build = builds.id AND steps.complete_at IS NOT NULL
         GROUP BY builds.builder, steps.name
         ON CONFLICT (builder, step) DO UPDATE SET took_us = (expectations.took_us + excluded.took_us) / 2",
        params![build],
    )?;
    tx.execute(
        "DELETE FROM expectations WHERE builder = (SELECT builder FROM builds WHERE id = $1)
         AND step NOT IN (SELECT name FROM steps WHERE build = $1)",
        params![build],
    )
    .map(drop)
}

/// How much longer a step takes than it has been taking, in microseconds: less than nothing if it is late (`ET-02`).
fn left_us(
    started_at: Option<Wall>,
    complete_at: Option<Wall>,
    took_us: Option<i64>,
    now: Wall,
) -> Option<i64> {
    match (started_at, complete_at) {
        (_, Some(_)) => Some(0),
        (Some(started_at), None) => Some(took_us? - (now.0 - started_at.0)),
        (None, None) => took_us,
    }
}

macro_rules! steps_of_running {
    ($tail:literal) => {
        concat!(
            "SELECT builds.id, steps.started_at, steps.complete_at, expectations.took_us
             FROM builds CROSS JOIN steps
             LEFT JOIN expectations ON expectations.builder = builds.builder AND expectations.step = steps.name
             WHERE steps.build = builds.id AND builds.complete_at IS NULL",
            $tail
        )
    };
}

/// Sums up what is left of each build; one with a step of which nothing is known has no sum (`ET-03`).
fn ends(
    connection: &mut Connection,
    sql: &str,
    only: Option<BuildId>,
    now: Wall,
) -> Result<BTreeMap<BuildId, Wall>, DbError> {
    let read = |mut row: super::engine::Row| {
        let build: BuildId = row.take()?;
        Ok((build, left_us(row.take()?, row.take()?, row.take()?, now)))
    };
    let rows = match only {
        Some(build) => connection.query_map(sql, params![build], read)?,
        None => connection.query_map(sql, &[], read)?,
    };
    let mut sums: BTreeMap<BuildId, Option<Wall>> = BTreeMap::new();
    for (build, left_us) in rows {
        let sum = sums.entry(build).or_insert(Some(now));
        *sum = sum.zip(left_us).map(|(sum, left_us)| Wall(sum.0.saturating_add(left_us)));
    }
    Ok(sums.into_iter().filter_map(|(build, end)| Some((build, end?))).collect())
}

/// When those of these builds that run will end, as far as that can be told: in the past if one is late.
pub fn ends_of(
    connection: &mut Connection,
    builds: &[Build],
    now: Wall,
) -> Result<BTreeMap<BuildId, Wall>, DbError> {
    let mut running = builds.iter().filter(|build| build.complete_at.is_none());
    match (running.next(), running.next()) {
        (None, _) => Ok(BTreeMap::new()),
        (Some(one), None) => ends(connection, steps_of_running!(" AND builds.id = $1"), Some(one.id), now),
        _ => ends(connection, steps_of_running!(""), None, now),
    }
}

/// When this build will end, if it runs and that can be told.
pub fn end_of(connection: &mut Connection, build: BuildId, now: Wall) -> Result<Option<Wall>, DbError> {
    Ok(ends(connection, steps_of_running!(" AND builds.id = $1"), Some(build), now)?.remove(&build))
}

/// How long a step takes, as far as its builder's builds have shown it (`ET-01`).
pub fn of_step(connection: &mut Connection, step: StepId) -> Result<Option<Duration>, DbError> {
    let sql = "SELECT expectations.took_us FROM steps CROSS JOIN builds CROSS JOIN expectations
         WHERE steps.id = $1 AND builds.id = steps.build
         AND expectations.builder = builds.builder AND expectations.step = steps.name";
    let row = connection.query_opt(sql, params![step])?;
    let took_us: Option<i64> = row.map(|mut row| row.take()).transpose()?;
    Ok(took_us.map(|took_us| Duration::from_micros(u64::try_from(took_us).unwrap_or(0))))
}

/// The verbs about expectations.
pub struct Expectations<'a, Me>(pub(super) &'a Handle<Me>);

impl<Me: Ranked> Expectations<'_, Me> {
    /// When this build will end, if it runs and that can be told.
    ///
    /// # Errors
    /// See [`DbError`].
    pub fn end_of(&self, build: BuildId, now: Wall) -> Result<Option<Wall>, DbError> {
        self.0.read(move |connection| end_of(connection, build, now))
    }

    /// How long a step takes, as far as its builder's builds have shown it.
    ///
    /// # Errors
    /// See [`DbError`].
    pub fn of_step(&self, step: StepId) -> Result<Option<Duration>, DbError> {
        self.0.read(move |connection| of_step(connection, step))
    }
}
