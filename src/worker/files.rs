//! The small commands on files: each one look or one change, done on a thread of its own.

use super::arguments::{Arguments, below};
use super::command::CommandEvent;
use super::limits::NAMES_MAX;
use super::updates::{Update, reason};
use crate::kernel::thread;
use crate::pb::{Failure, Value};
use crossbeam_channel::{Receiver, bounded};
use rustix::io::Errno;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// What to do (`worker-api.md` §9, File system).
#[derive(Clone, Debug, PartialEq)]
pub enum FileWork {
    /// Makes directories and those above them; ends at the first that can't be made.
    Mkdir(Vec<PathBuf>),
    /// Tells about a file.
    Stat(PathBuf),
    /// Lists the paths that match a pattern.
    Glob(PathBuf),
    /// Lists the names in a directory.
    Listdir(PathBuf),
    /// Removes a file.
    Rmfile(PathBuf),
}

impl FileWork {
    /// Reads the arguments of a command of this kind; None if `command` is another kind.
    ///
    /// # Errors
    /// An argument is missing or wrong.
    pub fn read(command: &str, args: &Arguments, dir: &Path) -> Result<Option<FileWork>, Failure> {
        let seen = |key| args.path(key).map(|path| below(dir, path));
        Ok(Some(match command {
            "mkdir" => FileWork::Mkdir(args.paths("dir")?.into_iter().map(|path| below(dir, path)).collect()),
            "stat" => {
                let workdir = args.text("workdir")?.unwrap_or_default();
                FileWork::Stat(below(&below(dir, Path::new(workdir)), args.path("file")?))
            }
            "glob" => FileWork::Glob(seen("path")?),
            "listdir" => FileWork::Listdir(seen("dir")?),
            "rmfile" => FileWork::Rmfile(seen("path")?),
            _ => return Ok(None),
        }))
    }

    /// Does it on a thread; the only event is [`CommandEvent::Looked`].
    ///
    /// # Errors
    /// The system has no room for another thread.
    pub fn start(self) -> std::io::Result<Receiver<CommandEvent>> {
        let (events_in, events) = bounded(1);
        thread::spawn("files", move || {
            // Nobody waits for it after the connection is lost.
            let _ = events_in.send(CommandEvent::Looked(self.perform()));
        })?;
        Ok(events)
    }

    fn perform(&self) -> Vec<Update> {
        let (command, found) = match self {
            FileWork::Mkdir(paths) => {
                let make =
                    |path: &PathBuf| std::fs::create_dir_all(path).map_err(|error| (path.clone(), error));
                ("mkdir", paths.iter().try_for_each(make).map(|()| None))
            }
            FileWork::Rmfile(path) => ("rmfile", at(path, std::fs::remove_file(path).map(|()| None))),
            FileWork::Stat(path) => ("stat", at(path, stat(path).map(Some))),
            FileWork::Listdir(path) => ("listdir", at(path, list(path).map(Some))),
            FileWork::Glob(path) => ("glob", at(path, matching(path).map(Some))),
        };
        match found {
            Ok(found) => found.into_iter().chain([Update::new("rc", 0)]).collect(),
            Err((path, error)) => failed(command, &path, &error).into(),
        }
    }
}

/// An error, with the path that has it.
fn at<T>(path: &Path, result: std::io::Result<T>) -> Result<T, (PathBuf, std::io::Error)> {
    result.map_err(|error| (path.to_owned(), error))
}

fn stat(path: &Path) -> std::io::Result<Update> {
    let seen = std::fs::metadata(path)?;
    let unsigned = |n: u64| Value::Int(i64::try_from(n).unwrap_or(i64::MAX));
    Ok(Update::new(
        "stat",
        Value::Tuple(vec![
            Value::from(seen.mode()),
            unsigned(seen.ino()),
            unsigned(seen.dev()),
            unsigned(seen.nlink()),
            Value::from(seen.uid()),
            Value::from(seen.gid()),
            unsigned(seen.size()),
            Value::from(seen.atime()),
            Value::from(seen.mtime()),
            Value::from(seen.ctime()),
        ]),
    ))
}

fn list(path: &Path) -> std::io::Result<Update> {
    let entries: std::io::Result<Vec<_>> =
        std::fs::read_dir(path)?.map(|entry| Ok(entry?.file_name())).collect();
    let mut names: Vec<String> = entries?.iter().map(|name| name.to_string_lossy().into_owned()).collect();
    names.sort();
    named(names)
}

fn named(names: Vec<String>) -> std::io::Result<Update> {
    if names.len() > NAMES_MAX { Err(Errno::TOOBIG.into()) } else { Ok(Update::new("files", names)) }
}

/// Hidden names match only a pattern that shows its dot; `**` is any number of directories.
fn matching(pattern: &Path) -> std::io::Result<Update> {
    let options = glob::MatchOptions {
        case_sensitive: true,
        require_literal_separator: true,
        require_literal_leading_dot: true,
    };
    let paths = glob::glob_with(&pattern.to_string_lossy(), options)
        .map_err(|error| std::io::Error::new(std::io::ErrorKind::InvalidInput, error))?;
    // A directory that can't be read has nothing that matches.
    let found = paths.filter_map(Result::ok).map(|path| path.to_string_lossy().into_owned());
    named(found.take(NAMES_MAX + 1).collect())
}

fn failed(command: &str, path: &Path, error: &std::io::Error) -> [Update; 2] {
    let number = error.raw_os_error().unwrap_or(Errno::INVAL.raw_os_error());
    let header = format!("{command}: {}: {}\n", reason(error), path.display());
    [Update::new("header", header), Update::new("rc", number)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn done(dir: &Path, command: &str, args: &[(&str, &str)]) -> String {
        let dict = Value::dict(args.iter().copied());
        let args = Arguments::new(command, &dict).expect("a dict");
        let work = FileWork::read(command, &args, dir).expect("is right").expect("is one of these");
        let show = |update: Update| match (update.key, &update.value) {
            ("stat", Value::Tuple(items)) => {
                format!("stat of {} with size {:?}", items.len(), items[6].as_int())
            }
            (key, Value::List(names)) => {
                let names: Vec<_> = names.iter().filter_map(Value::as_str).collect();
                format!("{key} {}", names.join(" "))
            }
            (key, value) => {
                value.as_str().map_or(format!("{key} {:?}", value.as_int()), |s| format!("{key} {s}"))
            }
        };
        let shown: Vec<String> = work.perform().into_iter().map(show).collect();
        shown.join("; ").replace(&*dir.to_string_lossy(), "DIR")
    }

    #[test]
    fn each_command_and_its_failure() {
        let dir = tempfile::tempdir().expect("a directory");
        let check = |command, args: &[_], expected| assert_eq!(done(dir.path(), command, args), expected);
        check("mkdir", &[("dir", "a/b")], "rc Some(0)");
        check("mkdir", &[("dir", "a/b")], "rc Some(0)");
        std::fs::write(dir.path().join("a/f.txt"), "12345").expect("writes");
        std::fs::write(dir.path().join("a/.hidden.txt"), "").expect("writes");
        check(
            "mkdir",
            &[("dir", "a/f.txt/c")],
            "header mkdir: Not a directory: DIR/a/f.txt/c\n; rc Some(20)",
        );
        check("stat", &[("file", "a/f.txt")], "stat of 10 with size Some(5); rc Some(0)");
        check("stat", &[("file", "f.txt"), ("workdir", "a")], "stat of 10 with size Some(5); rc Some(0)");
        check("stat", &[("file", "no")], "header stat: No such file or directory: DIR/no\n; rc Some(2)");
        check("listdir", &[("dir", "a")], "files .hidden.txt b f.txt; rc Some(0)");
        check("glob", &[("path", "a/*.txt")], "files DIR/a/f.txt; rc Some(0)");
        check("glob", &[("path", "**/f.*")], "files DIR/a/f.txt; rc Some(0)");
        check("glob", &[("path", "none*")], "files ; rc Some(0)");
        check("rmfile", &[("path", "a/f.txt")], "rc Some(0)");
        check(
            "rmfile",
            &[("path", "a/f.txt")],
            "header rmfile: No such file or directory: DIR/a/f.txt\n; rc Some(2)",
        );
    }

    #[test]
    fn mkdir_takes_a_list() {
        let base = tempfile::tempdir().expect("a directory");
        std::fs::write(base.path().join("file"), "").expect("writes");
        let make = |dirs: &[&str]| {
            let dict = Value::dict([("dir", Value::list(dirs.iter().copied()))]);
            let args = Arguments::new("mkdir", &dict).expect("a dict");
            let work =
                FileWork::read("mkdir", &args, base.path()).expect("is right").expect("is one of these");
            work.perform().last().and_then(|rc| rc.value.as_int())
        };
        assert_eq!(make(&["a/b", "c"]), Some(0));
        assert!(base.path().join("a/b").is_dir() && base.path().join("c").is_dir());
        assert_eq!(make(&["d", "file/e", "f"]), Some(20));
        assert!(base.path().join("d").is_dir() && !base.path().join("f").exists());
    }
}
