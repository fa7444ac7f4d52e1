//! Workers of two makes, which are to behave alike.

use std::path::PathBuf;

use super::process::Process;
use super::programs::real;
use super::site::Site;

/// Stands for the worker's directory among the arguments of the program that makes it.
const DIR: &str = "@DIR@";

/// Whose worker it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Make {
    /// Buildbot's own.
    Real,
    /// The same, by its other protocol.
    Msgpack,
    /// `bellwether-worker`.
    Ours,
}

/// A worker, which may run.
pub struct Worker {
    make: Make,
    dir: PathBuf,
    process: Process,
}

impl Make {
    /// Makes a worker's directory below the site's, and starts it.
    #[track_caller]
    pub fn start(self, site: &Site, name: &str, password: &str) -> Worker {
        self.start_in(site, name, name, password)
    }

    /// The same in a directory of another name.
    #[track_caller]
    pub fn start_in(self, site: &Site, folder: &str, name: &str, password: &str) -> Worker {
        let port = if self == Make::Msgpack { site.msgpack_port } else { site.pb_port };
        let master = format!("127.0.0.1:{port}");
        let (program, arguments) = match self {
            Make::Real | Make::Msgpack => {
                let protocol = if self == Make::Msgpack { "msgpack_experimental_v7" } else { "pb" };
                let create = vec![
                    "create-worker",
                    "--maxdelay=1",
                    "--protocol",
                    protocol,
                    DIR,
                    &master,
                    name,
                    password,
                ];
                (real("buildbot-worker"), create)
            }
            Make::Ours => {
                let to = ["--master", &master, "--name", name, "--password", password];
                (env!("CARGO_BIN_EXE_bellwether-worker").into(), [&["create", DIR][..], &to].concat())
            }
        };
        self.make(site, folder, program, &arguments)
    }

    /// The real worker, connecting to an endpoint in Twisted's way of writing.
    #[track_caller]
    pub fn start_real_at(site: &Site, folder: &str, name: &str, password: &str, endpoint: &str) -> Worker {
        let endpoint = format!("--connection-string={endpoint}");
        let create = ["create-worker", "--maxdelay=1", &endpoint, DIR, "overridden", name, password];
        Make::Real.make(site, folder, real("buildbot-worker"), &create)
    }

    /// Runs a program that makes a worker's directory, and starts the worker.
    #[track_caller]
    fn make(self, site: &Site, folder: &str, program: PathBuf, arguments: &[&str]) -> Worker {
        let dir = site.path(folder);
        let mut create = site.program(program);
        for argument in arguments {
            match *argument {
                DIR => create.arg(&dir),
                argument => create.arg(argument),
            };
        }
        let said = site.run(&mut create);
        assert_eq!(said.code, Some(0), "{}", said.text);
        let process = self.process(site, &dir);
        Worker { make: self, dir, process }
    }

    fn process(self, site: &Site, dir: &std::path::Path) -> Process {
        let mut command = match self {
            Make::Real | Make::Msgpack => {
                let mut command = site.program(real("buildbot-worker"));
                command.args(["start", "--nodaemon"]);
                command
            }
            Make::Ours => {
                let mut command = site.program(env!("CARGO_BIN_EXE_bellwether-worker"));
                command.arg("run");
                command
            }
        };
        Process::start(command.arg(dir), dir.with_extension("output"))
    }
}

impl Worker {
    /// Ends it as a crash does.
    pub fn crash(&mut self) {
        self.process.crash();
    }

    /// Waits until it has ended by itself.
    pub fn ends(&mut self) {
        self.process.ends();
    }

    /// Starts it again, in the same directory.
    pub fn start_again(&mut self, site: &Site) {
        self.process = self.make.process(site, &self.dir);
    }

    /// Everything that it has said, in its log file too.
    pub fn said(&self) -> String {
        std::fs::read_to_string(self.dir.join("twistd.log")).unwrap_or_default() + &self.process.said()
    }
}
