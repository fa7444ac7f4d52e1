//! The time before a build's steps, while its latent worker is started: it shows as a step (`N-LT-03`, `N-LT-05`).

use super::stepping::ERRORS;
use super::{Action, Build, Env, Phase};
use crate::botmaster::latent::filled;
use crate::botmaster::limits::START_PATIENCE;
use crate::config::LatentDriver;
use crate::model::{Channel, LogKind, Properties, Results};

/// The name of the step.
const STEP: &str = "worker_preparation";

impl Build {
    /// The worker has to be started.
    pub(super) fn prepare(&mut self, driver: &LatentDriver, env: &Env<'_>, out: &mut Vec<Action>) {
        (self.phase, self.deadline) = (Phase::Preparing, None);
        let name = self.add_name(STEP.to_owned());
        out.push(Action::Steps(vec![name.clone()]));
        let state = self.said(&format!("preparing worker {}", self.plan.worker));
        out.push(Action::StepStarted { row: 0, name, state });
        match self.with_scene(env, |_, scene| filled(driver, scene)) {
            Ok(recipe) => out.push(Action::Substantiate(Box::new(recipe))),
            Err(why) => self.unprepared(Results::Exception, &why, out),
        }
    }

    /// It is there, which adds these properties.
    pub(super) fn arrived(&mut self, properties: Properties, env: &Env<'_>, out: &mut Vec<Action>) {
        let state = self.said(&format!("worker {} is ready", self.plan.worker));
        out.push(Action::StepFinished { results: Results::Success, state, hidden: false });
        self.plan.properties.update(&properties);
        out.push(Action::SetProperties(properties));
        (self.phase, self.deadline) = (Phase::Starting, Some(env.now + START_PATIENCE));
    }

    /// It does not come, or is not wanted any more: the build ends.
    pub(super) fn unprepared(&mut self, results: Results, why: &str, out: &mut Vec<Action>) {
        let state = self.said(&format!("worker is not there: {}", why.lines().next().unwrap_or_default()));
        out.push(Action::OpenLog { name: ERRORS.to_owned(), kind: LogKind::Text });
        let text = self.secrecy.clean(format!("{why}\n"));
        out.push(Action::Log { log: 0, channel: Channel::Stdout, text });
        out.push(Action::StepFinished { results, state: state.clone(), hidden: false });
        self.results = results;
        self.stopped = Some(state);
        self.finish(out);
    }
}
