//! `svn`: Subversion (`SRC-17`, `SRC-18`, `N-SR-07`).

use super::target::Target;
use super::{Source, Tool, Turn};
use crate::botmaster::command::{Command, Outcome};
use crate::botmaster::steps::program::set;
use crate::botmaster::steps::{Next, Site};
use crate::config::{self, SourceMethod, SourceMode, Template};
use roxmltree::{Document, Node};

/// What stands for the branch in an address.
const BRANCH: &str = "%%BRANCH%%";

/// What Subversion does.
#[derive(Clone, Debug)]
pub enum Op {
    /// Where is the working copy from?
    Where,
    /// Take back what a patch changed.
    Revert,
    /// What is there that nobody put under control?
    Status {
        ignored: bool,
    },
    /// Remove it.
    Purge(String),
    CheckOut,
    Update,
    /// Which revision is it?
    Identify,
}

/// How Subversion is asked.
#[derive(Debug)]
pub struct Svn {
    config: config::Svn,
    address: String,
    revision: String,
    /// Words of every command that asks the repository.
    login: Vec<String>,
    password: Option<String>,
    /// Words of checkouts and updates.
    extra: Vec<String>,
}

impl Source<Svn> {
    /// Begins.
    pub fn svn(config: &config::Svn, site: &Site<'_>) -> Result<(Source<Svn>, Next), String> {
        let text = |template: &Template| site.scene.text(template);
        let mut target = Target::new(&config.checkout, site)?;
        if config.branches {
            let branch = target.branch.as_deref().unwrap_or_default();
            target.repository = if target.repository.contains(BRANCH) {
                target.repository.replace(BRANCH, branch)
            } else {
                format!("{}/{}", target.repository.trim_end_matches('/'), branch.trim_start_matches('/'))
            };
        }
        let address = target.repository.trim_end_matches('/').to_owned();
        let mut login = vec!["--non-interactive".to_owned(), "--no-auth-cache".to_owned()];
        if let Some(username) = &config.username {
            login.extend(["--username".to_owned(), text(username)?]);
        }
        let password = config.password.as_ref().map(text).transpose()?;
        if password.is_some() {
            login.push("--password-from-stdin".to_owned());
        }
        let mut extra = Vec::new();
        if let Some(depth) = config.depth {
            extra.extend(["--depth".to_owned(), depth.word().to_owned()]);
        }
        for word in &config.extra_args {
            extra.push(text(word)?);
        }
        let revision = target.revision.clone().unwrap_or_else(|| "HEAD".to_owned());
        let svn = Svn { config: config.clone(), address, revision, login, password, extra };
        Ok(Source::begin(svn, target, &config.checkout, site))
    }
}

impl Svn {
    /// A command that asks the repository.
    fn remote(&self, words: &[&str], target: &Target) -> Command {
        let options = self.login.iter().chain(&self.extra).map(String::as_str);
        let mut command = target.run(words.iter().copied().chain(options));
        if let Some(password) = &self.password {
            set(&mut command, "initial_stdin", format!("{password}\n"));
        }
        command
    }

    fn exports(&self) -> bool {
        self.config.checkout.mode == SourceMode::Full(SourceMethod::Export)
    }

    /// What `svn status` shows that is to go.
    fn purged(&self, status: &str) -> Turn<Op> {
        let Ok(document) = Document::parse(status) else {
            return Turn::Absurd("svn status does not answer in XML\n".to_owned());
        };
        let goes = |entry: &Node<'_, '_>| {
            let mut states = entry.children().filter(|child| child.has_tag_name("wc-status"));
            states.any(|state| matches!(state.attribute("item"), Some("unversioned" | "ignored")))
        };
        let entries = document.descendants().filter(|node| node.has_tag_name("entry")).filter(goes);
        let paths = entries.filter_map(|entry| entry.attribute("path"));
        let kept =
            |path: &&str| self.config.keep_on_purge.iter().any(|keep| keep.trim_end_matches('/') == *path);
        Turn::First(paths.filter(|path| !kept(path)).map(|path| Op::Purge(path.to_owned())).collect())
    }

    /// The revision in what `svn info` says.
    fn identified(&self, info: &str) -> Turn<Op> {
        let wanted = if self.config.prefer_last_changed_rev { "commit" } else { "entry" };
        let document = Document::parse(info).ok();
        let found = document.as_ref().and_then(|document| {
            document.descendants().find(|node| node.has_tag_name(wanted))?.attribute("revision")
        });
        match found {
            Some(revision) if revision.parse::<u64>().is_ok() => {
                Turn::Known("got_revision", revision.to_owned())
            }
            _ => Turn::Absurd("svn info does not tell a revision\n".to_owned()),
        }
    }

    /// Whether the working copy is of this address.
    fn is_from_there(&self, info: &str) -> bool {
        let Ok(document) = Document::parse(info) else { return false };
        let url = document.descendants().find(|node| node.has_tag_name("url"));
        url.and_then(|url| url.text()) == Some(self.address.as_str())
    }
}

impl Tool for Svn {
    type Op = Op;

    const NAME: &'static str = "svn";

    const MARK: &'static str = ".svn";

    fn update(&self, untracked: Option<bool>) -> Vec<Op> {
        let status = untracked.map(|ignored| Op::Status { ignored });
        [Op::Where, Op::Revert].into_iter().chain(status).chain([Op::Update]).collect()
    }

    fn make(&self) -> Vec<Op> {
        vec![Op::CheckOut]
    }

    fn ask(&self) -> Vec<Op> {
        vec![Op::Identify]
    }

    fn done(&mut self, op: &Op, outcome: &Outcome, succeeded: bool) -> Turn<Op> {
        let answer = || String::from_utf8_lossy(&outcome.stdout);
        match op {
            Op::Where if succeeded && self.is_from_there(&answer()) => Turn::On,
            // Of another branch, or broken.
            Op::Where | Op::Revert if !succeeded => Turn::Clobber,
            Op::Where => Turn::Clobber,
            _ if !succeeded => Turn::Fail,
            Op::Status { .. } => self.purged(&answer()),
            Op::Identify => self.identified(&answer()),
            Op::Revert | Op::Purge(_) | Op::CheckOut | Op::Update => Turn::On,
        }
    }

    fn command(&self, op: &Op, target: &Target) -> Command {
        let revision = self.revision.as_str();
        match op {
            Op::Where => target.run(["svn", "info", "--xml", "--non-interactive"]).captured(),
            Op::Revert => target.run(["svn", "revert", "--recursive", "--non-interactive", "."]),
            Op::Status { ignored: false } => target.run(["svn", "status", "--xml"]).captured(),
            Op::Status { ignored: true } => target.run(["svn", "status", "--xml", "--no-ignore"]).captured(),
            Op::Purge(path) => target.directory("rmdir", &[("dir", &format!("{}/{path}", target.tree))]),
            // An at sign in the address itself would begin a revision.
            Op::CheckOut => {
                let address = format!("{}@", self.address);
                self.remote(&["svn", "checkout", &address, ".", "--revision", revision], target)
            }
            Op::Update => self.remote(&["svn", "update", "--revision", revision], target),
            Op::Identify => {
                let mut command = target.run(["svn", "info", "--xml", "--non-interactive"]).captured();
                if self.exports() {
                    set(&mut command, "workdir", target.tree.as_str());
                }
                command
            }
        }
    }

    fn copy(&self, target: &Target) -> Option<Command> {
        let to = format!("../{}", target.around.workdir);
        self.exports().then(|| target.run(["svn", "export", "--force", "--non-interactive", ".", &to]))
    }

    fn patch(&self, level: &str, subdir: Option<&str>) -> Vec<String> {
        super::patch_program(level, subdir)
    }
}
