//! Workers: when each was last seen, what it said of itself, and what an operator decided about it (`SL`).

use super::Handle;
use super::engine::{Connection, DbError, Json, Row, Transaction, json, params};
use crate::kernel::Ranked;
use crate::model::{MasterId, Wall, WorkerInfo};
use std::collections::BTreeMap;

macro_rules! select {
    ($tail:literal) => {
        concat!("SELECT name, last_seen_at, connected_to, info, paused, graceful FROM workers ", $tail)
    };
}

fn read(mut row: Row) -> Result<WorkerInfo, DbError> {
    Ok(WorkerInfo {
        name: row.take()?,
        last_seen_at: row.take()?,
        connected: row.take::<Option<MasterId>>()?.is_some(),
        info: row.take::<Json<_>>()?.0,
        paused: row.take()?,
        graceful: row.take()?,
    })
}

/// Notes that a worker has connected to this master, and what it said of itself. A wish of the operator's that
/// it leave is fulfilled with that.
pub fn connected(
    tx: &mut Transaction<'_>,
    name: &str,
    master: MasterId,
    info: &BTreeMap<String, String>,
    now: Wall,
) -> Result<(), DbError> {
    tx.execute(
        "INSERT INTO workers (name, last_seen_at, connected_to, info, paused, graceful)
         VALUES ($1, $2, $3, $4, 0, 0)
         ON CONFLICT (name) DO UPDATE SET last_seen_at = excluded.last_seen_at,
             connected_to = excluded.connected_to, info = excluded.info, graceful = 0",
        params![name, now, master, json(info)?],
    )
    .map(drop)
}

/// Notes that a worker is no longer connected to this master.
pub fn disconnected(
    tx: &mut Transaction<'_>,
    name: &str,
    master: MasterId,
    now: Wall,
) -> Result<(), DbError> {
    tx.execute(
        "UPDATE workers SET connected_to = NULL, last_seen_at = $3 WHERE name = $1 AND connected_to = $2",
        params![name, master, now],
    )
    .map(drop)
}

/// Notes whether a worker is paused, and whether it is to leave.
pub fn set_wishes(tx: &mut Transaction<'_>, name: &str, paused: bool, graceful: bool) -> Result<(), DbError> {
    tx.execute(
        "INSERT INTO workers (name, info, paused, graceful) VALUES ($1, '{}', $2, $3)
         ON CONFLICT (name) DO UPDATE SET paused = excluded.paused, graceful = excluded.graceful",
        params![name, paused, graceful],
    )
    .map(drop)
}

/// The worker of this name, if it was ever heard of.
pub fn get(connection: &mut Connection, name: &str) -> Result<Option<WorkerInfo>, DbError> {
    connection.query_opt(select!("WHERE name = $1"), params![name])?.map(read).transpose()
}

/// All workers ever heard of, by name.
pub fn all(connection: &mut Connection) -> Result<Vec<WorkerInfo>, DbError> {
    let mut workers = connection.query_map(select!(""), &[], read)?;
    workers.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(workers)
}

/// The verbs about workers. Those that write do not wait.
pub struct Workers<'a, Me>(pub(super) &'a Handle<Me>);

impl<Me: Ranked> Workers<'_, Me> {
    /// Notes that a worker has connected to this master, and what it said of itself.
    pub fn connected(&self, name: &str, master: MasterId, info: BTreeMap<String, String>, now: Wall) {
        let name = name.to_owned();
        self.0.write_later(0, move |tx| connected(tx, &name, master, &info, now));
    }

    /// Notes that a worker is no longer connected to this master.
    pub fn disconnected(&self, name: &str, master: MasterId, now: Wall) {
        let name = name.to_owned();
        self.0.write_later(0, move |tx| disconnected(tx, &name, master, now));
    }

    /// Notes whether a worker is paused, and whether it is to leave; when this returns, it is committed.
    ///
    /// # Errors
    /// See [`DbError`].
    pub fn set_wishes(&self, name: &str, paused: bool, graceful: bool) -> Result<(), DbError> {
        let name = name.to_owned();
        self.0.write(move |tx| set_wishes(tx, &name, paused, graceful))
    }

    /// The worker of this name, if it was ever heard of.
    ///
    /// # Errors
    /// See [`DbError`].
    pub fn get(&self, name: &str) -> Result<Option<WorkerInfo>, DbError> {
        let name = name.to_owned();
        self.0.read(move |connection| get(connection, &name))
    }

    /// All workers ever heard of, by name.
    ///
    /// # Errors
    /// See [`DbError`].
    pub fn all(&self) -> Result<Vec<WorkerInfo>, DbError> {
        self.0.read(all)
    }
}
