//! The poller's own copy of the repository: a bare one, with one ref for each branch that is looked at.

use super::command::{Git, GitError};
use super::commits::{self, Commit};
use super::plan::{NewCommits, Remote, Tips, flat_name};
use crate::changes::limits::{COMMITS_PER_LOOK, COMMITS_PER_READ, FETCH_TIME, LOOK_TIME, READ_TIME};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Where the branches' newest commits are kept. One level only, so that a branch `a` that went and a branch `a/b`
/// that came are not in each other's way.
const REFS: &str = "refs/tips/";

/// The mirror of one repository.
pub struct Mirror {
    git: Git,
    repository: String,
    directory: PathBuf,
    input: PathBuf,
}

impl Mirror {
    /// A mirror of `repository` in `directory`, which is made when it is needed.
    pub fn new(git: Git, repository: &str, directory: &Path) -> Mirror {
        let input = directory.join("input");
        Mirror { git, repository: repository.to_owned(), directory: directory.to_owned(), input }
    }

    /// Asks the remote for its branches.
    pub fn look(&self) -> Result<Remote, GitError> {
        let args = ["ls-remote", "--symref", "--", &self.repository, "HEAD", "refs/heads/*"];
        let output = self.git.run(&args, None, LOOK_TIME)?;
        Ok(Remote::read(&String::from_utf8_lossy(&output)))
    }

    /// Fetches these branches, whatever became of them, and returns where they are now: a branch can move between
    /// the look and the fetch.
    pub fn fetch<'a>(
        &self,
        branches: impl IntoIterator<Item = &'a String> + Clone,
    ) -> Result<Tips, GitError> {
        let broken =
            |error: std::io::Error| GitError::Failed(format!("{}: {error}", self.directory.display()));
        if !self.directory.join("HEAD").exists() {
            std::fs::create_dir_all(&self.directory).map_err(broken)?;
            let directory = self.directory.to_string_lossy();
            self.git.run(&["init", "--quiet", "--bare", "--", &directory], None, READ_TIME)?;
        }
        self.unlock().map_err(broken)?;
        let spec = |branch: &String| format!("+refs/heads/{branch}:{REFS}{}\n", flat_name(branch));
        let specs: String = branches.clone().into_iter().map(spec).collect();
        // Housekeeping in the foreground: it ends with the command.
        let args = ["-c", "gc.autoDetach=false", "-c", "maintenance.autoDetach=false", "fetch", "--quiet"];
        let args = [&args[..], &["--no-tags", "--no-write-fetch-head", "--stdin", "--", &self.repository]];
        self.read(&args.concat(), &specs, FETCH_TIME)?;
        let refs = self.read(&["for-each-ref", "--format=%(objectname) %(refname)", REFS], "", READ_TIME)?;
        let refs = String::from_utf8_lossy(&refs);
        let pairs = refs.lines().filter_map(|line| line.split_once(' '));
        let by_flat_name: Tips = pairs.map(|(tip, name)| (name.to_owned(), tip.to_owned())).collect();
        let tip = |branch: &String| {
            let tip = by_flat_name.get(&format!("{REFS}{}", flat_name(branch)))?;
            Some((branch.clone(), tip.clone()))
        };
        Ok(branches.into_iter().filter_map(tip).collect())
    }

    /// Removes the lock files of a git that was killed. Nobody else uses the mirror.
    fn unlock(&self) -> std::io::Result<()> {
        for folder in [self.directory.clone(), self.directory.join(REFS)] {
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

    /// The commits in the history of `tip` but not in that of any known one.
    pub fn new_commits(&self, tip: &str, known: &BTreeSet<&str>) -> Result<NewCommits, GitError> {
        let known = known.iter().map(|known| format!("^{known}\n"));
        let revisions: String = std::iter::once(format!("{tip}\n")).chain(known).collect();
        let args = ["rev-list", "--topo-order", "--reverse", "--boundary", "--ignore-missing", "--stdin"];
        let output = self.read(&args, &revisions, READ_TIME)?;
        Ok(NewCommits::read(&String::from_utf8_lossy(&output), tip, COMMITS_PER_LOOK))
    }

    /// What these commits say, in their order.
    pub fn commits(&self, revisions: &[String]) -> Result<Vec<Commit>, GitError> {
        let args = ["-c", "i18n.logOutputEncoding=UTF-8", "log", "-z", "--no-walk=unsorted", "--name-only"];
        let args =
            [&args[..], &["--diff-merges=first-parent", "--root", commits::FORMAT, "--stdin"]].concat();
        let mut commits = Vec::new();
        for some in revisions.chunks(COMMITS_PER_READ) {
            let output = self.read(&args, &(some.join("\n") + "\n"), READ_TIME)?;
            commits.extend(commits::read(&output, some).map_err(GitError::Failed)?);
        }
        Ok(commits)
    }

    /// Runs a command on the mirror with this text as its input.
    fn read(&self, args: &[&str], input: &str, time: std::time::Duration) -> Result<Vec<u8>, GitError> {
        std::fs::write(&self.input, input)
            .map_err(|error| GitError::Failed(format!("{}: {error}", self.input.display())))?;
        let directory = self.directory.to_string_lossy();
        self.git.run(&[&["--git-dir", &directory], args].concat(), Some(&self.input), time)
    }
}
