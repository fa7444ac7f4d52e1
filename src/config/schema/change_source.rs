//! `change_sources`: who tells about changes.

use super::{Gate, Login, Secret};
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
    /// Looks at a Mercurial repository now and then.
    HgPoller(Box<HgPoller>),
    /// Looks at a Subversion repository now and then.
    SvnPoller(Box<SvnPoller>),
    /// Listens to the events of a Gerrit server.
    Gerrit(Box<Gerrit>),
    /// Lets `bellwether sendchange` and its like log in on the PB port.
    Pb(PbSource),
}

impl ChangeSourceKind {
    /// Its `type` in the file.
    pub fn type_name(&self) -> &'static str {
        match self {
            ChangeSourceKind::GitPoller(_) => "git_poller",
            ChangeSourceKind::HgPoller(_) => "hg_poller",
            ChangeSourceKind::SvnPoller(_) => "svn_poller",
            ChangeSourceKind::Gerrit(_) => "gerrit",
            ChangeSourceKind::Pb(_) => "pb",
        }
    }
}

/// When a poller looks (`N-CS-01`).
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
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
    /// Who the poller is to the remote.
    #[serde(flatten)]
    pub access: RemoteAccess,
    /// What it says of each change.
    #[serde(flatten)]
    pub labels: Labels,
    /// The program.
    pub git_bin: String,
}

/// What a poller says of each of its changes.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Labels {
    /// Whether a change has its commit's time, or that of the look which found it.
    pub use_timestamps: bool,
    /// A commit's page, with `%s` where its id goes. Those of Bitbucket, Codeberg, Gitea, GitHub and GitLab are known.
    pub revlink: Option<String>,
    /// The project of its changes.
    pub project: String,
    /// The category of its changes.
    pub category: Option<String>,
}

impl Labels {
    /// The page of this revision; empty where none is said.
    pub fn page(&self, revision: &str) -> String {
        self.revlink.as_ref().map(|link| link.replace("%s", revision)).unwrap_or_default()
    }
}

/// Who a poller is to the remote. Secrets are read again for each look; they reach its programs in files that only the master
/// can read.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct RemoteAccess {
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

/// Looks at a Mercurial repository now and then (`N-CS-03`). The first look finds where the repository is; what comes
/// from then on becomes changes, on every head of a branch, also while the master was away.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct HgPoller {
    /// The repository's address, as Mercurial takes it.
    pub repository: String,
    /// Which named branches: `default` unless it is said, `true` for all, or patterns.
    pub branches: Vec<Glob>,
    /// Which bookmarks, none unless it is said: `true` for all, or patterns. A commit that a bookmark comes to is a change
    /// with the bookmark's name as its branch.
    pub bookmarks: Vec<Glob>,
    /// When it looks.
    #[serde(flatten)]
    pub rhythm: Rhythm,
    /// What it says of each change.
    #[serde(flatten)]
    pub labels: Labels,
    /// Who the poller is to the remote.
    #[serde(flatten)]
    pub access: RemoteAccess,
    /// The program.
    pub hg_bin: String,
}

/// Looks at a Subversion repository now and then (`CS-04`..`CS-06`, `N-CS-09`). The first look finds where the repository
/// is; each revision from then on is one change for each branch that it touches.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SvnPoller {
    /// The address of what is looked at: the repository, or a directory in it.
    pub repository: String,
    /// Where the trunk is in it, `trunk` for example; its changes have no branch. Unless this or `branches` is said, all
    /// of it is trunk.
    pub trunk: Option<String>,
    /// Where branches are in it, `branches/*` for example: the path that fits is the change's branch. What is neither
    /// in the trunk nor in a branch is left out.
    pub branches: Vec<BranchPath>,
    /// When it looks.
    #[serde(flatten)]
    pub rhythm: Rhythm,
    /// What it says of each change.
    #[serde(flatten)]
    pub labels: Labels,
    /// Who the poller is to the remote.
    #[serde(flatten)]
    pub access: RemoteAccess,
    /// The program.
    pub svn_bin: String,
}

/// Where branches are: a path whose names may be patterns, each of one directory.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(transparent)]
pub struct BranchPath(pub Vec<Glob>);

/// Listens to the events of a Gerrit server over ssh (`CS-13`..`CS-15`, `N-CS-06`).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Gerrit {
    /// Its host.
    pub server: String,
    /// Its ssh port.
    pub port: u16,
    /// Whom to log in as.
    pub user: String,
    /// Who the master is to it.
    #[serde(flatten)]
    pub access: RemoteAccess,
    /// Which events become changes.
    pub handled_events: Vec<String>,
    /// Whether to ask which files a patch set touches; unless it is said, they are unknown.
    pub get_files: bool,
    /// The program.
    pub ssh_bin: String,
}

/// Lets a tool log in and tell about changes (`CM`).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PbSource {
    /// What it logs in with, `change` unless it is told otherwise, and where.
    #[serde(flatten)]
    pub gate: Gate,
    /// Only files below this prefix count, and lose it; a change without any is a change still.
    pub prefix: Option<String>,
}
