//! Files of the master's that builds bring and fetch. A file is written beside its place and moved there once it is
//! whole, so that nobody ever sees half of it. Everything in here may wait for the disk: it is done by errands.

mod fetch;
mod receive;
mod send;
mod unpack;

#[cfg(test)]
mod tests;

pub use fetch::{Fetching, Kept, Reading};

use bytes::Bytes;
use receive::Receive;
use send::Sending;
use std::path::{Component, Path, PathBuf};

/// What moves between the master's disk and the worker while a command runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Transfer {
    /// The worker writes.
    Receive {
        /// Where it is to stand.
        to: PathBuf,
        /// What it is.
        kind: Kind,
        /// The most bytes that are taken, packed as well as unpacked; `None` for any number.
        max_bytes: Option<u64>,
    },
    /// The worker writes what a step looks into.
    Fetch {
        /// What is made of it.
        reading: Reading,
        /// The most bytes that are taken.
        max_bytes: u64,
    },
    /// The worker reads.
    Send(Source),
}

impl Transfer {
    /// The name of the command's argument that stands for it.
    pub fn argument(&self) -> &'static str {
        match self {
            Transfer::Receive { .. } | Transfer::Fetch { .. } => "writer",
            Transfer::Send(_) => "reader",
        }
    }
}

/// What a worker writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A file, with these permissions.
    File(Option<u32>),
    /// A directory, packed.
    Directory(Packing),
}

/// How a directory is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packing {
    /// As a plain archive.
    Tar,
    /// By gzip.
    Gz,
    /// By bzip2.
    Bz2,
}

/// What a worker reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A file of the master's.
    File(PathBuf),
    /// A text.
    Text(Bytes),
}

/// What a worker wants of its end of a transfer (`worker-api.md` §10).
#[derive(Clone, Debug, PartialEq)]
pub enum Verb {
    /// Takes more.
    Write(Bytes),
    /// That was all.
    Close,
    /// Times of last access and change, in seconds.
    Utime(f64, f64),
    /// That was all of a directory.
    Unpack,
    /// Gives at most so much; nothing at the end.
    Read(usize),
}

/// The master's end of a transfer.
#[derive(Debug)]
pub enum Stream {
    /// See [`Transfer::Receive`].
    Receive(Receive),
    /// See [`Transfer::Fetch`].
    Fetch(Fetching),
    /// See [`Transfer::Send`].
    Send(Sending),
}

impl Stream {
    /// One of which nothing was opened yet. No other in this process has the same `key`.
    pub fn new(transfer: Transfer, key: u64) -> Stream {
        match transfer {
            Transfer::Receive { to, kind, max_bytes } => {
                Stream::Receive(Receive::new(to, kind, max_bytes, key))
            }
            Transfer::Fetch { reading, max_bytes } => Stream::Fetch(Fetching::new(reading, max_bytes)),
            Transfer::Send(source) => Stream::Send(Sending::new(source)),
        }
    }

    /// Does what the worker wants; what it reads.
    ///
    /// # Errors
    /// What went wrong, for people.
    pub fn perform(&mut self, verb: Verb) -> Result<Option<Bytes>, String> {
        match (self, verb) {
            (Stream::Receive(receive), Verb::Write(bytes)) => receive.write(&bytes).map(|()| None),
            (Stream::Receive(receive), Verb::Close) => receive.close().map(|()| None),
            (Stream::Receive(receive), Verb::Utime(access, change)) => {
                receive.utime(access, change).map(|()| None)
            }
            (Stream::Receive(receive), Verb::Unpack) => receive.unpack().map(|()| None),
            (Stream::Fetch(fetching), Verb::Write(bytes)) => fetching.write(&bytes).map(|()| None),
            (Stream::Fetch(fetching), Verb::Close) => {
                fetching.close();
                Ok(None)
            }
            (Stream::Send(sending), Verb::Read(most)) => sending.read(most).map(Some),
            (Stream::Send(_), Verb::Close) => Ok(None),
            (_, verb) => Err(format!("{verb:?} has no meaning here")),
        }
    }

    /// The end: what was received is moved to its place, or read. Dropped instead, nothing is left of it.
    ///
    /// # Errors
    /// What went wrong, for people.
    pub fn keep(self) -> Result<Kept, String> {
        match self {
            Stream::Receive(receive) => receive.keep().map(|()| Kept::Nothing),
            Stream::Fetch(fetching) => fetching.keep(),
            Stream::Send(_) => Ok(Kept::Nothing),
        }
    }
}

/// Whether there is a file that can be sent.
///
/// # Errors
/// Why not, for people.
pub fn look(path: &Path) -> Result<(), String> {
    let is_file = std::fs::File::open(path).and_then(|file| file.metadata()).map(|data| data.is_file());
    match is_file {
        Ok(true) => Ok(()),
        Ok(false) => Err(format!("{} is not a plain file", path.display())),
        Err(error) => Err(told("open", path, &error)),
    }
}

/// A path of the master's from a text that was filled in: below `base` unless the file that describes the build
/// (`template`) itself begins it at the root. What a property brings in cannot lead elsewhere.
///
/// # Errors
/// It would lead elsewhere.
pub fn place(base: &Path, template: &str, filled: &str) -> Result<PathBuf, String> {
    let path = Path::new(filled);
    let climbs = path.components().any(|part| part == Component::ParentDir);
    if climbs || path.is_absolute() != template.starts_with('/') || filled.contains('\0') {
        return Err(format!("the path {filled:?} leads to a place that {template:?} does not name"));
    }
    if path.file_name().is_none() {
        return Err(format!("the path {filled:?} names nothing"));
    }
    Ok(base.join(path))
}

fn told(what: &str, path: &Path, error: &std::io::Error) -> String {
    format!("cannot {what} {}: {error}", path.display())
}
