//! A child process with its output in a file, ended with the test.

use std::fs::File;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};

use super::wait::eventually_or;

/// A running program.
pub struct Process {
    child: Child,
    output: PathBuf,
}

impl Process {
    /// Starts it with both outputs in the file `output`.
    pub fn start(command: &mut Command, output: PathBuf) -> Process {
        let file = File::options().create(true).append(true).open(&output).expect("a file for the output");
        let child = command
            .stdin(Stdio::null())
            .stdout(file.try_clone().expect("a second handle"))
            .stderr(file)
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?}: {error}"));
        Process { child, output }
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The most memory that it has ever had, in MiB.
    pub fn peak_mib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.id())).expect("it runs");
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a peak");
        peak.trim_end_matches("kB").trim().parse::<u64>().expect("a number") / 1024
    }

    /// What it has written so far.
    pub fn said(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(&self.output).unwrap_or_default()).into_owned()
    }

    /// Waits until it has written this.
    #[track_caller]
    pub fn says(&self, text: &str) {
        eventually_or(text, || self.said().contains(text).then_some(()), || self.said());
    }

    /// Sends a signal by its number's name, such as `TERM`.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").args(["-s", name, &self.child.id().to_string()]).status();
        assert!(sent.expect("kill runs").success(), "no process to send {name}");
    }

    /// Waits for its end.
    #[track_caller]
    pub fn ends(&mut self) -> ExitStatus {
        let Process { child, output } = self;
        let said = || std::fs::read_to_string(&*output).unwrap_or_default();
        eventually_or("the end of a process", || child.try_wait().expect("a child"), said)
    }

    /// Ends it as a crash does, and waits until it is gone.
    pub fn crash(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        self.child.wait().expect("a child");
    }

    /// Whether it has not ended.
    pub fn runs(&mut self) -> bool {
        self.child.try_wait().expect("a child").is_none()
    }
}

impl Drop for Process {
    #[expect(clippy::print_stderr, reason = "shown with the test that failed")]
    fn drop(&mut self) {
        self.crash();
        if std::thread::panicking() {
            eprintln!("---- {}\n{}", self.output.display(), self.said());
        }
    }
}

/// Ends every process that carries this value of `BELLWETHER_TEST_SITE`: what commands of builds have left behind.
pub fn end_all_of(site: &str) {
    let mark = format!("BELLWETHER_TEST_SITE={site}");
    for process in std::fs::read_dir("/proc").expect("/proc").flatten() {
        let environment = std::fs::read(process.path().join("environ")).unwrap_or_default();
        if environment.split(|byte| *byte == 0).any(|variable| variable == mark.as_bytes()) {
            let id = process.file_name();
            // It may have ended meanwhile.
            let _ = Command::new("kill").args(["-s", "KILL"]).arg(id).stderr(Stdio::null()).status();
        }
    }
}
