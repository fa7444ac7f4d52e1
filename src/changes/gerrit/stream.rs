//! A program that prints lines for as long as it lives.

use crate::changes::limits::{COMPLAINT_BYTES, GRACE, LINE_BYTES};
use crate::changes::programs::complaint_text;
use crate::kernel::program;
use rustix::event::{PollFd, PollFlags};
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStderr, ChildStdout, Command, Stdio};
use std::time::Duration;

/// A running program. Dropped, it is ended with all that it has started.
pub struct Stream {
    child: Child,
    pid: Pid,
    exit: OwnedFd,
    output: ChildStdout,
    complaints: ChildStderr,
    /// The beginning of a line.
    pending: Vec<u8>,
    complaint: Vec<u8>,
}

/// What a program has come to.
#[derive(Debug, PartialEq, Eq)]
pub enum Said {
    /// These lines.
    Lines(Vec<String>),
    /// Nothing in all that time.
    Nothing,
    /// Its user wants no more of it.
    Stopped,
    /// It has ended: why, for people.
    Ended(String),
}

impl Stream {
    /// Starts it, in a process group of its own.
    ///
    /// # Errors
    /// The operating system can't.
    pub fn start(command: &mut Command) -> io::Result<Stream> {
        let command = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.process_group(0).spawn()?;
        let broken = |what: &str| io::Error::other(format!("it has no {what}"));
        let pid =
            i32::try_from(child.id()).ok().and_then(Pid::from_raw).ok_or_else(|| broken("process id"))?;
        let output = child.stdout.take().ok_or_else(|| broken("output"))?;
        let complaints = child.stderr.take().ok_or_else(|| broken("error output"))?;
        let exit = pidfd_open(pid, PidfdFlags::empty())?;
        Ok(Stream { child, pid, exit, output, complaints, pending: Vec::new(), complaint: Vec::new() })
    }

    /// Waits for its next lines, for `time` at the most, or until `stop` can be read from.
    ///
    /// # Errors
    /// The operating system can't, or it prints a line without an end.
    pub fn lines(&mut self, stop: &UnixStream, time: Duration) -> io::Result<Said> {
        loop {
            let mut fds = [
                PollFd::new(stop, PollFlags::IN),
                PollFd::new(&self.output, PollFlags::IN),
                PollFd::new(&self.complaints, PollFlags::IN),
            ];
            // A program that ends closes both; what it leaves behind may hold the second open.
            let fds_watched = if self.complaint.len() < COMPLAINT_BYTES { 3 } else { 2 };
            program::wait(&mut fds[..fds_watched], time)?;
            let [stopped, said, complained] = fds.map(|fd| !fd.revents().is_empty());
            if stopped {
                return Ok(Said::Stopped);
            }
            if said {
                if program::take(&mut self.output, &mut self.pending)? {
                    let lines = whole_lines(&mut self.pending);
                    if self.pending.len() > LINE_BYTES {
                        return Err(io::Error::other(format!("a line of more than {LINE_BYTES} bytes")));
                    }
                    if !lines.is_empty() {
                        return Ok(Said::Lines(lines));
                    }
                    continue;
                }
                return self.ended();
            }
            if complained {
                program::take(&mut self.complaints, &mut self.complaint)?;
                self.complaint.truncate(COMPLAINT_BYTES);
            } else {
                return Ok(Said::Nothing);
            }
        }
    }

    /// Its output is closed: it ends, or is ended.
    fn ended(&mut self) -> io::Result<Said> {
        program::end(self.pid, Some(&self.exit), GRACE);
        let status = self.child.wait()?;
        let mut rest = Vec::new();
        (&mut self.complaints).take(COMPLAINT_BYTES as u64).read_to_end(&mut rest)?;
        self.complaint.extend(rest);
        Ok(Said::Ended(complaint_text(&self.complaint, status)))
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        // One that has been waited for is gone: its number may be another's.
        if matches!(self.child.try_wait(), Ok(None)) {
            program::end(self.pid, Some(&self.exit), GRACE);
            let _ = self.child.wait();
        }
    }
}

/// Takes the whole lines out of what was read.
fn whole_lines(pending: &mut Vec<u8>) -> Vec<String> {
    let Some(end) = pending.iter().rposition(|byte| *byte == b'\n') else { return Vec::new() };
    let whole: Vec<u8> = pending.drain(..=end).collect();
    String::from_utf8_lossy(&whole)
        .lines()
        .filter(|line| !line.trim().is_empty())
        .map(str::to_owned)
        .collect()
}
