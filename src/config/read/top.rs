//! The top level, and the sections that are small.

use super::builder::ReadBuilder;
use super::canceller::ReadCanceller;
use super::pb::pb;
use super::scheduler::ReadScheduler;
use super::{OneOrMany, Read, Size, Spanned, Table, properties};
use crate::config::expand::StepLists;
use crate::config::findings::Findings;
use crate::config::substitute::Scope;
use crate::config::yaml::{Node, Place, Value};
use crate::config::{
    Caches, ChangeSource, Codebase, Collapse, Config, Database, DatabaseUrl, Keep, Lock, Metrics, Msgpack,
    Reporter, Retention, StatusListener, UserManager, Worker, Www,
};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

const DAY: Duration = Duration::from_secs(86_400);

/// Everything that was read, with the places that the checks need; names are not resolved yet.
pub(in crate::config) struct ReadConfig {
    /// The sections that name nothing.
    pub(in crate::config) config: Config,
    pub(in crate::config) at: Place,
    pub(in crate::config) locks: Vec<Spanned<Lock>>,
    pub(in crate::config) workers: Vec<Spanned<Worker>>,
    pub(in crate::config) change_sources: Vec<Spanned<ChangeSource>>,
    pub(in crate::config) status: Vec<Spanned<StatusListener>>,
    pub(in crate::config) user_managers: Vec<Spanned<UserManager>>,
    pub(in crate::config) codebases: Vec<Spanned<Codebase>>,
    pub(in crate::config) schedulers: Vec<ReadScheduler>,
    pub(in crate::config) old_build_cancellers: Vec<ReadCanceller>,
    pub(in crate::config) builders: Vec<ReadBuilder>,
    pub(in crate::config) reporters: Vec<Spanned<Reporter>>,
    pub(in crate::config) retention_at: Place,
    pub(in crate::config) collapse_requests: Collapse,
}

/// Reads the whole. `None` only if it is no mapping.
pub(in crate::config) fn read(root: &Node, findings: &mut Findings) -> Option<ReadConfig> {
    let vars = vars(root.get("vars"), findings);
    let root = fill_sections(root, &vars, findings);
    let mut table = Table::open(&root, findings)?;
    table.node("vars", findings);
    let state_dir = table.or("state_dir", PathBuf::from("/var/lib/bellwether"), findings);
    let control = control_socket(table.node("control", findings), &state_dir, findings);
    let retention_at = root.get("retention").map_or(root.at, |node| node.at);
    let lists = table.node("step_lists", findings);
    let mut step_lists = StepLists::new(lists.filter(|node| Table::open(node, findings).is_some()));
    let builders = builders(table.node("builders", findings), &mut step_lists, &vars, findings);
    step_lists.warn_of_unused(findings);
    let OneOrMany(change_sources) = table.or("change_sources", OneOrMany(Vec::new()), findings);
    let read = ReadConfig {
        at: root.at,
        retention_at,
        workers: list(&mut table, "workers", findings),
        change_sources,
        status: list(&mut table, "status", findings),
        user_managers: list(&mut table, "user_managers", findings),
        codebases: list(&mut table, "codebases", findings),
        schedulers: list(&mut table, "schedulers", findings),
        old_build_cancellers: list(&mut table, "old_build_cancellers", findings),
        builders,
        reporters: list(&mut table, "reporters", findings),
        collapse_requests: table.or("collapse_requests", Collapse::Alike, findings),
        locks: list(&mut table, "locks", findings),
        config: Config {
            title: table.or("title", "Bellwether".to_owned(), findings),
            url: url(&mut table, findings),
            timezone: timezone(&mut table, findings),
            database: database(table.node("database", findings), &state_dir, findings),
            secrets: list(&mut table, "secrets", findings),
            pb: pb(table.node("pb", findings), findings),
            msgpack: table.or("msgpack", Msgpack::default(), findings),
            www: table.optional("www", findings),
            debug: table.optional("debug", findings),
            retention: table.or("retention", default_retention(), findings),
            caches: Caches(table.or("caches", BTreeMap::new(), findings)),
            metrics: table.optional("metrics", findings),
            properties: properties(table.node("properties", findings), "Config", findings),
            state_dir,
            control_socket: control,
            ..Config::empty()
        },
    };
    table.finish(findings);
    Some(read)
}

/// The variables; each may use those before it.
fn vars(node: Option<&Node>, findings: &mut Findings) -> Scope {
    let mut scope = Scope::default();
    let Some(node) = node.filter(|node| Table::open(node, findings).is_some()) else { return scope };
    for entry in node.entries() {
        let filled = scope.fill(&entry.node, findings);
        scope.set(&entry.key, &filled);
    }
    scope
}

/// Puts the variables in, except where matrices have more of them.
fn fill_sections(root: &Node, vars: &Scope, findings: &mut Findings) -> Node {
    let Value::Map(entries) = &root.value else { return root.clone() };
    let mut entries = entries.clone();
    for entry in &mut entries {
        if !["vars", "step_lists", "builders"].contains(&entry.key.as_str()) {
            entry.node = vars.fill(&entry.node, findings);
        }
    }
    Node { value: Value::Map(entries), at: root.at }
}

/// A list of sections; one that cannot be read is left out.
fn list<T: Read>(table: &mut Table, key: &'static str, findings: &mut Findings) -> Vec<T> {
    table.or(key, Vec::new(), findings)
}

fn builders(
    node: Option<&Node>,
    step_lists: &mut StepLists,
    vars: &Scope,
    findings: &mut Findings,
) -> Vec<ReadBuilder> {
    let mut builders = Vec::new();
    match node.map(|node| (&node.value, node)) {
        Some((Value::List(nodes), _)) => {
            for node in nodes {
                for cell in step_lists.expand(node, vars, findings) {
                    builders.extend(ReadBuilder::read(&cell, findings));
                }
            }
        }
        None | Some((Value::Null, _)) => {}
        Some((_, node)) => findings.complain(node.at, format!("it must be a list, not {}", node.kind()), ""),
    }
    builders
}

fn url(table: &mut Table, findings: &mut Findings) -> String {
    let Some(Spanned { value, at }) = table.optional::<Spanned<String>>("url", findings) else {
        return "http://localhost:8010/".to_owned();
    };
    if !value.starts_with("http://") && !value.starts_with("https://") {
        findings.complain(at, format!("{value:?} is not an address of the web"), "begin it with `https://`");
    } else if !value.ends_with('/') {
        findings.complain(at, "it must end with `/`", format!("write `{value}/`"));
    }
    value
}

pub(super) fn timezone(table: &mut Table, findings: &mut Findings) -> Option<String> {
    let Spanned { value, at } = table.optional::<Spanned<String>>("timezone", findings)?;
    if jiff::tz::TimeZone::get(&value).is_err() {
        findings.complain(at, format!("no time zone is called {value:?}"), "write one like `Europe/Berlin`");
    }
    Some(value)
}

fn control_socket(node: Option<&Node>, state_dir: &Path, findings: &mut Findings) -> PathBuf {
    let default = state_dir.join("control.sock");
    let Some(mut table) = node.and_then(|node| Table::open(node, findings)) else { return default };
    let socket = table.or("socket", default, findings);
    table.finish(findings);
    socket
}

fn database(node: Option<&Node>, state_dir: &Path, findings: &mut Findings) -> Database {
    let default = Database { url: DatabaseUrl::Sqlite(state_dir.join("state.sqlite")) };
    let Some(mut table) = node.and_then(|node| Table::open(node, findings)) else { return default };
    let url = table.or("url", default.url, findings);
    table.finish(findings);
    Database { url }
}

impl Read for DatabaseUrl {
    fn read(node: &Node, findings: &mut Findings) -> Option<Self> {
        let url = String::read(node, findings)?;
        if let Some(path) = url.strip_prefix("sqlite://").filter(|path| path.starts_with('/')) {
            return Some(DatabaseUrl::Sqlite(PathBuf::from(path)));
        }
        if url.starts_with("postgresql://") || url.starts_with("postgres://") {
            return Some(DatabaseUrl::Postgres(url));
        }
        let hint = "write `sqlite:///PATH` or `postgresql://USER@HOST/NAME`";
        findings.complain(node.at, "it is not the address of a database", hint);
        None
    }
}

impl Read for Www {
    fn read(node: &Node, findings: &mut Findings) -> Option<Self> {
        let mut table = Table::open(node, findings)?;
        let listen = table.required("listen", findings);
        table.finish(findings);
        Some(Www { listen: listen? })
    }
}

/// What is kept where nothing is said: enough for most, and never without end.
fn default_retention() -> Retention {
    Retention {
        builds: Keep::For(400 * DAY),
        logs: Keep::For(90 * DAY),
        changes: Keep::Newest(10_000),
        log_size: Some(1 << 30),
        log_tail_size: 1 << 20,
    }
}

impl Read for Retention {
    fn read(node: &Node, findings: &mut Findings) -> Option<Self> {
        let mut table = Table::open(node, findings)?;
        let default = default_retention();
        let retention = Retention {
            builds: table.or("builds", default.builds, findings),
            logs: table.or("logs", default.logs, findings),
            changes: table.or("changes", default.changes, findings),
            log_size: table
                .nullable_or("log_size", default.log_size.map(Size), findings)
                .map(|Size(bytes)| bytes),
            log_tail_size: table.or("log_tail_size", Size(default.log_tail_size), findings).0,
        };
        table.finish(findings);
        Some(retention)
    }
}

/// A number is how many, a duration how long, null all of it.
impl Read for Keep {
    fn read(node: &Node, findings: &mut Findings) -> Option<Self> {
        match node.value {
            Value::Null => Some(Keep::All),
            Value::Int(_) => u64::read(node, findings).map(Keep::Newest),
            _ => Duration::read(node, findings).map(Keep::For),
        }
    }
}

impl Read for Metrics {
    fn read(node: &Node, findings: &mut Findings) -> Option<Self> {
        let mut table = Table::open(node, findings)?;
        let log_interval = table.nullable_or("log_interval", Some(Duration::from_secs(60)), findings);
        let prometheus = table.or("prometheus", false, findings);
        table.finish(findings);
        Some(Metrics { log_interval: log_interval.filter(|every| !every.is_zero()), prometheus })
    }
}

impl Read for Spanned<Codebase> {
    fn read(node: &Node, findings: &mut Findings) -> Option<Self> {
        let mut table = Table::open(node, findings)?;
        let name: Option<Spanned<String>> = table.required("name", findings);
        let repository = table.required("repository", findings);
        let branch = table.optional("branch", findings);
        table.finish(findings);
        let Spanned { value: name, at } = name?;
        Some(Spanned { value: Codebase { name, repository: repository?, branch }, at })
    }
}
