//! `change_sources`: who tells about changes.

use super::{Login, Password, Secret};
use crate::config::{Glob, duration};
use serde::Serialize;
use std::time::Duration;

/// One change source.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ChangeSource {
    /// Its name, unique among them.
    pub name: String,
    /// What it listens to.
    #[serde(flatten)]
    pub kind: ChangeSourceKind,
}

/// What a change source listens to.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeSourceKind {
    /// Looks at a git repository now and then.
    GitPoller(Box<GitPoller>),
    /// Lets `bellwether sendchange` and its like log in on the PB port.
    Pb(PbSource),
}

impl ChangeSourceKind {
    /// Its `type` in the file.
    pub fn type_name(&self) -> &'static str {
        match self {
            ChangeSourceKind::GitPoller(_) => "git_poller",
            ChangeSourceKind::Pb(_) => "pb",
        }
    }
}

/// When a poller looks (`N-CS-01`).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Rhythm {
    /// How long from one look to the next.
    #[serde(serialize_with = "duration::serialize")]
    pub poll_interval: Duration,
    /// Whether to look as soon as the master starts.
    pub poll_at_launch: bool,
    /// By how much each look is put off, at the least.
    #[serde(serialize_with = "duration::serialize")]
    pub poll_random_delay_min: Duration,
    /// By how much each look is put off, at the most: so that many pollers do not ask one server at the same time.
    #[serde(serialize_with = "duration::serialize")]
    pub poll_random_delay_max: Duration,
}

impl Rhythm {
    /// By how much a look is put off, `chance` being from 0 to 1.
    pub fn delay(&self, chance: f64) -> Duration {
        let spread = self.poll_random_delay_max.saturating_sub(self.poll_random_delay_min);
        self.poll_random_delay_min + spread.mul_f64(chance.clamp(0.0, 1.0))
    }
}

/// Looks at a git repository now and then (`N-CS-02`). The first look finds where the repository is; what comes from then
/// on becomes changes, also while the master was away. Pollers of one repository share a mirror.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct GitPoller {
    /// The repository's address, as git takes it.
    pub repository: String,
    /// Which branches. Each new commit is a change of the first branch that has it; of a branch that was pushed by
    /// force, those that its history did not hold.
    pub branches: Branches,
    /// Which tags, none unless it is said: `true` for all, or patterns. A tag that comes or moves is one change: that
    /// of the commit that it is of, with `refs/tags/NAME` as its branch. `only_tags: true` leaves the branches out.
    pub tags: Vec<Glob>,
    /// Which other refs, by patterns of their full names: `refs/changes/*`. Such a name is its changes' branch.
    pub refs: Vec<Glob>,
    /// When it looks.
    #[serde(flatten)]
    pub rhythm: Rhythm,
    /// Whether a branch that comes, or moves, without a new commit is a change: that of its newest commit.
    pub build_pushes_with_no_commits: bool,
    /// Whether a change has its commit's time, or that of the look which found it.
    pub use_timestamps: bool,
    /// Who the poller is to the remote.
    #[serde(flatten)]
    pub access: GitAccess,
    /// A commit's page, with `%s` where its id goes. Those of Bitbucket, Codeberg, Gitea, GitHub and GitLab are known.
    pub revlink: Option<String>,
    /// The project of its changes.
    pub project: String,
    /// The category of its changes.
    pub category: Option<String>,
    /// The program.
    pub git_bin: String,
}

/// Who a poller is to the remote. Secrets are read again for each look; they reach git in files that only the master
/// can read.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct GitAccess {
    /// The key that ssh logs in with.
    pub ssh_private_key: Option<Secret>,
    /// The only key that the ssh host may have: `ssh-ed25519 AAAA...`.
    pub ssh_host_key: Option<String>,
    /// The hosts that ssh may connect to, as in its `known_hosts` file.
    pub ssh_known_hosts: Option<String>,
    /// Whom to log in as over HTTP.
    pub auth_credentials: Option<Login>,
}

/// Which branches a poller looks at.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Branches {
    /// The one that the remote's HEAD names.
    Default,
    /// All.
    All,
    /// Those with a name like one of these.
    Matching(Vec<Glob>),
}

/// Lets a tool log in and tell about changes (`CM`).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PbSource {
    /// What it logs in as.
    pub user: String,
    /// What it logs in with.
    pub password: Password,
    /// Only files below this prefix count, and lose it; a change without any is a change still.
    pub prefix: Option<String>,
}
