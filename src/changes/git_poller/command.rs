//! Running git: bounded in time and output, and ended when its poller is.

use super::access::Access;
use crate::changes::limits::{COMPLAINT_BYTES, GRACE, OUTPUT_BYTES};
use crate::changes::poller::LookError;
use crate::kernel::World;
use crate::kernel::program::{self, Bounds, CutShort};
use rustix::event::{PollFd, PollFlags};
use std::fs::File;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

/// Runs git for one poller.
pub struct Git {
    program: String,
    world: World,
    /// Can be read from as soon as the poller is to end.
    stop: UnixStream,
}

impl Git {
    /// A runner of this program that ends its command when the other end of `stop` is closed.
    pub fn new(program: &str, world: World, stop: UnixStream) -> Git {
        Git { program: program.to_owned(), world, stop }
    }

    /// Waits for `time`.
    ///
    /// # Errors
    /// The poller is to end, or the operating system can't.
    pub fn wait(&self, time: Duration) -> Result<(), LookError> {
        let mut fds = [PollFd::new(&self.stop, PollFlags::IN)];
        program::wait(&mut fds, time).map_err(|error| LookError::Failed(error.to_string()))?;
        if fds[0].revents().is_empty() { Ok(()) } else { Err(LookError::Stopped) }
    }

    /// Runs `git ARGS` in a process group of its own, with `input` as its standard input, and returns what it
    /// prints. It asks nobody for a password, and takes nothing from the environment that means one repository.
    ///
    /// # Errors
    /// See [`LookError`]; whatever git started is killed then.
    pub fn run(
        &self,
        args: &[&str],
        input: Option<&Path>,
        access: &Access,
        time: Duration,
    ) -> Result<Vec<u8>, LookError> {
        let failed = |why: String| LookError::Failed(format!("git {}: {why}", verb(args)));
        let input = match input {
            Some(path) => File::open(path).map_err(|error| failed(error.to_string()))?.into(),
            None => Stdio::null(),
        };
        let mut command = Command::new(&self.program);
        if let Some(helper) = &access.helper {
            // The empty one clears the list of those in git's own configuration.
            command.args(["-c", "credential.helper=", "-c", &format!("credential.helper={helper}")]);
        }
        if let Some(ssh) = &access.ssh_command {
            command.env("GIT_SSH_COMMAND", ssh);
        }
        command.args(args).stdin(input);
        for name in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_NAMESPACE"] {
            command.env_remove(name);
        }
        command.env("GIT_TERMINAL_PROMPT", "0").env("LC_ALL", "C");
        if std::env::var_os("SSH_ASKPASS").is_none() {
            // ssh asks this program, which gives no answer, and not the terminal.
            command.env("SSH_ASKPASS", "false").env("SSH_ASKPASS_REQUIRE", "force");
        }
        let bounds =
            Bounds { time, grace: GRACE, output_bytes: OUTPUT_BYTES, complaint_bytes: COMPLAINT_BYTES };
        let outcome = program::run(&mut command, bounds, &self.world, &self.stop);
        let outcome = outcome.map_err(|cut| match cut {
            CutShort::Stopped => LookError::Stopped,
            CutShort::Broken(error) if error.kind() == std::io::ErrorKind::NotFound => {
                LookError::Failed(format!("{} is not installed: apt-get install git", self.program))
            }
            cut => failed(cut.to_string()),
        })?;
        if outcome.status.success() {
            Ok(outcome.output)
        } else {
            Err(failed(complaint_text(&outcome.complaint, outcome.status)))
        }
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
