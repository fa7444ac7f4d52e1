//! `git` (`SRC-10` to `SRC-15`, `N-SR-01`, `N-SR-04`, `N-SR-06`).

use super::target::Target;
use super::{Source, Tool, Turn};
use crate::botmaster::command::{Command, Outcome};
use crate::botmaster::steps::{Next, Site};
use crate::config;
use crate::model::Properties;
use serde_json::Value as Json;

/// What git does.
#[derive(Clone, Copy, Debug)]
pub enum Op {
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
    /// Which revision is it?
    Identify,
    Describe,
}

/// How git is asked.
#[derive(Debug)]
pub struct Git {
    config: config::Git,
    branch: Option<String>,
    revision: Option<String>,
    /// What stands before the word that says what git is to do.
    settings: Vec<String>,
    /// The options of a clone only.
    for_clone: Vec<String>,
    fetched_again: bool,
}

impl Source<Git> {
    /// Begins.
    pub fn git(config: &config::Git, site: &Site<'_>) -> Result<(Source<Git>, Next), String> {
        let text = |template| site.scene.text(template);
        let mut target = Target::new(&config.checkout, site)?;
        target.branch = target.branch.filter(|branch| branch != "HEAD");
        if config.gerrit
            && let Some(change) = gerrit_reference(site.scene.properties)?
        {
            (target.branch, target.revision) = (Some(change), None);
        }
        // GitHub makes such a commit anew whenever the branch it merges into moves: an older one is gone.
        if target.branch.as_ref().is_some_and(|branch| is_merge_of_request(branch)) {
            target.revision = None;
        }
        target.check()?;
        let mut settings = Vec::new();
        for (name, value) in &config.config {
            settings.extend(["-c".to_owned(), format!("{name}={}", text(value)?)]);
        }
        let mut for_clone = Vec::new();
        for (option, value) in [("--origin", &config.origin), ("--reference", &config.reference)] {
            if let Some(value) = value {
                for_clone.push(format!("{option}={}", text(value)?));
            }
        }
        for filter in &config.filters {
            for_clone.push(format!("--filter={}", text(filter)?));
        }
        let git = Git {
            config: config.clone(),
            branch: target.branch.clone(),
            revision: target.revision.clone(),
            settings,
            for_clone,
            fetched_again: false,
        };
        Ok(Source::begin(git, target, &config.checkout, site))
    }
}

/// `refs/pull/N/merge`.
fn is_merge_of_request(branch: &str) -> bool {
    branch.strip_prefix("refs/pull/").is_some_and(|rest| rest.ends_with("/merge"))
}

/// Where Gerrit keeps the change that a build is about, if it is about one.
fn gerrit_reference(properties: &Properties) -> Result<Option<String>, String> {
    let text = |name| properties.value(name).and_then(Json::as_str).filter(|text| !text.is_empty());
    if let Some(reference) = text("event.patchSet.ref") {
        return Ok(Some(reference.to_owned()));
    }
    let Some(wanted) = text("gerrit_change") else { return Ok(None) };
    let numbers = wanted.split_once('/').and_then(|(change, set)| {
        Some((change.trim().parse::<u64>().ok()?, set.trim().parse::<u64>().ok()?))
    });
    let (change, set) = numbers.ok_or_else(|| {
        format!("property gerrit_change is {wanted:?}, not a change and its patch set: 1234/5")
    })?;
    Ok(Some(format!("refs/changes/{:02}/{change}/{set}", change % 100)))
}

impl Git {
    /// `git clone --branch` takes branches and tags only.
    fn cannot_clone_branch(&self) -> bool {
        self.branch.as_ref().is_some_and(|branch| branch.starts_with("refs/"))
    }

    /// The revision to check out.
    fn wanted(&self) -> &str {
        self.revision.as_deref().unwrap_or("FETCH_HEAD")
    }

    fn clobber_or_fail(&self) -> Turn<Op> {
        if self.config.clobber_on_failure { Turn::Clobber } else { Turn::Fail }
    }
}

impl Tool for Git {
    type Op = Op;

    const NAME: &'static str = "git";

    const MARK: &'static str = ".git";

    fn update(&self, untracked: Option<bool>) -> Vec<Op> {
        let mut way: Vec<Op> = untracked.map(|ignored| Op::Clean { ignored }).into_iter().collect();
        way.push(if self.revision.is_some() { Op::HaveRevision } else { Op::Fetch });
        way.push(Op::CheckOut);
        if self.branch.is_some() {
            way.push(Op::NameBranch);
        }
        if self.config.submodules {
            way.extend([Op::SubmoduleSync, Op::SubmoduleUpdate]);
            way.extend(untracked.map(|ignored| Op::SubmoduleClean { ignored }));
        }
        way
    }

    fn make(&self) -> Vec<Op> {
        let mut way = vec![Op::Clone];
        if self.cannot_clone_branch() {
            way.push(Op::Fetch);
        }
        if self.revision.is_some() || self.cannot_clone_branch() {
            way.push(Op::CheckOut);
        }
        if self.config.submodules {
            way.push(Op::SubmoduleUpdate);
        }
        way
    }

    fn ask(&self) -> Vec<Op> {
        let describe = self.config.get_description.as_ref().map(|_| Op::Describe);
        std::iter::once(Op::Identify).chain(describe).collect()
    }

    fn done(&mut self, op: &Op, outcome: &Outcome, succeeded: bool) -> Turn<Op> {
        let answer = || String::from_utf8_lossy(&outcome.stdout).trim().to_owned();
        match (op, succeeded) {
            (Op::Identify, true) => revision(answer()),
            (Op::Describe, true) => Turn::Known("commit-description", answer()),
            // No tag, no description.
            (Op::NameBranch | Op::Describe, _) | (_, true) => Turn::On,
            (Op::HaveRevision, false) => Turn::First(vec![Op::Fetch]),
            (Op::Clean { ignored: true }, false) => Turn::Clobber,
            (Op::Fetch | Op::CheckOut, false) if self.config.retry_fetch && !self.fetched_again => {
                self.fetched_again = true;
                let with_checkout = matches!(op, Op::CheckOut).then_some(Op::CheckOut);
                Turn::First(std::iter::once(Op::Fetch).chain(with_checkout).collect())
            }
            (Op::Fetch | Op::CheckOut | Op::Clone | Op::SubmoduleUpdate, false) => self.clobber_or_fail(),
            (Op::Clean { .. } | Op::SubmoduleSync | Op::SubmoduleClean { .. } | Op::Identify, false) => {
                Turn::Fail
            }
        }
    }

    fn command(&self, op: &Op, target: &Target) -> Command {
        let branch = self.branch.as_deref().unwrap_or("HEAD");
        let depth = self.config.shallow.map(|depth| depth.to_string());
        let depth: Vec<&str> = depth.as_deref().into_iter().flat_map(|depth| ["--depth", depth]).collect();
        let progress = self.config.progress.then_some("--progress");
        let have = format!("{}^{{commit}}", self.wanted());
        let ignored = matches!(op, Op::SubmoduleClean { ignored: true });
        let below = format!("{} {}", Self::NAME, clean(ignored).join(" "));
        let mut words = vec![Self::NAME];
        words.extend(self.settings.iter().map(String::as_str));
        match op {
            Op::Clone => {
                words.push("clone");
                match &self.branch {
                    Some(_) if self.cannot_clone_branch() => words.push("-n"),
                    Some(branch) => words.extend(["--branch", branch]),
                    None => {}
                }
                words.extend(depth);
                words.extend(self.for_clone.iter().map(String::as_str));
                words.extend([target.repository.as_str(), "."]);
                words.extend(progress);
            }
            Op::HaveRevision => words.extend(["cat-file", "-e", &have]),
            Op::Fetch => {
                words.extend(["fetch", "-f"]);
                words.extend(self.config.tags.then_some("--tags"));
                words.extend(depth);
                words.extend([target.repository.as_str(), branch]);
                words.extend(progress);
            }
            Op::CheckOut => words.extend(["checkout", "-f", self.wanted()]),
            Op::NameBranch => words.extend(["checkout", "-B", branch]),
            Op::Clean { ignored } => words.extend(clean(*ignored).iter().copied()),
            Op::SubmoduleSync => words.extend(["submodule", "sync"]),
            Op::SubmoduleUpdate => {
                words.extend(["submodule", "update", "--init", "--recursive"]);
                words.extend(self.config.remote_submodules.then_some("--remote"));
                words.extend(depth);
            }
            Op::SubmoduleClean { .. } => words.extend(["submodule", "foreach", "--recursive", &below]),
            Op::Identify => words.extend(["rev-parse", "HEAD"]),
            Op::Describe => {
                words.push("describe");
                words.extend(self.config.get_description.iter().flatten().map(String::as_str));
                // What names a commit leaves no room for what is changed in the tree.
                if !self.config.get_description.iter().flatten().any(|word| word == "--dirty") {
                    words.push("HEAD");
                }
            }
        }
        let command = target.run(words);
        if matches!(op, Op::Identify | Op::Describe) { command.captured() } else { command }
    }

    fn patch(&self, level: &str, subdir: Option<&str>) -> Vec<String> {
        let mut words: Vec<String> = ["git", "apply", "--index", "-p", level].map(str::to_owned).into();
        words.extend(subdir.into_iter().flat_map(|dir| ["--directory", dir]).map(str::to_owned));
        words
    }
}

fn clean(ignored: bool) -> &'static [&'static str] {
    const WORDS: [&str; 5] = ["clean", "-f", "-f", "-d", "-x"];
    if ignored { &WORDS } else { &WORDS[..4] }
}

/// Of one of git's two lengths (`SRC-15`).
fn revision(text: String) -> Turn<Op> {
    if matches!(text.len(), 40 | 64) && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        Turn::Known("got_revision", text)
    } else {
        Turn::Absurd(format!("git does not tell a revision, but {text:?}\n"))
    }
}
