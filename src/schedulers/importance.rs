//! What one scheduler makes of one change: whether it is for it, and whether it is important (`SC-02`, `SM-03`).
//! The filter, `file_is_important` and `only_important` are three exclusions, each with its own reason (`traps.md` 6).

use crate::config::{ChangeDriven, Scheduler};
use crate::model::NewChange;

/// What a scheduler makes of a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// It is for it; whether it is important.
    Taken {
        /// Whether it can start a build by itself.
        important: bool,
    },
    /// It is not for it: why.
    Left(String),
}

/// Judges a change.
pub fn judge(scheduler: &Scheduler, settings: &ChangeDriven, change: &NewChange) -> Judgement {
    let codebases = scheduler.codebases.as_ref();
    if codebases.is_some_and(|codebases| codebases.iter().all(|own| own.name != change.codebase)) {
        return Judgement::Left(format!("codebase '{}' is none of the scheduler's", change.codebase));
    }
    if let Some(objection) = settings.change_filter.objection(change) {
        return Judgement::Left(objection);
    }
    match settings.is_important(change) {
        Err(error) => Judgement::Left(format!("file_is_important cannot be answered: {error}")),
        Ok(false) if settings.only_important => {
            Judgement::Left("not important, and only_important is set".into())
        }
        Ok(important) => Judgement::Taken { important },
    }
}
