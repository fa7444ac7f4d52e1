//! What the schedulers that follow changes keep in memory: lanes of waiting changes, and a timer for each (`SC-02` to
//! `SC-07`). Pure; the rows are written first, then what is here follows.
//!
//! A single-branch scheduler has one lane; an any-branch scheduler has one for each codebase, project, repository
//! and branch, and a lane's build takes that lane's changes only (`N-SC-01`, `N-SC-02`, `traps.md` 5).

use crate::kernel::Timers;
use crate::model::{Change, ChangeId, Mono};
use std::collections::BTreeMap;
use std::time::Duration;

/// Which changes share a timer and a buildset.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Lane {
    codebase: String,
    project: String,
    repository: String,
    branch: Option<String>,
}

/// Whether branches have lanes of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grouping {
    /// One lane for all changes.
    Together,
    /// A lane for each branch of each repository.
    EachBranch,
    /// One lane for all changes, which no timer builds: they wait for the scheduler's time.
    UntilTime,
}

/// A scheduler's waiting changes and timers.
#[derive(Clone, Debug)]
pub struct Lanes {
    grouping: Grouping,
    tree_stable_timer: Option<Duration>,
    waiting: BTreeMap<Lane, BTreeMap<ChangeId, (Change, bool)>>,
    timers: Timers<Lane>,
}

impl Lanes {
    /// No change waits yet.
    pub fn new(grouping: Grouping, tree_stable_timer: Option<Duration>) -> Lanes {
        Lanes { grouping, tree_stable_timer, waiting: BTreeMap::new(), timers: Timers::default() }
    }

    /// A change waits from now on. An important one starts the lane's timer, or starts it again; another one
    /// does so only if it runs (`traps.md` 4). Changes that wait from before a restart come the same way, so that
    /// the timer runs its full length again.
    pub fn add(&mut self, change: &Change, important: bool, now: Mono) {
        let lane = self.lane_of(change);
        let is_timed = self.grouping != Grouping::UntilTime;
        if is_timed && (important || self.timers.get(&lane).is_some()) {
            // Without a timer only a change from a time when there was one waits: it need not any longer.
            self.timers.set(lane.clone(), now + self.tree_stable_timer.unwrap_or_default());
        }
        self.waiting.entry(lane).or_default().insert(change.id, (change.clone(), important));
    }

    /// A lane whose tree has been stable for long enough.
    pub fn due(&self, now: Mono) -> Option<&Lane> {
        self.timers.due(now)
    }

    /// When the next lane is due.
    pub fn next_due(&self) -> Option<Mono> {
        self.timers.next()
    }

    /// The changes of a lane, the oldest first.
    pub fn of(&self, lane: &Lane) -> impl Iterator<Item = &Change> {
        self.waiting.get(lane).into_iter().flat_map(BTreeMap::values).map(|(change, _)| change)
    }

    /// All changes that wait, the oldest first.
    pub fn all(&self) -> Vec<&Change> {
        let mut all: Vec<&Change> =
            self.waiting.values().flat_map(BTreeMap::values).map(|(change, _)| change).collect();
        all.sort_by_key(|change| change.id);
        all
    }

    /// Whether an important change waits.
    pub fn has_important(&self) -> bool {
        self.waiting.values().flatten().any(|(_, (_, important))| *important)
    }

    /// The changes of a lane are in a buildset; its timer has done its work.
    pub fn built(&mut self, lane: &Lane) {
        self.timers.cancel(lane);
        self.waiting.remove(lane);
    }

    /// All changes are in a buildset.
    pub fn built_all(&mut self) {
        *self = Lanes::new(self.grouping, self.tree_stable_timer);
    }

    /// How many changes wait.
    pub fn waiting(&self) -> usize {
        self.waiting.values().map(BTreeMap::len).sum()
    }

    fn lane_of(&self, change: &Change) -> Lane {
        match self.grouping {
            Grouping::Together | Grouping::UntilTime => Lane::default(),
            Grouping::EachBranch => Lane {
                codebase: change.told.codebase.clone(),
                project: change.told.project.clone(),
                repository: change.told.repository.clone(),
                branch: change.told.branch.clone(),
            },
        }
    }
}
