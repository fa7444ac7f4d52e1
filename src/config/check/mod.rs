//! The checks that look across sections, and the resolving of names: which builders a scheduler asks, which
//! workers a builder has.

mod asked;
mod locks;
mod ports;
mod upstreams;
mod triggers;

use super::findings::{Findings, nearest};
use super::read::Spanned;
use super::read::builder::{ReadBuilder, WantedWorkers};
use super::read::top::ReadConfig;
use super::yaml::{Place, Sources};
use super::{Condition, Config, Keep, Scheduler, Worker};
use asked::{builders_of, canceller_of, codebases_of};
use locks::check_locks;
use ports::{check_ports, check_users};
use std::collections::{BTreeMap, BTreeSet};
use triggers::check_triggers;
use upstreams::check_upstreams;

/// User names of the PB port that no worker may have (`CFG-12`).
const RESERVED_USERS: [&str; 3] = ["change", "debug", "status"];

/// Checks it and resolves it.
pub(super) fn resolve(read: ReadConfig, sources: &Sources, findings: &mut Findings) -> Config {
    let names = Names { sources };
    check_names(&read, &names, findings);
    check_locks(&read, findings);
    check_upstreams(&read.schedulers, findings);
    check_triggers(&read, findings);
    check_ports(&read, findings);
    check_retention(&read, findings);
    if read.workers.is_empty() {
        findings.complain(
            read.at,
            "there is no worker",
            "add one to `workers`; `type: local` needs no set-up",
        );
    }
    if read.builders.is_empty() {
        findings.complain(read.at, "there is no builder", "add one to `builders`");
    }
    if read.reporters.is_empty() {
        for worker in read.workers.iter().filter(|worker| !worker.value.notify_on_missing.is_empty()) {
            let what =
                "nobody is told when it is missing: `notify_on_missing` needs a reporter of type `mail`";
            findings.warn(worker.at, what, "add one to `reporters`");
        }
    }
    let workers: Vec<Worker> = read.workers.into_iter().map(|worker| worker.value).collect();
    let builder_places: Vec<(String, Place)> = read
        .builders
        .iter()
        .map(|builder| (builder.builder.value.name.clone(), builder.builder.at))
        .collect();
    let builders = read.builders.into_iter().map(|builder| {
        let mut resolved = builder.builder.value;
        resolved.collapse_requests =
            builder.collapse_requests.unwrap_or_else(|| read.collapse_requests.clone());
        resolved.workers =
            builder.workers.map(|wanted| workers_of(&wanted, &workers, findings)).unwrap_or_default();
        resolved
    });
    let builders = builders.collect();
    let mut asked = BTreeSet::new();
    let mut schedulers = Vec::new();
    for read_scheduler in read.schedulers {
        let codebases = codebases_of(read_scheduler.codebases.as_deref(), &read.codebases, findings);
        let (builders, builder_rules) = builders_of(&read_scheduler, &builder_places, findings);
        asked.extend(builders.iter().cloned());
        let resolved = |Spanned { value, .. }| Scheduler { builders, builder_rules, codebases, ..value };
        schedulers.extend(read_scheduler.scheduler.map(resolved));
    }
    for (name, at) in builder_places.iter().filter(|(name, _)| !asked.contains(name)) {
        let hint = "name it in the `builders` of one; `type: force` lets people start it";
        findings.complain(*at, format!("no scheduler asks the builder {name:?}"), hint);
    }
    let cancellers = read.old_build_cancellers.into_iter();
    let old_build_cancellers = cancellers.map(|read| canceller_of(read, &builder_places, findings)).collect();
    Config {
        old_build_cancellers,
        locks: read.locks.into_iter().map(|lock| lock.value).collect(),
        workers,
        builders,
        schedulers,
        change_sources: read.change_sources.into_iter().map(|source| source.value).collect(),
        reporters: read.reporters.into_iter().map(|reporter| reporter.value).collect(),
        status: read.status.into_iter().map(|listener| listener.value).collect(),
        user_managers: read.user_managers.into_iter().map(|manager| manager.value).collect(),
        codebases: read.codebases.into_iter().map(|codebase| codebase.value).collect(),
        ..read.config
    }
}

/// Names must be unique, and fit where they go (`CFG-09`, `CFG-10`, `CFG-12`).
fn check_names(read: &ReadConfig, names: &Names, findings: &mut Findings) {
    names.unique("lock", read.locks.iter().map(|lock| (lock.value.name.as_str(), lock.at)), findings);
    names.unique(
        "worker",
        read.workers.iter().map(|worker| (worker.value.name.as_str(), worker.at)),
        findings,
    );
    let schedulers = read.schedulers.iter().filter_map(|read| read.scheduler.as_ref());
    let schedulers = schedulers.map(|scheduler| (scheduler.value.name.as_str(), scheduler.at));
    names.unique("scheduler", schedulers, findings);
    let change_sources = read.change_sources.iter().map(|source| (source.value.name.as_str(), source.at));
    names.unique("change source", change_sources, findings);
    let reporters = read.reporters.iter().map(|reporter| (reporter.value.name.as_str(), reporter.at));
    names.unique("reporter", reporters, findings);
    let codebases = read.codebases.iter().map(|codebase| (codebase.value.name.as_str(), codebase.at));
    names.unique("codebase", codebases, findings);
    names.unique_builders(&read.builders, findings);

    check_users(read, names, findings);
    let workers = read.workers.iter().map(|worker| (worker.value.name.as_str(), worker.at));
    for (name, at) in workers {
        if RESERVED_USERS.contains(&name) {
            findings.complain(at, format!("the name {name:?} is reserved"), "call the worker something else");
        }
    }
    for ReadBuilder { builder, .. } in &read.builders {
        if builder.value.name.starts_with('_') {
            findings.complain(builder.at, "a builder's name may not begin with `_`", "");
        }
    }
}

/// Logs do not outlive their builds (`CFG-14`).
fn check_retention(read: &ReadConfig, findings: &mut Findings) {
    let retention = &read.config.retention;
    let longer = match (retention.logs, retention.builds) {
        (Keep::For(logs), Keep::For(builds)) => logs > builds,
        (Keep::Newest(logs), Keep::Newest(builds)) => logs > builds,
        (_, Keep::All) => false,
        (Keep::All, _) => true,
        (Keep::For(_), Keep::Newest(_)) | (Keep::Newest(_), Keep::For(_)) => false,
    };
    if longer {
        findings.complain(read.retention_at, "logs are kept longer than their builds", "");
    }
}

/// Complaints about names that are there twice.
struct Names<'a> {
    sources: &'a Sources,
}

impl Names<'_> {
    fn unique<'n>(&self, what: &str, names: impl Iterator<Item = (&'n str, Place)>, findings: &mut Findings) {
        let mut seen = BTreeMap::new();
        for (name, at) in names {
            if let Some(first) = seen.insert(name, at) {
                let message = format!("another {what} is called {name:?}, in {}", self.sources.short(first));
                findings.complain(at, message, "names must be unique");
            }
        }
    }

    /// Builders' names, and their directories: a matrix must make different ones.
    fn unique_builders(&self, builders: &[ReadBuilder], findings: &mut Findings) {
        let mut names = BTreeMap::new();
        let mut directories = BTreeMap::new();
        for ReadBuilder { builder: Spanned { value, at }, build_dir_at, .. } in builders {
            if let Some(first) = names.insert(&value.name, *at) {
                let (message, hint) = if first == *at {
                    (
                        format!("the matrix makes {:?} twice", value.name),
                        "put all its values into the name".to_owned(),
                    )
                } else {
                    let first = self.sources.short(first);
                    (
                        format!("another builder is called {:?}, in {first}", value.name),
                        "names must be unique".to_owned(),
                    )
                };
                findings.complain(*at, message, hint);
            } else if let Some(other) = directories.insert(&value.build_dir, &value.name) {
                let message = format!("it builds in {:?}, and so does {other:?}", value.build_dir);
                findings.complain(*build_dir_at, message, "set `build_dir`");
            }
        }
    }
}

/// The workers that a builder wants (`CFG-11`).
fn workers_of(wanted: &WantedWorkers, workers: &[Worker], findings: &mut Findings) -> Vec<String> {
    let (chosen, at) = match wanted {
        WantedWorkers::Names(Spanned { value: wanted, at }) => {
            let known: Vec<&str> = workers.iter().map(|worker| worker.name.as_str()).collect();
            let mut chosen: Vec<String> = Vec::new();
            for Spanned { value: name, at } in wanted {
                if !known.contains(&name.as_str()) {
                    findings.complain(*at, format!("no worker is called {name:?}"), nearest(name, &known));
                } else if chosen.contains(name) {
                    findings.complain(*at, format!("the worker {name:?} stands here twice"), "");
                }
                chosen.push(name.clone());
            }
            (chosen, *at)
        }
        WantedWorkers::Match(Spanned { value: source, at }) => match matching(source, workers) {
            Ok(chosen) => (chosen, *at),
            Err(why) => {
                findings.complain(*at, format!("wrong condition: {why}"), "");
                return Vec::new();
            }
        },
    };
    if chosen.is_empty() {
        findings.complain(at, "it has no worker", "");
    }
    chosen
}

/// The workers for which a condition on their name and properties holds. A property that this one has not,
/// though another has it, is null.
fn matching(source: &str, workers: &[Worker]) -> Result<Vec<String>, String> {
    let mut names: BTreeSet<&str> = BTreeSet::from(["name"]);
    names.extend(workers.iter().flat_map(|worker| worker.properties.iter().map(|(name, _)| name)));
    let names: Vec<&str> = names.into_iter().collect();
    let condition = Condition::new(source, &names)?;
    let mut chosen = Vec::new();
    for worker in workers {
        let value = |name: &&str| match *name {
            "name" => worker.name.as_str().into(),
            name => worker.properties.value(name).cloned().unwrap_or_default(),
        };
        let context: BTreeMap<&str, serde_json::Value> =
            names.iter().map(|name| (*name, value(name))).collect();
        if condition.eval(&minijinja::value::Serde(context).into())? {
            chosen.push(worker.name.clone());
        }
    }
    Ok(chosen)
}
