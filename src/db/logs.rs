//! Logs: chunks of whole lines, compressed, each with its first and last line, so that a page reads only what it
//! shows (`N-LG-01`).

use super::Handle;
use super::engine::{Connection, DbError, Row, Transaction, params};
use super::packing::{decompress, from_line};
use super::writer::{Job, Tools};
use crate::kernel::Ranked;
use crate::model::{BuildId, Lines, LogId, LogInfo, StepId};

/// The most that [`read_lines`] returns, in bytes of plain text, as long as that is one line at least.
pub const READ_BYTES_MAX: usize = 4 << 20;

/// A log of fewer lines stays as it was written: to pack it again would save next to nothing.
const WORTH_PACKING_LINES: i64 = 256;

macro_rules! select {
    ($tail:literal) => {
        concat!("SELECT id, step, name, slug, kind, line_count, complete FROM logs ", $tail)
    };
}

fn read(mut row: Row) -> Result<LogInfo, DbError> {
    Ok(LogInfo {
        id: row.take()?,
        step: row.take()?,
        name: row.take()?,
        slug: row.take()?,
        kind: row.take()?,
        line_count: row.take()?,
        complete: row.take()?,
    })
}

/// Writes the row of a log, whose id was reserved.
pub fn create(tx: &mut Transaction<'_>, log: &LogInfo) -> Result<(), DbError> {
    tx.execute(
        "INSERT INTO logs (id, step, name, slug, kind, line_count, complete) VALUES ($1, $2, $3, $4, $5, $6, $7)",
        params![
            log.id,
            log.step,
            log.name,
            log.slug,
            log.kind.letter().to_string(),
            log.line_count,
            log.complete,
        ],
    )
    .map(drop)
}

/// Whole lines on their way into a log.
struct Append {
    log: LogId,
    first_line: i64,
    line_count: i64,
    /// The length of the plain text.
    size: usize,
    /// The plain text; from the preparation on, one zstd frame of it, so that what waits for its commit is small.
    content: Vec<u8>,
    after_commit: Option<AfterCommit>,
}

/// Told on the writer's thread once an append is committed. It must not wait.
pub type AfterCommit = Box<dyn FnOnce() + Send>;

impl Job for Append {
    fn prepare(&mut self, tools: &mut Tools) -> Result<(), DbError> {
        self.content = tools.pack(&self.content)?;
        Ok(())
    }

    fn run(&mut self, tx: &mut Transaction<'_>) -> Result<(), DbError> {
        let end = self.first_line + self.line_count;
        tx.execute(
            "INSERT INTO log_chunks (log, first_line, last_line, size, content) VALUES ($1, $2, $3, $4, $5)",
            params![self.log, self.first_line, end - 1, self.size as i64, &self.content[..]],
        )?;
        tx.execute("UPDATE logs SET line_count = $2 WHERE id = $1", params![self.log, end]).map(drop)
    }

    fn done(self: Box<Self>, outcome: Result<(), DbError>) {
        if let (Ok(()), Some(tell)) = (outcome, self.after_commit) {
            tell();
        }
    }

    fn has_caller(&self) -> bool {
        false
    }
}

/// Notes that no more lines will come.
pub fn finish(tx: &mut Transaction<'_>, log: LogId) -> Result<(), DbError> {
    tx.execute(
        "UPDATE logs SET complete = 1, packed_lines = CASE WHEN line_count < $2 THEN line_count ELSE 0 END
         WHERE id = $1",
        params![log, WORTH_PACKING_LINES],
    )
    .map(drop)
}

/// The logs of a step, in the order of their creation.
pub fn of_step(connection: &mut Connection, step: StepId) -> Result<Vec<LogInfo>, DbError> {
    connection.query_map(select!("WHERE step = $1 ORDER BY id"), params![step], read)
}

/// The logs of all steps of a build, in the order of their creation.
pub fn of_build(connection: &mut Connection, build: BuildId) -> Result<Vec<LogInfo>, DbError> {
    let sql = select!("WHERE step IN (SELECT id FROM steps WHERE build = $1) ORDER BY id");
    connection.query_map(sql, params![build], read)
}

/// The log with this id.
pub fn get(connection: &mut Connection, id: LogId) -> Result<Option<LogInfo>, DbError> {
    connection.query_opt(select!("WHERE id = $1"), params![id])?.map(read).transpose()
}

/// The log of a step with this slug.
pub fn by_slug(connection: &mut Connection, step: StepId, slug: &str) -> Result<Option<LogInfo>, DbError> {
    connection.query_opt(select!("WHERE step = $1 AND slug = $2"), params![step, slug])?.map(read).transpose()
}

/// The rest of the chunk that has line `line`, from that line on, or the whole next one after it. To stream a log, ask
/// for the line after the last one until nothing comes; that it is packed meanwhile does not show.
pub fn chunk(connection: &mut Connection, log: LogId, line: i64) -> Result<Option<Lines>, DbError> {
    // The second condition finds the chunk by the key's order, without a walk over those before it.
    let row = connection.query_opt(
        "SELECT first_line, last_line, size, content FROM log_chunks
         WHERE log = $1 AND last_line >= $2 AND first_line >= COALESCE(
             (SELECT MAX(first_line) FROM log_chunks WHERE log = $1 AND first_line <= $2), 0)
         ORDER BY first_line LIMIT 1",
        params![log, line],
    )?;
    row.map(|row| unpack(row).map(|(lines, _)| from_line(lines, line))).transpose()
}

/// A chunk's lines, and its length as it is stored.
pub(super) fn unpack(mut row: Row) -> Result<(Lines, usize), DbError> {
    let (first_line, last_line): (i64, i64) = (row.take()?, row.take()?);
    let size: i64 = row.take()?;
    let packed: Vec<u8> = row.take()?;
    let text = usize::try_from(size)
        .map_err(|error| error.to_string())
        .and_then(|size| decompress(&packed, size))
        .map_err(|error| DbError::Outage(format!("a chunk of a log is damaged: {error}")))?;
    Ok((Lines { first_line, line_count: last_line - first_line + 1, text }, packed.len()))
}

/// Up to `count` lines from line `first` on. Fewer come at the log's end, or where they would be more than
/// [`READ_BYTES_MAX`]; the first may be a later one where a part of the log was never written.
pub fn read_lines(connection: &mut Connection, log: LogId, first: i64, count: i64) -> Result<Lines, DbError> {
    let mut answer = Lines { first_line: first, ..Lines::default() };
    let end = first.saturating_add(count);
    let mut next = first;
    while next < end {
        let Some(chunk) = chunk(connection, log, next)? else { break };
        if answer.line_count == 0 {
            answer.first_line = chunk.first_line.max(first);
        } else if chunk.first_line > next {
            break;
        }
        next = chunk.first_line;
        for line in chunk.text.split_inclusive(|byte| *byte == b'\n') {
            let full = answer.line_count > 0 && answer.text.len() + line.len() > READ_BYTES_MAX;
            if next >= end || full {
                return Ok(answer);
            }
            answer.text.extend_from_slice(line);
            answer.line_count += 1;
            next += 1;
        }
    }
    Ok(answer)
}

/// The verbs about logs. Those that write do not wait.
pub struct Logs<'a, Me>(pub(super) &'a Handle<Me>);

impl<Me: Ranked> Logs<'_, Me> {
    /// Writes the row of a log, whose id was reserved.
    pub fn create(&self, log: LogInfo) {
        self.0.write_later(0, move |tx| create(tx, &log));
    }

    /// Appends whole lines, at least one. `after_commit` runs on the writer's thread once they are committed.
    pub fn append(&self, log: LogId, lines: Lines, after_commit: Option<AfterCommit>) {
        let Lines { first_line, line_count, text: content } = lines;
        let size = content.len();
        self.0.submit(size, Box::new(Append { log, first_line, line_count, size, content, after_commit }));
    }

    /// Notes that no more lines will come.
    pub fn finish(&self, log: LogId) {
        self.0.write_later(0, move |tx| finish(tx, log));
    }

    /// The logs of a step, in the order of their creation.
    ///
    /// # Errors
    /// See [`DbError`].
    pub fn of_step(&self, step: StepId) -> Result<Vec<LogInfo>, DbError> {
        self.0.read(move |connection| of_step(connection, step))
    }

    /// The log with this id.
    ///
    /// # Errors
    /// See [`DbError`].
    pub fn get(&self, id: LogId) -> Result<Option<LogInfo>, DbError> {
        self.0.read(move |connection| get(connection, id))
    }

    /// The log of a step with this slug.
    ///
    /// # Errors
    /// See [`DbError`].
    pub fn by_slug(&self, step: StepId, slug: &str) -> Result<Option<LogInfo>, DbError> {
        let slug = slug.to_owned();
        self.0.read(move |connection| by_slug(connection, step, &slug))
    }

    /// Up to `count` lines from line `first` on; see [`read_lines`].
    ///
    /// # Errors
    /// See [`DbError`].
    pub fn read_lines(&self, log: LogId, first: i64, count: i64) -> Result<Lines, DbError> {
        self.0.read(move |connection| read_lines(connection, log, first, count))
    }

    /// The lines of one chunk from line `line` on; see [`chunk`].
    ///
    /// # Errors
    /// See [`DbError`].
    pub fn chunk(&self, log: LogId, line: i64) -> Result<Option<Lines>, DbError> {
        self.0.read(move |connection| chunk(connection, log, line))
    }
}
