//! The agent's command line, the same in both programs that can be the agent.

use super::config::WorkerConfig;
use super::{AgentError, AgentOptions, run};
use crate::pb::Secret;
use clap::{Args, Subcommand};
use slog::Logger;
use std::path::PathBuf;

/// What the agent can do.
#[derive(Debug, Subcommand)]
pub enum WorkerCommand {
    /// Make the directory of a new worker
    ///
    /// Writes worker.yaml, which holds the password and every other setting, and info/admin and info/host, which tell
    /// the master's users who looks after the worker and what it runs on: edit them.
    Create(Box<CreateArgs>),
    /// Serve the master, in the foreground
    ///
    /// INT, TERM and HUP end the worker and kill what runs; with `allow_shutdown`, HUP or a touched file shutdown.stamp
    /// ask the master for a graceful shutdown instead: the worker ends when its builds have. A lost connection is tried
    /// again with growing pauses. Exit status: 0 ended as it was asked to, 1 can't run or gave up, 2 wrong arguments.
    #[command(override_usage = "bellwether-worker run WORKER_DIR\n       \
        bellwether-worker run --master HOST:PORT --name NAME --password-env VAR --dir DIR [OPTIONS]")]
    Run(Box<RunArgs>),
}

/// The arguments of `create`.
#[derive(Debug, Args)]
pub struct CreateArgs {
    /// Directory of the worker
    dir: PathBuf,
    #[command(flatten)]
    password: NewPassword,
    #[command(flatten)]
    config: WorkerConfig,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct NewPassword {
    /// File whose first line is the worker's password
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// The worker's password; other users of this machine may see it while this runs
    #[arg(long, value_name = "PW")]
    password: Option<String>,
}

/// The arguments of `run`: either the directory made by `create`, or everything.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// Directory of the worker, with its worker.yaml
    #[arg(required_unless_present = "master", conflicts_with = "WorkerConfig")]
    worker_dir: Option<PathBuf>,
    /// Environment variable that holds the password; builds do not get to see it
    #[arg(long, value_name = "VAR", required_unless_present = "worker_dir", conflicts_with = "worker_dir")]
    password_env: Option<String>,
    /// Directory for the builds; made if it is missing
    #[arg(long, required_unless_present = "worker_dir", conflicts_with = "worker_dir")]
    dir: Option<PathBuf>,
    /// End when standard input is closed
    #[arg(long)]
    exit_with_parent: bool,
    #[command(flatten)]
    config: Option<WorkerConfig>,
}

impl WorkerCommand {
    /// Does it.
    ///
    /// # Errors
    /// What stands in the way.
    pub fn execute(self, log: Logger) -> Result<(), AgentError> {
        match self {
            WorkerCommand::Create(args) => args.execute(),
            WorkerCommand::Run(args) => run(args.options(log)?),
        }
    }
}

impl CreateArgs {
    fn execute(self) -> Result<(), AgentError> {
        let password = match (self.password.password, self.password.password_file) {
            (Some(password), _) => password,
            (None, Some(path)) => {
                let text = std::fs::read_to_string(&path)
                    .map_err(|error| AgentError::Config { path, why: error.to_string() })?;
                text.lines().next().unwrap_or_default().to_owned()
            }
            (None, None) => return Err(AgentError::NoPassword("neither given nor in a file".to_owned())),
        };
        WorkerConfig { password, ..self.config }.create(&self.dir)
    }
}

impl RunArgs {
    /// What they say, with the password found.
    ///
    /// # Errors
    /// `worker.yaml` can't be used, or the variable with the password is not set.
    pub fn options(self, log: Logger) -> Result<AgentOptions, AgentError> {
        let exit_with_parent = self.exit_with_parent;
        let (mut config, dir, secret_variables) =
            match (self.worker_dir, self.config, self.password_env, self.dir) {
                (Some(dir), ..) => (WorkerConfig::load(&dir)?, dir, Vec::new()),
                (None, Some(config), Some(variable), Some(dir)) => {
                    let password = std::env::var(&variable)
                        .map_err(|error| AgentError::NoPassword(format!("variable {variable}: {error}")))?;
                    (WorkerConfig { password, ..config }, dir, vec![variable])
                }
                _ => {
                    let why = "no worker directory, and not all of its settings";
                    return Err(AgentError::NoPassword(why.to_owned()));
                }
            };
        let password = Secret::from(&*std::mem::take(&mut config.password));
        Ok(AgentOptions { config, password, dir, exit_with_parent, secret_variables, log })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(subcommand)]
        command: WorkerCommand,
    }

    fn read(line: &str) -> Result<WorkerCommand, String> {
        Line::try_parse_from(["x"].into_iter().chain(line.split(' ')))
            .map(|line| line.command)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn a_directory_or_everything() {
        let everything = "run --master ci:1 --name w --password-env PATH --dir /d --umask 077 --tls";
        let Ok(WorkerCommand::Run(args)) = read(everything) else { panic!("{:?}", read(everything)) };
        let log = Logger::root(slog::Discard, slog::o!());
        let options = args.options(log).expect("is right");
        assert_eq!((&*options.config.master, options.config.tls), ("ci:1", true));
        assert_eq!((&*options.secret_variables, &*options.config.password), (&["PATH".to_owned()][..], ""));
        assert!(matches!(read("run /d --exit-with-parent"), Ok(WorkerCommand::Run(_))));
        for wrong in [
            "run",
            "run /d --master ci:1",
            "run /d --tls",
            "run --master ci:1 --name w --dir /d",
            "run --master ci:1 --password-env X --dir /d",
            "create /d --master ci:1 --name w",
        ] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
