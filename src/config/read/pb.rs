//! `pb`, `msgpack`, and the places to listen on.

use super::{OneOrMany, Read, Spanned, Table};
use crate::config::findings::Findings;
use crate::config::yaml::{Node, Value};
use crate::config::{Listen, Msgpack, Pb, Tls};
use std::time::Duration;

/// How long a worker may be silent before it is asked whether it is there, where nothing is said.
const KEEPALIVE: Duration = Duration::from_secs(12);

/// Reads `pb`; without it, no port.
pub(super) fn pb(node: Option<&Node>, findings: &mut Findings) -> Pb {
    let mut pb = Pb { listen: Vec::new(), keepalive: Some(KEEPALIVE) };
    let Some(mut table) = node.and_then(|node| Table::open(node, findings)) else { return pb };
    pb.listen = listen(&mut table, findings);
    pb.keepalive = table.nullable_or("keepalive", pb.keepalive, findings).filter(|every| !every.is_zero());
    table.finish(findings);
    pb
}

impl Read for Msgpack {
    fn read(node: &Node, findings: &mut Findings) -> Option<Self> {
        let mut table = Table::open(node, findings)?;
        let listen = listen(&mut table, findings);
        table.finish(findings);
        Some(Msgpack { listen })
    }
}

/// Reads `listen`, one place or several, each once.
pub(super) fn listen(table: &mut Table, findings: &mut Findings) -> Vec<Listen> {
    let read = table.required("listen", findings);
    each_once(read, findings)
}

/// Reads the `listen` of a unit, which may have no place of its own (`PB-01`).
pub(super) fn own_listen(table: &mut Table, findings: &mut Findings) -> Vec<Listen> {
    let read = table.optional("listen", findings);
    each_once(read, findings)
}

fn each_once(read: Option<OneOrMany<Spanned<Listen>>>, findings: &mut Findings) -> Vec<Listen> {
    let mut places: Vec<Listen> = Vec::new();
    for Spanned { value, at } in read.into_iter().flat_map(|OneOrMany(read)| read) {
        if places.iter().any(|place| place.address == value.address) {
            findings.complain(at, format!("{} stands here twice", value.address), "");
        }
        places.push(value);
    }
    places
}

impl Read for Listen {
    fn read(node: &Node, findings: &mut Findings) -> Option<Self> {
        let Value::Map(_) = node.value else {
            return std::net::SocketAddr::read(node, findings).map(Listen::from);
        };
        let mut table = Table::open(node, findings)?;
        let (address, tls) = (table.required("address", findings), table.optional("tls", findings));
        table.finish(findings);
        Some(Listen { address: address?, tls })
    }
}

impl Read for Tls {
    fn read(node: &Node, findings: &mut Findings) -> Option<Self> {
        let mut table = Table::open(node, findings)?;
        let certificate = table.required("certificate", findings);
        let key = table.required("key", findings);
        let client_ca = table.optional("client_ca", findings);
        table.finish(findings);
        Some(Tls { certificate: certificate?, key: key?, client_ca })
    }
}
