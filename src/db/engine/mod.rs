//! One connection to either engine, with one small set of verbs.
//!
//! SQL is written once, with `$1` parameters, in the dialect that SQLite and PostgreSQL share; where they must
//! differ, the two files beside this one do. A statement is prepared once per connection.

mod postgres;
mod sqlite;
mod value;

pub(crate) use value::params;
pub use value::{FromValue, Json, Param, Row, ToParam, Value, json};

use super::config::Settings;
use crate::config::DatabaseUrl;
use std::ops::{Deref, DerefMut};

/// Why the database did not do what it was asked (`design.md` 2, rule 7).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DbError {
    /// The world is wrong: the disk is full, the file is locked, the connection is lost. Trying again may help.
    #[error("the database is out of reach: {0}")]
    Outage(String),
    /// The asker is wrong: what was asked for does not fit what is stored.
    #[error("{0}")]
    Refused(String),
    /// This program is wrong.
    #[error("a bug in a statement: {0}")]
    Bug(String),
}

impl DbError {
    /// Whether to try again later.
    pub fn is_outage(&self) -> bool {
        matches!(self, DbError::Outage(_))
    }
}

/// What a connection may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Read only; the engine refuses all else.
    Read,
    /// Read and write.
    Write,
}

/// One connection, to either engine.
pub struct Connection {
    engine: Engine,
}

enum Engine {
    Sqlite(sqlite::Sqlite),
    Postgres(Box<postgres::Postgres>),
}

impl Connection {
    /// Connects.
    ///
    /// # Errors
    /// An outage: the file or the server is out of reach. A refusal: the address is not one.
    pub fn open(settings: &Settings, access: Access) -> Result<Connection, DbError> {
        let engine = match &settings.url {
            DatabaseUrl::Sqlite(path) => Engine::Sqlite(sqlite::Sqlite::open(path, settings, access)?),
            DatabaseUrl::Postgres(text) => {
                let config = text
                    .parse::<::postgres::Config>()
                    .map_err(|error| DbError::Refused(format!("{}: {error}", settings.url)))?;
                Engine::Postgres(Box::new(postgres::Postgres::open(config, settings, access)?))
            }
        };
        Ok(Connection { engine })
    }

    /// Runs a statement and returns its rows.
    ///
    /// # Errors
    /// See [`DbError`].
    pub fn query(&mut self, sql: &str, params: &[Param<'_>]) -> Result<Vec<Row>, DbError> {
        match &mut self.engine {
            Engine::Sqlite(engine) => engine.query(sql, params),
            Engine::Postgres(engine) => engine.query(sql, params),
        }
    }

    /// Runs a statement that returns at most one row.
    ///
    /// # Errors
    /// See [`DbError`].
    pub fn query_opt(&mut self, sql: &str, params: &[Param<'_>]) -> Result<Option<Row>, DbError> {
        Ok(self.query(sql, params)?.into_iter().next())
    }

    /// Runs a statement that returns a row whatever happens.
    ///
    /// # Errors
    /// See [`DbError`]; no row is a bug.
    pub fn query_one(&mut self, sql: &str, params: &[Param<'_>]) -> Result<Row, DbError> {
        self.query_opt(sql, params)?.ok_or_else(|| DbError::Bug(format!("no row from: {sql}")))
    }

    /// Runs a statement for its rows, each made into what `read` makes of it.
    ///
    /// # Errors
    /// See [`DbError`].
    pub fn query_map<T>(
        &mut self,
        sql: &str,
        params: &[Param<'_>],
        read: impl FnMut(Row) -> Result<T, DbError>,
    ) -> Result<Vec<T>, DbError> {
        self.query(sql, params)?.into_iter().map(read).collect()
    }

    /// The SQL steps of this engine, oldest first: file name and text.
    pub(super) fn migrations(&self) -> &'static [(&'static str, &'static str)] {
        match &self.engine {
            Engine::Sqlite(_) => sqlite::MIGRATIONS,
            Engine::Postgres(_) => postgres::MIGRATIONS,
        }
    }

    /// The names of the tables, their columns, and whether a column may be null, for comparing two schemas.
    ///
    /// # Errors
    /// See [`DbError`].
    pub fn columns(&mut self) -> Result<Vec<Column>, DbError> {
        let sql = match &self.engine {
            Engine::Sqlite(_) => sqlite::COLUMNS,
            Engine::Postgres(_) => postgres::COLUMNS,
        };
        self.query_map(sql, &[], |mut row| {
            Ok(Column { table: row.take()?, name: row.take()?, kind: row.take()?, nullable: row.take()? })
        })
    }

    /// Begins a transaction that may write.
    pub(super) fn begin(&mut self) -> Result<Transaction<'_>, DbError> {
        match &mut self.engine {
            Engine::Sqlite(engine) => engine.run("BEGIN IMMEDIATE")?,
            Engine::Postgres(engine) => engine.run("BEGIN")?,
        }
        Ok(Transaction { connection: self })
    }

    /// Runs statements that have no parameters and no rows.
    fn run(&mut self, sql: &str) -> Result<(), DbError> {
        match &mut self.engine {
            Engine::Sqlite(engine) => engine.run(sql),
            Engine::Postgres(engine) => engine.run(sql),
        }
    }

    /// Makes the connection fit for use again after an error: rolls back what is open, connects anew where the
    /// connection is lost. Returns whether the transaction whose commit was cut short did commit after all.
    pub(super) fn mend(&mut self) -> Result<bool, DbError> {
        match &mut self.engine {
            Engine::Sqlite(engine) => engine.mend().map(|()| false),
            Engine::Postgres(engine) => engine.mend(),
        }
    }

    /// Runs `work` in a transaction of its own and commits it.
    ///
    /// # Errors
    /// What `work` or the commit answered; nothing has happened then.
    pub fn transaction<R>(
        &mut self,
        work: impl FnOnce(&mut Transaction<'_>) -> Result<R, DbError>,
    ) -> Result<R, DbError> {
        let outcome = self.begin().and_then(|mut tx| {
            let result = work(&mut tx)?;
            tx.commit()?;
            Ok(result)
        });
        if outcome.is_err() {
            self.mend()?;
        }
        outcome
    }
}

/// A column of a table, as both engines tell it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Column {
    /// The table's name.
    pub table: String,
    /// The column's name.
    pub name: String,
    /// `int`, `text` or `bytes`.
    pub kind: String,
    /// Whether it may be null.
    pub nullable: bool,
}

/// An open transaction: a connection that may write. One that is not committed is rolled back when the
/// connection is mended.
pub struct Transaction<'a> {
    connection: &'a mut Connection,
}

impl Transaction<'_> {
    /// Runs a statement and returns how many rows it touched.
    ///
    /// # Errors
    /// See [`DbError`].
    pub fn execute(&mut self, sql: &str, params: &[Param<'_>]) -> Result<u64, DbError> {
        match &mut self.connection.engine {
            Engine::Sqlite(engine) => engine.execute(sql, params),
            Engine::Postgres(engine) => engine.execute(sql, params),
        }
    }

    /// Runs the statements of a migration.
    pub(super) fn run(&mut self, sql: &str) -> Result<(), DbError> {
        self.connection.run(sql)
    }

    /// Keeps every other process from migrating until this transaction ends.
    pub(super) fn lock_schema(&mut self) -> Result<(), DbError> {
        match &mut self.connection.engine {
            Engine::Sqlite(_) => Ok(()), // a transaction that may write is the only one
            Engine::Postgres(engine) => engine.run(postgres::LOCK_SCHEMA),
        }
    }

    /// Marks the place to which [`Transaction::undo_job`] goes back.
    pub(super) fn begin_job(&mut self) -> Result<(), DbError> {
        self.connection.run("SAVEPOINT job")
    }

    /// Keeps what was done since the mark.
    pub(super) fn keep_job(&mut self) -> Result<(), DbError> {
        self.connection.run("RELEASE SAVEPOINT job")
    }

    /// Undoes what was done since the mark, and removes the mark.
    pub(super) fn undo_job(&mut self) -> Result<(), DbError> {
        self.connection.run("ROLLBACK TO SAVEPOINT job; RELEASE SAVEPOINT job")
    }

    /// Commits.
    pub(super) fn commit(self) -> Result<(), DbError> {
        match &mut self.connection.engine {
            Engine::Sqlite(engine) => engine.run("COMMIT"),
            Engine::Postgres(engine) => engine.commit(),
        }
    }
}

impl Deref for Transaction<'_> {
    type Target = Connection;
    fn deref(&self) -> &Connection {
        self.connection
    }
}

impl DerefMut for Transaction<'_> {
    fn deref_mut(&mut self) -> &mut Connection {
        self.connection
    }
}
