//! The properties with which a build begins, in their order of precedence (`BU-01`, `traps.md` 14).

use crate::config;
use crate::model::{Build, Buildset, Change, Properties, SourceStamp};
use serde_json::Value;
use std::collections::BTreeMap;

/// Everything that has a say in a build's first properties.
pub(super) struct Origins<'a> {
    /// Those of every build.
    pub global: &'a Properties,
    /// The changes, the oldest first.
    pub changes: &'a [Change],
    /// What the build answers.
    pub buildset: &'a Buildset,
    /// The build's row.
    pub build: &'a Build,
    /// Its builder.
    pub builder: &'a config::Builder,
    /// The worker's configuration.
    pub worker: &'a config::Worker,
    /// What the worker said of itself; nothing, if it is not there yet.
    pub info: &'a BTreeMap<String, String>,
}

/// The properties; later writers win, value and source.
pub(super) fn of_build(origins: &Origins<'_>) -> Properties {
    let mut all = Properties::default();
    let Origins { buildset, build, builder, .. } = origins;
    all.update(origins.global);
    for change in origins.changes {
        all.update(&change.told.properties);
    }
    if !buildset.scheduler.is_empty() {
        all.set("scheduler", buildset.scheduler.as_str(), "Scheduler");
    }
    all.set("reason", build.reason.as_str(), "Scheduler");
    all.update(&buildset.properties);
    set_owners(&mut all, origins);
    all.set("buildnumber", build.number, "Build");
    // With several codebases, none of them is the build's own (`N-PR`): `%(src:...)s` tells them apart.
    if let [stamp] = &buildset.source_stamps[..] {
        set_stamp(&mut all, stamp);
    }
    all.set("buildername", builder.name.as_str(), "Builder");
    all.update(&builder.properties);
    set_missing(&mut all, &builder.default_properties);
    all.update(&origins.worker.properties);
    all.set("workername", build.worker.as_str(), "Worker");
    all.update(&of_place(origins.info, builder));
    set_missing(&mut all, &origins.worker.default_properties);
    all
}

/// Takes in those that nobody has set (`N-PR-12`).
fn set_missing(all: &mut Properties, defaults: &Properties) {
    for (name, property) in defaults.iter() {
        if all.get(name).is_none() {
            all.set(name, property.value.clone(), &property.source);
        }
    }
}

/// Whose build it is: who asked for it, and who wrote its changes; the one owner, where there is only one
/// (`N-PR-13`).
fn set_owners(all: &mut Properties, origins: &Origins<'_>) {
    let asked = origins.buildset.properties.value("owner").cloned();
    let mut owners: Vec<Value> = asked.iter().cloned().collect();
    for author in origins.changes.iter().map(|change| Value::from(change.told.author.as_str())) {
        if author != "" && !owners.contains(&author) {
            owners.push(author);
        }
    }
    if let ([owner], None) = (&owners[..], asked) {
        all.set("owner", owner.clone(), "Build");
    }
    if !owners.is_empty() {
        all.set("owners", Value::Array(owners), "Build");
    }
}

/// Those that the worker's place on its machine gives, if it said where that is.
pub(super) fn of_place(info: &BTreeMap<String, String>, builder: &config::Builder) -> Properties {
    let mut all = Properties::default();
    if let Some(basedir) = info.get("basedir") {
        let is_windows = info.get("system").is_some_and(|system| system == "nt");
        let builddir = join(basedir, &builder.build_dir, is_windows);
        all.set("basedir", basedir.as_str(), "Worker");
        all.set("workdir", builddir.as_str(), "Worker");
        all.set("builddir", builddir, "Worker");
    }
    all
}

fn set_stamp(all: &mut Properties, stamp: &SourceStamp) {
    all.set("branch", stamp.branch.clone(), "Build");
    all.set("revision", stamp.revision.clone(), "Build");
    all.set("repository", stamp.repository.as_str(), "Build");
    all.set("project", stamp.project.as_str(), "Build");
    all.set("codebase", stamp.codebase.as_str(), "Build");
}

/// A path of the worker's, by the worker's own rules (`SL-09`).
fn join(basedir: &str, dir: &str, is_windows: bool) -> String {
    let separator = if is_windows { '\\' } else { '/' };
    let base = basedir.trim_end_matches(separator);
    format!("{base}{separator}{dir}")
}
