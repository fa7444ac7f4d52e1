//! Who logs in where: the ports, their users, and what cannot be together.

use super::Names;
use crate::config::findings::Findings;
use crate::config::read::top::ReadConfig;
use crate::config::yaml::Place;
use crate::config::{ChangeSourceKind, DebugClient, Gate, Listen, Port, SchedulerKind, WorkerKind};
use std::collections::BTreeSet;

/// A user of a port beside the workers.
#[derive(Clone, Copy)]
struct User<'a> {
    name: &'a str,
    /// Where it is known, if not where all others are.
    listen: &'a [Listen],
    at: Place,
}

impl<'a> User<'a> {
    fn of(gate: &'a Gate, at: Place) -> User<'a> {
        User { name: &gate.login.user, listen: &gate.listen, at }
    }

    /// Where it is known; a place of `pb` is as good as all of them.
    fn ports(&self, read: &ReadConfig) -> BTreeSet<Port> {
        let is_shared = |address| read.config.pb.listen.iter().any(|listen| listen.address == address);
        let ports = Port::of(self.listen).into_iter().map(|port| match port {
            Port::Own(address) if is_shared(address) => Port::Shared,
            port => port,
        });
        ports.collect()
    }
}

/// Who logs in beside the workers.
fn users(read: &ReadConfig) -> Vec<User<'_>> {
    let mut users = Vec::new();
    for source in &read.change_sources {
        if let ChangeSourceKind::Pb(pb) = &source.value.kind {
            users.push(User::of(&pb.gate, source.at));
        }
    }
    for scheduler in read.schedulers.iter().filter_map(|read| read.scheduler.as_ref()) {
        if let SchedulerKind::TryUserpass(tries) = &scheduler.value.kind {
            let user = |login| User { name: login, listen: &tries.listen, at: scheduler.at };
            users.extend(tries.users.iter().map(|login| user(login.user.as_str())));
        }
    }
    let managers = read.user_managers.iter().map(|manager| (manager.value.gate(), manager.at));
    let listeners = read.status.iter().map(|listener| (listener.value.gate(), listener.at));
    users.extend(managers.chain(listeners).map(|(gate, at)| User::of(gate, at)));
    users.extend(read.config.debug.iter().map(|_| User {
        name: DebugClient::USER,
        listen: &[],
        at: read.at,
    }));
    users
}

/// Who connects needs a port to connect to (`CFG-15`, `CFG-16`).
pub(super) fn check_ports(read: &ReadConfig, findings: &mut Findings) {
    let (pb, msgpack) = (&read.config.pb.listen, &read.config.msgpack.listen);
    let remote = read.workers.iter().find(|worker| worker.value.kind == WorkerKind::Remote);
    let remote = remote.filter(|_| msgpack.is_empty());
    let who = remote
        .map(|worker| worker.at)
        .or(users(read).iter().find(|user| user.listen.is_empty()).map(|user| user.at));
    if let (Some(at), true) = (who, pb.is_empty()) {
        findings.complain(at, "it has no port to connect to", "add `pb: {listen: 0.0.0.0:9989}`");
    }
    if let Some(both) = msgpack.iter().find(|listen| pb.iter().any(|pb| pb.address == listen.address)) {
        let message = format!("`pb` and `msgpack` both listen on {}", both.address);
        findings.complain(read.at, message, "give them different ports");
    }
    check_own_places(read, findings);
    let Some(www) = &read.config.www else { return };
    for (key, places) in [("pb", pb), ("msgpack", msgpack)] {
        if places.iter().any(|listen| listen.address == www.listen) {
            let message = format!("`{key}` and `www` both listen on {}", www.listen);
            findings.complain(read.at, message, "give them different ports");
        }
    }
}

/// One place is one listener: all who name it must want the same of it.
fn check_own_places(read: &ReadConfig, findings: &mut Findings) {
    let users = users(read);
    let own = || users.iter().flat_map(|user| user.listen.iter().map(|listen| (listen, user.at)));
    let complain = |findings: &mut Findings, at, key: &str, listen: &Listen| {
        let message = format!("`{key}` listens on {} too", listen.address);
        findings.complain(at, message, "give them different ports");
    };
    let mut seen = BTreeSet::new();
    for (listen, at) in own().filter(|(listen, at)| seen.insert((listen.address, *at))) {
        if read.config.www.as_ref().is_some_and(|www| www.listen == listen.address) {
            complain(findings, at, "www", listen);
        }
        if read.config.msgpack.listen.iter().any(|other| other.address == listen.address) {
            complain(findings, at, "msgpack", listen);
        }
        let shared = read.config.pb.listen.iter();
        let mut others = shared.chain(own().map(|(other, _)| other));
        if others.any(|other| other.address == listen.address && other.tls != listen.tls) {
            let message = format!("{} is listened on with other `tls` elsewhere", listen.address);
            findings.complain(at, message, "say the same at all places, or take another port");
        }
    }
}

/// A name is one user's on each port (`PB-03`).
pub(super) fn check_users(read: &ReadConfig, names: &Names, findings: &mut Findings) {
    let users = users(read);
    let ports: BTreeSet<Port> = users.iter().flat_map(|user| user.ports(read)).collect();
    for port in ports {
        let known = users.iter().filter(|user| user.ports(read).contains(&port));
        let known = known.map(|user| (user.name, user.at));
        match port {
            Port::Shared => names.unique("user of the PB port", known, findings),
            Port::Own(address) => names.unique(&format!("user of {address}"), known, findings),
        }
    }
    for User { name: user, at, .. } in users.iter().filter(|user| user.ports(read).contains(&Port::Shared)) {
        let at = *at;
        if read.workers.iter().any(|worker| worker.value.name == *user) {
            findings.complain(at, format!("a worker logs in as {user:?} too"), "give them different names");
        }
    }
}
