//! Workers: when each was last seen, what it said of itself, what an operator decided about it, and which masters
//! have it (`SL`, `N-WK-02`, `N-WK-04`, `N-WK-06`).

use super::Handle;
use super::engine::{Connection, DbError, Json, Row, Transaction, json, params};
use crate::kernel::Ranked;
use crate::model::{MasterId, Wall, WorkerInfo};
use std::collections::BTreeMap;

macro_rules! select {
    ($tail:literal) => {
        concat!(
            "SELECT name, last_seen_at, info, environ, paused, pause_reason, graceful FROM workers ",
            $tail
        )
    };
}

fn read(mut row: Row) -> Result<WorkerInfo, DbError> {
    Ok(WorkerInfo {
        name: row.take()?,
        last_seen_at: row.take()?,
        info: row.take::<Json<_>>()?.0,
        environ: row.take::<Json<_>>()?.0,
        paused: row.take()?,
        pause_reason: row.take()?,
        graceful: row.take()?,
        ..WorkerInfo::default()
    })
}

/// Notes that a worker has connected to this master, and what it said of itself. A wish of the operator's that
/// it leave is fulfilled with that.
pub fn connected(
    tx: &mut Transaction<'_>,
    name: &str,
    master: MasterId,
    (info, environ): (&BTreeMap<String, String>, &BTreeMap<String, String>),
    now: Wall,
) -> Result<(), DbError> {
    tx.execute(
        "INSERT INTO workers (name, last_seen_at, info, environ, paused, graceful)
         VALUES ($1, $2, $3, $4, 0, 0)
         ON CONFLICT (name) DO UPDATE SET last_seen_at = excluded.last_seen_at,
             info = excluded.info, environ = excluded.environ, graceful = 0",
        params![name, now, json(info)?, json(environ)?],
    )?;
    tx.execute(
        "INSERT INTO connected_workers (worker, master) VALUES ($1, $2) ON CONFLICT DO NOTHING",
        params![name, master],
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
    let sql = "DELETE FROM connected_workers WHERE worker = $1 AND master = $2";
    if tx.execute(sql, params![name, master])? > 0 {
        tx.execute("UPDATE workers SET last_seen_at = $2 WHERE name = $1", params![name, now])?;
    }
    Ok(())
}

/// Notes that no worker is connected to this master, nor has it any.
pub(super) fn forget_master(tx: &mut Transaction<'_>, master: MasterId) -> Result<(), DbError> {
    tx.execute("DELETE FROM connected_workers WHERE master = $1", params![master])?;
    tx.execute("DELETE FROM configured_workers WHERE master = $1", params![master]).map(drop)
}

/// Notes which workers this master has, each with a builder that it serves.
pub fn configured(
    tx: &mut Transaction<'_>,
    master: MasterId,
    serving: &[(String, String)],
) -> Result<(), DbError> {
    tx.execute("DELETE FROM configured_workers WHERE master = $1", params![master])?;
    for (worker, builder) in serving {
        tx.execute(
            "INSERT INTO configured_workers (master, worker, builder) VALUES ($1, $2, $3)
             ON CONFLICT DO NOTHING",
            params![master, worker, builder],
        )?;
    }
    Ok(())
}

/// Notes whether a worker is paused, and why, and whether it is to leave.
pub fn set_wishes(
    tx: &mut Transaction<'_>,
    name: &str,
    pause: Option<&str>,
    graceful: bool,
) -> Result<(), DbError> {
    tx.execute(
        "INSERT INTO workers (name, info, environ, paused, pause_reason, graceful)
         VALUES ($1, '{}', '{}', $2, $3, $4)
         ON CONFLICT (name) DO UPDATE SET paused = excluded.paused, pause_reason = excluded.pause_reason,
             graceful = excluded.graceful",
        params![name, pause.is_some(), pause, graceful],
    )
    .map(drop)
}

/// The worker of this name, if it was ever heard of.
pub fn get(connection: &mut Connection, name: &str) -> Result<Option<WorkerInfo>, DbError> {
    let found = connection.query_opt(select!("WHERE name = $1"), params![name])?.map(read).transpose()?;
    let Some(mut worker) = found else { return Ok(None) };
    let sql = "SELECT master FROM connected_workers WHERE worker = $1 ORDER BY master";
    worker.connected_to = connection.query_map(sql, params![name], |mut row| row.take())?;
    let sql = "SELECT master, builder FROM configured_workers WHERE worker = $1 ORDER BY master, builder";
    worker.configured_on =
        connection.query_map(sql, params![name], |mut row| Ok((row.take()?, row.take()?)))?;
    Ok(Some(worker))
}

/// All workers ever heard of, by name.
pub fn all(connection: &mut Connection) -> Result<Vec<WorkerInfo>, DbError> {
    let rows = connection.query_map(select!(""), &[], read)?;
    let mut workers: BTreeMap<String, WorkerInfo> =
        rows.into_iter().map(|worker| (worker.name.clone(), worker)).collect();
    let sql = "SELECT worker, master FROM connected_workers ORDER BY master";
    let connected: Vec<(String, MasterId)> =
        connection.query_map(sql, &[], |mut row| Ok((row.take()?, row.take()?)))?;
    for (name, master) in connected {
        workers.entry(name).or_insert_with_key(|name| unheard(name)).connected_to.push(master);
    }
    let sql = "SELECT worker, master, builder FROM configured_workers ORDER BY master, builder";
    let configured: Vec<(String, MasterId, String)> =
        connection.query_map(sql, &[], |mut row| Ok((row.take()?, row.take()?, row.take()?)))?;
    for (name, master, builder) in configured {
        let worker = workers.entry(name).or_insert_with_key(|name| unheard(name));
        worker.configured_on.push((master, builder));
    }
    Ok(workers.into_values().collect())
}

/// One that some master has, and that never came.
fn unheard(name: &str) -> WorkerInfo {
    WorkerInfo { name: name.to_owned(), ..WorkerInfo::default() }
}

/// The verbs about workers.
pub struct Workers<'a, Me>(pub(super) &'a Handle<Me>);

impl<Me: Ranked> Workers<'_, Me> {
    /// Notes that a worker is no longer connected to this master. Does not wait.
    pub fn disconnected(&self, name: &str, master: MasterId, now: Wall) {
        let name = name.to_owned();
        self.0.write_later(0, move |tx| disconnected(tx, &name, master, now));
    }

    /// Notes which workers this master has, each with a builder that it serves. Does not wait.
    pub fn configured(&self, master: MasterId, serving: Vec<(String, String)>) {
        self.0.write_later(0, move |tx| configured(tx, master, &serving));
    }

    /// Notes whether a worker is paused, and why, and whether it is to leave; when this returns, it is committed.
    ///
    /// # Errors
    /// See [`DbError`].
    pub fn set_wishes(&self, name: &str, pause: Option<&str>, graceful: bool) -> Result<(), DbError> {
        let (name, pause) = (name.to_owned(), pause.map(str::to_owned));
        self.0.write(move |tx| set_wishes(tx, &name, pause.as_deref(), graceful))
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
