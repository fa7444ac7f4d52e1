//! The master's database, read from outside: what is stored is done, whatever the master has answered.

use crate::Fallible;
use rusqlite::{Connection, OpenFlags};
use std::path::Path;
use std::time::Duration;

/// A reader of the database of a master that runs.
pub struct Store(Connection);

impl Store {
    /// Opens the file.
    pub fn open(path: &Path) -> Fallible<Store> {
        let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        connection.busy_timeout(Duration::from_secs(5))?;
        Ok(Store(connection))
    }

    /// Builds that have ended.
    pub fn ended(&self) -> Fallible<u64> {
        self.count("SELECT count(*) FROM builds WHERE complete_at IS NOT NULL")
    }

    /// Complains where the complete logs hold less text than this.
    pub fn expect_log_bytes(&self, written: u64) -> Fallible<()> {
        let stored =
            "SELECT coalesce(sum(size), 0) FROM log_chunks JOIN logs ON logs.id = log WHERE complete";
        match self.count(stored)? {
            stored if stored < written => {
                Err(format!("of {written} bytes of log {stored} are stored").into())
            }
            _ => Ok(()),
        }
    }

    /// Complains of builds that did not end with success.
    pub fn expect_no_failures(&self) -> Fallible<()> {
        match self.count("SELECT count(*) FROM builds WHERE results <> 0")? {
            0 => Ok(()),
            failures => Err(format!("{failures} builds did not end with success").into()),
        }
    }

    /// Complete logs that are not packed yet.
    pub fn unpacked_logs(&self) -> Fallible<u64> {
        self.count("SELECT count(*) FROM logs WHERE complete = 1 AND packed_lines < line_count")
    }

    /// How much the database holds, in bytes; also what is not yet moved from the write-ahead log into its file. Pages
    /// that came free are the next log's, and do not count.
    pub fn size(&self) -> Fallible<u64> {
        let pragma = |name| self.0.pragma_query_value(None, name, |row| row.get::<_, u64>(0));
        Ok((pragma("page_count")? - pragma("freelist_count")?) * pragma("page_size")?)
    }

    fn count(&self, sql: &str) -> Fallible<u64> {
        Ok(self.0.query_row(sql, [], |row| row.get(0))?)
    }
}
