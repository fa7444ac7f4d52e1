//! `workers`.

use super::latent::{self, latent};
use super::{OneOrMany, Read, Spanned, Table, one_of, properties};
use crate::config::findings::Findings;
use crate::config::yaml::{Node, Value};
use crate::config::{Keepalive, Worker, WorkerKind};
use std::time::Duration;

/// How long a worker may be away before it counts as missing, where nothing is said.
const MISSING_TIMEOUT: Duration = Duration::from_secs(3600);

impl Read for Spanned<Worker> {
    fn read(node: &Node, findings: &mut Findings) -> Option<Self> {
        let mut table = Table::open(node, findings)?;
        let name: Option<Spanned<String>> = table.required("name", findings);
        let kinds = [
            ("remote", Type::Remote),
            ("local", Type::Local),
            ("docker", Type::Docker),
            ("command", Type::Command),
        ];
        let kind = match table.node("type", findings) {
            Some(node) => one_of(node, &kinds, findings).unwrap_or(Type::Local),
            None => Type::Remote,
        };
        let kind = match kind {
            Type::Remote => WorkerKind::Remote,
            Type::Local => WorkerKind::Local,
            Type::Docker => WorkerKind::Latent(Box::new(latent(&mut table, latent::docker, findings))),
            Type::Command => WorkerKind::Latent(Box::new(latent(&mut table, latent::command, findings))),
        };
        let password = match kind {
            WorkerKind::Remote => table.required("password", findings),
            WorkerKind::Local => None,
            WorkerKind::Latent(_) => table.optional("password", findings),
        };
        let max_builds: Option<Spanned<u32>> = table.optional("max_builds", findings);
        if let Some(Spanned { value: 0, at }) = max_builds {
            findings.complain(at, "a worker that runs no builds is of no use", "leave it out for any number");
        }
        let OneOrMany(locks) = table.or("locks", OneOrMany(Vec::new()), findings);
        let own = properties(table.node("properties", findings), "Worker", findings);
        let default_properties = properties(table.node("default_properties", findings), "Worker", findings);
        let keepalive = keepalive(table.node("keepalive_interval", findings), findings);
        let OneOrMany(notify) = table.or("notify_on_missing", OneOrMany(Vec::new()), findings);
        let usual = if kind.latent().is_some() { latent::MISSING_TIMEOUT } else { MISSING_TIMEOUT };
        let missing_timeout = table.or("missing_timeout", usual, findings);
        table.finish(findings);
        let Spanned { value: name, at } = name?;
        let worker = Worker {
            name,
            kind,
            password,
            max_builds: max_builds.map(|max_builds| max_builds.value),
            locks,
            properties: own,
            default_properties,
            keepalive,
            notify_on_missing: notify.into_iter().map(|Address(address)| address).collect(),
            missing_timeout,
        };
        Some(Spanned { value: worker, at })
    }
}

/// The words of `type`.
#[derive(Clone, Copy)]
enum Type {
    Remote,
    Local,
    Docker,
    Command,
}

/// Null and 0 are never.
fn keepalive(node: Option<&Node>, findings: &mut Findings) -> Keepalive {
    match node {
        None => Keepalive::Usual,
        Some(Node { value: Value::Null, .. }) => Keepalive::Never,
        Some(node) => match Duration::read(node, findings) {
            Some(Duration::ZERO) => Keepalive::Never,
            Some(interval) => Keepalive::After(interval),
            None => Keepalive::Usual,
        },
    }
}

/// An address of mail: `somebody@example.org` or `Some Body <somebody@example.org>`.
pub(super) struct Address(pub String);

impl Read for Address {
    fn read(node: &Node, findings: &mut Findings) -> Option<Self> {
        let address = String::read(node, findings)?;
        match address.parse::<lettre::message::Mailbox>() {
            Ok(_) => Some(Address(address)),
            Err(_) => {
                let what = format!("{address:?} is not an address of mail");
                findings.complain(node.at, what, "write one like `somebody@example.org`");
                None
            }
        }
    }
}
