//! The processes of local workers: our own agent, run as a child of this process.

use std::path::PathBuf;

/// How to start one agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Launch {
    /// The worker's name.
    pub name: String,
    /// `HOST:PORT` of the listening port.
    pub master: String,
    /// What it logs in with.
    pub password: String,
    /// Where it keeps its builders' directories.
    pub dir: PathBuf,
}

/// Starts agents. Real for the daemon; simulated workers need no processes.
pub trait Launcher: Send {
    /// Starts one. It ends when the process is dropped.
    ///
    /// # Errors
    /// The operating system can't.
    fn launch(&mut self, launch: &Launch) -> std::io::Result<Box<dyn Process>>;
}

/// An agent that was started. Dropping it kills it.
pub trait Process: Send {
    /// How it ended, if it has.
    fn ended(&mut self) -> Option<String>;
}
