//! The processes of local workers: our own agent, run as a child of this process.

use std::fs::File;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

/// How to start one agent.
#[derive(Clone, PartialEq, Eq)]
pub struct Launch {
    /// The worker's name.
    pub name: String,
    /// Where a program on this machine reaches the master.
    pub master: SocketAddr,
    /// What it logs in with.
    pub password: String,
    /// Where it keeps its builders' directories.
    pub dir: PathBuf,
}

/// Starts agents. Real for the daemon; simulated workers need no processes.
pub trait Launcher: Send {
    /// Starts one.
    ///
    /// # Errors
    /// The operating system can't.
    fn launch(&mut self, launch: &Launch) -> io::Result<Box<dyn Process>>;
}

/// An agent that was started. Dropped, it ends too, but nobody waits for it.
pub trait Process: Send {
    /// Tells it to end: it ends what it runs first.
    fn end(&mut self);

    /// How it ended, if it has.
    fn ended(&mut self) -> Option<String>;
}

/// The environment variable by which the agent gets its password: arguments can be seen by everyone.
const PASSWORD: &str = "BELLWETHER_LOCAL_WORKER_PASSWORD";

/// The real launcher: this very program, as an agent.
#[derive(Debug, Default)]
pub struct Children;

impl Launcher for Children {
    fn launch(&mut self, launch: &Launch) -> io::Result<Box<dyn Process>> {
        std::fs::create_dir_all(&launch.dir)?;
        let log = File::options().create(true).append(true).open(launch.dir.join("agent.log"))?;
        let child = Command::new(std::env::current_exe()?)
            .args(["agent", "--exit-with-parent", "--password-env", PASSWORD])
            .args(["--master", &launch.master.to_string(), "--name", &launch.name])
            .arg("--dir")
            .arg(&launch.dir)
            .env(PASSWORD, &launch.password)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()?;
        Ok(Box::new(Agent(child)))
    }
}

/// A child process. Its standard input is open for as long as this process lives, so that it does not outlive it.
struct Agent(Child);

impl Process for Agent {
    fn end(&mut self) {
        drop(self.0.stdin.take());
    }

    fn ended(&mut self) -> Option<String> {
        match self.0.try_wait() {
            Ok(None) => None,
            Ok(Some(status)) => Some(status.to_string()),
            Err(error) => Some(error.to_string()),
        }
    }
}
