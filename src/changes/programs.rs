//! Running the programs that pollers look with: bounded in time and output, and ended when their poller is.

use super::limits::{COMPLAINT_BYTES, GRACE, MIRROR_WAIT, OUTPUT_BYTES};
use super::poller::LookError;
use crate::kernel::World;
use crate::kernel::program::{self, Bounds, CutShort};
use rustix::event::{PollFd, PollFlags};
use std::fs::{File, TryLockError};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Command, ExitStatus};
use std::time::Duration;

/// Runs programs for one poller.
pub struct Programs {
    world: World,
    stop: UnixStream,
}

impl Programs {
    /// Programs that are ended when the other end of `stop` is closed.
    pub fn new(world: World, stop: UnixStream) -> Programs {
        Programs { world, stop }
    }

    /// Can be read from as soon as the poller is to end.
    pub fn stop(&self) -> &UnixStream {
        &self.stop
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

    /// Has `directory`, which is made when it is needed, for one look alone, as long as the file is open. Waits for the
    /// look that has it.
    ///
    /// # Errors
    /// The poller is to end, or the operating system can't.
    pub fn lock(&self, directory: &Path) -> Result<File, LookError> {
        let broken = |error: std::io::Error| LookError::Failed(format!("{}: {error}", directory.display()));
        std::fs::create_dir_all(directory).map_err(broken)?;
        let lock = File::create(directory.join("in-use")).map_err(broken)?;
        loop {
            match lock.try_lock() {
                Ok(()) => return Ok(lock),
                Err(TryLockError::WouldBlock) => self.wait(MIRROR_WAIT)?,
                Err(TryLockError::Error(error)) => return Err(broken(error)),
            }
        }
    }

    /// Runs a command in a process group of its own, for `time` at the most, and returns what it prints. `what` it is is
    /// said where it fails, `package` where its program is not there.
    ///
    /// # Errors
    /// See [`LookError`]; whatever it started is killed then.
    pub fn run(
        &self,
        command: &mut Command,
        what: &str,
        package: &str,
        time: Duration,
    ) -> Result<Vec<u8>, LookError> {
        let failed = |why: String| LookError::Failed(format!("{what}: {why}"));
        command.env("LC_ALL", "C.UTF-8");
        if std::env::var_os("SSH_ASKPASS").is_none() {
            // ssh asks this program, which gives no answer, and not the terminal.
            command.env("SSH_ASKPASS", "false").env("SSH_ASKPASS_REQUIRE", "force");
        }
        let bounds =
            Bounds { time, grace: GRACE, output_bytes: OUTPUT_BYTES, complaint_bytes: COMPLAINT_BYTES };
        let outcome = program::run(command, bounds, &self.world, &self.stop);
        let outcome = outcome.map_err(|cut| match cut {
            CutShort::Stopped => LookError::Stopped,
            CutShort::Broken(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let program = command.get_program().to_string_lossy();
                LookError::Failed(format!("{program} is not installed: apt-get install {package}"))
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

/// What a program complained, in one line.
pub(super) fn complaint_text(complaint: &[u8], status: ExitStatus) -> String {
    let text = String::from_utf8_lossy(complaint);
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    if lines.is_empty() { status.to_string() } else { lines.join(" / ") }
}
