//! Brings a database to this program's schema, step by step, each in a transaction of its own (`DB-06`).

use super::engine::{Connection, DbError, params};

const VERSIONS: &str = "CREATE TABLE IF NOT EXISTS schema_versions (
    version BIGINT NOT NULL PRIMARY KEY,
    name    TEXT   NOT NULL
)";

/// Runs the steps that this database has not seen; does nothing to one that has seen all. Several processes
/// may try at the same time: one does it, the others find it done.
///
/// # Errors
/// An outage, or a refusal: the database was written by a newer program.
pub fn migrate(connection: &mut Connection) -> Result<(), DbError> {
    let steps = connection.migrations();
    loop {
        let all_done = connection.transaction(|tx| {
            tx.lock_schema()?;
            tx.run(VERSIONS)?;
            let done: i64 =
                tx.query_one("SELECT COALESCE(MAX(version), 0) FROM schema_versions", &[])?.take()?;
            let done = usize::try_from(done).unwrap_or(usize::MAX);
            if done > steps.len() {
                return Err(DbError::Refused(format!(
                    "the database is of schema version {done}, this program knows versions up to {}: \
                     run the newer program, or restore a copy from before the upgrade",
                    steps.len()
                )));
            }
            let Some((name, sql)) = steps.get(done) else { return Ok(true) };
            tx.run(sql)?;
            tx.execute(
                "INSERT INTO schema_versions (version, name) VALUES ($1, $2)",
                params![done as i64 + 1, *name],
            )?;
            Ok(false)
        })?;
        if all_done {
            return Ok(());
        }
    }
}
