//! Running a program to its end: bounded in time and output, and ended with all that it has started when its user
//! wants no more of it. For threads that may wait, never for a service's own.

use super::World;
use crate::model::Mono;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open};
use std::io::{self, Read};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

/// How much a program may do.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// How long it may run.
    pub time: Duration,
    /// How long it may take to end when it is told to, before it is ended by force.
    pub grace: Duration,
    /// How much it may print.
    pub output_bytes: usize,
    /// How much of what it complains is kept.
    pub complaint_bytes: usize,
}

/// What became of a program that ended by itself.
#[derive(Debug)]
pub struct Outcome {
    /// How it ended.
    pub status: ExitStatus,
    /// Its standard output.
    pub output: Vec<u8>,
    /// The beginning of its standard error.
    pub complaint: Vec<u8>,
}

/// Why a program was cut short, or never ran.
#[derive(Debug, thiserror::Error)]
pub enum CutShort {
    /// Its user wants no more of it.
    #[error("it was stopped")]
    Stopped,
    /// It took too long.
    #[error("it took longer than {} s", .0.as_secs())]
    TooLate(Duration),
    /// It printed too much.
    #[error("it printed more than {0} bytes")]
    TooMuch(usize),
    /// The operating system can't.
    #[error(transparent)]
    Broken(#[from] io::Error),
}

impl From<rustix::io::Errno> for CutShort {
    fn from(error: rustix::io::Errno) -> CutShort {
        CutShort::Broken(error.into())
    }
}

/// Runs it in a process group of its own until it ends, or `stop` can be read from (its other end is closed). What it
/// leaves in the background when it ends by itself runs on.
///
/// # Errors
/// See [`CutShort`]; whatever it started is killed then.
pub fn run(
    command: &mut Command,
    bounds: Bounds,
    world: &World,
    stop: &UnixStream,
) -> Result<Outcome, CutShort> {
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0).spawn()?;
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    let pid = pid.ok_or_else(|| io::Error::other("it has no process id"))?;
    let exit = pidfd_open(pid, PidfdFlags::empty());
    let collected = match &exit {
        Ok(exit) => collect(&mut child, exit, bounds, world, stop),
        Err(error) => Err((*error).into()),
    };
    if collected.is_err() {
        end(pid, exit.ok().as_ref(), bounds.grace);
    }
    let status = child.wait()?;
    collected.map(|(output, complaint)| Outcome { status, output, complaint })
}

/// Reads both outputs until the program ends. Not until they are closed: what it has started in the background (an
/// ssh that keeps its connection) may hold them open for long.
fn collect(
    child: &mut Child,
    exit: &OwnedFd,
    bounds: Bounds,
    world: &World,
    stop: &UnixStream,
) -> Result<(Vec<u8>, Vec<u8>), CutShort> {
    let deadline: Mono = world.now() + bounds.time;
    let (Some(mut stdout), Some(mut stderr)) = (child.stdout.take(), child.stderr.take()) else {
        return Err(io::Error::other("it has no pipes").into());
    };
    let (mut output, mut complaint) = (Vec::new(), Vec::new());
    let (mut has_output, mut has_complaint, mut has_ended) = (true, true, false);
    loop {
        let left = deadline.since(world.now());
        let timeout = if has_ended { Duration::ZERO } else { left };
        // A closed pipe would be ready for ever, so it is watched no more.
        let watched = [
            (true, stop.as_fd()),
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
            return Err(CutShort::Stopped);
        }
        if out {
            has_output = take(&mut stdout, &mut output)?;
        }
        if err {
            has_complaint = take(&mut stderr, &mut complaint)?;
            complaint.truncate(bounds.complaint_bytes);
        }
        if output.len() > bounds.output_bytes {
            return Err(CutShort::TooMuch(bounds.output_bytes));
        }
        if has_ended && ((!out && !err) || left.is_zero()) {
            return Ok((output, complaint));
        }
        has_ended |= ended;
        if left.is_zero() && !has_ended {
            return Err(CutShort::TooLate(bounds.time));
        }
    }
}

/// Waits until one of these is ready, or for `timeout`; an interrupted wait is over early, with none ready.
///
/// # Errors
/// The operating system can't.
pub fn wait(fds: &mut [PollFd<'_>], timeout: Duration) -> io::Result<()> {
    let timeout = Timespec::try_from(timeout).map_err(io::Error::other)?;
    match poll(fds, Some(&timeout)) {
        Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Ends a program with all that it has started: first so that it can take its lock files away, then by force. It is
/// not waited for yet, so that no other group can have its number.
pub fn end(pid: Pid, exit: Option<&OwnedFd>, grace: Duration) {
    // Both fail only where all have ended by themselves.
    let _ = kill_process_group(pid, Signal::TERM);
    if let Some(exit) = exit {
        let _ = wait(&mut [PollFd::new(exit, PollFlags::IN)], grace);
    }
    let _ = kill_process_group(pid, Signal::KILL);
}

/// Reads once from a pipe that is ready; false at its end.
///
/// # Errors
/// The operating system can't.
pub fn take(pipe: &mut impl Read, into: &mut Vec<u8>) -> io::Result<bool> {
    let mut buffer = [0; 64 << 10];
    match pipe.read(&mut buffer) {
        Ok(0) => Ok(false),
        Ok(count) => {
            into.extend_from_slice(&buffer[..count]);
            Ok(true)
        }
        Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(true),
        Err(error) => Err(error),
    }
}
