//! What a worker reads: a file of the master's, or a text.

use super::{Source, told};
use crate::botmaster::limits::READ_BYTES;
use bytes::Bytes;
use std::fs::File;
use std::io::Read;

/// The master's end of a download.
#[derive(Debug)]
pub struct Sending {
    source: Source,
    file: Option<File>,
}

impl Sending {
    pub(super) fn new(source: Source) -> Sending {
        Sending { source, file: None }
    }

    pub(super) fn read(&mut self, most: usize) -> Result<Bytes, String> {
        let most = most.min(READ_BYTES);
        match &mut self.source {
            Source::Text(text) => Ok(text.split_to(most.min(text.len()))),
            Source::File(path) => {
                let failed = |error: std::io::Error| told("read", path, &error);
                let file = match &mut self.file {
                    Some(file) => file,
                    none => none.insert(File::open(&*path).map_err(failed)?),
                };
                let mut block = Vec::with_capacity(most);
                file.take(most as u64).read_to_end(&mut block).map_err(failed)?;
                Ok(block.into())
            }
        }
    }
}
