//! What a worker writes: beside its place first, then moved there.

use super::{Kind, told, unpack};
use std::fs::{self, File, FileTimes, Permissions};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// The master's end of an upload. Dropped, it takes what it wrote away again.
#[derive(Debug)]
pub struct Receive {
    to: PathBuf,
    kind: Kind,
    max_bytes: Option<u64>,
    /// Where it is written, and where a directory is unpacked.
    part: PathBuf,
    unpacked: PathBuf,
    file: Option<File>,
    written: u64,
    times: Option<FileTimes>,
    is_whole: bool,
}

impl Receive {
    pub(super) fn new(to: PathBuf, kind: Kind, max_bytes: Option<u64>, key: u64) -> Receive {
        let name = to.file_name().unwrap_or_default().to_string_lossy().into_owned();
        // A file system takes names of 255 bytes.
        let name = &name[..name.floor_char_boundary(128)];
        let beside = |what| to.with_file_name(format!(".{name}.{}-{key}.{what}", std::process::id()));
        Receive {
            part: beside("part"),
            unpacked: beside("unpacked"),
            to,
            kind,
            max_bytes,
            file: None,
            written: 0,
            times: None,
            is_whole: false,
        }
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), String> {
        let written = self.written + bytes.len() as u64;
        if let Some(most) = self.max_bytes.filter(|most| written > *most) {
            return Err(format!("more than {most} bytes were sent"));
        }
        let part = self.part.clone();
        self.open()?.write_all(bytes).map_err(|error| told("write", &part, &error))?;
        self.written = written;
        Ok(())
    }

    /// The file, made when it is first needed.
    fn open(&mut self) -> Result<&mut File, String> {
        if self.is_whole {
            return Err("it was closed already".to_owned());
        }
        if self.file.is_none() {
            if let Some(above) = self.part.parent() {
                fs::create_dir_all(above).map_err(|error| told("make", above, &error))?;
            }
            let options = File::options().create_new(true).write(true).read(true).clone();
            let file = options.open(&self.part).map_err(|error| told("make", &self.part, &error))?;
            self.file = Some(file);
        }
        self.file.as_mut().ok_or_else(|| "it was not opened".to_owned())
    }

    pub(super) fn close(&mut self) -> Result<(), String> {
        if !self.is_whole {
            self.open()?;
            self.is_whole = true;
        }
        Ok(())
    }

    pub(super) fn utime(&mut self, access: f64, change: f64) -> Result<(), String> {
        let time = |seconds: f64| {
            let since = Duration::try_from_secs_f64(seconds).ok()?;
            SystemTime::UNIX_EPOCH.checked_add(since)
        };
        let (Some(access), Some(change)) = (time(access), time(change)) else {
            return Err(format!("{access} and {change} are no times"));
        };
        self.times = Some(FileTimes::new().set_accessed(access).set_modified(change));
        Ok(())
    }

    pub(super) fn unpack(&mut self) -> Result<(), String> {
        let Kind::Directory(packing) = self.kind else { return Err("it is no directory".to_owned()) };
        let file = self.open()?.try_clone().map_err(|error| told("read", &self.part, &error))?;
        unpack::unpack(file, packing, self.max_bytes, &self.unpacked)?;
        self.is_whole = true;
        Ok(())
    }

    pub(super) fn keep(mut self) -> Result<(), String> {
        if !self.is_whole {
            return Err("the worker did not send all of it".to_owned());
        }
        match self.kind {
            Kind::Directory(_) => unpack::merge(&self.unpacked, &self.to),
            Kind::File(mode) => {
                self.finish_file(mode).map_err(|error| told("finish", &self.part, &error))?;
                fs::rename(&self.part, &self.to).map_err(|error| told("write", &self.to, &error))
            }
        }
    }

    fn finish_file(&mut self, mode: Option<u32>) -> std::io::Result<()> {
        let Some(file) = self.file.take() else { return Ok(()) };
        if let Some(mode) = mode {
            file.set_permissions(Permissions::from_mode(mode))?;
        }
        if let Some(times) = self.times {
            file.set_times(times)?;
        }
        file.sync_all()
    }
}

impl Drop for Receive {
    fn drop(&mut self) {
        // What is not there, or was moved, needs no removing; and nobody could do better than to leave the rest.
        let _ = fs::remove_file(&self.part);
        if matches!(self.kind, Kind::Directory(_)) {
            let _ = fs::remove_dir_all(Path::new(&self.unpacked));
        }
    }
}
