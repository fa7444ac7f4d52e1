//! The thread that moves a process's bytes: from its pipes and log files to the main loop, and into its standard input.
//!
//! It waits for room in the channel to the main loop; meanwhile the pipes fill and the process waits too.

use super::command::CommandEvent;
use super::limits::{LOGFILE_POLL, READ_BYTES};
use super::logfile::Tail;
use super::process::{WAKE_QUIT, read_some};
use super::run::{Exit, Source};
use bytes::{Buf, Bytes};
use crossbeam_channel::{Receiver, SendError, Sender};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use std::fs::File;
use std::io::Write;
use std::os::fd::OwnedFd;

/// The pipes of one process.
pub(super) struct Pump {
    pub stdout: Option<OwnedFd>,
    pub stderr: Option<OwnedFd>,
    /// Standard input and what is still to be written to it.
    pub stdin: Option<(OwnedFd, Bytes)>,
    /// Readable when the process has ended or the pump is to stop.
    pub wake: OwnedFd,
    /// Where its end is found after a wake.
    pub exit: Receiver<Exit>,
    pub tails: Vec<Tail>,
    pub events: Sender<CommandEvent>,
}

/// Nobody wants to know any more.
struct Quit;

impl From<SendError<CommandEvent>> for Quit {
    fn from(_: SendError<CommandEvent>) -> Quit {
        Quit
    }
}

/// Which files something can be done with.
#[derive(Default)]
struct Ready {
    wake: bool,
    stdout: bool,
    stderr: bool,
    stdin: bool,
}

impl Pump {
    /// Runs until the process has ended and all its pipes are closed, or nobody listens.
    pub fn run(self) {
        // Being told to quit is an end like any other.
        let _ = self.pump();
    }

    fn pump(mut self) -> Result<(), Quit> {
        let mut buffer = vec![0; READ_BYTES];
        let mut stdout = self.stdout.take().map(File::from);
        let mut stderr = self.stderr.take().map(File::from);
        let mut stdin = self.stdin.take().and_then(|(pipe, bytes)| {
            // Where it can't be made non-blocking, the program gets no input rather than stopping its output.
            rustix::io::ioctl_fionbio(&pipe, true).ok().map(|()| (File::from(pipe), bytes))
        });
        let mut wake = File::from(self.wake.try_clone().map_err(|_| Quit)?);
        let mut exit = None;
        let mut caught_up = true;
        loop {
            if let (None, None, Some(exit)) = (&stdout, &stderr, exit) {
                while !self.follow(&mut buffer)? {}
                self.events.send(CommandEvent::Exited(exit))?;
                return Ok(());
            }
            let ready = self.wait(&stdout, &stderr, &stdin, caught_up)?;
            if ready.wake {
                let read = read_some(&mut wake, &mut buffer).map_err(|_| Quit)?;
                if read == 0 || buffer[..read].contains(&WAKE_QUIT) {
                    return Err(Quit);
                }
                exit = exit.or(self.exit.try_recv().ok());
            }
            if ready.stdout {
                self.forward(Source::Stdout, &mut stdout, &mut buffer)?;
            }
            if ready.stderr {
                self.forward(Source::Stderr, &mut stderr, &mut buffer)?;
            }
            if ready.stdin {
                feed(&mut stdin);
            }
            caught_up = self.follow(&mut buffer)?;
        }
    }

    fn wait(
        &self,
        stdout: &Option<File>,
        stderr: &Option<File>,
        stdin: &Option<(File, Bytes)>,
        caught_up: bool,
    ) -> Result<Ready, Quit> {
        let mut fds = vec![PollFd::new(&self.wake, PollFlags::IN)];
        let readers = [stdout, stderr].map(Option::as_ref);
        fds.extend(readers.into_iter().flatten().map(|file| PollFd::new(file, PollFlags::IN)));
        fds.extend(stdin.iter().map(|(file, _)| PollFd::new(file, PollFlags::OUT)));
        let timeout = match (self.tails.is_empty(), caught_up) {
            (true, _) => None,
            (false, true) => Timespec::try_from(LOGFILE_POLL).ok(),
            (false, false) => Some(Timespec::default()),
        };
        match poll(&mut fds, timeout.as_ref()) {
            Ok(_) => {}
            Err(Errno::INTR) => return Ok(Ready::default()),
            Err(_) => return Err(Quit),
        }
        // Closed and broken count as ready: the next read or write tells.
        let mut ready = fds.iter().map(|fd| !fd.revents().is_empty());
        let mut next = |there: bool| there && ready.next().unwrap_or(false);
        Ok(Ready {
            wake: next(true),
            stdout: next(stdout.is_some()),
            stderr: next(stderr.is_some()),
            stdin: next(stdin.is_some()),
        })
    }

    fn forward(&self, source: Source, pipe: &mut Option<File>, buffer: &mut [u8]) -> Result<(), Quit> {
        let Some(file) = pipe else { return Ok(()) };
        match read_some(file, buffer) {
            Ok(0) => *pipe = None,
            Ok(count) => self.events.send(CommandEvent::Output(source, buffer[..count].to_vec()))?,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(_) => *pipe = None,
        }
        Ok(())
    }

    /// Reads each log file once; says whether all were read to their ends.
    fn follow(&mut self, buffer: &mut [u8]) -> Result<bool, Quit> {
        let mut caught_up = true;
        for (index, tail) in self.tails.iter_mut().enumerate() {
            let count = tail.read(buffer);
            if count > 0 {
                caught_up = false;
                self.events.send(CommandEvent::Output(Source::Logfile(index), buffer[..count].to_vec()))?;
            }
        }
        Ok(caught_up)
    }
}

/// Writes what goes into standard input now, and closes it after the last byte.
fn feed(stdin: &mut Option<(File, Bytes)>) {
    let Some((pipe, bytes)) = stdin else { return };
    match pipe.write(bytes) {
        Ok(count) => bytes.advance(count),
        Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => return,
        Err(error) if error.kind() == std::io::ErrorKind::Interrupted => return,
        // The program does not read it: its right.
        Err(_) => bytes.clear(),
    }
    if bytes.is_empty() {
        *stdin = None;
    }
}
