//! One look at the repository: its revisions since the look before, and the changes that follow.

use super::layout;
use super::printed::{self, Entry, Info};
use crate::changes::access::{PrivateFiles, ssh_command};
use crate::changes::commit::Commit;
use crate::changes::limits::{COMMITS_PER_LOOK, READ_TIME};
use crate::changes::poller::{Found, Look, LookError};
use crate::changes::programs::Programs;
use crate::changes::settings;
use crate::config::{SecretText, SvnPoller};
use crate::model::{NewChange, Wall};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::io::Write;
use std::process::{Command, Stdio};

/// All that a look depends on.
pub type Settings = settings::Settings<SvnPoller>;

/// What a poller keeps from look to look, stored with the changes up to there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Kept {
    /// Of which repository: its own identity, since an address can come to mean another.
    uuid: String,
    /// The newest revision that is told, or that was there before anybody looked.
    revision: u64,
}

/// Looks at one repository.
pub struct SvnLook {
    programs: Programs,
    settings: Settings,
}

/// What svn is given to get in. The files are removed with it.
struct Access {
    ssh_command: Option<String>,
    login: Option<(String, SecretText)>,
    _files: PrivateFiles,
}

impl SvnLook {
    /// With these programs.
    pub fn new(programs: Programs, settings: Settings) -> SvnLook {
        SvnLook { programs, settings }
    }

    fn access(&self) -> Result<Access, LookError> {
        let Settings { poller, directory, secrets, .. } = &self.settings;
        let mut files = PrivateFiles::new(directory);
        let ssh_command = ssh_command(&poller.access, secrets, &mut files)?;
        let login = poller.access.auth_credentials.as_ref();
        let login = login.map(|login| Ok((login.user.clone(), login.password.resolve(secrets)?))).transpose();
        Ok(Access { ssh_command, login: login.map_err(LookError::Failed)?, _files: files })
    }

    /// Runs `svn VERB --xml ARGS` on the address as it is at its newest revision.
    fn run(&self, verb: &str, args: &[&str], access: &Access) -> Result<String, LookError> {
        let poller = &self.settings.poller;
        let failed = |error: std::io::Error| LookError::Failed(format!("svn {verb}: {error}"));
        let mut command = Command::new(&poller.svn_bin);
        command.args([verb, "--xml", "--non-interactive", "--no-auth-cache"]).args(args).stdin(Stdio::null());
        if let Some((user, password)) = &access.login {
            command.args(["--username", user, "--password-from-stdin"]);
            // It is short enough to stand in the pipe until svn reads it.
            let (reader, mut writer) = std::io::pipe().map_err(failed)?;
            writer.write_all(password.reveal().as_bytes()).map_err(failed)?;
            command.stdin(reader);
        }
        if let Some(ssh) = &access.ssh_command {
            command.env("SVN_SSH", ssh);
        }
        // An `@` in the address is no revision, which the last one would be.
        command.args(["--", &format!("{}@", poller.repository)]);
        let output = self.programs.run(&mut command, &format!("svn {verb}"), "subversion", READ_TIME)?;
        Ok(String::from_utf8_lossy(&output).into_owned())
    }

    /// The revisions after this one, the oldest first; what is too many for one look is left for the next.
    fn since(&self, revision: u64, access: &Access) -> Result<Vec<Entry>, LookError> {
        let (range, limit) = (format!("{}:HEAD", revision + 1), COMMITS_PER_LOOK.to_string());
        let text = self.run("log", &["--verbose", "--revision", &range, "--limit", &limit], access)?;
        printed::log(&text).map_err(LookError::Failed)
    }

    /// The changes that a revision is: one for each branch.
    fn changes(&self, entry: &Entry, info: &Info) -> Vec<NewChange> {
        let poller = &self.settings.poller;
        let branches = layout::by_branch(entry, &info.prefix, poller);
        let change = |(branch, files)| {
            let commit = Commit {
                revision: entry.revision.to_string(),
                author: entry.author.clone(),
                committer: None,
                when: entry.when.unwrap_or(Wall::from_seconds(0)),
                comments: entry.comments.clone(),
                files,
            };
            let mut change =
                self.settings.change(commit, branch, (&poller.repository, "svn"), &poller.labels);
            // Who may not see the time is not told it.
            change.when = change.when.and(entry.when);
            change
        };
        branches.into_iter().map(change).collect()
    }
}

impl Look for SvnLook {
    fn look(&mut self, before: Option<&Value>) -> Result<Found, LookError> {
        // What cannot be read is as good as nothing.
        let before: Option<Kept> = before.and_then(|kept| serde_json::from_value(kept.clone()).ok());
        // For the files of a login, and for one look at a time.
        let _lock = self.programs.lock(&self.settings.directory)?;
        let access = self.access()?;
        let info = printed::info(&self.run("info", &[], &access)?).map_err(LookError::Failed)?;
        let mut kept = Kept { uuid: info.uuid.clone(), revision: info.revision };
        let mut found = Found::default();
        // Another repository is looked at for the first time, and so is one that was set back.
        if let Some(before) =
            before.filter(|before| before.uuid == kept.uuid && before.revision <= kept.revision)
        {
            if before == kept {
                return Ok(found);
            }
            let entries = self.since(before.revision, &access)?;
            found.changes = entries.iter().flat_map(|entry| self.changes(entry, &info)).collect();
            if entries.len() >= COMMITS_PER_LOOK {
                found.warnings.push(format!(
                    "the first {COMMITS_PER_LOOK} new revisions are told, more with the next look"
                ));
            }
            if let Some(last) = entries.last() {
                // Between the two questions, more may have come.
                kept.revision = if entries.len() < COMMITS_PER_LOOK {
                    last.revision.max(kept.revision)
                } else {
                    last.revision
                };
            }
        }
        let kept = serde_json::to_value(kept).map_err(|error| LookError::Failed(error.to_string()))?;
        found.kept = Some(kept);
        Ok(found)
    }
}
