//! `triggerable`: what a running build asks for, to a buildset (`SC-16`, `N-SC-10`). Pure.

use super::force::latest;
use crate::config::{Config, Scheduler, SchedulerKind};
use crate::model::{ChangeId, NewBuildset, Parent, Properties, SourceStamp};

/// Wanted: builds, by a step of another build.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Trigger {
    /// The triggerable scheduler.
    pub scheduler: String,
    /// The sources to build, one for each codebase; of a codebase that is not among them, the newest of its branch.
    pub source_stamps: Vec<SourceStamp>,
    /// The changes that are in them.
    pub changes: Vec<ChangeId>,
    /// Properties; they win over the scheduler's own (`traps.md` 10).
    pub properties: Properties,
    /// The build that asks.
    pub parent_build: Option<Parent>,
    /// The priority of that build's request: the scheduler's own may only be above it (`N-SC-11`).
    pub priority: Option<i64>,
}

/// Why nothing was triggered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TriggerError {
    /// The scheduler is configured no more, or is of another type.
    #[error("there is no triggerable scheduler {0:?}")]
    NoSuchScheduler(String),
    /// The database is out of reach.
    #[error("{0}")]
    Outage(String),
}

/// The triggerable scheduler of this name.
pub(super) fn scheduler<'a>(config: &'a Config, name: &str) -> Result<&'a Scheduler, TriggerError> {
    let found = config.scheduler(name);
    let found = found.filter(|scheduler| matches!(scheduler.kind, SchedulerKind::Triggerable));
    found.ok_or_else(|| TriggerError::NoSuchScheduler(name.to_owned()))
}

/// The buildset that a trigger asks for.
///
/// # Errors
/// There is no such triggerable scheduler.
pub fn buildset(config: &Config, trigger: Trigger) -> Result<NewBuildset, TriggerError> {
    let scheduler = scheduler(config, &trigger.scheduler)?;
    let mut source_stamps = trigger.source_stamps;
    if source_stamps.is_empty() || !config.codebases.is_empty() {
        let mut others = latest(&config.codebases, None);
        others.retain(|other| source_stamps.iter().all(|given| given.codebase != other.codebase));
        source_stamps.extend(others);
    }
    let mut properties = scheduler.properties.clone();
    properties.update(&trigger.properties);
    properties.set("scheduler", scheduler.name.as_str(), "Scheduler");
    let reason = scheduler.reason.clone();
    Ok(NewBuildset {
        reason: reason.unwrap_or_else(|| format!("triggered, by scheduler '{}'", scheduler.name)),
        scheduler: scheduler.name.clone(),
        external_id: String::new(),
        source_stamps,
        changes: trigger.changes,
        properties,
        builders: scheduler.builders.clone(),
        priority: trigger.priority.map_or(scheduler.priority, |priority| priority.max(scheduler.priority)),
        parent_build: trigger.parent_build,
    })
}
