//! What anything keeps for itself between two starts: JSON by owner and name (`DB-12`, `N-DB-10`). A change source
//! keeps its place here, under its own name.

use super::Handle;
use super::engine::{Connection, DbError, Json, Transaction, json, params};
use crate::kernel::Ranked;
use serde_json::Value;

/// What `object` keeps under `name`.
pub fn get(connection: &mut Connection, object: &str, name: &str) -> Result<Option<Value>, DbError> {
    let sql = "SELECT value FROM object_state WHERE object = $1 AND name = $2";
    let row = connection.query_opt(sql, params![object, name])?;
    row.map(|mut row| Ok(row.take::<Json<_>>()?.0)).transpose()
}

/// Stores what `object` keeps under `name`.
pub fn set(tx: &mut Transaction<'_>, object: &str, name: &str, value: &Value) -> Result<(), DbError> {
    tx.execute(
        "INSERT INTO object_state (object, name, value) VALUES ($1, $2, $3)
         ON CONFLICT (object, name) DO UPDATE SET value = excluded.value",
        params![object, name, json(value)?],
    )
    .map(drop)
}

/// The verbs about kept state.
pub struct State<'a, Me>(pub(super) &'a Handle<Me>);

impl<Me: Ranked> State<'_, Me> {
    /// What `object` keeps under `name`.
    ///
    /// # Errors
    /// See [`DbError`].
    pub fn get(&self, object: &str, name: &str) -> Result<Option<Value>, DbError> {
        let (object, name) = (object.to_owned(), name.to_owned());
        self.0.read(move |connection| get(connection, &object, &name))
    }

    /// Stores what `object` keeps under `name`; when this returns, it is committed.
    ///
    /// # Errors
    /// See [`DbError`].
    pub fn set(&self, object: &str, name: &str, value: Value) -> Result<(), DbError> {
        let (object, name) = (object.to_owned(), name.to_owned());
        self.0.write(move |tx| set(tx, &object, &name, &value))
    }
}
