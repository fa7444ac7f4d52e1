//! `change_sources`.

use super::{OneOrMany, Read, Spanned, Table};
use crate::config::findings::{Findings, nearest};
use crate::config::yaml::{Node, Value};
use crate::config::{Branches, ChangeSource, ChangeSourceKind, GitPoller, PbSource};
use std::time::Duration;

/// How long from one look to the next, where nothing else is said.
const POLL_INTERVAL: Duration = Duration::from_secs(600);

impl Read for Spanned<ChangeSource> {
    fn read(node: &Node, findings: &mut Findings) -> Option<Self> {
        let mut table = Table::open(node, findings)?;
        let kind: Spanned<String> = table.required("type", findings)?;
        let name: Option<Spanned<String>> = table.optional("name", findings);
        let read = match kind.value.as_str() {
            "git_poller" => git_poller(&mut table, findings)
                .map(|poller| (poller.repository.clone(), ChangeSourceKind::GitPoller(poller))),
            "pb" => pb(&mut table, findings).map(|pb| (format!("pb:{}", pb.user), ChangeSourceKind::Pb(pb))),
            other => {
                let hint = nearest(other, &["git_poller", "pb"]);
                findings.complain(kind.at, format!("unknown type {other:?} of change source"), hint);
                return None;
            }
        };
        let at = name.as_ref().map_or(table.at(), |name| name.at);
        table.finish(findings);
        let (default_name, kind) = read?;
        let name = name.map_or(default_name, |name| name.value);
        Some(Spanned { value: ChangeSource { name, kind }, at })
    }
}

fn git_poller(table: &mut Table, findings: &mut Findings) -> Option<GitPoller> {
    let repository = table.required("repository", findings);
    let branches = table.or("branches", Branches::Default, findings);
    let poll_interval: Spanned<Duration> =
        table.or("poll_interval", Spanned { value: POLL_INTERVAL, at: table.at() }, findings);
    if poll_interval.value.is_zero() {
        findings.complain(poll_interval.at, "a poller cannot look all the time", "write `60s` or more");
    }
    let poll_at_launch = table.or("poll_at_launch", false, findings);
    let project = table.or("project", String::new(), findings);
    let category = table.optional("category", findings);
    Some(GitPoller {
        repository: repository?,
        branches,
        poll_interval: poll_interval.value,
        poll_at_launch,
        project,
        category,
    })
}

impl Read for Branches {
    fn read(node: &Node, findings: &mut Findings) -> Option<Self> {
        match node.value {
            Value::Null => Some(Branches::Default),
            Value::Bool(true) => Some(Branches::All),
            _ => OneOrMany::read(node, findings).map(|OneOrMany(globs)| Branches::Matching(globs)),
        }
    }
}

fn pb(table: &mut Table, findings: &mut Findings) -> Option<PbSource> {
    let user = table.or("user", "change".to_owned(), findings);
    let password = table.required("password", findings);
    let prefix = table.optional("prefix", findings);
    Some(PbSource { user, password: password?, prefix })
}
