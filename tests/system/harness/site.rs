//! A site: a directory with a configuration, and the master that runs with it.

use std::net::TcpListener;
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use tempfile::TempDir;

use super::http::{self, Answer};
use super::process::{Process, end_all_of};
use super::rows::{Build, Rows};
use super::wait::eventually_or;

/// What every configuration of the tests begins with.
const HEAD: &str = "title: Test\nstate_dir: @DIR@/state\nwww: {listen: 127.0.0.1:@WWW@}\n";

/// Where workers connect, unless the configuration says so itself.
const PORT: &str = "pb: {listen: 127.0.0.1:@PB@}\nmsgpack: {listen: 127.0.0.1:@MSGPACK@}\n";

/// A program for builds that shall run until the test lets them: it waits for a file.
const WAIT_FOR: &str =
    "#!/bin/sh\nfor i in $(seq 1200); do [ -e \"$1\" ] && exit 0; sleep 0.05; done; exit 1\n";

/// Gives the master's state a small disk that only it sees. `$0` is the folder, `$1` the program.
const ON_A_FULL_DISK: &str = "mkdir -p \"$0\" && mount -t tmpfs -o size=64m tmpfs \"$0\" && \
    head -c 62914560 /dev/zero >\"$0/filler\" && exec \"$1\" run";

/// A site of one test's own.
pub struct Site {
    dir: TempDir,
    pub pb_port: u16,
    pub msgpack_port: u16,
    pub www_port: u16,
    /// Where the master says to its service manager that it is ready.
    notified: UnixDatagram,
    master: Option<Process>,
}

/// What a command has said, and its exit code.
#[derive(Debug)]
pub struct Said {
    pub code: Option<i32>,
    pub text: String,
}

impl Site {
    /// A directory with a configuration; nothing runs yet. In `body`, `@DIR@` is the directory.
    pub fn new(body: &str) -> Site {
        let dir = TempDir::new().expect("a folder");
        let notified = UnixDatagram::bind(dir.path().join("notify")).expect("a socket");
        notified.set_read_timeout(Some(Duration::from_millis(100))).expect("a time-out");
        let (pb_port, msgpack_port, www_port) = (free_port(), free_port(), free_port());
        let site = Site { dir, pb_port, msgpack_port, www_port, notified, master: None };
        site.configure(body);
        let wait_for = site.path("wait-for");
        std::fs::write(&wait_for, WAIT_FOR).expect("a file");
        let made = Command::new("chmod").arg("+x").arg(wait_for).status();
        assert!(made.expect("chmod runs").success());
        site
    }

    /// A site whose master runs.
    pub fn running(body: &str) -> Site {
        let mut site = Site::new(body);
        site.start();
        site
    }

    /// Writes the configuration.
    pub fn configure(&self, body: &str) {
        let port = if body.starts_with("pb:") { "" } else { PORT };
        let text = format!("{HEAD}{port}{body}")
            .replace("@DIR@", &self.dir.path().display().to_string())
            .replace("@PB@", &self.pb_port.to_string())
            .replace("@MSGPACK@", &self.msgpack_port.to_string())
            .replace("@WWW@", &self.www_port.to_string());
        std::fs::write(self.path("master.yaml"), text).expect("a file");
    }

    /// A path in the site's directory.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Lets go what `wait-for` waits for.
    pub fn open(&self, gate: &str) {
        std::fs::write(self.path(gate), "").expect("a file");
    }

    /// A command of one of our programs, marked as this site's.
    pub fn program(&self, program: impl AsRef<Path>) -> Command {
        let mut command = Command::new(program.as_ref());
        command.env("BELLWETHER_TEST_SITE", self.mark());
        command.env("BELLWETHER_CONFIG", self.path("master.yaml"));
        command
    }

    fn mark(&self) -> String {
        self.dir.path().display().to_string()
    }

    /// Starts the master and waits until it is ready.
    #[track_caller]
    pub fn start(&mut self) {
        let mut command = self.program(env!("CARGO_BIN_EXE_bellwether"));
        self.start_by(command.arg("run"));
    }

    fn start_by(&mut self, command: &mut Command) {
        command.env("NOTIFY_SOCKET", self.path("notify"));
        self.master = Some(Process::start(command, self.path("master.log")));
        self.ready();
    }

    /// Starts the master with its state on a disk of its own of 64 MiB, of which 4 are free: a file fills the rest.
    #[track_caller]
    pub fn start_on_a_full_disk(&mut self) {
        let mut command = self.program("unshare");
        if std::fs::metadata("/proc/self").expect("this process").uid() != 0 {
            command.args(["--user", "--map-root-user"]);
        }
        command.args(["--mount", "sh", "-c", ON_A_FULL_DISK]);
        self.start_by(command.arg(self.path("state")).arg(env!("CARGO_BIN_EXE_bellwether")));
    }

    /// Makes room on that disk.
    pub fn free_the_disk(&mut self) {
        let filler = self.path("state/filler").display().to_string();
        let as_it_sees_it = format!("/proc/{}/root{filler}", self.master().id());
        std::fs::remove_file(as_it_sees_it).expect("the file that fills the disk");
    }

    /// Waits until the master says that it is ready: after its start, and after each reload.
    #[track_caller]
    fn ready(&mut self) {
        let master = self.master.as_mut().expect("a master");
        let told = std::cell::RefCell::new(String::new());
        let look = || {
            let mut word = [0; 4096];
            let count = self.notified.recv(&mut word).unwrap_or(0);
            let word = String::from_utf8_lossy(&word[..count]).into_owned();
            told.borrow_mut().push_str(&word);
            assert!(master.runs(), "the master has ended");
            word.lines().any(|line| line == "READY=1").then_some(())
        };
        eventually_or("a ready master", look, || told.borrow().clone());
    }

    /// The master's process.
    pub fn master(&mut self) -> &mut Process {
        self.master.as_mut().expect("a master")
    }

    /// Has the master read its configuration again, by signal, and waits until it has.
    #[track_caller]
    pub fn hang_up(&mut self) {
        self.master().signal("HUP");
        self.ready();
    }

    /// Ends the master as a crash does, and starts it again.
    #[track_caller]
    pub fn crash_and_start(&mut self) {
        self.master().crash();
        self.start();
    }

    /// Runs one of the master's commands to its end.
    pub fn command(&self, arguments: &[&str]) -> Said {
        self.run(self.program(env!("CARGO_BIN_EXE_bellwether")).args(arguments))
    }

    /// Runs a program to its end.
    pub fn run(&self, command: &mut Command) -> Said {
        let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Said { code: output.status.code(), text: text(&output.stdout) + &text(&output.stderr) }
    }

    /// Asks for a build of every builder of the force scheduler.
    #[track_caller]
    pub fn force(&self) {
        let said = self.command(&["force"]);
        assert_eq!(said.code, Some(0), "{}", said.text);
    }

    /// Asks a page of the site, or posts to it.
    pub fn page(&self, method: &str, path: &str) -> Answer {
        http::ask(self.www_port, method, path, "").expect("the pages are served")
    }

    /// What is stored.
    pub fn rows(&self) -> Rows {
        Rows::open(&self.path("state/state.sqlite"))
    }

    /// Waits for a build that is as wanted.
    #[track_caller]
    pub fn build(&self, what: &str, wanted: impl Fn(&Build) -> bool) -> Build {
        let rows = self.rows();
        let look = || rows.builds().into_iter().find(|build| wanted(build));
        eventually_or(what, look, || format!("{:#?}\n{}", rows.builds(), self.log()))
    }

    /// Waits until a build of this number runs and its log holds the text.
    #[track_caller]
    pub fn build_says(&self, number: i64, text: &str) -> Build {
        let rows = self.rows();
        let look = || {
            rows.builds().into_iter().find(|build| {
                build.number == number && build.results.is_none() && rows.logs(build.id).contains(text)
            })
        };
        eventually_or(text, look, || format!("{:#?}\n{}", rows.builds(), self.log()))
    }

    /// Waits for the end of the build of this number; fails if its results are others.
    #[track_caller]
    pub fn build_ends(&self, number: i64, results: i64) -> Build {
        let what = format!("the end of build {number}");
        let build = self.build(&what, |build| build.number == number && build.results.is_some());
        assert_eq!(build.results, Some(results), "{}", self.rows().logs(build.id));
        build
    }

    /// What the master has logged, over all its starts.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.path("master.log")).unwrap_or_default()
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        drop(self.master.take());
        end_all_of(&self.mark());
    }
}

/// A port that nobody listens on. No two sites of one run get the same, and none is from the range out of which the
/// system numbers outgoing connections: it must still be free when a master is started again.
pub fn free_port() -> u16 {
    static TAKEN: AtomicU16 = AtomicU16::new(0);
    const FIRST: u16 = 20_000;
    const COUNT: u16 = 12_000;
    let begin = (std::process::id() % u32::from(COUNT)) as u16;
    loop {
        let next = TAKEN.fetch_add(1, Ordering::Relaxed);
        let port = FIRST + (begin + next) % COUNT;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}
