//! `uploadDirectory`: a thread packs the directory into a tar stream, whose blocks go to the master one at a time; at
//! the end the master unpacks them (`worker-api.md` §10).

use super::arguments::{Arguments, below};
use super::command::CommandEvent;
use super::limits::BLOCK_BYTES_MAX;
use super::transfer::{Step, ended};
use super::updates::reason;
use crate::kernel::thread;
use crate::pb::{Failure, Luid, Value};
use crossbeam_channel::{Receiver, Sender, bounded};
use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};

#[derive(Clone, Copy, Debug, PartialEq)]
enum Compression {
    Plain,
    Gzip,
    Bzip2,
}

/// What the packing thread is to do.
#[derive(Clone, Debug, PartialEq)]
pub struct Packing {
    path: PathBuf,
    compression: Compression,
    block_bytes: usize,
}

impl Packing {
    /// Packs on a thread: [`CommandEvent::Block`]s, then one [`CommandEvent::Packed`].
    ///
    /// # Errors
    /// The system has no room for another thread.
    pub fn start(self) -> std::io::Result<Receiver<CommandEvent>> {
        let (events_in, events) = bounded(1);
        thread::spawn("pack", move || {
            let result = self.pack(&events_in);
            // Nobody waits for it after an interrupt or a lost connection.
            let _ = events_in.send(CommandEvent::Packed(result));
        })?;
        Ok(events)
    }

    fn pack(&self, events: &Sender<CommandEvent>) -> std::io::Result<()> {
        let blocks = Blocks { filling: Vec::new(), block_bytes: self.block_bytes, events };
        let mut blocks = match self.compression {
            Compression::Plain => self.write(blocks)?,
            Compression::Gzip => {
                let level = flate2::Compression::default();
                self.write(flate2::write::GzEncoder::new(blocks, level))?.finish()?
            }
            Compression::Bzip2 => {
                let level = bzip2::Compression::default();
                self.write(bzip2::write::BzEncoder::new(blocks, level))?.finish()?
            }
        };
        blocks.send()
    }

    fn write<W: Write>(&self, to: W) -> std::io::Result<W> {
        let mut archive = tar::Builder::new(to);
        archive.follow_symlinks(false);
        pack_tree(&mut archive, &self.path)?;
        archive.into_inner()
    }
}

/// Adds what is below `root`. Sockets, which no archive can hold, are left out.
fn pack_tree<W: Write>(archive: &mut tar::Builder<W>, root: &Path) -> std::io::Result<()> {
    let mut dirs = vec![PathBuf::new()];
    while let Some(dir) = dirs.pop() {
        for entry in std::fs::read_dir(root.join(&dir))? {
            let entry = entry?;
            let (path, name) = (entry.path(), dir.join(entry.file_name()));
            let kind = entry.file_type()?;
            if kind.is_file() {
                pack_file(archive, &path, &name)?;
            } else if !kind.is_socket() {
                archive.append_path_with_name(&path, &name)?;
            }
            if kind.is_dir() {
                dirs.push(name);
            }
        }
    }
    Ok(())
}

/// Adds a file with the size that it has now: one that grows is cut there, one that shrinks is filled with zeros,
/// and what follows in the archive stays readable.
fn pack_file<W: Write>(archive: &mut tar::Builder<W>, path: &Path, name: &Path) -> std::io::Result<()> {
    let file = File::open(path)?;
    let seen = file.metadata()?;
    let mut header = tar::Header::new_gnu();
    header.set_metadata(&seen);
    archive.append_data(&mut header, name, file.chain(std::io::repeat(0)).take(seen.len()))
}

/// Cuts what is written into blocks.
struct Blocks<'a> {
    filling: Vec<u8>,
    block_bytes: usize,
    events: &'a Sender<CommandEvent>,
}

impl Blocks<'_> {
    fn send(&mut self) -> std::io::Result<()> {
        let block = std::mem::take(&mut self.filling);
        let gone = |_| std::io::Error::from(std::io::ErrorKind::BrokenPipe);
        if block.is_empty() { Ok(()) } else { self.events.send(CommandEvent::Block(block)).map_err(gone) }
    }
}

impl Write for Blocks<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let count = bytes.len().min(self.block_bytes - self.filling.len());
        self.filling.extend_from_slice(&bytes[..count]);
        if self.filling.len() == self.block_bytes {
            self.send()?;
        }
        Ok(count)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// What is to come next.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Awaited {
    /// A block, or the end, from the packing thread.
    Packer,
    /// The master's answer to a block.
    Write,
    /// The master's answer to `unpack`.
    Unpack,
}

/// A directory on its way.
#[derive(Debug)]
pub struct DirectoryUpload {
    writer: Luid,
    path: PathBuf,
    remaining: Option<u64>,
    awaited: Awaited,
    interrupted: bool,
    complaint: Option<String>,
}

impl DirectoryUpload {
    /// Reads the arguments of `uploadDirectory`; None if `command` is another.
    ///
    /// # Errors
    /// An argument is missing or wrong.
    pub fn read(
        command: &str,
        args: &Arguments,
        dir: &Path,
    ) -> Result<Option<(DirectoryUpload, Packing)>, Failure> {
        if command != "uploadDirectory" {
            return Ok(None);
        }
        let source = if args.optional("workersrc").is_some() { "workersrc" } else { "slavesrc" };
        let path = below(&below(dir, args.path("workdir")?), args.path(source)?);
        args.present("maxsize")?;
        args.present("compress")?;
        let compression = match args.text("compress")? {
            None => Compression::Plain,
            Some("gz") => Compression::Gzip,
            Some("bz2") => Compression::Bzip2,
            Some(_) => return Err(args.wrong("compress", "None, 'gz', or 'bz2'")),
        };
        let block_bytes = args.block_bytes()?.min(BLOCK_BYTES_MAX);
        let upload = DirectoryUpload {
            writer: args.remote("writer")?,
            path: path.clone(),
            remaining: args.count("maxsize")?,
            awaited: Awaited::Packer,
            interrupted: false,
            complaint: None,
        };
        Ok(Some((upload, Packing { path, compression, block_bytes })))
    }

    /// Stops it at the next block.
    pub fn interrupt(&mut self) {
        self.interrupted = true;
    }

    /// Whether the next block is to be taken from the packing thread.
    pub fn wants_block(&self) -> bool {
        self.awaited == Awaited::Packer
    }

    /// A block has been packed.
    pub fn block(&mut self, mut block: Vec<u8>) -> Step {
        if self.interrupted {
            return self.fail("interrupted".to_owned());
        }
        if let Some(left) = &mut self.remaining {
            let fits = usize::try_from(*left).unwrap_or(usize::MAX).min(block.len());
            *left -= fits as u64;
            if fits < block.len() {
                block.truncate(fits);
                let path = self.path.display();
                self.complaint = Some(format!("Maximum filesize reached, truncating file '{path}'"));
            }
        }
        self.awaited = Awaited::Write;
        Step::Call(self.writer, "write", vec![Value::bytes(block)])
    }

    /// Everything has been packed, or could not be.
    pub fn packed(&mut self, result: std::io::Result<()>) -> Step {
        if let Err(error) = result {
            return self.fail(format!(
                "Cannot read directory '{}' for upload: {}",
                self.path.display(),
                reason(&error)
            ));
        }
        self.awaited = Awaited::Unpack;
        Step::Call(self.writer, "unpack", Vec::new())
    }

    /// The master has answered.
    pub fn answered(&mut self, result: Result<Value, Failure>) -> Step {
        match (self.awaited, result) {
            (_, Err(failure)) => ended(Some(&self.path), self.complaint.take(), Some(failure)),
            (Awaited::Write, Ok(_)) if self.complaint.is_none() => {
                self.awaited = Awaited::Packer;
                Step::Wait
            }
            (_, Ok(_)) => ended(Some(&self.path), self.complaint.take(), None),
        }
    }

    fn fail(&mut self, complaint: String) -> Step {
        ended(Some(&self.path), Some(complaint), None)
    }
}
