//! Job directories: maildirs in which developers' jobs arrive (`SC-17`, `CS-12`).

use super::limits::{JOB_FILE_BYTES, JOBS_PER_LOOK};
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// Makes what is missing of the directory.
pub(super) fn make(jobdir: &Path) -> io::Result<()> {
    ["new", "cur", "tmp"].iter().try_for_each(|part| std::fs::create_dir_all(jobdir.join(part)))
}

/// The jobs that wait, the first ones first: their names begin with the time.
pub(super) fn waiting(jobdir: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(jobdir.join("new"))?;
    let mut files = entries.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
    files.retain(|file| file.is_file());
    files.sort_unstable();
    files.truncate(JOBS_PER_LOOK);
    Ok(files)
}

/// What a job's file holds.
pub(super) fn read(file: &Path) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    File::open(file)?.take(JOB_FILE_BYTES + 1).read_to_end(&mut content)?;
    if content.len() as u64 > JOB_FILE_BYTES {
        return Err(io::Error::other(format!("it is larger than {JOB_FILE_BYTES} bytes")));
    }
    Ok(content)
}

/// Puts a job away: it is done with, one way or the other.
pub(super) fn put_away(jobdir: &Path, file: &Path) -> io::Result<()> {
    let name = file.file_name().unwrap_or_default();
    std::fs::rename(file, jobdir.join("cur").join(name))
}
