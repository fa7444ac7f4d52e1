//! The builds that a build triggers: asked of the schedulers, waited for, and cancelled where nobody waits any more.
//!
//! What a build waits for does not outlive it: children of one that ended otherwise - stopped, its worker lost, the master
//! gone - are cancelled, since one that is repeated triggers its own. After a crash the rows tell which those are.

use super::Botmaster;
use super::build::Input;
use super::errands::{Finding, Lane};
use super::transfers::Errand;
use crate::db::DbError;
use crate::db::buildsets::{self, Added, Completed};
use crate::db::requests::Ending;
use crate::kernel::Turn;
use crate::model::{BuildId, BuildsetId, Parent, RequestId, Results};
use crate::schedulers::{Trigger, Waiter};
use std::collections::BTreeMap;

/// The requests that a build waits for, each with its builder, by their buildsets.
pub(super) type Children = BTreeMap<BuildsetId, Vec<(String, RequestId)>>;

/// Why the requests of a parent that does not wait any more are cancelled.
const OUTCOME: &str = "cancelled: the build that waited for it is over";

impl Botmaster {
    /// Has builds asked for by the schedulers; the build hears of it.
    pub(super) fn trigger(&mut self, build: BuildId, mut triggers: Vec<Trigger>, waits: bool) {
        let key = self.key();
        let Some(running) = self.builds.get_mut(&build) else { return };
        for trigger in &mut triggers {
            trigger.parent_build = Some(Parent { build, waits });
            trigger.priority = Some(running.request.priority);
        }
        running.errand = Some(Errand::new(key));
        let schedulers = self.schedulers.clone();
        let errand = move |_: &_| Finding::Triggered(schedulers.trigger(triggers));
        self.errands.begin(key, build, Lane::Schedulers, errand);
    }

    /// A build waits for these.
    pub(super) fn await_children(&mut self, build: BuildId, added: Vec<Added>) {
        let Some(running) = self.builds.get_mut(&build) else { return };
        running.children = added.into_iter().map(|added| (added.id, added.requests)).collect();
        let waiter = Waiter(self.child_done.clone());
        // Where they are gone, so is the tree.
        let _ = self.schedulers.wait(running.children.keys().copied().collect(), waiter);
    }

    /// A buildset that some build waits for, or did, is complete.
    pub(super) fn child_done(&mut self, done: Completed, turn: &mut Turn) {
        let waits =
            |(_, running): &(&BuildId, &mut super::running::Running)| running.children.contains_key(&done.id);
        let Some((build, running)) = self.builds.iter_mut().find(waits) else { return };
        running.children.remove(&done.id);
        let build = *build;
        self.feed(build, Input::ChildDone(done), turn);
    }

    /// The step is over: what it still waits for is not wanted any more.
    pub(super) fn leave_children(&mut self, build: BuildId) {
        let Some(running) = self.builds.get_mut(&build) else { return };
        self.orphans.extend(std::mem::take(&mut running.children).into_values().flatten());
    }

    /// Builds were asked for by one that is over, or has gone on.
    pub(super) fn disown(&mut self, added: Vec<Added>) {
        self.orphans.extend(added.into_iter().flat_map(|added| added.requests));
    }

    /// Reads which requests the last life of the master has left without the build that waited for them.
    pub(super) fn find_orphans(&mut self) -> Result<(), DbError> {
        // Asked of the writer, who has just ended the builds of that life.
        let orphans = self.db.write(|tx| buildsets::orphans(tx))?;
        self.orphans.extend(orphans.into_iter().map(|(request, builder)| (builder, request)));
        Ok(())
    }

    /// Cancels them, and the builds that run for them; those may leave orphans of their own.
    pub(super) fn cancel_orphans(&mut self, turn: &mut Turn) {
        while !self.orphans.is_empty() {
            let mut waiting = Vec::new();
            for (builder, request) in std::mem::take(&mut self.orphans) {
                let runs = self.builds.iter_mut().find(|(_, running)| running.request.request == request);
                if let Some((build, running)) = runs {
                    running.is_unwanted = true;
                    let build = *build;
                    self.feed(build, Input::Stop(OUTCOME.to_owned()), turn);
                } else {
                    self.queue.remove(request);
                    waiting.push((request, builder));
                }
            }
            let ending = Ending { results: Results::Cancelled, outcome: Some(OUTCOME.to_owned()) };
            self.store.end_requests(waiting, ending, turn.wall());
        }
    }
}
