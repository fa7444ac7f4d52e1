//! Real masters of Buildbot, and our agent as a process beside them.

use bellwether::kernel::thread;
use crossbeam_channel::{Receiver, after, select, unbounded};
use rustix::process::{Pid, Signal};
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

/// After this time a master counts as stuck.
const MASTER_LIMIT_S: &str = "240";

/// After this time without what it is to say, an agent does.
const AGENT_PATIENCE: Duration = Duration::from_secs(120);

/// Which Buildbot.
#[derive(Clone, Copy, Debug)]
pub enum Make {
    /// 4.3.0.
    Today,
    /// 0.8.6p1, on Python 2.7.
    Original,
}

impl Make {
    fn program(self, name: &str) -> PathBuf {
        let folder = match self {
            Make::Today => "target/test-env/bin",
            Make::Original => "target/test-env/py27/bin",
        };
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder).join(name);
        assert!(path.exists(), "{} is missing: run tests/run --install", path.display());
        path
    }

    /// Makes a master's directory with this configuration.
    pub fn create(self, dir: &Path, config: &str) {
        let made =
            Command::new(self.program("buildbot")).args(["create-master", "--force"]).arg(dir).output();
        let made = made.expect("runs");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        std::fs::write(dir.join("master.cfg"), config).expect("writes");
    }

    /// Starts the master in `dir`, listening at `endpoint`.
    pub fn start(self, dir: &Path, endpoint: &str) -> Master {
        let mut command = Command::new("timeout");
        command.args(["--kill-after=10", MASTER_LIMIT_S]);
        match self {
            Make::Today => command.arg(self.program("buildbot")).args(["start", "--nodaemon"]).arg(dir),
            Make::Original => {
                command.arg(self.program("twistd")).args(["--nodaemon", "--python", "buildbot.tac"])
            }
        };
        let log = std::fs::File::options().append(true).create(true).open(dir.join("master.log"));
        let log = log.expect("opens");
        command.current_dir(dir).env("INTEROP_DIR", dir).env("INTEROP_ENDPOINT", endpoint);
        command.stdin(Stdio::null()).stderr(log.try_clone().expect("clones")).stdout(log);
        Master(command.spawn().expect("the master starts"))
    }
}

/// A master that runs.
pub struct Master(Child);

impl Master {
    /// Waits until it ends by itself.
    pub fn wait(mut self) {
        self.0.wait().expect("it ends");
    }

    /// Tells it to end, and waits.
    pub fn stop(mut self) {
        self.terminate();
    }

    fn terminate(&mut self) {
        signal(&self.0, Signal::TERM);
        self.0.wait().expect("it ends");
    }
}

impl Drop for Master {
    fn drop(&mut self) {
        if self.0.try_wait().is_ok_and(|ended| ended.is_none()) {
            self.terminate();
        }
    }
}

fn signal(child: &Child, signal: Signal) {
    rustix::process::kill_process(Pid::from_child(child), signal).expect("it runs");
}

/// Our agent.
pub struct Agent {
    child: Child,
    lines: Receiver<String>,
    said: String,
}

impl Agent {
    /// The program.
    pub fn command() -> Command {
        Command::new(env!("CARGO_BIN_EXE_bellwether-worker"))
    }

    /// Starts one that serves the master at `address` as `w1`, as long as its standard input is open.
    pub fn serve(address: &str, dir: &Path) -> Agent {
        let mut command = Agent::command();
        command.args(["run", "--name", "w1", "--password-env", "INTEROP_PASSWORD", "--exit-with-parent"]);
        command.args(["--master", address]).arg("--dir").arg(dir.join("worker"));
        Agent::start(command.env("INTEROP_PASSWORD", "secret"))
    }

    /// Starts `command`.
    pub fn start(command: &mut Command) -> Agent {
        let mut child =
            command.stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the agent starts");
        let stderr = child.stderr.take().expect("is piped");
        let (lines_in, lines) = unbounded();
        let read = move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                let _ = lines_in.send(line);
            }
        };
        thread::spawn("agent-log", read).expect("starts");
        Agent { child, lines, said: String::new() }
    }

    /// Waits until it logs this.
    #[track_caller]
    pub fn says(&mut self, text: &str) {
        // One that finds no master says that again and again.
        let patience = after(AGENT_PATIENCE);
        loop {
            let line = select! {
                recv(self.lines) -> line => line.ok(),
                recv(patience) -> _ => None,
            };
            let line = line.unwrap_or_else(|| panic!("the agent never said '{text}':\n{}", self.said));
            self.said += &format!("{line}\n");
            if line.contains(text) {
                return;
            }
        }
    }

    /// Sends it HUP.
    pub fn hang_up(&self) {
        signal(&self.child, Signal::HUP);
    }

    /// Closes its standard input, and waits for its end; how it ended, and what it said to the end.
    pub fn ended(mut self) -> (ExitStatus, String) {
        drop(self.child.stdin.take());
        self.said.extend(self.lines.iter().map(|line| line + "\n"));
        (self.child.wait().expect("it ends"), std::mem::take(&mut self.said))
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A port of the loopback interface that nobody listens at.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
    listener.local_addr().expect("it is bound").port()
}

/// Lets a master with this configuration run its one build on the agent; what it wrote down.
pub fn report(make: Make, dir: &Path, config: &str) -> Value {
    make.create(dir, config);
    let port = free_port();
    let agent = Agent::serve(&format!("127.0.0.1:{port}"), dir);
    make.start(dir, &format!("tcp:{port}:interface=127.0.0.1")).wait();
    let (ended, said) = agent.ended();
    assert!(ended.success(), "{ended}: {said}");
    let report = std::fs::read(dir.join("report.json")).unwrap_or_else(|error| {
        let log = std::fs::read_to_string(dir.join("master.log")).unwrap_or_default();
        panic!("no report: {error}\n{log}\n{said}")
    });
    serde_json::from_slice(&report).expect("the report is JSON")
}

/// The lines of one kind, such as `o` for standard output, in a log as the master keeps it.
pub fn lines(report: &Value, step: &str, log: &str, kind: char) -> Vec<String> {
    let text = report[step]["logs"][log].as_str().unwrap_or_else(|| panic!("{step} has no log {log}"));
    text.lines().filter_map(|line| line.strip_prefix(kind)).map(str::to_owned).collect()
}
