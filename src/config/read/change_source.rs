//! `change_sources`.

use super::{OneOrMany, Read, Spanned, Table};
use crate::config::findings::{Findings, nearest};
use crate::config::yaml::{Node, Value};
use crate::config::{
    Branches, ChangeSource, ChangeSourceKind, GitAccess, GitPoller, Glob, Login, PbSource, Rhythm,
};
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
                .map(|poller| (poller.repository.clone(), ChangeSourceKind::GitPoller(Box::new(poller)))),
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

/// When a poller looks.
fn rhythm(table: &mut Table, findings: &mut Findings) -> Rhythm {
    let interval = Spanned { value: POLL_INTERVAL, at: table.at() };
    let poll_interval: Spanned<Duration> = table.or("poll_interval", interval, findings);
    if poll_interval.value.is_zero() {
        findings.complain(poll_interval.at, "a poller cannot look all the time", "write `60s` or more");
    }
    let poll_at_launch = table.or("poll_at_launch", false, findings);
    let poll_random_delay_min = table.or("poll_random_delay_min", Duration::ZERO, findings);
    let longest = Spanned { value: poll_random_delay_min, at: table.at() };
    let longest: Spanned<Duration> = table.or("poll_random_delay_max", longest, findings);
    if longest.value < poll_random_delay_min {
        findings.complain(longest.at, "it is shorter than `poll_random_delay_min`", "");
    }
    Rhythm {
        poll_interval: poll_interval.value,
        poll_at_launch,
        poll_random_delay_min,
        poll_random_delay_max: longest.value,
    }
}

fn git_poller(table: &mut Table, findings: &mut Findings) -> Option<GitPoller> {
    let repository: Option<Spanned<String>> = table.required("repository", findings);
    if let Some(repository) = repository.as_ref().filter(|address| has_password(&address.value)) {
        let hint = "write `auth_credentials: {user: NAME, password: {secret: NAME}}`";
        findings.complain(repository.at, "a password stands in the address, which everybody sees", hint);
    }
    let branches: Option<Spanned<Branches>> = table.optional("branches", findings);
    let only_tags: Option<Spanned<bool>> = table.optional("only_tags", findings);
    let only_tags = only_tags.filter(|only| only.value);
    if let (Some(only), Some(_)) = (&only_tags, &branches) {
        findings.complain(only.at, "`branches` is given too", "keep one of the two");
    }
    // Before `tags`, of which `category` is an old spelling elsewhere.
    let category = table.optional("category", findings);
    let tags: Option<Tags> = table.optional("tags", findings);
    let tags = tags.map(|Tags(globs)| globs).unwrap_or_else(|| match only_tags {
        Some(_) => every_name(),
        None => Vec::new(),
    });
    let otherwise = if only_tags.is_some() { Branches::Matching(Vec::new()) } else { Branches::Default };
    let OneOrMany(refs) = table.or("refs", OneOrMany(Vec::new()), findings);
    let rhythm = rhythm(table, findings);
    let build_pushes_with_no_commits = table.or("build_pushes_with_no_commits", false, findings);
    let use_timestamps = table.or("use_timestamps", true, findings);
    let access = access(table, findings);
    let revlink: Option<Spanned<String>> = table.optional("revlink", findings);
    if let Some(link) = revlink.as_ref().filter(|link| !link.value.contains("%s")) {
        findings.complain(
            link.at,
            "it is the same page for every commit",
            "write `%s` where a commit's id goes",
        );
    }
    let project = table.or("project", String::new(), findings);
    let git_bin = table.or("git_bin", "git".to_owned(), findings);
    Some(GitPoller {
        repository: repository?.value,
        branches: branches.map_or(otherwise, |branches| branches.value),
        tags,
        refs,
        rhythm,
        build_pushes_with_no_commits,
        use_timestamps,
        access,
        revlink: revlink.map(|link| link.value),
        project,
        category,
        git_bin,
    })
}

fn access(table: &mut Table, findings: &mut Findings) -> GitAccess {
    let ssh_private_key = table.optional("ssh_private_key", findings);
    let ssh_host_key = table.optional("ssh_host_key", findings);
    let hosts: Option<Spanned<String>> = table.optional("ssh_known_hosts", findings);
    if let (Some(hosts), Some(_)) = (&hosts, &ssh_host_key) {
        findings.complain(hosts.at, "`ssh_host_key` is given too", "keep one of the two");
    }
    let login: Option<Spanned<Login>> = table.optional("auth_credentials", findings);
    GitAccess {
        ssh_private_key,
        ssh_host_key,
        ssh_known_hosts: hosts.map(|hosts| hosts.value),
        auth_credentials: login.map(|login| login.value),
    }
}

/// Whether a password stands in a URL.
fn has_password(address: &str) -> bool {
    let host = address.split_once("://").map(|(_, rest)| rest.split('/').next().unwrap_or_default());
    host.and_then(|host| host.rsplit_once('@')).is_some_and(|(user, _)| user.contains(':'))
}

/// Which tags: `true` for all, or patterns.
struct Tags(Vec<Glob>);

impl Read for Tags {
    fn read(node: &Node, findings: &mut Findings) -> Option<Self> {
        match node.value {
            Value::Bool(true) => Some(Tags(every_name())),
            Value::Bool(false) => Some(Tags(Vec::new())),
            _ => OneOrMany::read(node, findings).map(|OneOrMany(globs)| Tags(globs)),
        }
    }
}

/// What every name is like.
fn every_name() -> Vec<Glob> {
    Glob::new("*").into_iter().collect()
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
