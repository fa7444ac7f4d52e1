//! SQLite, embedded: write-ahead log, so that readers never wait for the writer.

use super::value::storable;
use super::{Access, DbError, Param, Row, Value};
use crate::db::config::Settings;
use rusqlite::{CachedStatement, ErrorCode, OpenFlags, config::DbConfig, types::ValueRef};
use std::path::Path;

/// The SQL steps, oldest first.
pub(super) const MIGRATIONS: &[(&str, &str)] = &[
    ("0001_initial.sql", include_str!("../../../sql/sqlite/0001_initial.sql")),
    ("0002_name_ids.sql", include_str!("../../../sql/sqlite/0002_name_ids.sql")),
    ("0003_packed_logs.sql", include_str!("../../../sql/sqlite/0003_packed_logs.sql")),
    ("0004_worker_life.sql", include_str!("../../../sql/sqlite/0004_worker_life.sql")),
    ("0005_users.sql", include_str!("../../../sql/sqlite/0005_users.sql")),
    ("0006_expectations.sql", include_str!("../../../sql/sqlite/0006_expectations.sql")),
    ("0007_upstreams.sql", include_str!("../../../sql/sqlite/0007_upstreams.sql")),
    ("0008_waited_for.sql", include_str!("../../../sql/sqlite/0008_waited_for.sql")),
    ("0009_step_links.sql", include_str!("../../../sql/sqlite/0009_step_links.sql")),
];

/// See [`super::Connection::columns`].
pub(super) const COLUMNS: &str = "
    SELECT tables.name, columns.name,
        CASE columns.type WHEN 'INTEGER' THEN 'int' WHEN 'BIGINT' THEN 'int' WHEN 'TEXT' THEN 'text'
            WHEN 'BLOB' THEN 'bytes' ELSE columns.type END,
        columns.\"notnull\" = 0 AND columns.pk = 0
    FROM sqlite_schema AS tables, pragma_table_info(tables.name) AS columns
    WHERE tables.type = 'table' AND tables.name NOT LIKE 'sqlite_%'";

/// More statements than this room has.
const STATEMENTS_KEPT: usize = 256;

/// What each connection may keep of the file in memory.
const CACHE_KIB: u32 = 16 << 10;

/// To how much the write-ahead log is cut back after a burst.
const JOURNAL_BYTES: u32 = 64 << 20;

pub(super) struct Sqlite {
    connection: rusqlite::Connection,
}

impl Sqlite {
    pub(super) fn open(path: &Path, settings: &Settings, access: Access) -> Result<Sqlite, DbError> {
        let outage = |error: &dyn std::fmt::Display| DbError::Outage(format!("{}: {error}", path.display()));
        let mut flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        // Only the writer makes what is missing: a reader's empty database would look like lost rows.
        if access == Access::Write {
            flags |= OpenFlags::SQLITE_OPEN_CREATE;
            let directory = path.parent().filter(|directory| !directory.as_os_str().is_empty());
            directory.map_or(Ok(()), std::fs::create_dir_all).map_err(|error| outage(&error))?;
        }
        let connection =
            rusqlite::Connection::open_with_flags(path, flags).map_err(|error| outage(&error))?;
        connection.busy_timeout(settings.busy_timeout).map_err(outcome)?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS_KEPT);
        // Else each new value of a parameter that a range depends on has its statement planned again.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map_err(outcome)?;
        let engine = Sqlite { connection };
        let synchronous = if settings.durable { "FULL" } else { "OFF" };
        engine.run(&format!(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = {synchronous}; PRAGMA foreign_keys = ON;
             PRAGMA temp_store = MEMORY; PRAGMA cache_size = -{CACHE_KIB};
             PRAGMA journal_size_limit = {JOURNAL_BYTES}; PRAGMA query_only = {}",
            access == Access::Read
        ))?;
        Ok(engine)
    }

    pub(super) fn run(&self, sql: &str) -> Result<(), DbError> {
        self.connection.execute_batch(sql).map_err(outcome)
    }

    pub(super) fn execute(&self, sql: &str, params: &[Param<'_>]) -> Result<u64, DbError> {
        let mut statement = self.bound(sql, params)?;
        statement.raw_execute().map(|rows| rows as u64).map_err(outcome)
    }

    pub(super) fn query(&self, sql: &str, params: &[Param<'_>]) -> Result<Vec<Row>, DbError> {
        let mut statement = self.bound(sql, params)?;
        let width = statement.column_count();
        let mut rows = statement.raw_query();
        let mut answer = Vec::new();
        while let Some(row) = rows.next().map_err(outcome)? {
            let columns = (0..width).map(|index| row.get_ref(index).map_err(outcome).and_then(own));
            answer.push(Row::new(columns.collect::<Result<_, _>>()?));
        }
        Ok(answer)
    }

    /// SQLite numbers `$1`, `$2` by their first appearance, so each is bound by its name.
    fn bound(&self, sql: &str, params: &[Param<'_>]) -> Result<CachedStatement<'_>, DbError> {
        let mut statement = self.connection.prepare_cached(sql).map_err(outcome)?;
        for index in 1..=statement.parameter_count() {
            let param = statement
                .parameter_name(index)
                .and_then(|name| name.strip_prefix('$')?.parse::<usize>().ok()?.checked_sub(1))
                .and_then(|place| params.get(place))
                .ok_or_else(|| DbError::Bug(format!("parameter {index} is not given: {sql}")))?;
            match param {
                Param::Null => statement.raw_bind_parameter(index, rusqlite::types::Null),
                Param::Int(number) => statement.raw_bind_parameter(index, number),
                Param::Text(text) => statement.raw_bind_parameter(index, storable(text).as_ref()),
                Param::Bytes(bytes) => statement.raw_bind_parameter(index, bytes),
            }
            .map_err(outcome)?;
        }
        Ok(statement)
    }

    pub(super) fn mend(&self) -> Result<(), DbError> {
        if self.connection.is_autocommit() { Ok(()) } else { self.run("ROLLBACK") }
    }
}

fn own(value: ValueRef<'_>) -> Result<Value, DbError> {
    Ok(match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => Value::Int(number),
        ValueRef::Text(text) => Value::Text(String::from_utf8_lossy(text).into_owned()),
        ValueRef::Blob(bytes) => Value::Bytes(bytes.to_vec()),
        ValueRef::Real(_) => return Err(DbError::Bug("a column of a kind that is not used".into())),
    })
}

/// Sorts SQLite's errors. A damaged file counts as an outage too: the operator can put a sound copy in its place.
fn outcome(error: rusqlite::Error) -> DbError {
    let text = error.to_string();
    match error.sqlite_error_code() {
        Some(
            ErrorCode::DiskFull
            | ErrorCode::DatabaseBusy
            | ErrorCode::DatabaseLocked
            | ErrorCode::SystemIoFailure
            | ErrorCode::CannotOpen
            | ErrorCode::PermissionDenied
            | ErrorCode::ReadOnly
            | ErrorCode::OutOfMemory
            | ErrorCode::DatabaseCorrupt
            | ErrorCode::NotADatabase,
        ) => DbError::Outage(text),
        Some(ErrorCode::ConstraintViolation) => DbError::Refused(text),
        _ => DbError::Bug(text),
    }
}
