//! Whole numbers for what is known by its name, given once and for good: Buildbot's API calls builders, workers
//! and schedulers by them.

use super::Handle;
use super::engine::{Connection, DbError, Transaction, params};
use super::ids::{self, IdKind};
use crate::kernel::Ranked;
use std::collections::BTreeMap;

/// The ids of a kind, by name.
pub fn all(connection: &mut Connection, kind: IdKind) -> Result<BTreeMap<String, i64>, DbError> {
    let sql = "SELECT name, id FROM name_ids WHERE kind = $1";
    let ids = connection.query_map(sql, params![kind.as_str()], |mut row| Ok((row.take()?, row.take()?)))?;
    Ok(ids.into_iter().collect())
}

/// Gives an id to each of these names that has none.
pub fn ensure(tx: &mut Transaction<'_>, kind: IdKind, names: &[String]) -> Result<(), DbError> {
    for name in names {
        let id = ids::reserve(tx, kind, 1)?.start;
        tx.execute(
            "INSERT INTO name_ids (kind, name, id) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
            params![kind.as_str(), name, id],
        )?;
    }
    Ok(())
}

/// The names of all builders that ever built.
pub fn builders(connection: &mut Connection) -> Result<Vec<String>, DbError> {
    connection.query_map("SELECT name FROM builders ORDER BY name", &[], |mut row| row.take())
}

/// The verbs about the ids of what is known by name.
pub struct Names<'a, Me>(pub(super) &'a Handle<Me>);

impl<Me: Ranked> Names<'_, Me> {
    /// Gives an id to each of these names that has none; when this returns, they are committed.
    ///
    /// # Errors
    /// See [`DbError`].
    pub fn ensure(&self, kind: IdKind, names: Vec<String>) -> Result<(), DbError> {
        self.0.write(move |tx| ensure(tx, kind, &names))
    }
}
