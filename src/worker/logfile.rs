//! A log file that is followed while a command runs (`worker-api.md` §9, `logfiles`).

use super::process::Logfile;
use std::fs::{File, Metadata};
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

/// How a file looked: device, inode, size, and time of change in nanoseconds.
type Look = (u64, u64, u64, i128);

/// A file that may not be there yet. One that was there before the command is left alone until it changes.
#[derive(Debug)]
pub(super) struct Tail {
    path: PathBuf,
    before: Option<Look>,
    follow: bool,
    file: Option<File>,
}

impl Tail {
    /// To be called before the command starts.
    pub fn new(logfile: &Logfile) -> Tail {
        let before = std::fs::metadata(&logfile.path).ok().map(|metadata| look(&metadata));
        Tail { path: logfile.path.clone(), before, follow: logfile.follow, file: None }
    }

    /// Reads what is new; 0 bytes when there is nothing, now.
    pub fn read(&mut self, buffer: &mut [u8]) -> usize {
        if self.file.is_none() {
            self.file = self.open();
        }
        let Some(file) = &mut self.file else { return 0 };
        // A file that can't be read has nothing new.
        file.read(buffer).unwrap_or(0)
    }

    fn open(&self) -> Option<File> {
        let metadata = std::fs::metadata(&self.path).ok().filter(Metadata::is_file)?;
        let now = look(&metadata);
        if self.before == Some(now) {
            return None;
        }
        let mut file = File::open(&self.path).ok()?;
        if let Some((_, inode, size, _)) = self.before.filter(|_| self.follow)
            && (inode, true) == (now.1, size <= now.2)
        {
            file.seek(SeekFrom::Start(size)).ok()?;
        }
        Some(file)
    }
}

fn look(metadata: &Metadata) -> Look {
    let nanoseconds = i128::from(metadata.mtime()) * 1_000_000_000 + i128::from(metadata.mtime_nsec());
    (metadata.dev(), metadata.ino(), metadata.size(), nanoseconds)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn text(tail: &mut Tail) -> String {
        let mut buffer = [0; 64];
        let count = tail.read(&mut buffer);
        String::from_utf8_lossy(&buffer[..count]).into_owned()
    }

    fn append(path: &std::path::Path, line: &str) {
        let mut file = File::options().append(true).create(true).open(path).expect("opens");
        file.write_all(line.as_bytes()).expect("writes");
    }

    #[test]
    fn a_new_file_an_unchanged_one_and_a_followed_one() {
        let dir = tempfile::tempdir().expect("a directory");
        let old = dir.path().join("old");
        append(&old, "before\n");
        let mut new = Tail::new(&Logfile { path: dir.path().join("new"), follow: false });
        let mut stale = Tail::new(&Logfile { path: old.clone(), follow: false });
        let mut followed = Tail::new(&Logfile { path: old.clone(), follow: true });
        assert_eq!([text(&mut new), text(&mut stale), text(&mut followed)], ["", "", ""]);
        append(&new.path, "first\n");
        append(&old, "added\n");
        assert_eq!(
            [text(&mut new), text(&mut stale), text(&mut followed)],
            ["first\n", "before\nadded\n", "added\n"]
        );
        append(&new.path, "second\n");
        assert_eq!([text(&mut new), text(&mut stale)], ["second\n", ""]);
    }
}
