//! The fields that a force form has, made of its scheduler and the site: what is shown, and what is read. Pure.

use crate::config::{Codebase, Config, Force, Layout, Parameter, ParameterKind, Scheduler};

/// The fields of a form, in their order.
pub struct Fields {
    /// Why.
    pub reason: Parameter,
    /// Who asks.
    pub username: Parameter,
    /// Which requests go first, if the form asks for it.
    pub priority: Option<Parameter>,
    /// What to build: once, or once for each codebase of the scheduler's own.
    pub sources: Vec<SourceFields>,
    /// Those that become properties.
    pub own: Vec<Parameter>,
}

/// The fields of one source stamp.
pub struct SourceFields {
    /// The codebase that it is for; `None` for the one that the repository is of.
    pub codebase: Option<Codebase>,
    /// The branch.
    pub branch: Parameter,
    /// The revision.
    pub revision: Parameter,
    /// The repository.
    pub repository: Parameter,
    /// The project.
    pub project: Parameter,
    /// A group of a file and what belongs to it, if the form takes patches.
    pub patch: Option<Parameter>,
}

impl Fields {
    /// Those of a scheduler.
    pub fn of(config: &Config, scheduler: &Scheduler, force: &Force) -> Fields {
        let sources = match scheduler.codebases.as_deref() {
            None | Some([]) => vec![SourceFields::of(force, None)],
            Some(own) => own.iter().map(|codebase| SourceFields::of(force, Some(codebase))).collect(),
        };
        let priority = force.ask_priority.then(|| Parameter {
            label: "Priority".to_owned(),
            default: scheduler.priority.into(),
            ..Parameter::new("priority", ParameterKind::Int { size: 5 })
        });
        let mut own = force.parameters.clone();
        own.iter_mut().for_each(|parameter| resolve(parameter, config, scheduler));
        Fields { reason: force.reason.clone(), username: force.username.clone(), priority, sources, own }
    }

    /// All of them at the top.
    pub fn all(&self) -> impl Iterator<Item = &Parameter> {
        let sources = self.sources.iter().flat_map(SourceFields::all);
        [&self.reason, &self.username].into_iter().chain(&self.priority).chain(sources).chain(&self.own)
    }
}

impl SourceFields {
    fn of(force: &Force, codebase: Option<&Codebase>) -> SourceFields {
        // `app_branch`, as Buildbot calls it (`N-FS-02`).
        let prefix = codebase.map_or("", |codebase| codebase.name.as_str());
        let field = |parameter: &Parameter, default: Option<&str>| {
            let mut own = Parameter { name: parameter.field(prefix), ..parameter.clone() };
            if own.default == "" {
                own.default = default.unwrap_or_default().into();
            }
            own
        };
        let group = ParameterKind::Nested { layout: Layout::Vertical, columns: 2, fields: patch_fields() };
        let patch = Parameter { label: "Patch".to_owned(), ..Parameter::new("patch", group) };
        SourceFields {
            branch: field(&force.branch, codebase.and_then(|codebase| codebase.branch.as_deref())),
            revision: field(&force.revision, None),
            repository: field(&force.repository, codebase.map(|codebase| codebase.repository.as_str())),
            project: field(&force.project, None),
            patch: force.ask_patch.then(|| Parameter { name: patch.field(prefix), ..patch }),
            codebase: codebase.cloned(),
        }
    }

    /// All of them.
    pub fn all(&self) -> impl Iterator<Item = &Parameter> {
        [&self.branch, &self.revision, &self.repository, &self.project].into_iter().chain(&self.patch)
    }
}

/// What belongs to a patch (`N-FS-04`).
fn patch_fields() -> Vec<Parameter> {
    let text = || ParameterKind::String { size: 20 };
    let field =
        |name: &str, label: &str, kind| Parameter { label: label.to_owned(), ..Parameter::new(name, kind) };
    vec![
        field("body", "Diff", ParameterKind::File),
        Parameter {
            default: 1.into(),
            ..field("level", "Strip so many names", ParameterKind::Int { size: 3 })
        },
        field("author", "Author", text()),
        field("comment", "Comment", text()),
        field("subdir", "Directory", text()),
    ]
}

/// Makes of a choice of workers the choice of those that the scheduler's builders have (`N-FS-05`).
fn resolve(parameter: &mut Parameter, config: &Config, scheduler: &Scheduler) {
    match &mut parameter.kind {
        ParameterKind::WorkerChoice => {
            let builders = scheduler.builders.iter().filter_map(|name| config.builder(name));
            let mut choices: Vec<String> =
                builders.flat_map(|builder| builder.workers.iter().cloned()).collect();
            choices.sort();
            choices.dedup();
            // Empty is any of them.
            choices.insert(0, String::new());
            parameter.kind = ParameterKind::Choice { choices, strict: true, multiple: false };
        }
        ParameterKind::Nested { fields, .. } => {
            fields.iter_mut().for_each(|inner| resolve(inner, config, scheduler));
        }
        _ => {}
    }
}
