//! The places that the service listens on: those in force, and those that a reload has prepared.

use super::net::Net;
use super::registry::Entrance;
use super::{Protocol, tls};
use crate::config::{Config, Listen, WorkerKind};
use rustls::ServerConfig;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

/// Where a local worker connects when no plain port is configured.
const LOOPBACK: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// One place.
#[derive(Clone)]
pub(super) struct Listener {
    /// The address as configured: how the network knows it.
    address: SocketAddr,
    /// The address with its real port.
    bound: SocketAddr,
    /// Whether all shared names are known there.
    is_shared: bool,
    /// What is spoken there.
    pub(super) protocol: Protocol,
    /// What its connections are encrypted with.
    pub(super) tls: Option<Arc<ServerConfig>>,
}

impl Listener {
    /// Where its connections come in.
    pub(super) fn entrance(&self) -> Entrance {
        Entrance { address: self.address, is_shared: self.is_shared }
    }

    /// Whether the workers that this program starts itself can connect to it.
    fn is_for_locals(&self) -> bool {
        self.is_shared && self.tls.is_none() && self.protocol == Protocol::Pb
    }
}

/// One place that is wanted.
struct Wanted {
    listen: Listen,
    protocol: Protocol,
    is_shared: bool,
    /// The units that want it, for people; none of `pb` and `msgpack`.
    units: Vec<String>,
}

/// All places.
#[derive(Default)]
pub(super) struct Listeners {
    in_force: Vec<Listener>,
    prepared: Vec<Listener>,
}

impl Listeners {
    /// Opens the places that a configuration wants, beside those in force, and reads their certificates.
    ///
    /// # Errors
    /// All that is wrong.
    pub(super) fn prepare(&mut self, net: &mut dyn Net, config: &Config) -> Result<(), Vec<String>> {
        let mut faults = Vec::new();
        self.prepared.clear();
        for Wanted { listen: Listen { address, tls }, protocol, is_shared, units } in wanted(config) {
            let whose = units.iter().map(|unit| format!("{unit}: ")).collect::<String>();
            let tls = tls.as_ref().map(tls::server_config).transpose();
            let bound = net.listen(address).map_err(|error| error.to_string());
            match (bound, tls) {
                (Ok(bound), Ok(tls)) => {
                    self.prepared.push(Listener { address, bound, is_shared, protocol, tls })
                }
                (bound, tls) => {
                    let told = [bound.err(), tls.err()].into_iter().flatten();
                    faults.extend(told.map(|why| format!("{whose}cannot listen on {address}: {why}")));
                }
            }
        }
        if faults.is_empty() { Ok(()) } else { Err(faults) }
    }

    /// Closes what was prepared.
    pub(super) fn abandon(&mut self, net: &mut dyn Net) {
        self.prepared.clear();
        self.close_others(net);
    }

    /// Puts in force what was prepared, and gives the addresses that are new.
    pub(super) fn apply(&mut self, net: &mut dyn Net) -> Vec<SocketAddr> {
        let before = std::mem::replace(&mut self.in_force, std::mem::take(&mut self.prepared));
        self.close_others(net);
        let is_new = |bound: &SocketAddr| before.iter().all(|listener| listener.bound != *bound);
        self.in_force.iter().map(|listener| listener.bound).filter(is_new).collect()
    }

    fn close_others(&self, net: &mut dyn Net) {
        net.keep_only(&self.in_force.iter().map(|listener| listener.address).collect::<Vec<_>>());
    }

    /// The place with this configured address.
    pub(super) fn at(&self, address: SocketAddr) -> Option<&Listener> {
        self.in_force.iter().chain(&self.prepared).find(|listener| listener.address == address)
    }

    /// Where a program on this machine reaches the service by PB, without TLS.
    pub(super) fn local_address(&self) -> Option<SocketAddr> {
        let mut address = self.in_force.iter().find(|listener| listener.is_for_locals())?.bound;
        if address.ip().is_unspecified() {
            address.set_ip(match address.ip() {
                IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
                IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
            });
        }
        Some(address)
    }
}

/// The places to listen on: those of `pb` and `msgpack`, one on loopback if local workers find no plain one, and those
/// that units have of their own, each once.
fn wanted(config: &Config) -> Vec<Wanted> {
    let mut shared = config.pb.listen.clone();
    let local_worker = config.workers.iter().any(|worker| worker.kind == WorkerKind::Local);
    if local_worker && shared.iter().all(|listen| listen.tls.is_some()) {
        shared.push(LOOPBACK.into());
    }
    let pb = shared.into_iter().map(|listen| (listen, Protocol::Pb));
    let shared = pb.chain(config.msgpack.listen.iter().map(|listen| (listen.clone(), Protocol::Msgpack)));
    let wanted = |(listen, protocol)| Wanted { listen, protocol, is_shared: true, units: Vec::new() };
    let mut all: Vec<Wanted> = shared.map(wanted).collect();
    for (unit, listen) in config.own_places() {
        match all.iter_mut().find(|wanted| wanted.listen.address == listen.address) {
            Some(known) => known.units.push(unit),
            None => {
                let (listen, units) = (listen.clone(), vec![unit]);
                all.push(Wanted { listen, protocol: Protocol::Pb, is_shared: false, units });
            }
        }
    }
    all
}
