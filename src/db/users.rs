//! People, and which changes are theirs (`US-01`, `US-02`, `US-05`).

use super::Handle;
use super::engine::{Connection, DbError, Row, Transaction, params};
use crate::kernel::Ranked;
use crate::model::{ChangeId, User, UserId};

macro_rules! select {
    ($tail:literal) => {
        concat!("SELECT id, identifier, login FROM users ", $tail)
    };
}

fn read(connection: &mut Connection, mut row: Row) -> Result<User, DbError> {
    let id = row.take()?;
    let sql = "SELECT type, data FROM users_info WHERE \"user\" = $1";
    let info = connection.query_map(sql, params![id], |mut row| Ok((row.take()?, row.take()?)))?;
    Ok(User { id, identifier: row.take()?, login: row.take()?, info: info.into_iter().collect() })
}

/// The user of whom this is known. Whoever is not known yet becomes a user whose identifier it is; somebody who has
/// that identifier already is them.
pub fn find_or_add(tx: &mut Transaction<'_>, kind: &str, data: &str) -> Result<UserId, DbError> {
    if let Some(user) = by_info(tx, kind, data)? {
        return Ok(user);
    }
    let user = named(tx, data)?;
    // Another master may have been faster.
    set_info(tx, user, kind, data)?;
    Ok(by_info(tx, kind, data)?.unwrap_or(user))
}

/// The user with this identifier, who is made where there is none.
fn named(tx: &mut Transaction<'_>, identifier: &str) -> Result<UserId, DbError> {
    tx.query_one(
        "INSERT INTO users (identifier) VALUES ($1)
         ON CONFLICT (identifier) DO UPDATE SET identifier = excluded.identifier RETURNING id",
        params![identifier],
    )?
    .take()
}

fn by_info(connection: &mut Connection, kind: &str, data: &str) -> Result<Option<UserId>, DbError> {
    let sql = "SELECT \"user\" FROM users_info WHERE type = $1 AND data = $2";
    connection.query_opt(sql, params![kind, data])?.map(|mut row| row.take()).transpose()
}

/// Notes what is known of a user, in place of what was; leaves it to the user of whom it is known already.
pub fn set_info(tx: &mut Transaction<'_>, user: UserId, kind: &str, data: &str) -> Result<(), DbError> {
    if by_info(tx, kind, data)?.is_some() {
        return Ok(());
    }
    tx.execute(
        "INSERT INTO users_info (\"user\", type, data) VALUES ($1, $2, $3)
         ON CONFLICT (\"user\", type) DO UPDATE SET data = excluded.data",
        params![user, kind, data],
    )
    .map(drop)
}

/// Makes a user, of whom the first attribute is known already or is not, and notes the others (`US-05`).
///
/// # Errors
/// A refusal if there is no attribute.
pub fn add(tx: &mut Transaction<'_>, identifier: &str, info: &[(String, String)]) -> Result<UserId, DbError> {
    let Some(((kind, data), others)) = info.split_first() else {
        return Err(DbError::Refused(format!("nothing is told of user {identifier:?}")));
    };
    let user = match by_info(tx, kind, data)? {
        Some(user) => user,
        None => {
            let user = named(tx, identifier)?;
            set_info(tx, user, kind, data)?;
            user
        }
    };
    others.iter().try_for_each(|(kind, data)| set_info(tx, user, kind, data))?;
    Ok(user)
}

/// Lets a user log in; `password` is the hash.
///
/// # Errors
/// A refusal if somebody else has this login.
pub fn set_login(tx: &mut Transaction<'_>, user: UserId, login: &str, password: &str) -> Result<(), DbError> {
    let sql = "SELECT id FROM users WHERE login = $1 AND id <> $2";
    if tx.query_opt(sql, params![login, user])?.is_some() {
        return Err(DbError::Refused(format!("somebody else logs in as {login:?}")));
    }
    let sql = "UPDATE users SET login = $2, password = $3 WHERE id = $1";
    tx.execute(sql, params![user, login, password]).map(drop)
}

/// Forgets a user, and that changes were theirs. Whether there was one.
pub fn remove(tx: &mut Transaction<'_>, identifier: &str) -> Result<bool, DbError> {
    Ok(tx.execute("DELETE FROM users WHERE identifier = $1", params![identifier])? > 0)
}

/// The user with this identifier.
pub fn by_identifier(connection: &mut Connection, identifier: &str) -> Result<Option<User>, DbError> {
    let row = connection.query_opt(select!("WHERE identifier = $1"), params![identifier])?;
    row.map(|row| read(connection, row)).transpose()
}

/// The user who logs in as this, and the hash of the password.
pub fn by_login(connection: &mut Connection, login: &str) -> Result<Option<(UserId, String)>, DbError> {
    let sql = "SELECT id, password FROM users WHERE login = $1 AND password IS NOT NULL";
    let row = connection.query_opt(sql, params![login])?;
    row.map(|mut row| Ok((row.take()?, row.take()?))).transpose()
}

/// Users with identifiers after `after`, at most `limit`, by identifier.
pub fn list(connection: &mut Connection, after: &str, limit: u32) -> Result<Vec<User>, DbError> {
    let sql = select!("WHERE identifier > $1 ORDER BY identifier LIMIT $2");
    let rows = connection.query(sql, params![after, i64::from(limit)])?;
    rows.into_iter().map(|row| read(connection, row)).collect()
}

/// Notes whose change it is.
pub fn assign(tx: &mut Transaction<'_>, change: ChangeId, user: UserId) -> Result<(), DbError> {
    let sql = "INSERT INTO change_users (change, \"user\") VALUES ($1, $2) ON CONFLICT DO NOTHING";
    tx.execute(sql, params![change, user]).map(drop)
}

/// Whose change it is.
pub fn of_change(connection: &mut Connection, change: ChangeId) -> Result<Vec<UserId>, DbError> {
    let sql = "SELECT \"user\" FROM change_users WHERE change = $1 ORDER BY \"user\"";
    connection.query_map(sql, params![change], |mut row| row.take())
}

/// The verbs about users.
pub struct Users<'a, Me>(pub(super) &'a Handle<Me>);

impl<Me: Ranked> Users<'_, Me> {
    /// The user with this identifier.
    ///
    /// # Errors
    /// See [`DbError`].
    pub fn by_identifier(&self, identifier: &str) -> Result<Option<User>, DbError> {
        let identifier = identifier.to_owned();
        self.0.read(move |connection| by_identifier(connection, &identifier))
    }

    /// The user who logs in as this, and the hash of the password.
    ///
    /// # Errors
    /// See [`DbError`].
    pub fn by_login(&self, login: &str) -> Result<Option<(UserId, String)>, DbError> {
        let login = login.to_owned();
        self.0.read(move |connection| by_login(connection, &login))
    }

    /// Whose change it is.
    ///
    /// # Errors
    /// See [`DbError`].
    pub fn of_change(&self, change: ChangeId) -> Result<Vec<UserId>, DbError> {
        self.0.read(move |connection| of_change(connection, change))
    }
}
