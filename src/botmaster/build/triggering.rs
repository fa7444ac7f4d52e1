//! A step that triggers other builds, and perhaps waits for them.

use super::stepping::Work;
use super::{Action, Build, Env};
use crate::botmaster::command::Outcome;
use crate::db::buildsets::{Added, Completed};
use crate::schedulers::TriggerError;

impl Build {
    /// What the schedulers made of what the step asked for.
    pub(super) fn triggered(
        &mut self,
        result: Result<Vec<Added>, TriggerError>,
        env: &Env<'_>,
        out: &mut Vec<Action>,
    ) {
        let Some(current) = &mut self.current else { return };
        if let Work::Triggering = current.work {
            current.work = Work::Nothing;
            let next = current.machine.triggered(result);
            self.follow(next, env, out);
        }
    }

    /// What was postponed is due.
    pub(super) fn go_on_at_last(&mut self, env: &Env<'_>, out: &mut Vec<Action>) {
        let Some(current) = &mut self.current else { return };
        current.work = Work::Nothing;
        let next = current.machine.go_on(Outcome::default());
        self.follow(next, env, out);
    }

    /// Something that the step waits for is complete.
    pub(super) fn child_done(&mut self, done: Completed, env: &Env<'_>, out: &mut Vec<Action>) {
        let Some(current) = &mut self.current else { return };
        if let Work::Children = current.work {
            match current.machine.completed(done) {
                Ok(end) => self.end_step(end, env, out),
                Err(progress) => out.push(Action::StepState(self.said(&progress))),
            }
        }
    }
}
