//! `force`: a filled-in form to a buildset, or what is wrong with it, field by field (`SC-21` to `SC-23`, `FS`).

use super::DISABLED;
use super::fields::{Fields, SourceFields};
use super::form::{BRANCH, Form, REVISION};
use crate::config::{Codebase, Config, Force, Parameter, Scheduler};
use crate::model::{NewBuildset, Patch, SourceStamp};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

/// The source of the properties that a form sets, as Buildbot calls it.
const SOURCE: &str = "Force Build Form";

/// The field in which a request without the right builders is told.
const BUILDERS: &str = "builders";

/// The field in which a request for no known scheduler is told.
const SCHEDULER: &str = "scheduler";

/// Wanted: builds, by a person.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ForceRequest {
    /// The force scheduler; empty for the only one that there is.
    pub scheduler: String,
    /// The builders; empty for all of the scheduler's.
    pub builders: Vec<String>,
    /// Who is logged in; empty for nobody, who is then whom the `username` field names.
    pub owner: String,
    /// What the form holds, by the parameters' names: `reason`, `username`, `branch`, `revision`, `repository`,
    /// `project` and the scheduler's own. Text, or a list of it where the same field is sent more than once; JSON
    /// clients may send numbers and truth values as such.
    pub fields: BTreeMap<String, Value>,
}

/// Why a form was not taken: what is wrong, by the names of the fields, all at once (`N-FS-07`).
#[derive(Clone, Debug, Default, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.lines().join("; "))]
pub struct ForceRefused {
    /// What is wrong, for people.
    pub fields: BTreeMap<String, String>,
}

impl ForceRefused {
    /// A line for each field.
    pub fn lines(&self) -> Vec<String> {
        self.fields.iter().map(|(field, what)| format!("{field}: {what}")).collect()
    }
}

/// Why nothing was forced.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ForceError {
    /// The form is wrong.
    #[error(transparent)]
    Refused(#[from] ForceRefused),
    /// The database is out of reach.
    #[error("{0}")]
    Outage(String),
}

/// The force scheduler that a request names.
///
/// # Errors
/// There is none of that name, or, without a name, not exactly one.
pub fn scheduler<'a>(config: &'a Config, name: &str) -> Result<(&'a Scheduler, &'a Force), ForceRefused> {
    let schedulers = config.schedulers.iter();
    let forces = schedulers.filter_map(|scheduler| Some((scheduler, scheduler.kind.form()?)));
    let mut named = forces.clone().filter(|(scheduler, _)| name.is_empty() || scheduler.name == name);
    match (named.next(), named.next()) {
        (Some(found), None) => Ok(found),
        _ => {
            let names: Vec<&str> = forces.map(|(scheduler, _)| scheduler.name.as_str()).collect();
            let what = match (name, names.as_slice()) {
                (_, []) => "there is no force scheduler".to_owned(),
                ("", _) => format!("say which: {}", names.join(", ")),
                _ => format!("there is no force scheduler {name:?}; there are: {}", names.join(", ")),
            };
            Err(ForceRefused { fields: [(SCHEDULER.to_owned(), what)].into() })
        }
    }
}

/// What is said to somebody who asks a scheduler that is disabled.
pub(super) fn disabled() -> ForceRefused {
    ForceRefused { fields: [(SCHEDULER.to_owned(), DISABLED.to_owned())].into() }
}

/// The buildset that a form asks for.
///
/// # Errors
/// What is wrong with each field.
pub fn buildset(
    config: &Config,
    scheduler: &Scheduler,
    force: &Force,
    request: &ForceRequest,
) -> Result<NewBuildset, ForceRefused> {
    let fields = Fields::of(config, scheduler, force);
    let mut form = Form::new(&request.fields);
    let username = if request.owner.is_empty() {
        form.text(&fields.username)
    } else {
        form.pass(&fields.username);
        request.owner.clone()
    };
    let reason = form.text(&fields.reason);
    let priority = fields.priority.as_ref().and_then(|field| form.value(field)?.as_i64());
    let wanted: Vec<SourceStamp> = fields.sources.iter().map(|source| stamp(&mut form, source)).collect();

    let mut own = Map::new();
    fields.own.iter().for_each(|parameter| form.collect(parameter, "", &mut own));
    let mut properties = scheduler.properties.clone();
    own.into_iter().for_each(|(name, value)| properties.set(name, value, SOURCE));
    properties.set("scheduler", scheduler.name.as_str(), "Scheduler");
    properties.set("reason", reason.as_str(), SOURCE);
    properties.set("owner", username.as_str(), SOURCE);

    let builders = if request.builders.is_empty() { &scheduler.builders } else { &request.builders };
    if let Some(other) = builders.iter().find(|builder| !scheduler.builders.contains(builder)) {
        form.refuse(
            BUILDERS,
            format!("{other:?} is none of this scheduler's: {}", scheduler.builders.join(", ")),
        );
    }
    let wrong = form.finish();
    if !wrong.is_empty() {
        return Err(ForceRefused { fields: wrong });
    }
    Ok(NewBuildset {
        scheduler: scheduler.name.clone(),
        reason: told_reason(force, &username, &reason),
        external_id: String::new(),
        source_stamps: all_stamps(scheduler.codebases(&config.codebases), wanted),
        changes: Vec::new(),
        properties,
        builders: builders.clone(),
        priority: priority.unwrap_or(scheduler.priority),
        parent_build: None,
    })
}

/// Why, as the buildset says: in the form's words, or in those that its `reason_string` has for it.
fn told_reason(force: &Force, owner: &str, reason: &str) -> String {
    let Some(template) = &force.reason_string else {
        let by = if owner.is_empty() { String::new() } else { format!(" by {owner}") };
        let why = if reason.is_empty() { String::new() } else { format!(": {reason}") };
        return format!("forced{by}{why}");
    };
    // What somebody has written is not filled in again.
    let parts = template.split("%(owner)s").map(|part| part.replace("%(reason)s", reason));
    parts.collect::<Vec<_>>().join(owner)
}

/// The source stamp that the fields for it ask for.
fn stamp(form: &mut Form<'_>, fields: &SourceFields) -> SourceStamp {
    let branch = form.text_of(&fields.branch, BRANCH);
    let revision = form.text_of(&fields.revision, REVISION);
    SourceStamp {
        codebase: fields.codebase.as_ref().map(|codebase| codebase.name.clone()).unwrap_or_default(),
        project: form.text(&fields.project),
        repository: form.text(&fields.repository),
        branch: Some(branch).filter(|branch| !branch.is_empty()),
        revision: Some(revision).filter(|revision| !revision.is_empty()),
        patch: fields.patch.as_ref().and_then(|group| patch(form, group)),
    }
}

/// The patch that a form has, if it has one.
fn patch(form: &mut Form<'_>, group: &Parameter) -> Option<Patch> {
    let mut read = Map::new();
    form.collect(group, "", &mut read);
    let inside = read.remove(&group.name)?;
    let text = |name: &str| inside[name].as_str().unwrap_or_default().to_owned();
    // It is not there where it is wrong, which the form has noted.
    let level = inside["level"].as_i64().unwrap_or(1);
    let level = u32::try_from(level)
        .map_err(|_| form.refuse(&format!("{}_level", group.name), "it must not be negative"))
        .ok()?;
    let subdir = text("subdir");
    if !stays_inside(&subdir) {
        form.refuse(&format!("{}_subdir", group.name), "it must be below the checkout");
    }
    let body = text("body");
    (!body.is_empty()).then(|| Patch {
        level,
        body,
        subdir,
        author: text("author"),
        comment: text("comment"),
    })
}

/// Whether a path cannot lead out of where it begins.
fn stays_inside(path: &str) -> bool {
    use std::path::{Component, Path};
    Path::new(path).components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir))
}

/// The source stamps of a buildset for which these are asked: one is filled up to all codebases, as many are as they
/// are, one for each.
fn all_stamps(codebases: &[Codebase], mut wanted: Vec<SourceStamp>) -> Vec<SourceStamp> {
    match wanted.pop() {
        Some(mut only) if wanted.is_empty() && only.codebase.is_empty() => {
            only.codebase = Codebase::of(codebases, &only.repository).to_owned();
            source_stamps(codebases, only)
        }
        last => wanted.into_iter().chain(last).collect(),
    }
}

/// One source stamp for each codebase: the wanted one for its own, the default branch's newest revision for the
/// others. A form that names no repository means that of the first codebase.
pub(super) fn source_stamps(codebases: &[Codebase], mut wanted: SourceStamp) -> Vec<SourceStamp> {
    let own = match wanted.repository.is_empty() {
        true => codebases.first(),
        false => codebases.iter().find(|codebase| codebase.repository == wanted.repository),
    };
    let Some(own) = own else { return vec![wanted] };
    wanted.codebase.clone_from(&own.name);
    wanted.repository.clone_from(&own.repository);
    if wanted.branch.is_none() && wanted.revision.is_none() {
        wanted.branch.clone_from(&own.branch);
    }
    let stamp = |codebase: &Codebase| {
        if codebase.name == own.name {
            return wanted.clone();
        }
        SourceStamp {
            codebase: codebase.name.clone(),
            project: wanted.project.clone(),
            repository: codebase.repository.clone(),
            branch: codebase.branch.clone(),
            revision: None,
            patch: None,
        }
    };
    let mut names = BTreeSet::new();
    codebases.iter().filter(|codebase| names.insert(&codebase.name)).map(stamp).collect()
}

/// The newest revision of each codebase: of this branch, or of the codebase's own.
pub(super) fn latest(codebases: &[Codebase], branch: Option<&str>) -> Vec<SourceStamp> {
    let mut stamps = source_stamps(codebases, SourceStamp::default());
    if let Some(branch) = branch {
        stamps.iter_mut().for_each(|stamp| stamp.branch = Some(branch.to_owned()));
    }
    stamps
}
