//! Removes the directories of builders that are no more, if the worker is to (`delete_leftover_dirs`).

use crate::kernel::thread;
use slog::{Logger, info, warn};
use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, Stdio};

/// Where directories wait for their removal. Its dot keeps it from being taken for a builder's.
const WAITING: &str = ".leftovers";

/// Moves directories out of `basedir` at once, so that a builder which comes back finds none of its old files, and
/// removes them on a thread. What can't be removed is logged.
pub fn remove(basedir: &Path, names: &[OsString], log: &Logger) {
    let waiting = basedir.join(WAITING);
    for name in names {
        info!(log, "removing the directory of no builder"; "dir" => %name.display());
        if let Err(error) = set_aside(&basedir.join(name), &waiting) {
            warn!(log, "can't remove a directory"; "dir" => %name.display(), "why" => %error);
        }
    }
    let background = log.clone();
    let started = thread::spawn("leftovers", move || {
        if let Err(error) = remove_tree(&waiting) {
            warn!(background, "can't remove what is left of builders"; "dir" => %waiting.display(), "why" => %error);
        }
    });
    if let Err(error) = started {
        warn!(log, "what is left of builders stays until the next time"; "why" => %error);
    }
}

/// Moves `dir` to a place of its own below `waiting`.
fn set_aside(dir: &Path, waiting: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(waiting)?;
    let mut number = 0_u64;
    loop {
        let place = waiting.join(number.to_string());
        match std::fs::create_dir(&place) {
            Ok(()) => return std::fs::rename(dir, place.join("dir")),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => number += 1,
            Err(error) => return Err(error),
        }
    }
}

fn remove_tree(path: &Path) -> std::io::Result<()> {
    std::fs::remove_dir_all(path).or_else(|error| {
        if error.kind() == std::io::ErrorKind::NotFound {
            return Ok(());
        }
        // Some programs leave directories that can't be written to, and with them what is inside.
        let mut soften = Command::new("chmod");
        soften.args(["-Rf", "u+rwx"]).arg(path).stdin(Stdio::null()).stderr(Stdio::null()).status()?;
        std::fs::remove_dir_all(path)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn what_cannot_be_written_to_is_removed_too() {
        let base = tempfile::tempdir().expect("a directory");
        let locked = base.path().join("old/locked");
        std::fs::create_dir_all(&locked).expect("makes");
        std::fs::write(locked.join("file"), "x").expect("writes");
        std::fs::set_permissions(&locked, std::fs::Permissions::from_mode(0o500)).expect("sets");
        let waiting = base.path().join(WAITING);
        for _ in 0..2 {
            set_aside(&base.path().join("old"), &waiting).expect("moves");
            std::fs::create_dir(base.path().join("old")).expect("the name is free");
        }
        assert!(waiting.join("0/dir/locked/file").exists() && waiting.join("1/dir").exists());
        remove_tree(&waiting).expect("removes");
        assert!(!waiting.exists());
    }
}
