//! The master's own copy of a repository: a bare one, with one ref for each that is looked at. It belongs to one
//! look at a time.

use super::access::Access;
use super::command::Git;
use super::commits;
use super::plan::{self, NewCommits, Remote, Tips};
use crate::changes::commit::Commit;
use crate::changes::limits::{COMMITS_PER_READ, FETCH_TIME, LOOK_TIME, READ_TIME};
use crate::changes::poller::LookError;
use crate::changes::settings::flat_name;
use crate::config::GitPoller;
use std::collections::BTreeSet;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Where the branches' newest commits are kept. One level only, so that a branch `a` that went and a branch `a/b`
/// that came are not in each other's way.
const REFS: &str = "refs/tips/";

/// The mirror of one repository, as long as a look has it for itself.
pub struct Mirror<'a> {
    git: &'a Git,
    directory: &'a Path,
    input: PathBuf,
    /// Locked as long as it is open.
    _lock: File,
}

impl<'a> Mirror<'a> {
    /// Opens the mirror in `directory`, which is made when it is needed. Waits for the look that has it.
    ///
    /// # Errors
    /// See [`LookError`].
    pub fn open(git: &'a Git, directory: &'a Path) -> Result<Mirror<'a>, LookError> {
        let lock = git.programs.lock(directory)?;
        let mirror = Mirror { git, directory, input: directory.join("input"), _lock: lock };
        if !directory.join("HEAD").exists() {
            let args = ["init", "--quiet", "--bare", "--", &directory.to_string_lossy()];
            git.run(&args, None, &Access::default(), READ_TIME)?;
        }
        mirror.unlock().map_err(|error| LookError::Failed(format!("{}: {error}", directory.display())))?;
        Ok(mirror)
    }

    /// The repository that it is a mirror of, as whom `access` says.
    pub fn remote(&'a self, repository: &'a str, access: &'a Access) -> Origin<'a> {
        Origin { mirror: self, repository, access }
    }

    /// Removes the lock files of a git that was killed.
    fn unlock(&self) -> std::io::Result<()> {
        for folder in [self.directory.to_owned(), self.directory.join(REFS)] {
            let Ok(entries) = std::fs::read_dir(folder) else { continue };
            for entry in entries {
                let path = entry?.path();
                if path.extension().is_some_and(|extension| extension == "lock") {
                    std::fs::remove_file(path)?;
                }
            }
        }
        Ok(())
    }

    /// The commits in the history of `tip` but not in that of any known one: the newest `limit` of them.
    ///
    /// # Errors
    /// See [`LookError`].
    pub fn new_commits(
        &self,
        tip: &str,
        known: &BTreeSet<&str>,
        limit: usize,
    ) -> Result<NewCommits, LookError> {
        let known = known.iter().map(|known| format!("^{known}\n"));
        let revisions: String = std::iter::once(format!("{tip}\n")).chain(known).collect();
        let args = ["rev-list", "--topo-order", "--reverse", "--boundary", "--ignore-missing", "--stdin"];
        let output = self.read(&args, &revisions, READ_TIME)?;
        Ok(NewCommits::read(&String::from_utf8_lossy(&output), tip, limit))
    }

    /// The commit that this object is; `None` for a tag of a tree or of a file.
    ///
    /// # Errors
    /// See [`LookError`].
    pub fn commit_of(&self, tip: &str) -> Result<Option<String>, LookError> {
        let output = self.read(&["rev-list", "--no-walk", "--stdin"], &format!("{tip}\n"), READ_TIME)?;
        Ok(String::from_utf8_lossy(&output).lines().next().map(str::to_owned))
    }

    /// What these commits say, in their order.
    ///
    /// # Errors
    /// See [`LookError`].
    pub fn commits(&self, revisions: &[String]) -> Result<Vec<Commit>, LookError> {
        let args = ["-c", "i18n.logOutputEncoding=UTF-8", "log", "-z", "--no-walk=unsorted", "--name-only"];
        let args =
            [&args[..], &["--diff-merges=first-parent", "--root", commits::FORMAT, "--stdin"]].concat();
        let mut commits = Vec::new();
        for some in revisions.chunks(COMMITS_PER_READ) {
            let output = self.read(&args, &(some.join("\n") + "\n"), READ_TIME)?;
            commits.extend(commits::read(&output, some).map_err(LookError::Failed)?);
        }
        Ok(commits)
    }

    fn read(&self, args: &[&str], input: &str, time: Duration) -> Result<Vec<u8>, LookError> {
        self.run(args, input, &Access::default(), time)
    }

    /// Runs a command on the mirror with this text as its input.
    fn run(&self, args: &[&str], input: &str, access: &Access, time: Duration) -> Result<Vec<u8>, LookError> {
        std::fs::write(&self.input, input)
            .map_err(|error| LookError::Failed(format!("{}: {error}", self.input.display())))?;
        let directory = self.directory.to_string_lossy();
        self.git.run(&[&["--git-dir", &directory], args].concat(), Some(&self.input), access, time)
    }
}

/// The repository that a mirror is of.
pub struct Origin<'a> {
    mirror: &'a Mirror<'a>,
    repository: &'a str,
    access: &'a Access,
}

impl Origin<'_> {
    /// Asks it for its refs.
    ///
    /// # Errors
    /// See [`LookError`].
    pub fn look(&self, poller: &GitPoller) -> Result<Remote, LookError> {
        let args = [&["ls-remote", "--symref", "--", self.repository], &plan::asked(poller)[..]].concat();
        let output = self.mirror.git.run(&args, None, self.access, LOOK_TIME)?;
        Ok(Remote::read(&String::from_utf8_lossy(&output)))
    }

    /// Fetches these, whatever became of them, and returns where they are now: a branch can move between the look and
    /// the fetch.
    ///
    /// # Errors
    /// See [`LookError`].
    pub fn fetch<'n>(
        &self,
        branches: impl IntoIterator<Item = &'n String> + Clone,
    ) -> Result<Tips, LookError> {
        let spec = |branch: &String| format!("+{}:{}\n", plan::ref_of(branch), tracking_ref(branch));
        let specs: String = branches.clone().into_iter().map(spec).collect();
        // Housekeeping in the foreground: it ends with the command.
        let args = ["-c", "gc.autoDetach=false", "-c", "maintenance.autoDetach=false", "fetch", "--quiet"];
        let args = [&args[..], &["--no-tags", "--no-write-fetch-head", "--stdin", "--", self.repository]];
        self.mirror.run(&args.concat(), &specs, self.access, FETCH_TIME)?;
        // Of a tag, the commit that it is of.
        let format = "--format=%(refname) %(objectname) %(*objectname)";
        let refs = self.mirror.read(&["for-each-ref", format, REFS], "", READ_TIME)?;
        let refs = String::from_utf8_lossy(&refs);
        let by_name: Tips = refs
            .lines()
            .filter_map(|line| {
                let mut words = line.split_whitespace();
                Some((words.next()?.to_owned(), words.last()?.to_owned()))
            })
            .collect();
        let tip = |branch: &String| Some((branch.clone(), by_name.get(&tracking_ref(branch))?.clone()));
        Ok(branches.into_iter().filter_map(tip).collect())
    }
}

/// The mirror's own ref for what changes have as this branch.
fn tracking_ref(branch: &str) -> String {
    format!("{REFS}{}", flat_name(branch))
}
