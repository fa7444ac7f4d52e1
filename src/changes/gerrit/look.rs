//! The connection to the server, one look being its next events.

use super::event::{self, Heard, PatchSet};
use super::stream::{Said, Stream};
use crate::changes::access::{PrivateFiles, quoted, ssh_command};
use crate::changes::limits::{GERRIT_GOOD_AFTER, GERRIT_PAUSE_MAX, GERRIT_PAUSE_MIN, LOOK_TIME};
use crate::changes::poller::{Found, Look, LookError};
use crate::changes::programs::Programs;
use crate::changes::settings;
use crate::config::{Codebase, Config, Gerrit, SecretProvider};
use crate::model::NewChange;
use serde_json::{Value, json};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// All that it depends on.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// As configured.
    pub gerrit: Gerrit,
    /// Which codebases the server's projects can be.
    pub codebases: Vec<Codebase>,
    /// Where its keys are while it is connected.
    pub directory: PathBuf,
    /// Who knows its secrets, which are read again for each connection.
    pub secrets: Vec<SecretProvider>,
}

impl Settings {
    /// Those of a change source of this name in this configuration: two may listen to one server, each with its own keys.
    pub fn new(gerrit: &Gerrit, name: &str, config: &Config) -> Settings {
        Settings {
            gerrit: gerrit.clone(),
            codebases: config.codebases.clone(),
            directory: settings::directory("gerrit", name, config),
            secrets: config.secrets.clone(),
        }
    }
}

/// Listens to one server.
pub struct GerritLook {
    programs: Programs,
    settings: Settings,
    connection: Option<Connection>,
}

/// A running ssh.
struct Connection {
    stream: Stream,
    /// The ssh of this connection, as a shell is to read it.
    ssh: String,
    /// The keys that it names.
    _files: PrivateFiles,
}

impl GerritLook {
    /// With these programs.
    pub fn new(programs: Programs, settings: Settings) -> GerritLook {
        GerritLook { programs, settings, connection: None }
    }

    fn connect(&self) -> Result<Connection, LookError> {
        let Settings { gerrit, directory, secrets, .. } = &self.settings;
        let failed = |error: io::Error| LookError::Failed(format!("{}: {error}", directory.display()));
        std::fs::create_dir_all(directory).map_err(failed)?;
        let mut files = PrivateFiles::new(directory);
        let options = ssh_command(&gerrit.access, secrets, &mut files)?;
        let options =
            options.as_deref().and_then(|ssh| ssh.strip_prefix("ssh ")).unwrap_or("-o BatchMode=yes");
        // ssh asks the server for a sign of life itself: one that is cut off without a word is noticed.
        let ssh = format!(
            "exec {} {options} -o ServerAliveInterval=15 -o ServerAliveCountMax=3 -p {} {} --",
            quoted(Path::new(&gerrit.ssh_bin)),
            gerrit.port,
            quoted(Path::new(&format!("{}@{}", gerrit.user, gerrit.server))),
        );
        let stream = Stream::start(&mut shell(&format!("{ssh} gerrit stream-events")));
        let stream = stream.map_err(|error| LookError::Failed(format!("ssh: {error}")))?;
        Ok(Connection { stream, ssh, _files: files })
    }

    /// The changes that these events are.
    fn changes(&self, lines: &[String], ssh: &str, found: &mut Found) {
        for line in lines {
            match event::read(line, &self.settings.gerrit) {
                Heard::Change(mut change, patch_set) => {
                    if let Some(patch_set) = patch_set.filter(|_| self.settings.gerrit.get_files) {
                        match self.files(ssh, &patch_set) {
                            Ok(files) => change.files = files,
                            Err(why) => found.warnings.push(format!("{why}; its files stay unknown")),
                        }
                    }
                    let codebase = Codebase::of(&self.settings.codebases, &change.repository).to_owned();
                    found.changes.push(NewChange { codebase, ..*change });
                }
                Heard::Nothing(why) => found.passed_over.push(why),
            }
        }
    }

    fn files(&self, ssh: &str, patch_set: &PatchSet) -> Result<Vec<String>, LookError> {
        let query =
            format!("{ssh} gerrit query --format=JSON --files --patch-sets change:{}", patch_set.change);
        let output = self.programs.run(
            shell(&query).stdin(Stdio::null()),
            "gerrit query",
            "openssh-client",
            LOOK_TIME,
        )?;
        let files = event::files(&String::from_utf8_lossy(&output), patch_set);
        files.ok_or_else(|| {
            LookError::Failed(format!("gerrit query tells nothing of change {}", patch_set.change))
        })
    }
}

/// A command of the shell.
fn shell(text: &str) -> Command {
    let mut command = Command::new("/bin/sh");
    command.args(["-c", text]);
    command
}

impl Look for GerritLook {
    fn look(&mut self, before: Option<&Value>) -> Result<Found, LookError> {
        let connection = match &mut self.connection {
            Some(connection) => connection,
            None => {
                let connection = self.connect()?;
                self.connection.insert(connection)
            }
        };
        // Every look is at what comes next: there is no place to go on from, only that there was a first one.
        let mut found = Found { kept: Some(json!({})), ..Found::default() };
        if before.is_none() {
            return Ok(found);
        }
        let ssh = connection.ssh.clone();
        let said = connection.stream.lines(self.programs.stop(), GERRIT_GOOD_AFTER);
        match said.unwrap_or_else(|error| Said::Ended(error.to_string())) {
            Said::Lines(lines) => self.changes(&lines, &ssh, &mut found),
            Said::Nothing => found.kept = None,
            Said::Stopped => return Err(LookError::Stopped),
            Said::Ended(why) => {
                self.connection = None;
                return Err(LookError::Failed(format!("the connection to the server has ended: {why}")));
            }
        }
        Ok(found)
    }

    fn what(&self) -> &'static str {
        "the server's events"
    }

    /// `CS-15`: at once after a connection that was good, and then half as long again each time.
    fn pause(&self, _: Duration, failures: u32) -> Duration {
        if failures == 0 {
            return Duration::ZERO;
        }
        let factor = 1.5_f64.powi(i32::try_from(failures - 1).unwrap_or(i32::MAX));
        GERRIT_PAUSE_MAX.min(
            Duration::try_from_secs_f64(GERRIT_PAUSE_MIN.as_secs_f64() * factor).unwrap_or(GERRIT_PAUSE_MAX),
        )
    }
}
