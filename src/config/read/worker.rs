//! `workers`.

use super::{Read, Spanned, Table, one_of, properties};
use crate::config::findings::Findings;
use crate::config::yaml::Node;
use crate::config::{Worker, WorkerKind};

impl Read for Spanned<Worker> {
    fn read(node: &Node, findings: &mut Findings) -> Option<Self> {
        let mut table = Table::open(node, findings)?;
        let name: Option<Spanned<String>> = table.required("name", findings);
        let kinds = [("remote", WorkerKind::Remote), ("local", WorkerKind::Local)];
        let kind = match table.node("type", findings) {
            Some(node) => one_of(node, &kinds, findings).unwrap_or(WorkerKind::Local),
            None => WorkerKind::Remote,
        };
        let password = match kind {
            WorkerKind::Remote => table.required("password", findings),
            WorkerKind::Local => None,
        };
        let max_builds: Option<Spanned<u32>> = table.optional("max_builds", findings);
        if let Some(Spanned { value: 0, at }) = max_builds {
            findings.complain(at, "a worker that runs no builds is of no use", "leave it out for any number");
        }
        let properties = properties(table.node("properties", findings), "Worker", findings);
        table.finish(findings);
        let Spanned { value: name, at } = name?;
        let max_builds = max_builds.map(|max_builds| max_builds.value);
        Some(Spanned { value: Worker { name, kind, password, max_builds, properties }, at })
    }
}
