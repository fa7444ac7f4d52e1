//! Schedulers: what each has classified, and what waits in it (`DB-11`, `DS-14`). Each verb is one transaction, so
//! that no change is lost between "seen" and "in a buildset".

use super::Handle;
use super::buildsets::{self, Added, Completed};
use super::engine::{Connection, DbError, Json, Transaction, json, params};
use crate::kernel::Ranked;
use crate::model::{Buildset, BuildsetId, ChangeId, NewBuildset, Wall};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// A scheduler's row.
#[derive(Clone, Debug, PartialEq)]
pub struct Stored {
    /// The last change that it has classified.
    pub cursor: ChangeId,
    /// What it keeps for itself.
    pub state: Value,
    /// The changes that wait for a build, each with whether it is important; the oldest first.
    pub pending: Vec<(ChangeId, bool)>,
}

/// What a scheduler makes of one change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Classified {
    /// The change.
    pub change: ChangeId,
    /// Whether it is important; `None` if it is not for this scheduler.
    pub important: Option<bool>,
    /// Why, for people.
    pub reason: String,
}

/// Loads a scheduler's row. A new one begins after the newest change: what was before it is not its business.
pub fn load(tx: &mut Transaction<'_>, name: &str) -> Result<Stored, DbError> {
    tx.execute(
        "INSERT INTO schedulers (name, cursor, state)
         SELECT CAST($1 AS TEXT), COALESCE(MAX(id), 0), 'null' FROM changes WHERE true
         ON CONFLICT (name) DO NOTHING",
        params![name],
    )?;
    let mut row = tx.query_one("SELECT cursor, state FROM schedulers WHERE name = $1", params![name])?;
    let (cursor, state) = (row.take()?, row.take::<Json<_>>()?.0);
    Ok(Stored { cursor, state, pending: pending(tx, name)? })
}

/// The names of all schedulers that ever followed changes.
pub fn names(connection: &mut Connection) -> Result<Vec<String>, DbError> {
    connection.query_map("SELECT name FROM schedulers ORDER BY name", &[], |mut row| row.take())
}

/// The changes that wait in a scheduler, each with whether it is important; the oldest first.
pub fn pending(connection: &mut Connection, name: &str) -> Result<Vec<(ChangeId, bool)>, DbError> {
    connection.query_map(
        "SELECT change, important FROM scheduler_changes WHERE scheduler = $1 ORDER BY change",
        params![name],
        |mut row| Ok((row.take()?, row.take()?)),
    )
}

/// The schedulers in which a change waits for a build, each with whether it is important there.
pub fn holding(connection: &mut Connection, change: ChangeId) -> Result<Vec<(String, bool)>, DbError> {
    connection.query_map(
        "SELECT scheduler, important FROM scheduler_changes WHERE change = $1 ORDER BY scheduler",
        params![change],
        |mut row| Ok((row.take()?, row.take()?)),
    )
}

/// Stores what a scheduler makes of the changes after `from` up to `to`, and moves its cursor there.
///
/// # Errors
/// A refusal if the cursor is not at `from`: another master has classified them.
pub fn classify(
    tx: &mut Transaction<'_>,
    name: &str,
    (from, to): (ChangeId, ChangeId),
    changes: &[Classified],
) -> Result<(), DbError> {
    let moved = tx.execute(
        "UPDATE schedulers SET cursor = $3 WHERE name = $1 AND cursor = $2",
        params![name, from, to],
    )?;
    if moved == 0 {
        return Err(DbError::Refused(format!("scheduler {name} is not at change {from}")));
    }
    for classified in changes {
        if let Some(important) = classified.important {
            tx.execute(
                "INSERT INTO scheduler_changes (scheduler, change, important) VALUES ($1, $2, $3)
                 ON CONFLICT (scheduler, change) DO UPDATE SET important = excluded.important",
                params![name, classified.change, important],
            )?;
        }
        set_verdict(tx, name, classified.change, None, &classified.reason)?;
    }
    Ok(())
}

/// The buildset of the scheduler `new.scheduler` is made: those that have it as their upstream await its end.
pub(super) fn await_end(tx: &mut Transaction<'_>, id: BuildsetId, new: &NewBuildset) -> Result<(), DbError> {
    let waiting: Vec<String> = tx.query_map(
        "INSERT INTO awaited_buildsets (scheduler, buildset)
         SELECT name, CAST($1 AS BIGINT) FROM schedulers WHERE upstream = $2 RETURNING scheduler",
        params![id, new.scheduler],
        |mut row| row.take(),
    )?;
    for scheduler in waiting {
        for change in &new.changes {
            set_verdict(tx, &scheduler, *change, None, &format!("waiting for the end of buildset {id}"))?;
        }
    }
    Ok(())
}

/// Says whose buildsets a scheduler awaits from now on; those of another it awaits no longer.
pub fn set_upstream(tx: &mut Transaction<'_>, name: &str, upstream: Option<&str>) -> Result<(), DbError> {
    let changed = tx.execute(
        "UPDATE schedulers SET upstream = $2 WHERE name = $1 AND upstream IS DISTINCT FROM $2",
        params![name, upstream],
    )?;
    if changed > 0 {
        tx.execute("DELETE FROM awaited_buildsets WHERE scheduler = $1", params![name])?;
    }
    Ok(())
}

/// The buildsets that a scheduler awaits and that are complete, the oldest first.
pub fn ended(connection: &mut Connection, name: &str) -> Result<Vec<Completed>, DbError> {
    connection.query_map(
        "SELECT id, results FROM awaited_buildsets JOIN buildsets ON id = buildset
         WHERE awaited_buildsets.scheduler = $1 AND complete_at IS NOT NULL ORDER BY id",
        params![name],
        |mut row| Ok(Completed { id: row.take()?, results: row.take()? }),
    )
}

/// The schedulers that await the end of a buildset with this change, each with the buildset.
pub fn awaiting(connection: &mut Connection, change: ChangeId) -> Result<Vec<(String, BuildsetId)>, DbError> {
    connection.query_map(
        "SELECT scheduler, awaited_buildsets.buildset FROM awaited_buildsets
         JOIN buildset_changes ON buildset_changes.buildset = awaited_buildsets.buildset
         WHERE change = $1 ORDER BY scheduler, awaited_buildsets.buildset",
        params![change],
        |mut row| Ok((row.take()?, row.take()?)),
    )
}

/// How many buildsets each scheduler awaits.
pub fn awaited(connection: &mut Connection) -> Result<BTreeMap<String, i64>, DbError> {
    let sql = "SELECT scheduler, COUNT(*) FROM awaited_buildsets GROUP BY scheduler";
    let each = connection.query_map(sql, &[], |mut row| Ok((row.take()?, row.take()?)))?;
    Ok(each.into_iter().collect())
}

/// A scheduler awaits a buildset no longer: makes its own, if there is one to make, else says of the upstream's
/// changes why there is none.
///
/// # Errors
/// A refusal if it does not await it: another master has acted on it.
pub fn take_ended(
    tx: &mut Transaction<'_>,
    name: &str,
    upstream: &Buildset,
    outcome: &Result<NewBuildset, String>,
    now: Wall,
) -> Result<Option<Added>, DbError> {
    let sql = "DELETE FROM awaited_buildsets WHERE scheduler = $1 AND buildset = $2";
    if tx.execute(sql, params![name, upstream.id])? == 0 {
        let why = format!("scheduler {name} does not await buildset {}", upstream.id);
        return Err(DbError::Refused(why));
    }
    let (added, reason) = match outcome {
        Ok(new) => {
            let added = buildsets::add(tx, new, now)?;
            let reason = format!("in buildset {}, after buildset {}", added.id, upstream.id);
            (Some(added), reason)
        }
        Err(why) => (None, why.clone()),
    };
    for change in &upstream.changes {
        set_verdict(tx, name, *change, added.as_ref().map(|added| added.id), &reason)?;
    }
    Ok(added)
}

/// Lets a scheduler make buildsets, or none, whatever the configuration says.
pub fn set_enabled(tx: &mut Transaction<'_>, name: &str, enabled: bool) -> Result<(), DbError> {
    load(tx, name)?;
    tx.execute("UPDATE schedulers SET enabled = $2 WHERE name = $1", params![name, enabled]).map(drop)
}

/// The schedulers that make no buildsets.
pub fn disabled(connection: &mut Connection) -> Result<BTreeSet<String>, DbError> {
    let sql = "SELECT name FROM schedulers WHERE enabled = 0";
    Ok(connection.query_map(sql, &[], |mut row| row.take())?.into_iter().collect())
}

fn set_verdict(
    tx: &mut Transaction<'_>,
    scheduler: &str,
    change: ChangeId,
    buildset: Option<BuildsetId>,
    reason: &str,
) -> Result<(), DbError> {
    tx.execute(
        "INSERT INTO verdicts (change, scheduler, buildset, reason) VALUES ($1, $2, $3, $4)
         ON CONFLICT (change, scheduler) DO UPDATE SET buildset = excluded.buildset, reason = excluded.reason",
        params![change, scheduler, buildset, reason],
    )
    .map(drop)
}

/// Makes a buildset of changes that wait, which so wait no longer. The changes that go are those of
/// `new.changes` and those of `dropped`, which are in no buildset, with the reason given.
///
/// # Errors
/// A refusal if one of `new.changes` does not wait: another master has taken it.
pub fn flush_into_buildset(
    tx: &mut Transaction<'_>,
    name: &str,
    new: &NewBuildset,
    dropped: &[(ChangeId, String)],
    now: Wall,
) -> Result<Added, DbError> {
    let added = buildsets::add(tx, new, now)?;
    for change in &new.changes {
        let Some(important) = forget(tx, name, *change)? else {
            return Err(DbError::Refused(format!("change {change} does not wait in scheduler {name}")));
        };
        let reason = match important {
            true => format!("in buildset {}", added.id),
            false => format!("not important, taken along in buildset {}", added.id),
        };
        set_verdict(tx, name, *change, Some(added.id), &reason)?;
    }
    for (change, reason) in dropped {
        if forget(tx, name, *change)?.is_some() {
            set_verdict(tx, name, *change, None, reason)?;
        }
    }
    Ok(added)
}

/// Makes a buildset of changes that wait, or lets them go without one, for the reason given.
///
/// # Errors
/// A refusal if one of them does not wait: another master has taken it.
pub fn flush(
    tx: &mut Transaction<'_>,
    name: &str,
    outcome: &Result<NewBuildset, String>,
    waiting: &[ChangeId],
    now: Wall,
) -> Result<Option<Added>, DbError> {
    let why = match outcome {
        Ok(new) => return flush_into_buildset(tx, name, new, &[], now).map(Some),
        Err(why) => why,
    };
    for change in waiting {
        if forget(tx, name, *change)?.is_none() {
            return Err(DbError::Refused(format!("change {change} does not wait in scheduler {name}")));
        }
        set_verdict(tx, name, *change, None, why)?;
    }
    Ok(None)
}

/// Lets a change wait no longer; says whether it was important, if it waited.
fn forget(tx: &mut Transaction<'_>, name: &str, change: ChangeId) -> Result<Option<bool>, DbError> {
    let sql = "DELETE FROM scheduler_changes WHERE scheduler = $1 AND change = $2 RETURNING important";
    tx.query_opt(sql, params![name, change])?.map(|mut row| row.take()).transpose()
}

/// Stores what a scheduler keeps for itself.
pub fn set_state(tx: &mut Transaction<'_>, name: &str, state: &Value) -> Result<(), DbError> {
    tx.execute("UPDATE schedulers SET state = $2 WHERE name = $1", params![name, json(state)?]).map(drop)
}

/// The same, if nobody has changed it meanwhile.
///
/// # Errors
/// A refusal if it is not `old` any more: another master was faster.
pub fn swap_state(tx: &mut Transaction<'_>, name: &str, old: &Value, new: &Value) -> Result<(), DbError> {
    let sql = "UPDATE schedulers SET state = $3 WHERE name = $1 AND state = $2";
    match tx.execute(sql, params![name, json(old)?, json(new)?])? {
        0 => Err(DbError::Refused(format!("what scheduler {name} keeps has changed"))),
        _ => Ok(()),
    }
}

/// No change waits in a scheduler any more; none of them is in a buildset.
pub fn forget_all(tx: &mut Transaction<'_>, name: &str) -> Result<(), DbError> {
    tx.execute("DELETE FROM scheduler_changes WHERE scheduler = $1", params![name]).map(drop)
}

/// The verbs about schedulers.
pub struct Schedulers<'a, Me>(pub(super) &'a Handle<Me>);

impl<Me: Ranked> Schedulers<'_, Me> {
    /// Loads a scheduler's row; a new one begins after the newest change.
    ///
    /// # Errors
    /// See [`DbError`].
    pub fn load(&self, name: &str) -> Result<Stored, DbError> {
        let name = name.to_owned();
        self.0.write(move |tx| load(tx, &name))
    }

    /// Stores what a scheduler makes of the changes after `span.0` up to `span.1`; see [`classify`].
    ///
    /// # Errors
    /// See [`DbError`].
    pub fn classify(
        &self,
        name: &str,
        span: (ChangeId, ChangeId),
        changes: Vec<Classified>,
    ) -> Result<(), DbError> {
        let name = name.to_owned();
        self.0.write(move |tx| classify(tx, &name, span, &changes))
    }

    /// Stores what a scheduler keeps for itself.
    ///
    /// # Errors
    /// See [`DbError`].
    pub fn set_state(&self, name: &str, state: Value) -> Result<(), DbError> {
        let name = name.to_owned();
        self.0.write(move |tx| set_state(tx, &name, &state))
    }
}
