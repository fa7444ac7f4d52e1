//! What the master has stored, read from outside while it runs.

use std::io::Read;
use std::path::Path;

use rusqlite::{Connection, OpenFlags, Row};

/// A build as it is stored.
#[derive(Clone, Debug, PartialEq)]
pub struct Build {
    pub id: i64,
    pub builder: String,
    pub number: i64,
    pub request: i64,
    pub worker: String,
    /// Buildbot's number; `None` while it runs.
    pub results: Option<i64>,
}

/// Buildbot's numbers for the results of a build.
impl Build {
    pub const SUCCESS: i64 = 0;
    pub const FAILURE: i64 = 2;
    pub const EXCEPTION: i64 = 4;
    pub const RETRY: i64 = 5;
    pub const CANCELLED: i64 = 6;
}

/// The master's database, opened to be read.
pub struct Rows {
    connection: Connection,
}

impl Rows {
    pub fn open(path: &Path) -> Rows {
        let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        connection.busy_timeout(std::time::Duration::from_secs(10)).expect("a time-out");
        Rows { connection }
    }

    /// All builds, in the order of their start.
    pub fn builds(&self) -> Vec<Build> {
        self.all("SELECT id, builder, number, request, worker, results FROM builds ORDER BY id", |row| {
            Ok(Build {
                id: row.get(0)?,
                builder: row.get(1)?,
                number: row.get(2)?,
                request: row.get(3)?,
                worker: row.get(4)?,
                results: row.get(5)?,
            })
        })
    }

    /// The ids of requests that are not complete.
    pub fn open_requests(&self) -> Vec<i64> {
        self.all("SELECT id FROM build_requests WHERE complete_at IS NULL ORDER BY id", |row| row.get(0))
    }

    /// The comments of all changes, in the order of their arrival.
    pub fn changes(&self) -> Vec<String> {
        self.all("SELECT comments FROM changes ORDER BY id", |row| row.get(0))
    }

    /// The changes that are users', each with its user.
    pub fn change_users(&self) -> Vec<(i64, i64)> {
        self.all("SELECT change, user FROM change_users ORDER BY change", |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
    }

    /// A property of a build, as JSON.
    pub fn property(&self, build: i64, name: &str) -> Option<String> {
        let sql = format!("SELECT value FROM build_properties WHERE build = {build} AND name = '{name}'");
        self.all(&sql, |row| row.get(0)).pop()
    }

    /// The text of all logs of a build.
    pub fn logs(&self, build: i64) -> String {
        let sql = format!(
            "SELECT content FROM log_chunks JOIN logs ON logs.id = log_chunks.log \
             JOIN steps ON steps.id = logs.step WHERE steps.build = {build} ORDER BY steps.number, logs.id, first_line"
        );
        let chunks: Vec<Vec<u8>> = self.all(&sql, |row| row.get(0));
        // Of a finished log, chunks are packed in the one way or the other.
        let text = |chunk: &Vec<u8>| {
            let mut text = Vec::new();
            match chunk.starts_with(b"BZh") {
                true => bzip2::read::BzDecoder::new(chunk.as_slice()).read_to_end(&mut text).expect("bzip2"),
                false => {
                    zstd::Decoder::new(chunk.as_slice()).expect("zstd").read_to_end(&mut text).expect("zstd")
                }
            };
            text
        };
        String::from_utf8_lossy(&chunks.iter().flat_map(text).collect::<Vec<u8>>()).into_owned()
    }

    fn all<T>(&self, sql: &str, read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>) -> Vec<T> {
        let mut query = self.connection.prepare(sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
        let rows = query.query_map([], read).unwrap_or_else(|error| panic!("{sql}: {error}"));
        rows.collect::<Result<_, _>>().unwrap_or_else(|error| panic!("{sql}: {error}"))
    }
}
