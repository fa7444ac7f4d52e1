//! What a look at the remote comes to: which branches to fetch, whose new commits to tell, what to keep. Pure.

use crate::config::Branches;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// The newest commit of each branch, by its name.
pub type Tips = BTreeMap<String, String>;

/// What the remote says that it has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Remote {
    /// The branch that its HEAD names.
    pub default: Option<String>,
    /// All its branches.
    pub heads: Tips,
}

impl Remote {
    /// Reads what `git ls-remote --symref` prints.
    pub fn read(text: &str) -> Remote {
        let mut remote = Remote::default();
        for line in text.lines() {
            let Some((what, name)) = line.split_once('\t') else { continue };
            if let Some(branch) = what.strip_prefix("ref: refs/heads/").filter(|_| name == "HEAD") {
                remote.default = Some(branch.to_owned());
            } else if let Some(branch) = name.strip_prefix("refs/heads/") {
                remote.heads.insert(branch.to_owned(), what.to_owned());
            }
        }
        remote
    }

    /// The branches that are looked at.
    pub fn watched(&self, branches: &Branches) -> Tips {
        let is_watched = |name: &str| match branches {
            Branches::Default => self.default.as_deref() == Some(name),
            Branches::All => true,
            Branches::Matching(globs) => globs.iter().any(|glob| glob.is_match(name)),
        };
        self.heads
            .iter()
            .filter(|(name, _)| is_watched(name))
            .map(|(n, tip)| (n.clone(), tip.clone()))
            .collect()
    }
}

/// What a poller keeps from look to look, stored with the changes up to there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Kept {
    /// Of which repository.
    pub repository: String,
    /// Which branches were looked at, as the configuration had it.
    pub branches: serde_json::Value,
    /// Where they were.
    pub tips: Tips,
}

impl Kept {
    /// What to keep after a look that found these tips.
    pub fn new(repository: &str, branches: &Branches, tips: Tips) -> Kept {
        // A rule that does not serialise could not have been read.
        let branches = serde_json::to_value(branches).unwrap_or_default();
        Kept { repository: repository.to_owned(), branches, tips }
    }

    /// The branches of `found` whose new commits are to be told, `self` being what was kept at the look before.
    ///
    /// A repository that is looked at for the first time has no news, only a place to begin from; so has a branch
    /// that was there before the configuration let it be looked at.
    pub fn news(&self, found: &Kept) -> Tips {
        if self.repository != found.repository {
            return Tips::new();
        }
        let rule_is_old = self.branches == found.branches;
        let is_news = |(name, tip): &(&String, &String)| match self.tips.get(*name) {
            Some(old) => old != *tip,
            None => rule_is_old,
        };
        found.tips.iter().filter(is_news).map(|(name, tip)| (name.clone(), tip.clone())).collect()
    }

    /// All commits that were some branch's newest: what they hold is told already.
    pub fn known(&self) -> BTreeSet<&str> {
        self.tips.values().map(String::as_str).collect()
    }
}

/// The new commits of a branch, the oldest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewCommits {
    /// Those to tell.
    pub told: Vec<String>,
    /// How many older ones are left out, of too many at once.
    pub left_out: usize,
}

impl NewCommits {
    /// Reads what `git rev-list --reverse --boundary` prints of the history of `tip` without what is known. If
    /// nothing known is in that history (a forced push of another one, an orphan branch, a lost mirror), all of
    /// it would be new; then only the tip is told.
    pub fn read(text: &str, tip: &str, limit: usize) -> NewCommits {
        let mut commits: Vec<&str> = text.lines().filter(|line| !line.starts_with('-')).collect();
        let is_joined = text.lines().any(|line| line.starts_with('-'));
        if !is_joined && !commits.is_empty() {
            return NewCommits { told: vec![tip.to_owned()], left_out: commits.len() - 1 };
        }
        let left_out = commits.len().saturating_sub(limit);
        let told = commits.drain(left_out..).map(str::to_owned).collect();
        NewCommits { told, left_out }
    }
}

/// A name with everything but letters, digits, `.`, `_` and `-` written as `%XX`: as a file, or one level of a ref.
pub fn flat_name(name: &str) -> String {
    let mut flat = String::new();
    for (at, byte) in name.bytes().enumerate() {
        match byte {
            b'.' if at == 0 => flat += "%2E",
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_' | b'-' => flat.push(char::from(byte)),
            _ => flat += &format!("%{byte:02X}"),
        }
    }
    flat
}
