//! `change_sources`.

use super::client::gate;
use super::{OneOrMany, Read, Spanned, Table};
use crate::config::findings::{Findings, nearest};
use crate::config::yaml::{Node, Value};
use crate::config::{
    BranchPath, Branches, ChangeSource, ChangeSourceKind, Gerrit, GitPoller, Glob, HgPoller, Labels, Login,
    PbSource, RemoteAccess, Rhythm, SvnPoller,
};
use std::time::Duration;

/// How long from one look to the next, where nothing else is said.
const POLL_INTERVAL: Duration = Duration::from_secs(600);

/// The port of Gerrit's ssh, where nothing else is said.
const GERRIT_PORT: u16 = 29418;

impl Read for Spanned<ChangeSource> {
    fn read(node: &Node, findings: &mut Findings) -> Option<Self> {
        let mut table = Table::open(node, findings)?;
        let kind: Spanned<String> = table.required("type", findings)?;
        let name: Option<Spanned<String>> = table.optional("name", findings);
        let read = match kind.value.as_str() {
            "git_poller" => git_poller(&mut table, findings)
                .map(|poller| (poller.repository.clone(), ChangeSourceKind::GitPoller(Box::new(poller)))),
            "hg_poller" => hg_poller(&mut table, findings)
                .map(|poller| (poller.repository.clone(), ChangeSourceKind::HgPoller(Box::new(poller)))),
            "svn_poller" => svn_poller(&mut table, findings)
                .map(|poller| (poller.repository.clone(), ChangeSourceKind::SvnPoller(Box::new(poller)))),
            "gerrit" => gerrit(&mut table, findings)
                .map(|gerrit| (gerrit.server.clone(), ChangeSourceKind::Gerrit(Box::new(gerrit)))),
            "pb" => pb(&mut table, findings)
                .map(|pb| (format!("pb:{}", pb.gate.login.user), ChangeSourceKind::Pb(pb))),
            other => {
                let hint = nearest(other, &["git_poller", "hg_poller", "svn_poller", "gerrit", "pb"]);
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

/// The address of what a poller looks at.
fn repository(table: &mut Table, findings: &mut Findings) -> Option<String> {
    let repository: Spanned<String> = table.required("repository", findings)?;
    if has_password(&repository.value) {
        let hint = "write `auth_credentials: {user: NAME, password: {secret: NAME}}`";
        findings.complain(repository.at, "a password stands in the address, which everybody sees", hint);
    }
    Some(repository.value)
}

/// What a poller says of its changes.
fn labels(table: &mut Table, findings: &mut Findings) -> Labels {
    let use_timestamps = table.or("use_timestamps", true, findings);
    let revlink: Option<Spanned<String>> = table.optional("revlink", findings);
    if let Some(link) = revlink.as_ref().filter(|link| !link.value.contains("%s")) {
        findings.complain(
            link.at,
            "it is the same page for every commit",
            "write `%s` where a commit's id goes",
        );
    }
    let project = table.or("project", String::new(), findings);
    let category = table.optional("category", findings);
    Labels { use_timestamps, revlink: revlink.map(|link| link.value), project, category }
}

fn git_poller(table: &mut Table, findings: &mut Findings) -> Option<GitPoller> {
    let repository = repository(table, findings);
    let branches: Option<Spanned<Branches>> = table.optional("branches", findings);
    let only_tags: Option<Spanned<bool>> = table.optional("only_tags", findings);
    let only_tags = only_tags.filter(|only| only.value);
    if let (Some(only), Some(_)) = (&only_tags, &branches) {
        findings.complain(only.at, "`branches` is given too", "keep one of the two");
    }
    // Before `tags`, of which `category` is an old spelling elsewhere.
    let labels = labels(table, findings);
    let tags: Option<Names> = table.optional("tags", findings);
    let tags = tags.map(|Names(globs)| globs).unwrap_or_else(|| match only_tags {
        Some(_) => every_name(),
        None => Vec::new(),
    });
    let otherwise = if only_tags.is_some() { Branches::Matching(Vec::new()) } else { Branches::Default };
    let OneOrMany(refs) = table.or("refs", OneOrMany(Vec::new()), findings);
    let rhythm = rhythm(table, findings);
    let build_pushes_with_no_commits = table.or("build_pushes_with_no_commits", false, findings);
    let access = access(table, findings);
    let git_bin = table.or("git_bin", "git".to_owned(), findings);
    Some(GitPoller {
        repository: repository?,
        branches: branches.map_or(otherwise, |branches| branches.value),
        tags,
        refs,
        rhythm,
        build_pushes_with_no_commits,
        labels,
        access,
        git_bin,
    })
}

fn hg_poller(table: &mut Table, findings: &mut Findings) -> Option<HgPoller> {
    let repository = repository(table, findings);
    let bookmarks: Option<Names> = table.optional("bookmarks", findings);
    let branches: Option<Names> = table.optional("branches", findings);
    let branches = match (branches, &bookmarks) {
        (Some(Names(globs)), _) => globs,
        (None, None) => names(&["default"]),
        // Who looks at bookmarks does not mean the branch that they are all on.
        (None, Some(_)) => Vec::new(),
    };
    Some(HgPoller {
        repository: repository?,
        branches,
        bookmarks: bookmarks.map(|Names(globs)| globs).unwrap_or_default(),
        rhythm: rhythm(table, findings),
        labels: labels(table, findings),
        access: access(table, findings),
        hg_bin: table.or("hg_bin", "hg".to_owned(), findings),
    })
}

fn svn_poller(table: &mut Table, findings: &mut Findings) -> Option<SvnPoller> {
    let repository = repository(table, findings);
    let trunk: Option<String> = table.optional("trunk", findings);
    let OneOrMany(branches) = table.or("branches", OneOrMany(Vec::new()), findings);
    Some(SvnPoller {
        repository: repository?.trim_end_matches('/').to_owned(),
        trunk: trunk.map(|trunk| trunk.trim_matches('/').to_owned()),
        branches,
        rhythm: rhythm(table, findings),
        labels: labels(table, findings),
        access: access(table, findings),
        svn_bin: table.or("svn_bin", "svn".to_owned(), findings),
    })
}

fn gerrit(table: &mut Table, findings: &mut Findings) -> Option<Gerrit> {
    let server: Option<String> = table.required("server", findings);
    let user: Option<String> = table.required("user", findings);
    // Each is a word of ssh's command line.
    let is_word =
        |word: &String| !word.is_empty() && !word.starts_with('-') && !word.contains(char::is_whitespace);
    if let Some(word) = [&server, &user].into_iter().flatten().find(|word| !is_word(word)) {
        findings.complain(table.at(), format!("{word:?} is no name"), "");
        return None;
    }
    let port = table.or("port", GERRIT_PORT, findings);
    let usual = ["patchset-created", "ref-updated"].map(str::to_owned).to_vec();
    let OneOrMany(handled_events) = table.or("handled_events", OneOrMany(usual), findings);
    let access = access(table, findings);
    if access.auth_credentials.is_some() {
        findings.complain(
            table.at(),
            "`auth_credentials` are for HTTP",
            "write `user` and `ssh_private_key`",
        );
    }
    Some(Gerrit {
        server: server?,
        port,
        user: user?,
        access,
        handled_events,
        get_files: table.or("get_files", false, findings),
        ssh_bin: table.or("ssh_bin", "ssh".to_owned(), findings),
    })
}

fn access(table: &mut Table, findings: &mut Findings) -> RemoteAccess {
    let ssh_private_key = table.optional("ssh_private_key", findings);
    let ssh_host_key = table.optional("ssh_host_key", findings);
    let hosts: Option<Spanned<String>> = table.optional("ssh_known_hosts", findings);
    if let (Some(hosts), Some(_)) = (&hosts, &ssh_host_key) {
        findings.complain(hosts.at, "`ssh_host_key` is given too", "keep one of the two");
    }
    let login: Option<Spanned<Login>> = table.optional("auth_credentials", findings);
    RemoteAccess {
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

/// Which names: `true` for all, or patterns.
struct Names(Vec<Glob>);

impl Read for Names {
    fn read(node: &Node, findings: &mut Findings) -> Option<Self> {
        match node.value {
            Value::Bool(true) => Some(Names(every_name())),
            Value::Bool(false) => Some(Names(Vec::new())),
            _ => OneOrMany::read(node, findings).map(|OneOrMany(globs)| Names(globs)),
        }
    }
}

/// What every name is like.
fn every_name() -> Vec<Glob> {
    names(&["*"])
}

fn names(patterns: &[&str]) -> Vec<Glob> {
    patterns.iter().filter_map(|pattern| Glob::new(pattern).ok()).collect()
}

impl Read for BranchPath {
    fn read(node: &Node, findings: &mut Findings) -> Option<Self> {
        let path = String::read(node, findings)?;
        let names: Result<Vec<Glob>, String> = path.trim_matches('/').split('/').map(Glob::new).collect();
        names.map_err(|why| findings.complain(node.at, why, "")).ok().map(BranchPath)
    }
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
    let gate = gate(table, Some("change"), findings);
    let prefix = table.optional("prefix", findings);
    Some(PbSource { gate: gate?, prefix })
}
