//! The options of `svn`.

use super::source::{METHODS, checkout};
use super::{OneOrMany, Read, Table, one_of};
use crate::config::findings::Findings;
use crate::config::{SourceMethod, StepKind, Svn, SvnDepth, Template};

pub(super) fn svn(table: &mut Table, findings: &mut Findings) -> Option<StepKind> {
    let base = table.node("base_url", findings);
    let repository = match base {
        Some(base) if table.node("repository", findings).is_some() => {
            findings.complain(base.at, "either `repository` or `base_url`", "leave one of them out");
            None
        }
        Some(base) => Template::read(base, findings),
        None => table.required("repository", findings),
    };
    let methods = [&METHODS[..], &[("export", SourceMethod::Export)]].concat();
    let checkout = checkout(repository, &methods, table, findings);
    let depths = [SvnDepth::Empty, SvnDepth::Files, SvnDepth::Immediates, SvnDepth::Infinity];
    let depths = depths.map(|depth| (depth.word(), depth));
    let depth = table.node("depth", findings).and_then(|node| one_of(node, &depths, findings));
    let OneOrMany(extra_args) = table.or("extra_args", OneOrMany(Vec::new()), findings);
    let OneOrMany(keep_on_purge) = table.or("keep_on_purge", OneOrMany(Vec::new()), findings);
    let username = table.optional("username", findings);
    let password = table.optional("password", findings);
    let prefer_last_changed_rev = table.or("prefer_last_changed_rev", false, findings);
    Some(StepKind::Svn(Box::new(Svn {
        checkout: checkout?,
        branches: base.is_some(),
        username,
        password,
        depth,
        extra_args,
        keep_on_purge,
        prefer_last_changed_rev,
    })))
}
