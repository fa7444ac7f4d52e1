//! The worker agent: a program that runs a master's commands on its machine, speaking Buildbot's worker protocol
//! over Perspective Broker like the workers of Buildbot 4.3 (`worker-api.md`), so that any master since 0.8.6 takes it.
//!
//! [`run`] is one loop on the caller's thread (`agent`). In the middle is the `bot`, with the `command`s under way:
//! no sockets, threads or clocks. Around it are the `link` to the master and the `workbench` with the processes,
//! whose threads feed the loop through bounded channels: a master that falls behind slows the programs that it runs,
//! and nothing piles up here. It knows no service of the master and shares only the wire and the kernel's threads
//! and clock with it.

mod agent;
mod arguments;
mod backoff;
mod bot;
mod builders;
mod chain;
mod command;
mod command_line;
mod config;
mod directory;
mod environment;
mod files;
mod info;
pub mod limits;
mod lines;
mod link;
mod logfile;
mod process;
mod pump;
mod run;
mod shell;
mod signal;
mod transfer;
mod updates;
mod workbench;

#[cfg(test)]
mod tests;

pub use command_line::{CreateArgs, RunArgs, WorkerCommand};

use crate::kernel::World;
use crate::pb::Secret;
use agent::Agent;
use info::About;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// What an agent must be told.
#[derive(Debug)]
pub struct AgentOptions {
    /// `HOST:PORT` of the master; without a port, Buildbot's own.
    pub master: String,
    /// The worker's name there.
    pub name: String,
    /// Its password.
    pub password: Secret,
    /// Where its builders' directories are; made if it is missing.
    pub dir: PathBuf,
    /// How often the master is asked for a sign of life; zero: never.
    pub keepalive: Duration,
    /// Whether it ends when standard input is closed, so that it does not outlive the process that started it.
    pub exit_with_parent: bool,
    /// Environment variables that no build gets to see.
    pub secret_variables: Vec<String>,
    /// Where it logs.
    pub log: slog::Logger,
}

/// Why an agent does not run.
#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    /// Its directory can't be used.
    #[error("can't use the worker's directory {path}: {error}")]
    Dir {
        /// The directory.
        path: PathBuf,
        /// Why not.
        error: std::io::Error,
    },
    /// A file of its can't be used.
    #[error("{path}: {why}")]
    Config {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where.
        why: String,
    },
    /// There is no password.
    #[error("no password: {0}")]
    NoPassword(String),
    /// The system does not let it catch signals.
    #[error("can't catch signals: {0}")]
    Signals(#[from] ctrlc::Error),
    /// The system has no room for its threads.
    #[error("can't start a thread: {0}")]
    Threads(#[from] std::io::Error),
}

const DEFAULT_PORT: u16 = 9989;

/// Serves the master until a signal, the master, or the end of the parent stops it; reconnects for ever.
///
/// # Errors
/// It can't begin, or has no room to go on. A master that is away or refuses the password is no error: it is tried again.
pub fn run(options: AgentOptions) -> Result<(), AgentError> {
    let AgentOptions { master, name, password, dir, keepalive, exit_with_parent, secret_variables, log } =
        options;
    let in_dir = |error| AgentError::Dir { path: dir.clone(), error };
    std::fs::create_dir_all(&dir).map_err(in_dir)?;
    let basedir = dir.canonicalize().map_err(in_dir)?;
    let (stop_in, stop) = crossbeam_channel::bounded(1);
    let on_signal = stop_in.clone();
    // A second signal finds the first one still there.
    ctrlc::set_handler(move || {
        let _ = on_signal.try_send("a signal");
    })?;
    if exit_with_parent {
        agent::stop_with_parent(stop_in)?;
    }
    let secret = |name: &std::ffi::OsStr| secret_variables.iter().any(|secret| name == &**secret);
    let environment = std::env::vars_os().filter(|(name, _)| !secret(name)).collect();
    let about = About { name, password, basedir, environment, keepalive: Some(keepalive) };
    let mut agent = Agent { about: Arc::new(about), world: World::real(), log, stop };
    Ok(agent.run(&with_port(master))?)
}

fn with_port(master: String) -> String {
    let has_port = master.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
    if has_port { master } else { format!("{master}:{DEFAULT_PORT}") }
}
