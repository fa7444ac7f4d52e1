//! The master's own copy of a Mercurial repository, without a working tree. It belongs to one look at a time.

use super::plan::{self, Kept};
use crate::changes::access::{PrivateFiles, ssh_command};
use crate::changes::commit::Commit;
use crate::changes::limits::{COMMITS_PER_READ, FETCH_TIME, LOOK_TIME, READ_TIME};
use crate::changes::poller::LookError;
use crate::changes::programs::Programs;
use crate::config::{HgPoller, RemoteAccess, SecretProvider};
use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

/// The mirror of one repository, as long as a look has it for itself.
pub struct Mirror<'a> {
    programs: &'a Programs,
    program: &'a str,
    directory: &'a Path,
    access: Access,
    /// Locked as long as it is open.
    _lock: File,
}

/// What Mercurial is given to get in. The files are removed with it.
struct Access {
    ssh_command: Option<String>,
    /// A configuration file with a login, beside those of the machine and of the user.
    configuration: Option<String>,
    _files: PrivateFiles,
}

impl Access {
    fn new(poller: &HgPoller, secrets: &[SecretProvider], directory: &Path) -> Result<Access, LookError> {
        let mut files = PrivateFiles::new(directory);
        let RemoteAccess { auth_credentials, .. } = &poller.access;
        let ssh_command = ssh_command(&poller.access, secrets, &mut files)?;
        let mut configuration = None;
        if let Some(login) = auth_credentials {
            let password = login.password.resolve(secrets).map_err(LookError::Failed)?;
            if login.user.contains('\n') || password.reveal().contains('\n') {
                let why = "Mercurial takes no user and no password of several lines";
                return Err(LookError::Failed(why.to_owned()));
            }
            let prefix = poller.repository.split_once("://").map_or("*", |(_, rest)| rest);
            let text = format!(
                "%include /etc/mercurial/hgrc\n%include ~/.hgrc\n[auth]\nbellwether.prefix = {prefix}\n\
                 bellwether.username = {}\nbellwether.password = {}\n",
                login.user,
                password.reveal()
            );
            configuration = Some(files.write("login.rc", &text)?.to_string_lossy().into_owned());
        }
        Ok(Access { ssh_command, configuration, _files: files })
    }
}

impl<'a> Mirror<'a> {
    /// Opens the mirror in `directory`, which is made when it is needed. Waits for the look that has it.
    ///
    /// # Errors
    /// See [`LookError`].
    pub fn open(
        programs: &'a Programs,
        poller: &'a HgPoller,
        secrets: &[SecretProvider],
        directory: &'a Path,
    ) -> Result<Mirror<'a>, LookError> {
        let lock = programs.lock(directory)?;
        let access = Access::new(poller, secrets, directory)?;
        let mirror = Mirror { programs, program: &poller.hg_bin, directory, access, _lock: lock };
        if !directory.join(".hg").exists() {
            mirror.run(&["init", "--", &directory.to_string_lossy()], READ_TIME)?;
        }
        Ok(mirror)
    }

    /// Brings what is new in the repository here, and returns how it is.
    ///
    /// # Errors
    /// See [`LookError`].
    pub fn pull(&self, poller: &HgPoller) -> Result<Kept, LookError> {
        let repository = poller.repository.as_str();
        // Where the bookmarks are before the pull: what they name then comes with it.
        let bookmarks = if poller.bookmarks.is_empty() {
            BTreeMap::new()
        } else {
            let output = self.run(&["debugpushkey", "--", repository, "bookmarks"], LOOK_TIME)?;
            plan::bookmarks(&output, &poller.bookmarks)
        };
        self.run_here(&["pull", "--quiet", "--", repository], FETCH_TIME)?;
        let template = ["--template", "{node}\\n"];
        let heads = self.run_here(&["log", "--rev", "heads(all())", template[0], template[1]], READ_TIME)?;
        Ok(Kept { repository: repository.to_owned(), heads: plan::heads(&heads), bookmarks })
    }

    /// The ids of the newest `limit` commits of a revision set, the oldest first, and whether older ones are left out.
    ///
    /// # Errors
    /// See [`LookError`].
    pub fn ids(&self, revisions: &str, limit: usize) -> Result<(Vec<String>, bool), LookError> {
        let newest = format!("sort(last({revisions}, {}), 'rev')", limit + 1);
        let output = self.run_here(&["log", "--rev", &newest, "--template", "{node}\\n"], READ_TIME)?;
        let mut ids: Vec<String> = plan::ids(&output).collect();
        let are_too_many = ids.len() > limit;
        if are_too_many {
            ids.remove(0);
        }
        Ok((ids, are_too_many))
    }

    /// These commits, in this order, each with its named branch.
    ///
    /// # Errors
    /// See [`LookError`].
    pub fn commits(&self, ids: &[String]) -> Result<Vec<(String, Commit)>, LookError> {
        let mut commits = Vec::new();
        for ids in ids.chunks(COMMITS_PER_READ) {
            let output =
                self.run_here(&["log", "--rev", &ids.join(" + "), "--template", plan::TEMPLATE], READ_TIME)?;
            commits.extend(plan::commits(&output).map_err(LookError::Failed)?);
        }
        Ok(commits)
    }

    fn run_here(&self, args: &[&str], time: Duration) -> Result<String, LookError> {
        let directory = self.directory.to_string_lossy();
        self.run(&[&["--repository", &directory], args].concat(), time)
    }

    fn run(&self, args: &[&str], time: Duration) -> Result<String, LookError> {
        let mut command = Command::new(self.program);
        command.arg("--noninteractive");
        if let Some(ssh) = &self.access.ssh_command {
            command.args(["--config", &format!("ui.ssh={ssh}")]);
        }
        if let Some(configuration) = &self.access.configuration {
            command.env("HGRCPATH", configuration);
        }
        // The same words whatever its user has configured.
        command.env("HGPLAIN", "1").env("HGENCODING", "utf-8").env_remove("HG");
        command.args(args).stdin(Stdio::null());
        let verb = args.iter().find(|arg| ["init", "pull", "log", "debugpushkey"].contains(arg));
        let what = format!("hg {}", verb.unwrap_or(&""));
        let output = self.programs.run(&mut command, &what, "mercurial", time)?;
        Ok(String::from_utf8_lossy(&output).into_owned())
    }
}
