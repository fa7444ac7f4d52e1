//! Steps: their ids are reserved, so their rows are written without waiting.

use super::Handle;
use super::engine::{Connection, DbError, Json, Row, Transaction, json, params};
use super::limits::LINKS_PER_STEP;
use crate::kernel::Ranked;
use crate::model::{BuildId, Link, Results, Step, StepId, Wall};

macro_rules! select {
    ($tail:literal) => {
        concat!(
            "SELECT id, build, number, name, started_at, locks_acquired_at, complete_at, state, results, hidden, links \
             FROM steps ",
            $tail
        )
    };
}

fn read(mut row: Row) -> Result<Step, DbError> {
    Ok(Step {
        id: row.take()?,
        build: row.take()?,
        number: row.take()?,
        name: row.take()?,
        started_at: row.take()?,
        locks_acquired_at: row.take()?,
        complete_at: row.take()?,
        state: row.take()?,
        results: row.take()?,
        hidden: row.take()?,
        links: row.take::<Json<_>>()?.0,
    })
}

/// Writes the row of a step, whose id was reserved.
pub fn start(tx: &mut Transaction<'_>, step: &Step) -> Result<(), DbError> {
    tx.execute(
        "INSERT INTO steps (id, build, number, name, started_at, locks_acquired_at, complete_at, state, results, hidden,
             links)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        params![
            step.id,
            step.build,
            step.number,
            step.name,
            step.started_at,
            step.locks_acquired_at,
            step.complete_at,
            step.state,
            step.results,
            step.hidden,
            json(&step.links)?,
        ],
    )
    .map(drop)
}

/// A step whose row was written before begins.
pub fn begin(tx: &mut Transaction<'_>, step: StepId, state: &str, now: Wall) -> Result<(), DbError> {
    let sql = "UPDATE steps SET started_at = $2, locks_acquired_at = $2, state = $3
         WHERE id = $1 AND complete_at IS NULL";
    tx.execute(sql, params![step, now, state]).map(drop)
}

/// Notes since when a step has its locks; `None` while it waits for them.
pub fn set_locked(tx: &mut Transaction<'_>, step: StepId, since: Option<Wall>) -> Result<(), DbError> {
    let sql = "UPDATE steps SET locks_acquired_at = $2 WHERE id = $1 AND complete_at IS NULL";
    tx.execute(sql, params![step, since]).map(drop)
}

/// Adds a link to a step, or leads the one of this name elsewhere. One too many is left out.
pub fn add_link(tx: &mut Transaction<'_>, step: StepId, link: &Link) -> Result<(), DbError> {
    let Some(mut row) = tx.query_opt("SELECT links FROM steps WHERE id = $1", params![step])? else {
        return Ok(());
    };
    let Json(mut links): Json<Vec<Link>> = row.take()?;
    match links.iter().position(|known| known.name == link.name) {
        Some(at) => links[at] = link.clone(),
        None if links.len() < LINKS_PER_STEP => links.push(link.clone()),
        None => return Ok(()),
    }
    tx.execute("UPDATE steps SET links = $2 WHERE id = $1", params![step, json(&links)?]).map(drop)
}

/// Ends the steps of a build that never began (`BU-04`).
pub(super) fn leave_out(tx: &mut Transaction<'_>, build: BuildId, now: Wall) -> Result<(), DbError> {
    tx.execute(
        "UPDATE steps SET complete_at = $2, results = $3, state = 'not run'
         WHERE build = $1 AND started_at IS NULL AND complete_at IS NULL",
        params![build, now, Results::Skipped],
    )
    .map(drop)
}

/// Says what a step is doing.
pub fn set_state(tx: &mut Transaction<'_>, step: StepId, state: &str) -> Result<(), DbError> {
    let sql = "UPDATE steps SET state = $2 WHERE id = $1 AND complete_at IS NULL";
    tx.execute(sql, params![step, state]).map(drop)
}

/// How a step ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepEnd {
    /// Its result.
    pub results: Results,
    /// What is said of it, in a few words.
    pub state: String,
    /// Whether pages leave it out.
    pub hidden: bool,
}

/// Ends a step.
pub fn finish(tx: &mut Transaction<'_>, step: StepId, end: &StepEnd, now: Wall) -> Result<(), DbError> {
    tx.execute(
        "UPDATE steps SET complete_at = $2, results = $3, state = $4, hidden = $5
         WHERE id = $1 AND complete_at IS NULL",
        params![step, now, end.results, end.state, end.hidden],
    )
    .map(drop)
}

/// Ends the steps of a build that have not ended, and the logs of all its steps.
pub(super) fn interrupt(
    tx: &mut Transaction<'_>,
    build: BuildId,
    state: &str,
    results: Results,
    now: Wall,
) -> Result<(), DbError> {
    tx.execute(
        "UPDATE logs SET complete = 1 WHERE complete = 0 AND step IN (SELECT id FROM steps WHERE build = $1)",
        params![build],
    )?;
    leave_out(tx, build, now)?;
    tx.execute(
        "UPDATE steps SET complete_at = $2, results = $3, state = $4 WHERE build = $1 AND complete_at IS NULL",
        params![build, now, results, state],
    )
    .map(drop)
}

/// The steps of a build, by their numbers.
pub fn of_build(connection: &mut Connection, build: BuildId) -> Result<Vec<Step>, DbError> {
    connection.query_map(select!("WHERE build = $1 ORDER BY number"), params![build], read)
}

/// The step with this id.
pub fn get(connection: &mut Connection, id: StepId) -> Result<Option<Step>, DbError> {
    connection.query_opt(select!("WHERE id = $1"), params![id])?.map(read).transpose()
}

/// The verbs about steps. Those that write do not wait.
pub struct Steps<'a, Me>(pub(super) &'a Handle<Me>);

impl<Me: Ranked> Steps<'_, Me> {
    /// Writes the row of a step, whose id was reserved.
    pub fn start(&self, step: Step) {
        self.0.write_later(0, move |tx| start(tx, &step));
    }

    /// Says what a step is doing.
    pub fn set_state(&self, step: StepId, state: &str) {
        let state = state.to_owned();
        self.0.write_later(state.len(), move |tx| set_state(tx, step, &state));
    }

    /// Ends a step.
    pub fn finish(&self, step: StepId, end: StepEnd, now: Wall) {
        self.0.write_later(end.state.len(), move |tx| finish(tx, step, &end, now));
    }

    /// The steps of a build, by their numbers.
    ///
    /// # Errors
    /// See [`DbError`].
    pub fn of_build(&self, build: BuildId) -> Result<Vec<Step>, DbError> {
        self.0.read(move |connection| of_build(connection, build))
    }

    /// The step with this id.
    ///
    /// # Errors
    /// See [`DbError`].
    pub fn get(&self, id: StepId) -> Result<Option<Step>, DbError> {
        self.0.read(move |connection| get(connection, id))
    }
}
