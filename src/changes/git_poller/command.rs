//! Running git for a poller.

use super::access::Access;
use crate::changes::poller::LookError;
use crate::changes::programs::Programs;
use std::fs::File;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

/// Runs git for one poller.
pub struct Git {
    program: String,
    pub(super) programs: Programs,
}

impl Git {
    /// A runner of this program.
    pub fn new(program: &str, programs: Programs) -> Git {
        Git { program: program.to_owned(), programs }
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
        let what = format!("git {}", verb(args));
        let input = match input {
            Some(path) => {
                File::open(path).map_err(|error| LookError::Failed(format!("{what}: {error}")))?.into()
            }
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
        command.env("GIT_TERMINAL_PROMPT", "0");
        self.programs.run(&mut command, &what, "git", time)
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
