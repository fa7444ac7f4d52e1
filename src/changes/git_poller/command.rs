//! Running git: bounded in time and output, and ended when its poller is.

use crate::changes::limits::{COMPLAINT_BYTES, GRACE, OUTPUT_BYTES};
use crate::kernel::World;
use crate::model::Mono;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open};
use std::fs::File;
use std::io::Read;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// Why a command gave nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GitError {
    /// The poller is to end.
    #[error("the poller is stopped")]
    Stopped,
    /// For people: what git said, or why it could not be asked.
    #[error("{0}")]
    Failed(String),
}

/// Runs git for one poller.
pub struct Git {
    world: World,
    /// Can be read from as soon as the poller is to end.
    stop: UnixStream,
}

impl Git {
    /// A runner that ends its command when the other end of `stop` is closed.
    pub fn new(world: World, stop: UnixStream) -> Git {
        Git { world, stop }
    }

    /// Runs `git ARGS` in a process group of its own, with `input` as its standard input, and returns what it
    /// prints. It asks nobody for a password, and takes nothing from the environment that means one repository.
    ///
    /// # Errors
    /// See [`GitError`]; whatever git started is killed then.
    pub fn run(&self, args: &[&str], input: Option<&Path>, time: Duration) -> Result<Vec<u8>, GitError> {
        let failed = |why: String| GitError::Failed(format!("git {}: {why}", verb(args)));
        let input = match input {
            Some(path) => File::open(path).map_err(|error| failed(error.to_string()))?.into(),
            None => Stdio::null(),
        };
        let mut command = Command::new("git");
        command.args(args).stdin(input).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
        for name in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_NAMESPACE"] {
            command.env_remove(name);
        }
        command.env("GIT_TERMINAL_PROMPT", "0").env("LC_ALL", "C");
        if std::env::var_os("SSH_ASKPASS").is_none() {
            // ssh asks this program, which gives no answer, and not the terminal.
            command.env("SSH_ASKPASS", "false").env("SSH_ASKPASS_REQUIRE", "force");
        }
        let mut child = command.spawn().map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => {
                GitError::Failed("git is not installed: apt-get install git".into())
            }
            _ => failed(error.to_string()),
        })?;
        let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        let pid = pid.ok_or_else(|| failed("it has no process id".to_owned()))?;
        let exit = pidfd_open(pid, PidfdFlags::empty());
        let collected = match &exit {
            Ok(exit) => self.collect(&mut child, exit, self.world.now() + time),
            Err(error) => Err(Ended::Broken((*error).into())),
        };
        if collected.is_err() {
            end(pid, exit.ok().as_ref());
        }
        let status = child.wait().map_err(|error| failed(error.to_string()))?;
        let (output, complaint) = collected.map_err(|ended| match ended {
            Ended::Stopped => GitError::Stopped,
            Ended::TooLate => failed(format!("it took longer than {} s", time.as_secs())),
            Ended::TooMuch => failed(format!("it printed more than {OUTPUT_BYTES} bytes")),
            Ended::Broken(error) => failed(error.to_string()),
        })?;
        if status.success() { Ok(output) } else { Err(failed(complaint_text(&complaint, status))) }
    }

    /// Reads both outputs until the command ends. Not until they are closed: what git has started in the background
    /// (an ssh that keeps its connection) may hold them open for long.
    fn collect(
        &self,
        child: &mut Child,
        exit: &OwnedFd,
        deadline: Mono,
    ) -> Result<(Vec<u8>, Vec<u8>), Ended> {
        let (Some(mut stdout), Some(mut stderr)) = (child.stdout.take(), child.stderr.take()) else {
            return Err(std::io::Error::other("it has no pipes").into());
        };
        let (mut output, mut complaint) = (Vec::new(), Vec::new());
        let (mut has_output, mut has_complaint, mut has_ended) = (true, true, false);
        loop {
            let left = deadline.since(self.world.now());
            let timeout = if has_ended { Duration::ZERO } else { left };
            // A closed pipe would be ready for ever, so it is watched no more.
            let watched = [
                (true, self.stop.as_fd()),
                (!has_ended, exit.as_fd()),
                (has_output, stdout.as_fd()),
                (has_complaint, stderr.as_fd()),
            ];
            let fds = watched.iter().filter(|(is_watched, _)| *is_watched);
            let mut fds: Vec<_> = fds.map(|(_, fd)| PollFd::from_borrowed_fd(*fd, PollFlags::IN)).collect();
            wait(&mut fds, timeout)?;
            let mut ready = fds.iter().map(|fd| !fd.revents().is_empty());
            let [stopped, ended, out, err] =
                watched.map(|(is_watched, _)| is_watched && ready.next().unwrap_or(false));
            if stopped {
                return Err(Ended::Stopped);
            }
            if out {
                has_output = take(&mut stdout, &mut output)?;
            }
            if err {
                has_complaint = take(&mut stderr, &mut complaint)?;
                complaint.truncate(COMPLAINT_BYTES);
            }
            if output.len() > OUTPUT_BYTES {
                return Err(Ended::TooMuch);
            }
            if has_ended && ((!out && !err) || left.is_zero()) {
                return Ok((output, complaint));
            }
            has_ended |= ended;
            if left.is_zero() && !has_ended {
                return Err(Ended::TooLate);
            }
        }
    }
}

/// Waits until one of these is ready, or for `timeout`; an interrupted wait is over early, with none ready.
fn wait(fds: &mut [PollFd<'_>], timeout: Duration) -> Result<(), Ended> {
    let timeout = Timespec::try_from(timeout).map_err(std::io::Error::other)?;
    match poll(fds, Some(&timeout)) {
        Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Ends a command with all that it has started: first so that git takes its lock files away, then by force. It is
/// not waited for yet, so that no other group can have its number.
fn end(pid: Pid, exit: Option<&OwnedFd>) {
    // Both fail only where all have ended by themselves.
    let _ = kill_process_group(pid, Signal::TERM);
    if let Some(exit) = exit {
        let _ = wait(&mut [PollFd::new(exit, PollFlags::IN)], GRACE);
    }
    let _ = kill_process_group(pid, Signal::KILL);
}

/// Why a command was cut short.
enum Ended {
    Stopped,
    TooLate,
    TooMuch,
    Broken(std::io::Error),
}

impl<E: Into<std::io::Error>> From<E> for Ended {
    fn from(error: E) -> Ended {
        Ended::Broken(error.into())
    }
}

/// Reads once from a pipe that is ready; false at its end.
fn take(pipe: &mut impl Read, into: &mut Vec<u8>) -> Result<bool, Ended> {
    let mut buffer = [0; 64 << 10];
    match pipe.read(&mut buffer) {
        Ok(0) => Ok(false),
        Ok(count) => {
            into.extend_from_slice(&buffer[..count]);
            Ok(true)
        }
        Err(error) if error.kind() == std::io::ErrorKind::Interrupted => Ok(true),
        Err(error) => Err(error.into()),
    }
}

/// The subcommand: the first argument that is no option, nor an option's value.
fn verb<'a>(args: &[&'a str]) -> &'a str {
    let mut rest = args.iter();
    while let Some(arg) = rest.next() {
        match *arg {
            "-c" | "--git-dir" => drop(rest.next()),
            verb => return verb,
        }
    }
    ""
}

/// What git complained, in one line; its own first word is left out.
fn complaint_text(complaint: &[u8], status: std::process::ExitStatus) -> String {
    let text = String::from_utf8_lossy(complaint);
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    if lines.is_empty() { status.to_string() } else { lines.join(" / ") }
}
