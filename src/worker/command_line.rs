//! The agent's command line, the same in both programs that can be the agent.

use super::config::{WorkerConfig, default_keepalive_s};
use super::{AgentError, AgentOptions, run};
use crate::pb::Secret;
use clap::{Args, Subcommand};
use slog::Logger;
use std::path::PathBuf;
use std::time::Duration;

/// What the agent can do.
#[derive(Debug, Subcommand)]
pub enum WorkerCommand {
    /// Make the directory of a new worker
    Create(CreateArgs),
    /// Serve the master, in the foreground
    Run(RunArgs),
}

/// The arguments of `create`.
#[derive(Debug, Args)]
pub struct CreateArgs {
    /// Directory of the worker
    dir: PathBuf,
    /// Where the master listens for workers
    #[arg(long, value_name = "HOST:PORT")]
    master: String,
    /// Name of the worker at the master
    #[arg(long)]
    name: String,
    #[command(flatten)]
    password: NewPassword,
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
    #[arg(required_unless_present = "master", conflicts_with = "master")]
    worker_dir: Option<PathBuf>,
    /// Where the master listens for workers
    #[arg(long, value_name = "HOST:PORT", requires_all = ["name", "password_env", "dir"])]
    master: Option<String>,
    /// Name of the worker at the master
    #[arg(long, requires = "master")]
    name: Option<String>,
    /// Environment variable that holds the password; builds do not get to see it
    #[arg(long, value_name = "VAR", requires = "master")]
    password_env: Option<String>,
    /// Directory for the builds; made if it is missing
    #[arg(long, requires = "master")]
    dir: Option<PathBuf>,
    /// End when standard input is closed
    #[arg(long)]
    exit_with_parent: bool,
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
        let keepalive_s = default_keepalive_s();
        WorkerConfig { master: self.master, name: self.name, password, keepalive_s }.create(&self.dir)
    }
}

impl RunArgs {
    /// What they say, with the password found.
    ///
    /// # Errors
    /// `worker.yaml` can't be used, or the variable with the password is not set.
    pub fn options(self, log: Logger) -> Result<AgentOptions, AgentError> {
        let exit_with_parent = self.exit_with_parent;
        match (self.worker_dir, self.master, self.name, self.password_env, self.dir) {
            (Some(dir), ..) => {
                let WorkerConfig { master, name, password, keepalive_s } = WorkerConfig::load(&dir)?;
                let keepalive = Duration::from_secs(keepalive_s);
                let password = Secret::from(&*password);
                let secret_variables = Vec::new();
                Ok(AgentOptions {
                    master,
                    name,
                    password,
                    dir,
                    keepalive,
                    exit_with_parent,
                    secret_variables,
                    log,
                })
            }
            (None, Some(master), Some(name), Some(variable), Some(dir)) => {
                let password = std::env::var(&variable)
                    .map_err(|error| AgentError::NoPassword(format!("variable {variable}: {error}")))?;
                let password = Secret::from(&*password);
                let keepalive = Duration::from_secs(default_keepalive_s());
                let secret_variables = vec![variable];
                Ok(AgentOptions {
                    master,
                    name,
                    password,
                    dir,
                    keepalive,
                    exit_with_parent,
                    secret_variables,
                    log,
                })
            }
            _ => Err(AgentError::NoPassword("no worker directory, and not all of its settings".to_owned())),
        }
    }
}
