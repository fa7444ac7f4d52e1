//! A file of the worker's that a step looks into: it is kept in memory, and read here.

use crate::botmaster::junit;

/// What is made of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// Its text.
    Text,
    /// Test results.
    Junit,
}

/// What a transfer leaves behind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Kept {
    /// Nothing, or a file in its place.
    #[default]
    Nothing,
    /// A text.
    Text(String),
    /// Test results.
    Tests(junit::Tests),
}

/// The master's end of such a transfer.
#[derive(Debug)]
pub struct Fetching {
    reading: Reading,
    max_bytes: u64,
    text: Vec<u8>,
    is_whole: bool,
}

impl Fetching {
    pub(super) fn new(reading: Reading, max_bytes: u64) -> Fetching {
        Fetching { reading, max_bytes, text: Vec::new(), is_whole: false }
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), String> {
        if (self.text.len() + bytes.len()) as u64 > self.max_bytes {
            return Err(format!("more than {} bytes were sent", self.max_bytes));
        }
        self.text.extend_from_slice(bytes);
        Ok(())
    }

    pub(super) fn close(&mut self) {
        self.is_whole = true;
    }

    pub(super) fn keep(self) -> Result<Kept, String> {
        match (self.is_whole, self.reading) {
            (false, _) => Err("the worker did not send all of it".to_owned()),
            (true, Reading::Text) => Ok(Kept::Text(String::from_utf8_lossy(&self.text).into_owned())),
            (true, Reading::Junit) => junit::read(&self.text).map(Kept::Tests),
        }
    }
}
