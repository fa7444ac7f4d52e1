//! `git`: brings a working tree to the source stamp, by single commands that the master drives (`SRC-01`,
//! `SRC-08` to `SRC-15`).
//!
//! The way there is a list of operations. Each that fails may put others in the place of those that follow: a
//! fetch is tried again, a broken tree is cloned anew, the whole way is gone once more.

use super::program::{Surroundings, seconds, set};
use super::{End, Next, Site};
use crate::botmaster::command::{Command, Outcome};
use crate::config::{self, GitMethod, GitMode, Retry};
use crate::model::{Patch, Results, SourceStamp};
use crate::pb::Value;
use std::collections::VecDeque;

/// Who set the property, as its page says.
const SOURCE: &str = "Git";

/// Where the copy method keeps its tree.
const COPY_SOURCE: &str = "source";

/// One thing to do.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Op {
    /// Is there a git at all?
    Version,
    /// Is there a tree, something else, or nothing?
    Probe,
    /// Remove the tree, or whatever is in its place.
    Remove,
    /// Remove the directory that the copy goes to.
    RemoveCopy,
    Clone,
    /// Is the revision here already? Then nothing is fetched.
    HaveRevision,
    Fetch,
    /// Check out the revision, or what was fetched last.
    CheckOut,
    /// Give the branch its name; a failure does not matter.
    NameBranch,
    /// Remove untracked files, and ignored ones too where it says so.
    Clean {
        ignored: bool,
    },
    SubmoduleSync,
    SubmoduleUpdate,
    SubmoduleClean {
        ignored: bool,
    },
    Copy,
    Patch,
    /// Which revision is it?
    Identify,
}

/// A working tree on its way.
#[derive(Debug)]
pub struct Git {
    config: config::Git,
    around: Surroundings,
    /// The directory in which git works: the step's, or beside it for the copy method.
    tree: String,
    repository: String,
    branch: Option<String>,
    revision: Option<String>,
    patch: Option<Patch>,
    /// The revisions that other codebases got before.
    got: serde_json::Map<String, serde_json::Value>,
    can_list: bool,
    todo: VecDeque<Op>,
    now: Op,
    fetched_again: bool,
    clobbered: bool,
    tries_left: u32,
}

impl Git {
    /// Begins.
    pub(super) fn begin(config: &config::Git, site: &Site<'_>) -> Result<(Git, Next), String> {
        let stamp = match (site.scene.stamp(&config.codebase), site.scene.stamps) {
            (Some(stamp), _) => stamp.clone(),
            (None, [only]) if config.codebase.is_empty() => only.clone(),
            (None, []) => SourceStamp::default(),
            (None, _) => return Err(format!("the build has no source of codebase {:?}", config.codebase)),
        };
        let stamp = if config.always_use_latest { SourceStamp::default() } else { stamp };
        let default_branch = config.branch.as_ref().map(|branch| site.scene.text(branch)).transpose()?;
        let around = Surroundings::new(
            config.workdir.as_ref(),
            &config.env,
            config.timeout,
            config.log_environ,
            site,
        )?;
        let copies = config.mode == GitMode::Full(GitMethod::Copy);
        let got = match site.scene.properties.value("got_revision") {
            Some(serde_json::Value::Object(got)) => got.clone(),
            _ => serde_json::Map::new(),
        };
        let mut git = Git {
            tree: if copies { COPY_SOURCE.to_owned() } else { around.workdir.clone() },
            around,
            repository: site.scene.text(&config.repository)?,
            branch: stamp.branch.filter(|branch| !branch.is_empty()).or(default_branch),
            revision: stamp.revision.filter(|revision| !revision.is_empty()),
            patch: stamp.patch,
            got,
            can_list: site.abilities.has_version("listdir", "2.16"),
            todo: VecDeque::new(),
            now: Op::Version,
            fetched_again: false,
            clobbered: false,
            tries_left: config.retry.map_or(0, |retry| retry.count),
            config: config.clone(),
        };
        // Git would take them for options of its own.
        let words = [Some(&git.repository), git.branch.as_ref(), git.revision.as_ref()];
        if let Some(word) = words.into_iter().flatten().find(|word| word.starts_with('-')) {
            return Err(format!("{word:?} is no repository, branch or revision"));
        }
        let next = git.start();
        Ok((git, next))
    }

    /// The patch that goes over the tree.
    pub(super) fn patch(&self) -> Option<&str> {
        self.patch.as_ref().map(|patch| patch.body.as_str())
    }

    fn start(&mut self) -> Next {
        (self.fetched_again, self.clobbered) = (false, false);
        let way: &[Op] = match self.config.mode {
            GitMode::Full(GitMethod::Clobber) => &[Op::Version, Op::Remove, Op::Clone],
            GitMode::Full(GitMethod::Copy) => &[Op::Version, Op::RemoveCopy, Op::Probe],
            GitMode::Full(GitMethod::Clean | GitMethod::Fresh) | GitMode::Incremental => {
                &[Op::Version, Op::Probe]
            }
        };
        self.todo = way.iter().cloned().collect();
        self.advance()
    }

    pub(super) fn go_on(&mut self, outcome: Option<Outcome>) -> Next {
        // Without an outcome, the pause before the next try is over.
        let Some(outcome) = outcome else { return self.start() };
        let succeeded = outcome.rc == Some(0);
        match (&self.now, succeeded) {
            (Op::Version, _) => {
                if !succeeded || !String::from_utf8_lossy(&outcome.stdout).contains("git version") {
                    return Next::Done(End::exception("git is not installed on the worker\n"));
                }
            }
            (Op::Probe, _) => self.probed(&outcome, succeeded),
            (Op::HaveRevision, true) => self.todo.retain(|op| *op != Op::Fetch),
            (Op::HaveRevision | Op::NameBranch, _) => {}
            (Op::Clone, true) => self.cloned(),
            (Op::Identify, true) => return self.identified(&outcome),
            (_, true) => {}
            (Op::Clean { ignored: true }, false) if !self.clobbered => self.clobber(),
            (Op::Fetch | Op::CheckOut, false) if self.config.retry_fetch && !self.fetched_again => {
                self.fetched_again = true;
                self.todo.retain(|op| *op != Op::CheckOut);
                self.todo.push_front(Op::CheckOut);
                self.todo.push_front(Op::Fetch);
            }
            (Op::Fetch | Op::CheckOut | Op::Clone | Op::SubmoduleUpdate, false)
                if self.config.clobber_on_failure && !self.clobbered =>
            {
                self.clobber();
            }
            (_, false) => return self.failed(&outcome),
        }
        self.advance()
    }

    /// A tree is updated; where there is none, one is cloned; what is not one makes way.
    fn probed(&mut self, outcome: &Outcome, succeeded: bool) {
        let files = outcome.others.get("files").and_then(|files| files.first()).and_then(Value::as_items);
        let is_tree = match files {
            Some(files) => files.iter().any(|file| file.as_str() == Some(".git")),
            None => !self.can_list && succeeded,
        };
        let way: Vec<Op> = if is_tree {
            self.update()
        } else if files.is_some_and(|files| !files.is_empty()) {
            vec![Op::Remove, Op::Clone]
        } else {
            vec![Op::Clone]
        };
        self.todo = way.into();
    }

    /// From a tree that is there to the source stamp, without the tail that every way has.
    fn update(&self) -> Vec<Op> {
        let ignored = match self.config.mode {
            GitMode::Full(GitMethod::Clean) => Some(false),
            GitMode::Full(GitMethod::Fresh) => Some(true),
            GitMode::Full(GitMethod::Clobber | GitMethod::Copy) | GitMode::Incremental => None,
        };
        let mut way: Vec<Op> = ignored.map(|ignored| Op::Clean { ignored }).into_iter().collect();
        if self.revision.is_some() {
            way.push(Op::HaveRevision);
        }
        way.extend([Op::Fetch, Op::CheckOut]);
        if self.branch.is_some() {
            way.push(Op::NameBranch);
        }
        if self.config.submodules {
            way.extend([Op::SubmoduleSync, Op::SubmoduleUpdate]);
            way.extend(ignored.map(|ignored| Op::SubmoduleClean { ignored }));
        }
        way
    }

    /// What is left after a clone.
    fn cloned(&mut self) {
        let mut way = Vec::new();
        if self.cannot_clone_branch() {
            way.push(Op::Fetch);
        }
        if self.revision.is_some() || self.cannot_clone_branch() {
            way.push(Op::CheckOut);
        }
        if self.config.submodules {
            way.push(Op::SubmoduleUpdate);
        }
        self.todo = way.into();
    }

    /// `git clone --branch` takes branches and tags only.
    fn cannot_clone_branch(&self) -> bool {
        self.branch.as_ref().is_some_and(|branch| branch.starts_with("refs/"))
    }

    fn clobber(&mut self) {
        self.clobbered = true;
        self.todo = [Op::Remove, Op::Clone].into();
    }

    fn failed(&mut self, outcome: &Outcome) -> Next {
        if let Some(Retry { delay, .. }) = self.config.retry
            && self.tries_left > 0
        {
            self.tries_left -= 1;
            return Next::Wait(delay);
        }
        let rc = outcome.rc.map_or_else(|| "no exit code".to_owned(), |rc| rc.to_string());
        Next::Done(End { detail: Some(rc), ..End::plain(Results::Failure) })
    }

    fn identified(&mut self, outcome: &Outcome) -> Next {
        let text = String::from_utf8_lossy(&outcome.stdout);
        let revision = text.trim();
        if !matches!(revision.len(), 40 | 64) || !revision.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            let mut end = End::plain(Results::Failure);
            end.complaint = Some(format!("git does not tell a revision, but {revision:?}\n"));
            return Next::Done(end);
        }
        let value = if self.config.codebase.is_empty() {
            serde_json::Value::from(revision)
        } else {
            self.got.insert(self.config.codebase.clone(), revision.into());
            serde_json::Value::Object(self.got.clone())
        };
        let mut end = End::plain(Results::Success);
        end.detail = Some(revision[..12].to_owned());
        end.properties.set("got_revision", value, SOURCE);
        Next::Done(end)
    }

    /// The next command.
    fn advance(&mut self) -> Next {
        self.now = match self.todo.pop_front() {
            Some(op) => op,
            None => self.tail(),
        };
        Next::Run(self.command())
    }

    /// What every way ends with, one after the other.
    fn tail(&self) -> Op {
        let copies = self.config.mode == GitMode::Full(GitMethod::Copy);
        let patches = self.patch.is_some();
        match self.now {
            Op::Patch => Op::Identify,
            Op::Copy if patches => Op::Patch,
            Op::Copy => Op::Identify,
            _ if copies => Op::Copy,
            _ if patches => Op::Patch,
            _ => Op::Identify,
        }
    }

    fn command(&self) -> Command {
        let branch = self.branch.as_deref().unwrap_or("HEAD");
        let depth = self.config.shallow.map(|depth| depth.to_string());
        let git = |words: &[&str]| self.git(words.iter().copied());
        match &self.now {
            Op::Version => git(&["--version"]).captured(),
            Op::Probe if self.can_list => self.directory("listdir", &[("dir", &self.tree)]),
            Op::Probe => Command::new("stat", vec![("file", Value::from(format!("{}/.git", self.tree)))]),
            Op::Remove => self.directory("rmdir", &[("dir", &self.tree)]),
            Op::RemoveCopy => self.directory("rmdir", &[("dir", &self.around.workdir)]),
            Op::Copy => self.directory("cpdir", &[("fromdir", &self.tree), ("todir", &self.around.workdir)]),
            Op::Clone => {
                let mut words = vec!["clone"];
                match &self.branch {
                    Some(_) if self.cannot_clone_branch() => words.push("-n"),
                    Some(branch) => words.extend(["--branch", branch]),
                    None => {}
                }
                words.extend(depth.as_deref().into_iter().flat_map(|depth| ["--depth", depth]));
                words.extend([self.repository.as_str(), "."]);
                self.git(words.into_iter().chain(self.progress()))
            }
            Op::HaveRevision => git(&["cat-file", "-e", &format!("{}^{{commit}}", self.wanted())]),
            Op::Fetch => {
                let mut words = vec!["fetch", "-f"];
                words.extend(depth.as_deref().into_iter().flat_map(|depth| ["--depth", depth]));
                words.extend([self.repository.as_str(), branch]);
                self.git(words.into_iter().chain(self.progress()))
            }
            Op::CheckOut => git(&["checkout", "-f", self.wanted()]),
            Op::NameBranch => git(&["checkout", "-B", branch]),
            Op::Clean { ignored: false } => git(&["clean", "-f", "-f", "-d"]),
            Op::Clean { ignored: true } => git(&["clean", "-f", "-f", "-d", "-x"]),
            Op::SubmoduleSync => git(&["submodule", "sync"]),
            Op::SubmoduleUpdate => {
                let words = ["submodule", "update", "--init", "--recursive"];
                let depth = depth.as_deref().into_iter().flat_map(|depth| ["--depth", depth]);
                self.git(words.into_iter().chain(depth))
            }
            Op::SubmoduleClean { ignored } => {
                let clean = if *ignored { "git clean -f -f -d -x" } else { "git clean -f -f -d" };
                git(&["submodule", "foreach", "--recursive", clean])
            }
            Op::Patch => {
                let mut apply = match &self.patch {
                    Some(patch) if !patch.subdir.is_empty() && patch.subdir != "." => git(&[
                        "apply",
                        "--index",
                        "-p",
                        &patch.level.to_string(),
                        "--directory",
                        &patch.subdir,
                    ]),
                    Some(patch) => git(&["apply", "--index", "-p", &patch.level.to_string()]),
                    None => git(&["apply", "--index"]),
                };
                set(&mut apply, "initial_stdin", self.patch().unwrap_or_default());
                apply
            }
            Op::Identify => git(&["rev-parse", "HEAD"]).captured(),
        }
    }

    /// The revision to check out.
    fn wanted(&self) -> &str {
        self.revision.as_deref().unwrap_or("FETCH_HEAD")
    }

    fn progress(&self) -> Option<&'static str> {
        self.config.progress.then_some("--progress")
    }

    fn git<'a>(&self, words: impl IntoIterator<Item = &'a str>) -> Command {
        let words = std::iter::once("git").chain(words);
        let mut command = self.around.run(Value::list(words));
        let after_copy = self.config.mode == GitMode::Full(GitMethod::Copy)
            && matches!(self.now, Op::Patch | Op::Identify);
        if !after_copy {
            set(&mut command, "workdir", self.tree.as_str());
        }
        command
    }

    /// A command of the worker's own about directories.
    fn directory(&self, name: &'static str, dirs: &[(&'static str, &str)]) -> Command {
        let mut args: Vec<(&'static str, Value)> =
            dirs.iter().map(|(arg, dir)| (*arg, Value::from(*dir))).collect();
        args.push(("logEnviron", Value::Bool(self.config.log_environ)));
        args.push(("timeout", seconds(self.config.timeout)));
        Command::new(name, args)
    }
}

impl Command {
    /// The same, its output kept.
    fn captured(self) -> Command {
        Command { capture: true, ..self }
    }
}
