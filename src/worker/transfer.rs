//! `uploadFile` and `downloadFile`: one block at a time, each after the answer to the one before (`worker-api.md` §10).

use super::arguments::{Arguments, below};
use super::limits::BLOCK_BYTES_MAX;
use super::updates::{Update, reason};
use crate::pb::{Failure, Luid, Value};
use rustix::fs::OFlags;
use rustix::io::Errno;
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// What a transfer wants next.
#[derive(Debug)]
pub enum Step {
    /// Call this object of the master, and tell the answer.
    Call(Luid, &'static str, Vec<Value>),
    /// Nothing, until more is read here.
    Wait,
    /// It is over.
    Done(Vec<Update>, Option<Failure>),
}

/// What the answer that is awaited will mean.
#[derive(Debug)]
enum Awaited {
    Start,
    Block,
    Close,
    Utime,
}

#[derive(Debug)]
enum Direction {
    Up { keepstamp: bool },
    Down { mode: Option<u32> },
}

/// A file on its way.
#[derive(Debug)]
pub struct Transfer {
    direction: Direction,
    /// Writer or reader.
    remote: Luid,
    path: PathBuf,
    file: Option<File>,
    remaining: Option<u64>,
    block_bytes: usize,
    awaited: Awaited,
    interrupted: bool,
    /// What went wrong here, for people.
    complaint: Option<String>,
    /// What the master's side raised.
    failure: Option<Failure>,
}

impl Transfer {
    /// Reads the arguments of a transfer; None if `command` is none.
    ///
    /// # Errors
    /// An argument is missing or wrong.
    pub fn read(command: &str, args: &Arguments, dir: &Path) -> Result<Option<Transfer>, Failure> {
        let (direction, remote, old, new) = match command {
            "uploadFile" => {
                let keepstamp = args.flag("keepstamp", false)?;
                (Direction::Up { keepstamp }, args.remote("writer")?, "slavesrc", "workersrc")
            }
            "downloadFile" => {
                args.present("mode")?;
                let mode = args.count("mode")?.map(|mode| u32::try_from(mode & 0o7777).unwrap_or_default());
                (Direction::Down { mode }, args.remote("reader")?, "slavedest", "workerdest")
            }
            _ => return Ok(None),
        };
        let workdir = below(dir, args.path("workdir")?);
        let path = args.path(if args.optional(new).is_some() { new } else { old });
        let path = below(&workdir, path.or_else(|_| args.path(new))?);
        args.present("maxsize")?;
        let block_bytes = args.block_bytes()?.min(BLOCK_BYTES_MAX);
        Ok(Some(Transfer {
            direction,
            remote,
            path,
            file: None,
            remaining: args.count("maxsize")?,
            block_bytes,
            awaited: Awaited::Start,
            interrupted: false,
            complaint: None,
            failure: None,
        }))
    }

    /// Stops it at the next block.
    pub fn interrupt(&mut self) {
        self.interrupted = true;
    }

    /// The first step.
    pub fn start(&mut self) -> Step {
        let (opened, purpose) = match self.direction {
            Direction::Up { .. } => (open(&self.path, File::options().read(true)), "upload"),
            Direction::Down { .. } => (self.create(), "download"),
        };
        match opened {
            Ok(file) => {
                self.file = Some(file);
                self.next_block()
            }
            Err(error) => {
                self.complain(format!(
                    "Cannot open file '{}' for {purpose}: {}",
                    self.path.display(),
                    reason(&error)
                ));
                self.close()
            }
        }
    }

    /// The master has answered the last step.
    pub fn answered(&mut self, result: Result<Value, Failure>) -> Step {
        match (&self.awaited, result) {
            (Awaited::Start, _) => self.done(),
            (Awaited::Block, Err(failure)) => {
                self.failure = Some(failure);
                self.close()
            }
            (Awaited::Block, Ok(value)) => match self.direction {
                Direction::Up { .. } => self.next_block(),
                Direction::Down { .. } => self.received(&value),
            },
            (Awaited::Close, result) => {
                self.failure = self.failure.take().or(result.err());
                match self.direction {
                    Direction::Up { keepstamp: true } => self.utime(),
                    _ => self.done(),
                }
            }
            (Awaited::Utime, result) => {
                self.failure = self.failure.take().or(result.err());
                self.done()
            }
        }
    }

    fn create(&self) -> std::io::Result<File> {
        if let Some(parent) = self.path.parent() {
            std::fs::create_dir_all(parent)?;
        }
        let file = open(&self.path, File::options().write(true).create(true))?;
        file.set_len(0)?;
        if let Direction::Down { mode: Some(mode) } = self.direction {
            file.set_permissions(std::fs::Permissions::from_mode(mode))?;
        }
        Ok(file)
    }

    fn next_block(&mut self) -> Step {
        if self.interrupted {
            self.complain("interrupted".to_owned());
            return self.close();
        }
        let room = self.remaining.map_or(self.block_bytes, |left| {
            usize::try_from(left).unwrap_or(self.block_bytes).min(self.block_bytes)
        });
        match self.direction {
            Direction::Up { .. } => match self.read_block(room) {
                Ok(block) if block.is_empty() => self.close(),
                Ok(block) => self.call("write", vec![Value::bytes(block)]),
                Err(complaint) => {
                    self.complain(complaint);
                    self.close()
                }
            },
            // A block too much tells a file that is too long from one that fits.
            Direction::Down { .. } => {
                let room = room.max(1);
                self.call("read", vec![Value::Int(i64::try_from(room).unwrap_or(i64::MAX))])
            }
        }
    }

    /// The next block of at most `room` bytes; empty at the end of the file.
    fn read_block(&mut self, room: usize) -> Result<Vec<u8>, String> {
        let Some(file) = &mut self.file else { return Ok(Vec::new()) };
        let mut block = Vec::new();
        let read = file.take(room.max(1) as u64).read_to_end(&mut block);
        read.map_err(|error| format!("Cannot read file '{}': {}", self.path.display(), reason(&error)))?;
        match &mut self.remaining {
            Some(0) if !block.is_empty() => Err(self.too_long()),
            Some(left) => {
                *left -= block.len() as u64;
                Ok(block)
            }
            None => Ok(block),
        }
    }

    fn received(&mut self, value: &Value) -> Step {
        let Some(block) = value.as_bytes() else {
            self.failure = Some(Failure::type_error("read() gave no bytes"));
            return self.close();
        };
        if block.is_empty() {
            return self.close();
        }
        let fits = self
            .remaining
            .map_or(block.len(), |left| usize::try_from(left).unwrap_or(usize::MAX).min(block.len()));
        let written = self.file.as_mut().map_or(Ok(()), |file| file.write_all(&block[..fits]));
        if let Some(left) = &mut self.remaining {
            *left -= fits as u64;
        }
        if let Err(error) = written {
            self.complain(format!("Cannot write file '{}': {}", self.path.display(), reason(&error)));
        } else if fits < block.len() {
            self.complain(self.too_long());
        } else {
            return self.next_block();
        }
        self.close()
    }

    fn too_long(&self) -> String {
        format!("Maximum filesize reached, truncating file '{}'", self.path.display())
    }

    fn complain(&mut self, complaint: String) {
        self.complaint = self.complaint.take().or(Some(complaint));
    }

    fn close(&mut self) -> Step {
        self.awaited = Awaited::Close;
        Step::Call(self.remote, "close", Vec::new())
    }

    fn utime(&mut self) -> Step {
        self.awaited = Awaited::Utime;
        let times = self.file.as_ref().and_then(|file| file.metadata().ok()).map(|seen| {
            let seconds = |whole: i64, nanoseconds: i64| Value::from(whole as f64 + nanoseconds as f64 / 1e9);
            [seconds(seen.atime(), seen.atime_nsec()), seconds(seen.mtime(), seen.mtime_nsec())]
        });
        let times = Value::tuple(times.unwrap_or([Value::None, Value::None]));
        Step::Call(self.remote, "utime", vec![times])
    }

    fn call(&mut self, method: &'static str, args: Vec<Value>) -> Step {
        self.awaited = Awaited::Block;
        Step::Call(self.remote, method, args)
    }

    fn done(&mut self) -> Step {
        let sending = matches!(self.direction, Direction::Up { .. }).then_some(&*self.path);
        ended(sending, self.complaint.take(), self.failure.take())
    }
}

/// Opens a regular file. Anything else, such as a pipe that nobody writes to, could stop the whole agent.
fn open(path: &Path, options: &mut OpenOptions) -> std::io::Result<File> {
    let without_waiting = OFlags::NONBLOCK | OFlags::NOCTTY;
    let file = options.custom_flags(without_waiting.bits().cast_signed()).open(path)?;
    let kind = file.metadata()?.file_type();
    if kind.is_dir() {
        return Err(Errno::ISDIR.into());
    }
    if kind.is_file() { Ok(file) } else { Err(std::io::Error::other("Not a regular file")) }
}

/// The last step of a transfer; `sending` is what was sent, if anything was.
pub(super) fn ended(sending: Option<&Path>, complaint: Option<String>, failure: Option<Failure>) -> Step {
    let well = complaint.is_none() && failure.is_none();
    let header = sending.map(|path| Update::new("header", format!("sending {}\n", path.display())));
    let complaint = complaint.map(|text| Update::new("stderr", text + "\n"));
    let rc = Update::new("rc", if well { 0 } else { 1 });
    Step::Done(header.into_iter().chain(complaint).chain([rc]).collect(), failure)
}
