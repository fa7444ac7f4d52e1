//! What the agent is told from outside the connection: by signals, by its parent's end, and by the shutdown file.

use super::AgentError;
use super::limits::SHUTDOWN_FILE_POLL;
use crate::kernel::thread;
use clap::ValueEnum;
use crossbeam_channel::Sender;
use serde::{Deserialize, Serialize};
use signal_hook::consts::{SIGHUP, SIGTERM};
use signal_hook::iterator::Signals;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// What is wished, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// To end now, and kill what runs.
    Stop(&'static str),
    /// To end once the master has nothing running here: it is asked to give no more work.
    Finish(&'static str),
}

impl Wish {
    /// Why it is wished.
    pub fn why(self) -> &'static str {
        let (Wish::Stop(why) | Wish::Finish(why)) = self;
        why
    }
}

/// What asks the master for a graceful shutdown, in the words of Buildbot's worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum AllowShutdown {
    /// A new or newer file `shutdown.stamp` in the worker's directory
    File,
    /// The signal HUP
    Signal,
}

/// The file of [`AllowShutdown::File`].
const SHUTDOWN_FILE: &str = "shutdown.stamp";

/// Begins to pass on wishes. INT and TERM stop the agent; HUP too, where it does not mean a graceful shutdown.
///
/// # Errors
/// Signals can't be caught, or the system has no room for a thread.
pub fn listen(
    allowed: Option<AllowShutdown>,
    basedir: &Path,
    wishes: &Sender<Wish>,
) -> Result<(), AgentError> {
    let interrupted = wishes.clone();
    // Where one wish waits already, a second one adds nothing.
    ctrlc::set_handler(move || {
        let _ = interrupted.try_send(Wish::Stop("INT"));
    })?;
    let mut signals = Signals::new([SIGTERM, SIGHUP]).map_err(ctrlc::Error::System)?;
    let signalled = wishes.clone();
    thread::spawn("signals", move || {
        for number in signals.forever() {
            let wish = match (number, allowed) {
                (SIGHUP, Some(AllowShutdown::Signal)) => Wish::Finish("HUP"),
                (SIGHUP, _) => Wish::Stop("HUP"),
                _ => Wish::Stop("TERM"),
            };
            let _ = signalled.try_send(wish);
        }
    })?;
    if allowed == Some(AllowShutdown::File) {
        let mut stamp = Stamp::new(basedir.join(SHUTDOWN_FILE));
        let seen = wishes.clone();
        thread::spawn("shutdown-file", move || {
            for _ in crossbeam_channel::tick(SHUTDOWN_FILE_POLL) {
                if stamp.is_newer() {
                    let _ = seen.try_send(Wish::Finish("the shutdown file"));
                }
            }
        })?;
    }
    Ok(())
}

/// Stops the agent when the process's standard input is closed: its parent is gone.
///
/// # Errors
/// The system has no room for another thread.
pub fn stop_with_parent(wishes: Sender<Wish>) -> std::io::Result<()> {
    thread::spawn("parent", move || {
        // What a parent writes means nothing.
        let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
        let _ = wishes.try_send(Wish::Stop("the parent process has gone"));
    })?;
    Ok(())
}

/// A file whose time of change says something.
struct Stamp {
    path: PathBuf,
    seen: Option<SystemTime>,
}

impl Stamp {
    /// One that was left from before says nothing.
    fn new(path: PathBuf) -> Stamp {
        let seen = changed(&path);
        Stamp { path, seen }
    }

    /// Whether it has been made or touched since the last look.
    fn is_newer(&mut self) -> bool {
        let now = changed(&self.path);
        let newer = now > self.seen;
        self.seen = self.seen.max(now);
        newer
    }
}

fn changed(path: &Path) -> Option<SystemTime> {
    std::fs::metadata(path).ok()?.modified().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;
    use std::time::Duration;

    #[test]
    fn a_stamp_counts_when_it_is_newer_than_before() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join(SHUTDOWN_FILE);
        let mut none = Stamp::new(path.clone());
        assert!(!none.is_newer());
        let file = File::create(&path).expect("makes");
        assert!(none.is_newer());
        assert!(!none.is_newer());
        let mut old = Stamp::new(path.clone());
        assert!(!old.is_newer(), "it was there before");
        let later = changed(&path).expect("is there") + Duration::from_secs(1);
        file.set_modified(later).expect("sets");
        assert!(old.is_newer());
        std::fs::remove_file(&path).expect("removes");
        assert!(!old.is_newer());
    }
}
