//! The locks of steps: taken and given back as their builds go on.

use super::Botmaster;
use super::build::Input;
use super::locks::{Answer, Lock, Owner, wanted};
use super::step::short;
use super::store::Write;
use crate::kernel::Turn;
use crate::model::{BuildId, Event};

impl Botmaster {
    /// The build's current step takes its locks, or waits for them.
    pub(super) fn take_locks(&mut self, build: BuildId) {
        let Some(running) = self.builds.get(&build) else { return };
        let wants = wanted(&self.config, running.machine.locks_of_step(), &running.worker);
        let step = running.step;
        match self.locks.want(Owner::Step(running.request.request), wants) {
            Answer::Held => self.admitted.push((build, Ok(()))),
            Answer::Waits(lock) => {
                let state = short(&format!("waits for the lock {lock}{}", self.held_by(&lock)));
                let Some(step) = step else { return };
                let event = Event::StepUpdated { build, step };
                self.store.write(build, Write::SetStepLocked(step, None), None);
                self.store.write(build, Write::SetStepState(step, state), Some(event));
            }
            Answer::Deadlock(lock) => {
                let why = format!(
                    "it would wait for ever for the lock {lock}{}: that build waits, in a circle, for what this one holds; \
                     have both builders take all their locks for the whole build\n",
                    self.held_by(&lock)
                );
                self.admitted.push((build, Err(why)));
            }
        }
    }

    /// An owner needs its locks no longer. Whoever waited for them goes on at the turn's end.
    pub(super) fn release_locks(&mut self, owner: Owner) {
        let entered = self.locks.release(owner);
        if entered.is_empty() {
            return;
        }
        let build_of = |owner: Owner| {
            let mut running = self.builds.iter();
            running.find(|(_, running)| running.request.request == owner.request()).map(|(build, _)| *build)
        };
        let builds: Vec<BuildId> = entered.into_iter().filter_map(build_of).collect();
        self.admitted.extend(builds.into_iter().map(|build| (build, Ok(()))));
    }

    /// Tells the steps that have their locks.
    pub(super) fn let_in(&mut self, turn: &mut Turn) {
        while !self.admitted.is_empty() {
            for (build, held) in std::mem::take(&mut self.admitted) {
                let Some(running) = self.builds.get(&build) else { continue };
                // The step that was let in may have been stopped since, and the next one wait.
                let owner = Owner::Step(running.request.request);
                if self.locks.holds(owner) == held.is_ok() && self.locks.waited_for(owner).is_empty() {
                    if let Some(step) = running.step.filter(|_| held.is_ok()) {
                        self.store.write(build, Write::SetStepLocked(step, Some(turn.wall())), None);
                    }
                    self.feed(build, Input::Locks(held), turn);
                }
            }
        }
    }

    /// By whom, for people.
    fn held_by(&self, lock: &Lock) -> String {
        let requests: Vec<_> = self.locks.holders(lock).map(Owner::request).collect();
        let holders = self.builds.values().filter(|running| requests.contains(&running.request.request));
        let names = holders.map(|running| {
            let plan = running.machine.plan();
            format!("{}/{}", plan.builder.name, plan.number)
        });
        match names.collect::<Vec<_>>().as_slice() {
            [] => String::new(),
            names => format!(", which {} has", names.join(", ")),
        }
    }
}
