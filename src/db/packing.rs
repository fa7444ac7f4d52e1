//! How the chunks of logs are packed, and packed again once their log is complete.
//!
//! A log that is being written takes the fastest way, one zstd frame for each chunk. Of a finished one, many chunks
//! become one large bzip2 block: a third less on the disk, at a price that nobody waits for.

use super::engine::{Connection, DbError, Transaction, params};
use super::logs::unpack;
use crate::model::{Lines, LogId};
use bzip2::Compression;
use bzip2::read::{BzDecoder, BzEncoder};
use std::io::Read;

/// The plain text that one packed chunk holds, at the most, unless it was one chunk before. Measured on compiler
/// output: 256 KiB come to 0.195 of it, 512 KiB to 0.188, 900 KiB to 0.186; but larger blocks take more memory, and a
/// page waits 4 ms for 256 KiB.
const BLOCK_BYTES: usize = 256 << 10;

/// bzip2's own blocks, in units of 100,000 bytes: one holds one of ours. What it allocates grows with them.
const BZIP2_LEVEL: u32 = 3;

/// How a bzip2 block begins. No zstd frame begins so.
const BZIP2_MAGIC: &[u8] = b"BZh";

/// Chunks of a log that follow each other, and what they are to become.
#[derive(Debug)]
pub struct Block {
    log: LogId,
    first_line: i64,
    /// The line after the last one.
    end: i64,
    /// The chunks' number, by which it shows that they are still there.
    chunks: u64,
    /// The length of the plain text.
    size: usize,
    /// Before [`Block::compress`], the plain text.
    content: Vec<u8>,
    /// How long the chunks are as they are stored.
    stored: usize,
}

/// The text of a stored chunk, `size` bytes of it.
///
/// # Errors
/// The chunk is damaged: it says how.
pub(super) fn decompress(packed: &[u8], size: usize) -> Result<Vec<u8>, String> {
    if !packed.starts_with(BZIP2_MAGIC) {
        return zstd::bulk::decompress(packed, size).map_err(|error| error.to_string());
    }
    let mut text = Vec::with_capacity(size);
    // No further than it should go, however it is damaged.
    BzDecoder::new(packed).take(size as u64 + 1).read_to_end(&mut text).map_err(|error| error.to_string())?;
    if text.len() == size { Ok(text) } else { Err(format!("{} bytes instead of {size}", text.len())) }
}

/// A log that is complete and not yet packed.
pub fn next_log(connection: &mut Connection) -> Result<Option<LogId>, DbError> {
    let sql = "SELECT id FROM logs WHERE complete = 1 AND packed_lines < line_count ORDER BY id LIMIT 1";
    connection.query_opt(sql, params![])?.map(|mut row| row.take()).transpose()
}

/// The next chunks of this log that are not yet packed; `None` after the last.
pub fn next_block(connection: &mut Connection, log: LogId) -> Result<Option<Block>, DbError> {
    let row = connection.query_opt("SELECT packed_lines FROM logs WHERE id = $1", params![log])?;
    let Some(mut row) = row else { return Ok(None) };
    let from: i64 = row.take()?;
    let mut block =
        Block { log, first_line: from, end: from, chunks: 0, size: 0, content: Vec::new(), stored: 0 };
    loop {
        // One at a time: what is read ahead in vain would be a chunk of any size.
        let row = connection.query_opt(
            "SELECT first_line, last_line, size, content FROM log_chunks
             WHERE log = $1 AND first_line >= $2 ORDER BY first_line LIMIT 1",
            params![log, block.end],
        )?;
        let Some(row) = row else { break };
        let (chunk, stored) = unpack(row)?;
        let fits = block.size + chunk.text.len() <= BLOCK_BYTES && chunk.first_line == block.end;
        if block.chunks > 0 && !fits {
            break;
        }
        if block.chunks == 0 {
            block.first_line = chunk.first_line;
        }
        block.end = chunk.first_line + chunk.line_count;
        block.chunks += 1;
        block.size += chunk.text.len();
        block.stored += stored;
        block.content.extend_from_slice(&chunk.text);
    }
    Ok((block.chunks > 0).then_some(block))
}

/// Notes that no chunk of this log is left to pack.
pub fn finish(tx: &mut Transaction<'_>, log: LogId) -> Result<(), DbError> {
    tx.execute("UPDATE logs SET packed_lines = line_count WHERE id = $1", params![log]).map(drop)
}

impl Block {
    /// Packs the text; the work of tens of milliseconds.
    ///
    /// # Errors
    /// A bug: there is no text that bzip2 refuses.
    pub fn compress(&mut self) -> Result<(), DbError> {
        let mut packed = Vec::new();
        BzEncoder::new(&self.content[..], Compression::new(BZIP2_LEVEL))
            .read_to_end(&mut packed)
            .map_err(|error| DbError::Bug(format!("compression: {error}")))?;
        self.content = packed;
        Ok(())
    }

    /// How long it is now, before or after the compression.
    pub fn bytes(&self) -> usize {
        self.content.len()
    }

    /// Puts the packed block in place of its chunks, unless that would make them longer.
    ///
    /// # Errors
    /// See [`DbError`]. Another master may have packed them meanwhile: then nothing is written.
    pub fn store(&self, tx: &mut Transaction<'_>) -> Result<(), DbError> {
        let Block { log, first_line, end, chunks, size, .. } = *self;
        if self.content.len() < self.stored {
            let between = params![log, first_line, end];
            let sql = "DELETE FROM log_chunks WHERE log = $1 AND first_line >= $2 AND first_line < $3";
            let gone = tx.execute(sql, between)?;
            if gone != chunks {
                return Err(DbError::Refused(format!(
                    "log {log}: {gone} of {chunks} chunks are still there"
                )));
            }
            tx.execute(
                "INSERT INTO log_chunks (log, first_line, last_line, size, content) VALUES ($1, $2, $3, $4, $5)",
                params![log, first_line, end - 1, size as i64, &self.content[..]],
            )?;
        }
        tx.execute("UPDATE logs SET packed_lines = $2 WHERE id = $1", params![log, end]).map(drop)
    }
}

/// What is left of these lines from line `line` on.
pub(super) fn from_line(mut lines: Lines, line: i64) -> Lines {
    let skip = line.saturating_sub(lines.first_line).clamp(0, lines.line_count);
    let Ok(before) = usize::try_from(skip) else { return lines };
    let cut: usize = lines.text.split_inclusive(|byte| *byte == b'\n').take(before).map(<[u8]>::len).sum();
    lines.text.drain(..cut);
    lines.first_line += skip;
    lines.line_count -= skip;
    lines
}
