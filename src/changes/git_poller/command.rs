//! Running git: bounded in time and output, and ended when its poller is.

use crate::changes::limits::{COMPLAINT_BYTES, GRACE, OUTPUT_BYTES};
use crate::kernel::World;
use crate::kernel::program::{self, Bounds, CutShort};
use std::fs::File;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Command, Stdio};
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
            CutShort::Stopped => GitError::Stopped,
            CutShort::Broken(error) if error.kind() == std::io::ErrorKind::NotFound => {
                GitError::Failed("git is not installed: apt-get install git".into())
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
