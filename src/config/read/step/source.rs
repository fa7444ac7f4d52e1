//! The options that all checkouts have.

use super::{Table, one_of, programs};
use crate::config::findings::Findings;
use crate::config::{Checkout, SourceMethod, SourceMode, Template};

/// The methods that every tool has.
pub(super) const METHODS: [(&str, SourceMethod); 4] = [
    ("clean", SourceMethod::Clean),
    ("fresh", SourceMethod::Fresh),
    ("clobber", SourceMethod::Clobber),
    ("copy", SourceMethod::Copy),
];

/// Reads them, but for the repository's address.
pub(super) fn checkout(
    repository: Option<Template>,
    methods: &[(&str, SourceMethod)],
    table: &mut Table,
    findings: &mut Findings,
) -> Option<Checkout> {
    let modes = [("incremental", false), ("full", true)];
    let full = table.node("mode", findings).and_then(|node| one_of(node, &modes, findings)).unwrap_or(false);
    let method = table.node("method", findings);
    if let (false, Some(method)) = (full, method) {
        findings.complain(method.at, "a method belongs to `mode: full`", "say that, or leave the method out");
    }
    let method = method.and_then(|node| one_of(node, methods, findings)).unwrap_or(SourceMethod::Fresh);
    let branch = table.optional("branch", findings);
    let codebase = table.or("codebase", Template::literal(""), findings);
    let always_use_latest = table.or("always_use_latest", false, findings);
    let workdir = table.optional("workdir", findings);
    let env = programs::env(table, findings);
    let log_environ = table.or("log_environ", true, findings);
    Some(Checkout {
        repository: repository?,
        branch,
        codebase,
        mode: if full { SourceMode::Full(method) } else { SourceMode::Incremental },
        always_use_latest,
        workdir,
        env,
        log_environ,
    })
}
