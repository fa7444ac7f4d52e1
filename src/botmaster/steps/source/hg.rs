//! `hg`: Mercurial (`SRC-16`).

use super::target::Target;
use super::{Source, Tool, Turn};
use crate::botmaster::command::{Command, Outcome};
use crate::botmaster::steps::{Next, Site};
use crate::config::{self, HgBranch};

/// The branch where nothing says one.
const DEFAULT: &str = "default";

/// What Mercurial does.
#[derive(Clone, Copy, Debug)]
pub enum Op {
    /// Of which branch is the tree?
    Branch,
    Clone,
    Pull,
    Update,
    Purge {
        ignored: bool,
    },
    /// Which revision is it?
    Identify,
}

/// How Mercurial is asked.
#[derive(Debug)]
pub struct Hg {
    config: config::Hg,
    /// The branch's name, inside the repository or as the end of its address.
    branch: String,
    /// What a tree of this branch answers when it is asked for it.
    expected: String,
    revision: Option<String>,
}

impl Source<Hg> {
    /// Begins.
    pub fn hg(config: &config::Hg, site: &Site<'_>) -> Result<(Source<Hg>, Next), String> {
        let mut target = Target::new(&config.checkout, site)?;
        let branch = target.branch.clone();
        if let (HgBranch::Dirname, Some(branch)) = (config.branch_type, &branch) {
            target.repository = format!("{}/{branch}", target.repository.trim_end_matches('/'));
        }
        let branch = branch.unwrap_or_else(|| DEFAULT.to_owned());
        let expected = match config.branch_type {
            HgBranch::Inrepo => branch.clone(),
            HgBranch::Dirname => target.repository.clone(),
        };
        let hg = Hg { config: config.clone(), branch, expected, revision: target.revision.clone() };
        Ok(Source::begin(hg, target, &config.checkout, site))
    }
}

impl Hg {
    /// What the tree is brought to.
    fn wanted(&self) -> &str {
        let branch = match self.config.branch_type {
            HgBranch::Inrepo => self.branch.as_str(),
            HgBranch::Dirname => DEFAULT,
        };
        self.revision.as_deref().unwrap_or(branch)
    }
}

impl Tool for Hg {
    type Op = Op;

    const NAME: &'static str = "hg";

    const MARK: &'static str = ".hg";

    fn update(&self, untracked: Option<bool>) -> Vec<Op> {
        let asks = self.config.clobber_on_branch_change || self.config.branch_type == HgBranch::Dirname;
        let ask = asks.then_some(Op::Branch);
        let purge = untracked.map(|ignored| Op::Purge { ignored });
        ask.into_iter().chain([Op::Pull, Op::Update]).chain(purge).collect()
    }

    fn make(&self) -> Vec<Op> {
        vec![Op::Clone, Op::Update]
    }

    fn ask(&self) -> Vec<Op> {
        vec![Op::Identify]
    }

    fn done(&mut self, op: &Op, outcome: &Outcome, succeeded: bool) -> Turn<Op> {
        let answer = String::from_utf8_lossy(&outcome.stdout).trim().to_owned();
        match op {
            _ if !succeeded && !matches!(op, Op::Branch) => Turn::Fail,
            // A repository of another address cannot be pulled from: it may have nothing in common.
            Op::Branch if succeeded && answer == self.expected => Turn::On,
            Op::Branch => Turn::Clobber,
            Op::Identify if answer.len() == 40 && answer.bytes().all(|byte| byte.is_ascii_hexdigit()) => {
                Turn::Known("got_revision", answer)
            }
            Op::Identify => Turn::Absurd(format!("hg does not tell a revision, but {answer:?}\n")),
            Op::Clone | Op::Pull | Op::Update | Op::Purge { .. } => Turn::On,
        }
    }

    fn command(&self, op: &Op, target: &Target) -> Command {
        let repository = target.repository.as_str();
        let hg =
            |words: &[&str]| target.run(["hg", "--noninteractive"].into_iter().chain(words.iter().copied()));
        match (op, self.config.branch_type) {
            (Op::Branch, HgBranch::Inrepo) => hg(&["identify", "--branch"]).captured(),
            (Op::Branch, HgBranch::Dirname) => hg(&["paths", "default"]).captured(),
            (Op::Clone, _) => hg(&["clone", "--noupdate", repository, "."]),
            (Op::Pull, _) => hg(&["pull", repository]),
            (Op::Update, _) => hg(&["update", "--clean", "--rev", self.wanted()]),
            (Op::Purge { ignored: false }, _) => hg(&["--config", "extensions.purge=", "purge"]),
            (Op::Purge { ignored: true }, _) => hg(&["--config", "extensions.purge=", "purge", "--all"]),
            (Op::Identify, _) => hg(&["log", "--rev", ".", "--template", "{node}\\n"]).captured(),
        }
    }

    fn patch(&self, level: &str, subdir: Option<&str>) -> Vec<String> {
        let mut words: Vec<String> =
            ["hg", "--noninteractive", "import", "--no-commit", "--force", "-p", level]
                .map(str::to_owned)
                .into();
        words.extend(subdir.into_iter().flat_map(|dir| ["--prefix", dir]).map(str::to_owned));
        words.push("-".to_owned());
        words
    }
}
