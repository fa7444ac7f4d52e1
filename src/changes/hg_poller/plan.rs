//! What a look comes to: which commits are new, of which names, and what to keep. Pure.

use crate::changes::commit::Commit;
use crate::config::{Glob, HgPoller};
use crate::model::Wall;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// What a poller keeps from look to look, stored with the changes up to there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Kept {
    /// Of which repository.
    pub repository: String,
    /// All its heads: what they hold is told already, or happened before anybody looked.
    pub heads: BTreeSet<String>,
    /// Where the watched bookmarks were.
    pub bookmarks: BTreeMap<String, String>,
}

impl Kept {
    /// The commits to look for once the repository is like `found`, as a revision set of Mercurial each, with the
    /// bookmark that they are told of; `None` stands for the branches.
    pub fn news(&self, found: &Kept, poller: &HgPoller) -> Vec<(Option<String>, String)> {
        let known: Vec<String> = self.heads.iter().map(|head| present(head)).collect();
        let known = if known.is_empty() { "none()".to_owned() } else { known.join(" or ") };
        let mut news = Vec::new();
        if !poller.branches.is_empty() && self.heads != found.heads {
            news.push((None, format!("all() - ::({known})")));
        }
        for (name, tip) in &found.bookmarks {
            let until = match self.bookmarks.get(name) {
                Some(old) if old == tip => continue,
                Some(old) => present(old),
                None => known.clone(),
            };
            news.push((Some(name.clone()), format!("::{} - ::({until})", present(tip))));
        }
        news
    }
}

/// This commit, if the mirror has it.
fn present(id: &str) -> String {
    format!("present({id})")
}

/// Reads the heads that `hg heads` prints, a line each.
pub fn heads(output: &str) -> BTreeSet<String> {
    ids(output).collect()
}

/// Reads ids, a line each; what is no id is left out, since ids become part of commands.
pub fn ids(output: &str) -> impl Iterator<Item = String> + '_ {
    let is_id = |line: &&str| line.len() >= 40 && line.bytes().all(|byte| byte.is_ascii_hexdigit());
    output.lines().map(str::trim).filter(is_id).map(str::to_owned)
}

/// Reads the bookmarks of a remote, `NAME<TAB>ID` a line, and keeps the watched ones.
pub fn bookmarks(output: &str, watched: &[Glob]) -> BTreeMap<String, String> {
    let read = |line: &str| {
        let (name, id) = line.rsplit_once('\t')?;
        Some((name.to_owned(), ids(id).next()?))
    };
    let is_watched = |(name, _): &(String, String)| watched.iter().any(|glob| glob.is_match(name));
    output.lines().filter_map(read).filter(is_watched).collect()
}

/// How `hg log` is to print a commit: as JSON, on a line of its own.
pub const TEMPLATE: &str = "{dict(node=node, branch=branch, user=user, date=date(date, '%s'), desc=desc, \
                            files=files)|json}\\n";

/// What it prints.
#[derive(Deserialize)]
struct Printed {
    node: String,
    branch: String,
    user: String,
    date: String,
    desc: String,
    files: Vec<String>,
}

/// Reads the commits that `hg log` has printed, each with its named branch.
///
/// # Errors
/// What cannot be read, for people.
pub fn commits(output: &str) -> Result<Vec<(String, Commit)>, String> {
    let read = |line: &str| {
        let printed: Printed = serde_json::from_str(line).map_err(|error| format!("hg log: {error}"))?;
        let seconds = printed.date.parse().map_err(|_| format!("hg log: {:?} is no time", printed.date))?;
        let commit = Commit {
            revision: printed.node,
            author: printed.user,
            committer: None,
            when: Wall::from_seconds(seconds),
            comments: printed.desc,
            files: printed.files,
        };
        Ok((printed.branch, commit))
    };
    output.lines().map(read).collect()
}
