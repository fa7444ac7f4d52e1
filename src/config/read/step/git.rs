//! The options of `git`.

use super::{Read, Table, one_of, programs};
use crate::config::findings::Findings;
use crate::config::yaml::{Node, Value};
use crate::config::{Git, GitMethod, GitMode, Retry, StepKind, Template};
use std::time::Duration;

pub(super) fn git(table: &mut Table, findings: &mut Findings) -> Option<StepKind> {
    let repository = table.required("repository", findings);
    let modes = [("incremental", false), ("full", true)];
    let full = table.node("mode", findings).and_then(|node| one_of(node, &modes, findings)).unwrap_or(false);
    let methods = [
        ("clean", GitMethod::Clean),
        ("fresh", GitMethod::Fresh),
        ("clobber", GitMethod::Clobber),
        ("copy", GitMethod::Copy),
    ];
    let method = table.node("method", findings);
    if let (false, Some(method)) = (full, method) {
        findings.complain(method.at, "a method belongs to `mode: full`", "say that, or leave the method out");
    }
    let method = method.and_then(|node| one_of(node, &methods, findings)).unwrap_or(GitMethod::Fresh);
    let branch: Option<Template> = table.optional("branch", findings);
    let git = Git {
        repository: repository?,
        branch: branch.filter(|branch| branch.as_str() != "HEAD"),
        codebase: table.or("codebase", String::new(), findings),
        mode: if full { GitMode::Full(method) } else { GitMode::Incremental },
        shallow: table.node("shallow", findings).and_then(|node| shallow(node, findings)),
        submodules: table.or("submodules", false, findings),
        progress: table.or("progress", true, findings),
        always_use_latest: table.or("always_use_latest", false, findings),
        retry_fetch: table.or("retry_fetch", false, findings),
        clobber_on_failure: table.or("clobber_on_failure", false, findings),
        retry: table.optional("retry", findings),
        workdir: table.optional("workdir", findings),
        env: programs::env(table, findings),
        timeout: table.nullable_or("timeout", Some(programs::TIMEOUT), findings),
        log_environ: table.or("log_environ", true, findings),
    };
    Some(StepKind::Git(git))
}

/// A number of commits; `true` is one.
fn shallow(node: &Node, findings: &mut Findings) -> Option<u32> {
    match node.value {
        Value::Bool(shallow) => shallow.then_some(1),
        _ => u32::read(node, findings).filter(|depth| *depth > 0),
    }
}

impl Read for Retry {
    fn read(node: &Node, findings: &mut Findings) -> Option<Self> {
        let mut table = Table::open(node, findings)?;
        let count = table.required("count", findings);
        let delay = table.or("delay", Duration::ZERO, findings);
        table.finish(findings);
        Some(Retry { count: count?, delay })
    }
}
