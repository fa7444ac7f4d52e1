//! Starts a process in a group of its own and brings its output and its end to the main loop.
//!
//! Two threads per process: one pumps pipes, standard input and log files, one waits for the end. The process stays
//! a zombie until the command is forgotten, so that the number of its group can't come to mean another one's.

use super::command::CommandEvent;
use super::environment::Environment;
use super::limits::{READS_WAITING, TERMINAL_COLUMNS, TERMINAL_ROWS};
use super::logfile::Tail;
use super::pump::Pump;
use super::run::Exit;
use crate::kernel::thread;
use bytes::Bytes;
use crossbeam_channel::{Receiver, Sender, bounded};
use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, WaitIdStatus};
use std::ffi::OsString;
use std::fs::File;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

/// A program to start.
#[derive(Clone, Debug)]
pub struct Program {
    /// The program and its arguments; never empty.
    pub argv: Vec<OsString>,
    /// Made if it is missing.
    pub workdir: PathBuf,
    /// The whole environment.
    pub environment: Environment,
    /// What is written to its standard input before that is closed.
    pub stdin: Option<Bytes>,
    /// Whether it runs on a terminal.
    pub pty: bool,
    /// Files to follow.
    pub logfiles: Vec<Logfile>,
}

/// A file that is followed while a program runs.
#[derive(Clone, Debug, PartialEq)]
pub struct Logfile {
    /// Where it is.
    pub path: PathBuf,
    /// Whether what was in it before is left out.
    pub follow: bool,
}

/// A started process. Dropping it before its end kills its whole group.
#[derive(Debug)]
pub struct Process {
    group: Pid,
    over: bool,
    wake: OwnedFd,
    /// Dropped to let the zombie go.
    _keep: Sender<()>,
}

/// Written to a pump's wake pipe.
pub(super) const WAKE_EXITED: u8 = b'x';
/// See [`WAKE_EXITED`].
pub(super) const WAKE_QUIT: u8 = b'q';

impl Process {
    /// Starts a program.
    ///
    /// # Errors
    /// There is no such program, its directory can't be made, or the system has no room.
    pub fn start(program: &Program) -> std::io::Result<(Process, Receiver<CommandEvent>)> {
        std::fs::create_dir_all(&program.workdir)?;
        let mut command = Command::new(&program.argv[0]);
        command.args(&program.argv[1..]).current_dir(&program.workdir);
        command.env_clear().envs(&program.environment);
        let tails: Vec<Tail> = program.logfiles.iter().map(Tail::new).collect();
        let (wake_reader, wake) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC)?;
        let exit_wake = wake.try_clone()?;
        let (mut child, terminal) = if program.pty {
            let (child, terminal) = on_terminal(command)?;
            (child, Some(terminal))
        } else {
            command.stdin(if program.stdin.is_some() { Stdio::piped() } else { Stdio::null() });
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
            (command.spawn()?, None)
        };
        let group = Pid::from_child(&child);
        let (events_in, events) = bounded(READS_WAITING);
        let (keep, kept) = bounded(0);
        let (exit_in, exit) = bounded(1);
        let stdin = child.stdin.take().map(OwnedFd::from).zip(program.stdin.clone());
        let pump = Pump {
            stdout: terminal.or_else(|| child.stdout.take().map(OwnedFd::from)),
            stderr: child.stderr.take().map(OwnedFd::from),
            stdin,
            wake: wake_reader,
            exit,
            tails,
            events: events_in,
        };
        let process = Process { group, over: false, wake, _keep: keep };
        thread::spawn(format!("wait-{group}"), move || wait(child, &exit_in, &exit_wake, &kept))?;
        thread::spawn(format!("pump-{group}"), move || pump.run())?;
        Ok((process, events))
    }

    /// Signals the whole process group.
    pub fn signal(&self, signal: Signal) {
        // A group that has gone needs no signal.
        let _ = rustix::process::kill_process_group(self.group, signal);
    }

    /// Its end was seen: what it left behind in the background lives on.
    pub fn set_over(&mut self) {
        self.over = true;
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if !self.over {
            self.signal(Signal::KILL);
        }
        // Fails only where the pump has gone by itself.
        let _ = rustix::io::write(&self.wake, &[WAKE_QUIT]);
    }
}

/// Tells the pump of the end of the process, and lets the zombie go once nobody signals its group any more.
fn wait(mut child: Child, exit: &Sender<Exit>, wake: &OwnedFd, kept: &Receiver<()>) {
    let id = WaitId::Pid(Pid::from_child(&child));
    let ended = loop {
        match rustix::process::waitid(id.clone(), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT) {
            Err(Errno::INTR) => {}
            other => break other,
        }
    };
    // The pump may have been told to quit before.
    let _ = exit.send(exit_of(ended.ok().flatten()));
    let _ = rustix::io::write(wake, &[WAKE_EXITED]);
    let _ = kept.recv();
    let _ = child.wait();
}

fn exit_of(status: Option<WaitIdStatus>) -> Exit {
    let code = |status: &WaitIdStatus| status.exit_status().map(Exit::Code);
    let signal = |status: &WaitIdStatus| status.terminating_signal().map(Exit::Signal);
    // Without a status somebody else took it: as good as lost.
    status.and_then(|status| code(&status).or_else(|| signal(&status))).unwrap_or(Exit::Code(-1))
}

/// Starts the command in a session of its own, whose controlling terminal is its three standard streams; gives the
/// other side of the terminal too. The session's leader leads a process group as well.
///
/// The terminal's inner side is open in the child only once this returns: its last closing is the end of the output.
fn on_terminal(command: Command) -> std::io::Result<(Child, OwnedFd)> {
    let plain = |error| match error {
        pty_process::Error::Io(error) => error,
        pty_process::Error::Rustix(error) => error.into(),
    };
    let (ours, theirs) = pty_process::blocking::open().map_err(plain)?;
    ours.resize(pty_process::Size::new(TERMINAL_ROWS, TERMINAL_COLUMNS)).map_err(plain)?;
    let child = pty_process::blocking::Command::from(command).spawn(theirs).map_err(plain)?;
    Ok((child, ours.into()))
}

/// Reads once; the end, also of a terminal, is 0 bytes.
pub(super) fn read_some(file: &mut File, buffer: &mut [u8]) -> std::io::Result<usize> {
    match file.read(buffer) {
        Err(error) if error.raw_os_error() == Some(Errno::IO.raw_os_error()) => Ok(0),
        other => other,
    }
}
