//! What a look at the remote comes to: which refs to fetch, whose new commits to tell, what to keep. Pure.

use crate::config::{Branches, GitPoller};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// The commit of each ref, by the name that its changes have as their branch: a branch by its own, any other ref in
/// full (`refs/tags/v1`), as Buildbot calls them.
pub type Tips = BTreeMap<String, String>;

/// What the remote says that it has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Remote {
    /// The branch that its HEAD names.
    pub default: Option<String>,
    /// All its refs that were asked for, in full.
    pub refs: Tips,
}

impl Remote {
    /// Reads what `git ls-remote --symref` prints.
    pub fn read(text: &str) -> Remote {
        let mut remote = Remote::default();
        for line in text.lines() {
            let Some((what, name)) = line.split_once('\t') else { continue };
            if let Some(branch) = what.strip_prefix("ref: refs/heads/").filter(|_| name == "HEAD") {
                remote.default = Some(branch.to_owned());
            } else if name.starts_with("refs/") {
                // The commit that an annotated tag is of comes after the tag itself.
                let name = name.strip_suffix("^{}").unwrap_or(name);
                remote.refs.insert(name.to_owned(), what.to_owned());
            }
        }
        remote
    }

    /// The refs that are looked at.
    pub fn watched(&self, poller: &GitPoller) -> Tips {
        let is_watched = |name: &str| {
            if let Some(branch) = name.strip_prefix(HEADS) {
                match &poller.branches {
                    Branches::Default => self.default.as_deref() == Some(branch),
                    Branches::All => true,
                    Branches::Matching(globs) => globs.iter().any(|glob| glob.is_match(branch)),
                }
            } else if let Some(tag) = name.strip_prefix(TAGS) {
                poller.tags.iter().any(|glob| glob.is_match(tag))
            } else {
                poller.refs.iter().any(|glob| glob.is_match(name))
            }
        };
        let watched = self.refs.iter().filter(|(name, _)| is_watched(name));
        watched.map(|(name, tip)| (branch_of(name).to_owned(), tip.clone())).collect()
    }
}

const HEADS: &str = "refs/heads/";
const TAGS: &str = "refs/tags/";

/// The patterns to ask the remote for.
pub fn asked(poller: &GitPoller) -> Vec<&'static str> {
    let mut asked = vec!["HEAD"];
    if poller.branches != Branches::Matching(Vec::new()) {
        asked.push("refs/heads/*");
    }
    if !poller.tags.is_empty() {
        asked.push("refs/tags/*");
    }
    if !poller.refs.is_empty() {
        asked.push("refs/*");
    }
    asked
}

/// The name of a ref as its changes have it.
fn branch_of(name: &str) -> &str {
    // A branch whose own name begins like a full one keeps the full one, so that all of them differ.
    name.strip_prefix(HEADS).filter(|branch| !branch.starts_with("refs/")).unwrap_or(name)
}

/// The full name of a ref that changes have as this branch.
pub fn ref_of(branch: &str) -> String {
    if branch.starts_with("refs/") { branch.to_owned() } else { format!("{HEADS}{branch}") }
}

/// Whether changes of this branch are a tag's.
pub fn is_tag(branch: &str) -> bool {
    branch.starts_with(TAGS)
}

/// What a poller keeps from look to look, stored with the changes up to there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Kept {
    /// Of which repository.
    pub repository: String,
    /// Which refs were looked at, as the configuration had it.
    pub rule: serde_json::Value,
    /// Where they were.
    pub tips: Tips,
}

impl Kept {
    /// What to keep after a look that found these tips.
    pub fn new(poller: &GitPoller, tips: Tips) -> Kept {
        // A rule that does not serialise could not have been read.
        let rule = serde_json::to_value((&poller.branches, &poller.tags, &poller.refs)).unwrap_or_default();
        Kept { repository: poller.repository.clone(), rule, tips }
    }

    /// The branches of `found` whose new commits are to be told, `self` being what was kept at the look before.
    ///
    /// A repository that is looked at for the first time has no news, only a place to begin from; so has a branch
    /// that was there before the configuration let it be looked at.
    pub fn news(&self, found: &Kept) -> Tips {
        if self.repository != found.repository {
            return Tips::new();
        }
        let rule_is_old = self.rule == found.rule;
        let is_news = |(name, tip): &(&String, &String)| match self.tips.get(*name) {
            Some(old) => old != *tip,
            None => rule_is_old,
        };
        found.tips.iter().filter(is_news).map(|(name, tip)| (name.clone(), tip.clone())).collect()
    }

    /// All commits that were some branch's newest: what they hold is told already. Of a tag, only its own commit is.
    pub fn known(&self) -> BTreeSet<&str> {
        self.tips.iter().filter(|(name, _)| !is_tag(name)).map(|(_, tip)| tip.as_str()).collect()
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
