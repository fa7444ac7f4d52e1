//! The worker agent: a program that runs a master's commands on its machine, speaking Buildbot's worker protocol
//! over Perspective Broker like the workers of Buildbot 4.3 (`worker-api.md`), so that any master since 0.8.6 takes it.
//!
//! [`run`] is one loop on the caller's thread (`agent`). In the middle is the `bot`, with the `command`s under way:
//! no sockets, threads or clocks. Around it are the `link` to the master and the `workbench` with the processes,
//! whose threads feed the loop through bounded channels: a master that falls behind slows the programs that it runs,
//! and nothing piles up here. It knows no service of the master and shares only the wire and the kernel's threads
//! and clock with it.

mod address;
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
mod leftovers;
pub mod limits;
mod lines;
mod link;
mod logfile;
mod process;
mod proxy;
mod pump;
mod run;
mod shell;
mod signal;
mod tls;
mod transfer;
mod updates;
mod wishes;
mod workbench;

#[cfg(test)]
mod tests;

pub use command_line::{CreateArgs, RunArgs, WorkerCommand};
pub use config::WorkerConfig;
pub use wishes::AllowShutdown;

use crate::kernel::World;
use crate::pb::Secret;
use agent::Agent;
use backoff::Backoff;
use info::About;
use link::Target;
use std::path::PathBuf;
use std::sync::Arc;

/// What an agent must be told.
#[derive(Debug)]
pub struct AgentOptions {
    /// Its settings, but for the password.
    pub config: WorkerConfig,
    /// The worker's password at the master.
    pub password: Secret,
    /// Where its builders' directories are; made if it is missing.
    pub dir: PathBuf,
    /// Whether it ends when standard input is closed, so that it does not outlive the process that started it.
    pub exit_with_parent: bool,
    /// Environment variables that no build gets to see.
    pub secret_variables: Vec<String>,
    /// Where it logs.
    pub log: slog::Logger,
}

/// Why an agent does not run, or not any more.
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
    /// A setting is wrong.
    #[error("{key}: '{value}': {why}")]
    Setting {
        /// Its key in `worker.yaml`.
        key: &'static str,
        /// What it is set to.
        value: String,
        /// What is wrong with that.
        why: String,
    },
    /// TLS can't be had as it is set.
    #[error("TLS: {0}")]
    Tls(String),
    /// There is no password.
    #[error("no password: {0}")]
    NoPassword(String),
    /// The system does not let it catch signals.
    #[error("can't catch signals: {0}")]
    Signals(#[from] ctrlc::Error),
    /// The system has no room for its threads.
    #[error("can't start a thread: {0}")]
    Threads(#[from] std::io::Error),
    /// The master was tried as often as `max_retries` allows.
    #[error("giving up after {tries} tries: {why}")]
    GaveUp {
        /// How often it was tried in a row.
        tries: u32,
        /// How the last try failed.
        why: String,
    },
}

/// Serves the master until a signal, the master, or the end of the parent stops it.
///
/// # Errors
/// A setting is wrong, it can't begin, or it has no room to go on. A master that is away or refuses the password is
/// tried again, for ever unless `max_retries` says otherwise.
pub fn run(options: AgentOptions) -> Result<(), AgentError> {
    let AgentOptions { config, password, dir, exit_with_parent, secret_variables, log } = options;
    let address = config.address()?;
    let proxy = config.proxy()?.map(|proxy| proxy.dialled());
    let target = Target { master: address.dialled(), proxy, tls: config.tls(&address)? };
    if let Some(mask) = config.umask()? {
        rustix::process::umask(rustix::fs::Mode::from_raw_mode(mask));
    }
    let in_dir = |error| AgentError::Dir { path: dir.clone(), error };
    std::fs::create_dir_all(&dir).map_err(in_dir)?;
    let basedir = dir.canonicalize().map_err(in_dir)?;
    let (wishes_in, wishes) = crossbeam_channel::bounded(1);
    wishes::listen(config.allow_shutdown, &basedir, &wishes_in)?;
    if exit_with_parent {
        wishes::stop_with_parent(wishes_in)?;
    }
    let secret = |name: &std::ffi::OsStr| secret_variables.iter().any(|secret| name == &**secret);
    let about = About {
        password,
        basedir,
        environment: std::env::vars_os().filter(|(name, _)| !secret(name)).collect(),
        keepalive: Some(config.keepalive()),
        numcpus: config.numcpus,
        delete_leftover_dirs: config.delete_leftover_dirs,
        name: config.name.clone(),
    };
    let max_retries = config.max_retries;
    let mut agent = Agent { about: Arc::new(about), world: World::real(), log, wishes, max_retries };
    agent.run(target, Backoff::new(config.max_delay()))
}
