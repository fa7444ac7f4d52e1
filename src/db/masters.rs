//! Masters, their fences, and what a restart makes of the builds that were running (`design.md` 4).

use super::engine::{Connection, DbError, Transaction, params};
use super::{Handle, builds, requests, workers};
use crate::kernel::Ranked;
use crate::model::{BuildId, MasterId, RequestId, Results, Wall};

/// Who claims: a master, and which of its lives. A claim of an earlier life holds no longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claimant {
    /// The master's row.
    pub master: MasterId,
    /// One more with every start of this master, and with every recovery of it by another.
    pub fence: i64,
}

/// What a recovery ended and freed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recovered {
    /// The builds that were running: they ended as retry.
    pub builds: Vec<BuildId>,
    /// Their requests, and those claimed without a build: unclaimed again.
    pub requests: Vec<RequestId>,
}

/// Registers this start of the master `name`.
pub fn register(tx: &mut Transaction<'_>, name: &str, now: Wall) -> Result<Claimant, DbError> {
    let mut row = tx.query_one(
        "INSERT INTO masters (name, fence, started_at, last_active_at, active) VALUES ($1, 1, $2, $2, 1)
         ON CONFLICT (name) DO UPDATE
         SET fence = masters.fence + 1, started_at = $2, last_active_at = $2, active = 1
         RETURNING id, fence",
        params![name, now],
    )?;
    Ok(Claimant { master: row.take()?, fence: row.take()? })
}

/// Notes that the master lives. Returns false when it was recovered by another meanwhile and must not go on.
pub fn touch(tx: &mut Transaction<'_>, claimant: Claimant, now: Wall) -> Result<bool, DbError> {
    let touched = tx.execute(
        "UPDATE masters SET last_active_at = $3 WHERE id = $1 AND fence = $2",
        params![claimant.master, claimant.fence, now],
    )?;
    Ok(touched == 1)
}

/// The masters that count as running and have not been heard of since `since`.
pub fn silent(tx: &mut Transaction<'_>, since: Wall) -> Result<Vec<MasterId>, DbError> {
    tx.query_map(
        "SELECT id FROM masters WHERE active = 1 AND last_active_at < $1 ORDER BY id",
        params![since],
        |mut row| row.take(),
    )
}

/// Ends what a dead master was doing: its running builds end as retry, its claims are given up, its workers
/// count as disconnected. Its old claims are fenced off, should it not be dead.
pub fn recover(tx: &mut Transaction<'_>, dead: MasterId, now: Wall) -> Result<Recovered, DbError> {
    tx.execute("UPDATE masters SET fence = fence + 1, active = 0 WHERE id = $1", params![dead])?;
    recover_rows(tx, dead, now)
}

/// Registers this start of the master and ends what its last life left running, in one transaction.
pub fn start(tx: &mut Transaction<'_>, name: &str, now: Wall) -> Result<(Claimant, Recovered), DbError> {
    let claimant = register(tx, name, now)?;
    Ok((claimant, recover_rows(tx, claimant.master, now)?))
}

fn recover_rows(tx: &mut Transaction<'_>, master: MasterId, now: Wall) -> Result<Recovered, DbError> {
    let builds = builds::interrupt_all(tx, master, "interrupted by a master restart", Results::Retry, now)?;
    let requests = requests::unclaim_all(tx, master)?;
    workers::forget_master(tx, master)?;
    Ok(Recovered { builds, requests })
}

/// A master's row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Master {
    /// Its id.
    pub id: MasterId,
    /// Its name.
    pub name: String,
    /// Whether it runs, as far as is known.
    pub active: bool,
    /// When it was last heard of.
    pub last_active_at: Wall,
}

/// All masters there ever were.
pub fn all(connection: &mut Connection) -> Result<Vec<Master>, DbError> {
    let sql = "SELECT id, name, active, last_active_at FROM masters ORDER BY id";
    connection.query_map(sql, &[], |mut row| {
        Ok(Master { id: row.take()?, name: row.take()?, active: row.take()?, last_active_at: row.take()? })
    })
}

/// The verbs about masters.
pub struct Masters<'a, Me>(pub(super) &'a Handle<Me>);

impl<Me: Ranked> Masters<'_, Me> {
    /// Registers this start of the master `name` and ends what its last life left running: its builds end as
    /// retry, their logs readable up to the last commit, their requests wait again, its workers are away.
    ///
    /// # Errors
    /// See [`DbError`].
    pub fn start(&self, name: &str, now: Wall) -> Result<(Claimant, Recovered), DbError> {
        let name = name.to_owned();
        self.0.write(move |tx| start(tx, &name, now))
    }

    /// Notes that this master lives. False: another has recovered it, and it must start anew.
    ///
    /// # Errors
    /// See [`DbError`].
    pub fn touch(&self, claimant: Claimant, now: Wall) -> Result<bool, DbError> {
        self.0.write(move |tx| touch(tx, claimant, now))
    }

    /// Recovers every other master that has been silent since `since`.
    ///
    /// # Errors
    /// See [`DbError`].
    pub fn recover_silent(
        &self,
        claimant: Claimant,
        since: Wall,
        now: Wall,
    ) -> Result<Vec<(MasterId, Recovered)>, DbError> {
        self.0.write(move |tx| {
            let dead = silent(tx, since)?.into_iter().filter(|id| *id != claimant.master);
            dead.map(|id| Ok((id, recover(tx, id, now)?))).collect()
        })
    }

    /// Notes that this master has stopped in order.
    ///
    /// # Errors
    /// See [`DbError`].
    pub fn stop(&self, claimant: Claimant, now: Wall) -> Result<(), DbError> {
        self.0.write(move |tx| {
            tx.execute(
                "UPDATE masters SET active = 0, last_active_at = $3 WHERE id = $1 AND fence = $2",
                params![claimant.master, claimant.fence, now],
            )?;
            workers::forget_master(tx, claimant.master)
        })
    }
}
