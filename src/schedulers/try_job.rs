//! `try`: a developer's job, source and patch, to a buildset (`SC-18` to `SC-20`).

use super::force::source_stamps;
use crate::config::{Codebase, Config, Scheduler, SchedulerKind};
use crate::model::{NewBuildset, Patch, Properties, SourceStamp};

/// A job as a developer's tool hands it in.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TryJob {
    /// An id that the tool made up; empty if it made none.
    pub id: String,
    /// The branch that the patch is for.
    pub branch: Option<String>,
    /// The revision that the patch is for.
    pub revision: Option<String>,
    /// How many leading path components to strip, and the diff.
    pub patch: Option<(u32, String)>,
    /// The repository's address.
    pub repository: String,
    /// The project.
    pub project: String,
    /// The builders; none for all of the scheduler's.
    pub builders: Vec<String>,
    /// Who made it.
    pub who: String,
    /// Why.
    pub comment: String,
    /// Properties that its builds get.
    pub properties: Properties,
}

/// Why a job was not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TryError {
    /// A builder is none of the scheduler's: the job is refused as a whole (`SC-19`).
    #[error("builder {0:?} is not one that may be tried")]
    NotAllowed(String),
    /// The scheduler is configured no more.
    #[error("there is no try scheduler {0:?}")]
    NoSuchScheduler(String),
    /// It cannot be read, or is there already.
    #[error("{0}")]
    Refused(String),
    /// The database is out of reach.
    #[error("{0}")]
    Outage(String),
}

/// The try scheduler of this name.
pub(super) fn scheduler<'a>(config: &'a Config, name: &str) -> Result<&'a Scheduler, TryError> {
    let tries = |scheduler: &&Scheduler| {
        matches!(scheduler.kind, SchedulerKind::TryUserpass(_) | SchedulerKind::TryJobdir(_))
    };
    config.scheduler(name).filter(tries).ok_or_else(|| TryError::NoSuchScheduler(name.to_owned()))
}

/// The buildset of a job. The scheduler's properties win over the developer's (`SC-20`).
///
/// # Errors
/// The first builder that is none of the scheduler's.
pub fn buildset(config: &Config, scheduler: &Scheduler, job: TryJob) -> Result<NewBuildset, TryError> {
    if let Some(other) = job.builders.iter().find(|builder| !scheduler.builders.contains(builder)) {
        return Err(TryError::NotAllowed(other.clone()));
    }
    let by = if job.who.is_empty() { String::new() } else { format!(" by user {}", job.who) };
    let why = if job.comment.is_empty() { String::new() } else { format!(" ({})", job.comment) };
    let mut properties = job.properties;
    properties.update(&scheduler.properties);
    properties.set("scheduler", scheduler.name.as_str(), "Scheduler");
    let codebases = scheduler.codebases(&config.codebases);
    let wanted = SourceStamp {
        codebase: Codebase::of(codebases, &job.repository).to_owned(),
        project: job.project,
        repository: job.repository,
        branch: job.branch.filter(|branch| !branch.is_empty()),
        revision: job.revision.filter(|revision| !revision.is_empty()),
        patch: job.patch.filter(|(_, diff)| !diff.is_empty()).map(|(level, body)| Patch {
            level,
            body,
            subdir: String::new(),
            author: job.who,
            comment: job.comment,
        }),
    };
    Ok(NewBuildset {
        scheduler: scheduler.name.clone(),
        reason: format!("'try' job{by}{why}"),
        external_id: job.id,
        source_stamps: source_stamps(codebases, wanted),
        changes: Vec::new(),
        properties,
        builders: if job.builders.is_empty() { scheduler.builders.clone() } else { job.builders },
        priority: scheduler.priority,
        parent_build: None,
    })
}
