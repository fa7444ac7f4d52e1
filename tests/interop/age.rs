//! The workers that Buildbot has shipped, from the slave of the first release that counts to today's worker.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};

use crate::harness::programs::installed;
use crate::harness::{Process, Site, eventually_or};

/// One release of the worker.
#[derive(Clone, Copy, Debug)]
pub struct Age {
    /// As it says itself.
    pub version: &'static str,
    /// The version of its commands.
    pub commands: (u32, u32),
    /// Where its program is.
    program: &'static str,
}

impl Age {
    const fn new(version: &'static str, commands: (u32, u32), program: &'static str) -> Age {
        Age { version, commands, program }
    }

    fn is_oldest(self) -> bool {
        self.version == "0.8.6p1"
    }

    /// Whether it is older than the word worker.
    pub fn is_slave(self) -> bool {
        self.commands < (3, 0)
    }
}

/// Workers of one kind.
#[derive(Clone, Copy, Debug)]
pub enum Family {
    /// `buildbot-slave`.
    Slaves,
    /// `buildbot-worker` on Python 2.7.
    OnPython2,
    /// `buildbot-worker` on Python 3.
    OnPython3,
}

impl Family {
    /// All of them that are to be tested: one, or every one if the environment says so.
    pub fn members(self) -> impl Iterator<Item = Age> {
        // The first of each is the one that is always tested.
        let all = match self {
            Family::Slaves => vec![
                Age::new("0.8.6p1", (2, 15), "py27/bin/buildslave"),
                Age::new("0.8.14", (2, 16), "py27/bin/buildslave-0.8.14"),
            ],
            Family::OnPython2 => vec![
                Age::new("0.9.14", (3, 1), "py27/bin/buildbot-worker-0.9.14"),
                Age::new("1.8.2", (3, 1), "py27/bin/buildbot-worker-1.8.2"),
            ],
            Family::OnPython3 => vec![
                Age::new("4.3.0", (3, 3), "bin/buildbot-worker"),
                Age::new("3.11.9", (3, 2), "worker-3.11.9/bin/buildbot-worker"),
                Age::new("2.10.5", (3, 1), "worker-2.10.5/bin/buildbot-worker"),
            ],
        };
        // `tests/run --install` looks at the same variable.
        let wants_all = std::env::var_os("BELLWETHER_INTEROP").is_some_and(|ages| ages == "all");
        let count = if wants_all { all.len() } else { 1 };
        all.into_iter().take(count)
    }
}

/// A worker of some age, which may run.
pub struct Aged {
    age: Age,
    dir: PathBuf,
    process: Process,
}

impl Aged {
    /// Makes a worker's directory below the site's, and starts it: `name` with `sesame`, at a master on this port.
    #[track_caller]
    pub fn start(age: Age, site: &Site, name: &str, port: u16) -> Aged {
        let dir = site.path(name);
        let mut create = site.program(installed(age.program));
        create.arg(if age.is_slave() { "create-slave" } else { "create-worker" });
        if !age.is_oldest() {
            create.arg("--allow-shutdown=signal");
        }
        create.arg("--maxdelay=1").arg(&dir).args([&format!("127.0.0.1:{port}"), name, "sesame"]);
        let said = site.run(&mut create);
        assert_eq!(said.code, Some(0), "{}", said.text);
        if age.is_oldest() {
            leave_on_signal(&dir.join("buildbot.tac"));
        }
        std::fs::write(dir.join("info/admin"), "Ada <ada@example.org>\n").expect("a file");
        std::fs::write(dir.join("info/host"), format!("a museum of {}\n", age.version)).expect("a file");
        let process = Aged::process(age, site, &dir);
        Aged { age, dir, process }
    }

    fn process(age: Age, site: &Site, dir: &Path) -> Process {
        // The oldest knows to run in the background only; what it is made with knows more.
        let program = if age.is_oldest() { "py27/bin/twistd" } else { age.program };
        let mut command = site.program(installed(program));
        match age.is_oldest() {
            true => command.args(["--nodaemon", "--python", "buildbot.tac"]),
            false => command.args(["start", "--nodaemon"]).arg(dir),
        };
        without_python(&mut command);
        Process::start(command.current_dir(dir), dir.with_extension("output"))
    }

    /// Starts it again, in the same directory.
    pub fn start_again(&mut self, site: &Site) {
        self.process = Aged::process(self.age, site, &self.dir);
    }

    /// Asks it to leave when its build is done.
    pub fn signal_to_leave(&self) {
        self.process.signal("HUP");
    }

    /// Waits for its end.
    #[track_caller]
    pub fn ends(&mut self) -> ExitStatus {
        self.process.ends()
    }

    /// Waits until it has logged this.
    #[track_caller]
    pub fn says(&self, text: &str) {
        eventually_or(text, || self.said().contains(text).then_some(()), || self.said());
    }

    /// Everything that it has said, in its log file too.
    pub fn said(&self) -> String {
        std::fs::read_to_string(self.dir.join("twistd.log")).unwrap_or_default() + &self.process.said()
    }

    /// A path below the directory of one of its builders.
    pub fn path(&self, path: &str) -> PathBuf {
        self.dir.join(path)
    }
}

/// Lets the oldest leave on a signal; it has no option for it.
fn leave_on_signal(tac: &Path) {
    let text = std::fs::read_to_string(tac).expect("a .tac file");
    let changed = text.replace("maxdelay=maxdelay)", "maxdelay=maxdelay, allow_shutdown='signal')");
    assert_ne!(text, changed, "no place for allow_shutdown");
    std::fs::write(tac, changed).expect("a file");
}

/// Takes out what a virtual environment of the caller's would change.
fn without_python(command: &mut Command) {
    for name in ["PYTHONPATH", "PYTHONHOME", "BUILDBOT_VERSION"] {
        command.env_remove(name);
    }
}
