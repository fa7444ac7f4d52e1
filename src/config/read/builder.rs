//! `builders`: one builder, its matrix expanded and its step lists taken in before.

use super::{OneOrMany, Read, Spanned, Table, condition, properties};
use crate::config::findings::Findings;
use crate::config::schema::safe_directory_name;
use crate::config::yaml::{Node, Place, Value};
use crate::config::{Builder, CAN_START_BUILD, Collapse, NextBuild, NextWorker, Step, Template, read::shell};

/// A builder whose workers are not resolved yet.
pub(in crate::config) struct ReadBuilder {
    /// The builder; it has no workers yet.
    pub(in crate::config) builder: Spanned<Builder>,
    /// Where its directory was named, if it was.
    pub(in crate::config) build_dir_at: Place,
    /// The workers it wants; `None` after a complaint.
    pub(in crate::config) workers: Option<WantedWorkers>,
    /// Whether it says itself if requests collapse.
    pub(in crate::config) collapse_requests: Option<Collapse>,
}

/// Which workers a builder wants.
pub(in crate::config) enum WantedWorkers {
    /// These.
    Names(Spanned<Vec<Spanned<String>>>),
    /// Those for which this condition holds.
    Match(Spanned<String>),
}

impl Read for ReadBuilder {
    fn read(node: &Node, findings: &mut Findings) -> Option<Self> {
        let mut table = Table::open(node, findings)?;
        let name: Option<Spanned<String>> = table.required("name", findings);
        let workers = table.required("workers", findings);
        let OneOrMany(tags) = table.or("tags", OneOrMany(Vec::new()), findings);
        let description = table.optional("description", findings);
        let env = shell::env(&mut table, findings);
        let own = properties(table.node("properties", findings), "Builder", findings);
        let default_properties = properties(table.node("default_properties", findings), "Builder", findings);
        let build_dir: Option<Spanned<String>> = table.optional("build_dir", findings);
        let workdir = table.or("workdir", Template::literal("build"), findings);
        let OneOrMany(locks) = table.or("locks", OneOrMany(Vec::new()), findings);
        let collapse_requests = table.optional("collapse_requests", findings);
        let priority = table.or("priority", 0, findings);
        let next_build = table.or("next_build", NextBuild::default(), findings);
        let next_worker = table.or("next_worker", NextWorker::default(), findings);
        let can_start_build = table
            .node("can_start_build", findings)
            .and_then(|node| condition(node, CAN_START_BUILD, findings));
        let steps: Option<Vec<Step>> = table.required("steps", findings);
        table.finish(findings);
        let Spanned { value: name, at } = name?;
        let build_dir_at = build_dir.as_ref().map_or(at, |directory| directory.at);
        if let Some(directory) = &build_dir {
            check_directory(directory, findings);
        }
        let builder = Builder {
            build_dir: build_dir.map_or_else(|| safe_directory_name(&name), |directory| directory.value),
            name,
            workers: Vec::new(),
            tags,
            description,
            env,
            properties: own,
            default_properties,
            workdir,
            collapse_requests: Collapse::Alike,
            priority,
            next_build,
            next_worker,
            can_start_build,
            locks,
            steps: steps.unwrap_or_default(),
        };
        // Whatever else is wrong with it, its name is known to the schedulers.
        let builder = Spanned { value: builder, at };
        Some(ReadBuilder { builder, build_dir_at, workers, collapse_requests })
    }
}

/// A build directory lies in the worker's own, whatever its name is.
fn check_directory(directory: &Spanned<String>, findings: &mut Findings) {
    let outside = |part: &str| part.is_empty() || part == "." || part == "..";
    if directory.value.split(['/', '\\']).any(outside) {
        findings.complain(
            directory.at,
            format!("{:?} may lie outside of the worker's directory", directory.value),
            "write a plain name",
        );
    }
}

impl Read for WantedWorkers {
    fn read(node: &Node, findings: &mut Findings) -> Option<Self> {
        if !matches!(node.value, Value::Map(_)) {
            let OneOrMany(names) = OneOrMany::read(node, findings)?;
            return Some(WantedWorkers::Names(Spanned { value: names, at: node.at }));
        }
        let mut table = Table::open(node, findings)?;
        let condition = table.required("match", findings);
        table.finish(findings);
        condition.map(WantedWorkers::Match)
    }
}
