//! `pb` and `msgpack`: where workers and client tools connect; and the places to listen on, of whatever protocol.

use crate::config::duration;
use serde::Serialize;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// The port for workers and client tools (`GC-15`).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Pb {
    /// Where to listen.
    pub listen: Vec<Listen>,
    /// How long a worker, of either protocol, may be silent before it is asked whether it is there; `None` for ever.
    /// With the usual 12 s, one that is dead is noticed within 28 s (`SL-07`).
    #[serde(serialize_with = "duration::serialize_option")]
    pub keepalive: Option<Duration>,
}

/// The port for workers whose `buildbot.tac` says `protocol = 'msgpack_experimental_v7'` (`N-PT-03`), without any
/// unless it is given. Everything else about those workers is as over `pb`: names, passwords, keepalive, commands.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Msgpack {
    /// Where to listen.
    pub listen: Vec<Listen>,
}

/// A place to listen on (`PB-02`, `PB-08`): `HOST:PORT`, a port for every interface, or
/// `{address: HOST:PORT, tls: {certificate: FILE, key: FILE}}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Listen {
    /// The interface and the port.
    pub address: SocketAddr,
    /// What connections are encrypted with; `None` for plain ones.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<Tls>,
}

/// What the connections of one listener are encrypted with. The files are read again at each reload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Tls {
    /// The certificate and those that lead from it to a known authority, as PEM, in this order.
    pub certificate: PathBuf,
    /// Its private key, as PEM: PKCS#8, PKCS#1 or SEC1, without a passphrase.
    pub key: PathBuf,
    /// The authorities of clients' certificates, as PEM. With it, only clients that have one of theirs are let in,
    /// and have to log in all the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_ca: Option<PathBuf>,
}

/// Where a user name is known (`PB-01`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Port {
    /// On all places of `pb` and `msgpack`.
    Shared,
    /// On this place alone, which a unit names itself.
    Own(SocketAddr),
}

impl Port {
    /// Where the users of a unit with these places of its own are known.
    pub fn of(listen: &[Listen]) -> Vec<Port> {
        match listen {
            [] => vec![Port::Shared],
            own => own.iter().map(|place| Port::Own(place.address)).collect(),
        }
    }
}

impl From<SocketAddr> for Listen {
    /// Plain.
    fn from(address: SocketAddr) -> Listen {
        Listen { address, tls: None }
    }
}
