//! `bellwether tryserver`: what `try --connect=ssh` runs on the master's machine (`CLI-25`, `clients.md` §6).

use super::{NO, fail};
use crate::kernel::World;
use data_encoding::HEXLOWER;
use md5::{Digest, Md5};
use std::fs::{self, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// The most bytes of a job.
const JOB_BYTES_MAX: u64 = 64 << 20;

/// Put a job from standard input into a job directory
///
/// Whoever may write to the directory may have code built: give it to those who may. It must have been made, with `new`
/// and `tmp` in it; a running master with the try_jobdir scheduler makes it.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The directory of the `try_jobdir` scheduler
    #[arg(long, value_name = "DIR")]
    jobdir: PathBuf,
}

/// Does it.
pub fn run(args: &Args) -> ExitCode {
    match put(&args.jobdir, &mut io::stdin().lock()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(NO, &format!("{}: {error}", args.jobdir.display())),
    }
}

/// Writes a job beside the directory of new ones and moves it there whole.
fn put(jobdir: &Path, job: &mut impl Read) -> io::Result<()> {
    let mut content = Vec::new();
    job.take(JOB_BYTES_MAX + 1).read_to_end(&mut content)?;
    if content.is_empty() {
        return Err(io::Error::other("there is no job on standard input"));
    }
    if content.len() as u64 > JOB_BYTES_MAX {
        return Err(io::Error::other(format!("the job is longer than {JOB_BYTES_MAX} bytes")));
    }
    let seconds = World::real().wall().seconds();
    let name = format!("{seconds}-{}", HEXLOWER.encode(&Md5::digest(&content)));
    let (half, whole) = (jobdir.join("tmp").join(&name), jobdir.join("new").join(&name));
    let write = || {
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).open(&half)?;
        file.write_all(&content)?;
        file.sync_all()?;
        fs::rename(&half, &whole)
    };
    write().inspect_err(|_| {
        // One that was never there is as good as removed.
        let _ = fs::remove_file(&half);
    })
}

#[cfg(test)]
mod tests {
    use super::put;
    use std::fs;

    #[test]
    fn a_job_comes_whole_or_not_at_all() {
        let folder = tempfile::TempDir::new().unwrap();
        let error = put(folder.path(), &mut "job".as_bytes()).unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::NotFound);
        for part in ["new", "tmp"] {
            fs::create_dir(folder.path().join(part)).unwrap();
        }
        put(folder.path(), &mut "job".as_bytes()).unwrap();
        assert!(put(folder.path(), &mut "".as_bytes()).is_err());
        let jobs: Vec<_> =
            fs::read_dir(folder.path().join("new")).unwrap().map(|entry| entry.unwrap()).collect();
        assert_eq!(jobs.len(), 1);
        // The digest of `job`.
        assert!(jobs[0].file_name().to_string_lossy().ends_with("-9dddd5ce1b1375bc497feeb871842d4b"));
        assert_eq!(fs::read(jobs[0].path()).unwrap(), b"job");
        assert_eq!(fs::read_dir(folder.path().join("tmp")).unwrap().count(), 0);
    }
}
