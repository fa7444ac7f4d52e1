//! Connections without a login, counted: all of them, and those of each network; and those that were turned away.

use super::limits;
use crate::model::Mono;
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};

/// How many there are.
#[derive(Default)]
pub(super) struct Strangers {
    total: usize,
    by_network: BTreeMap<IpAddr, usize>,
    /// How many were turned away since it was told last.
    turned_away: u64,
    tell_at: Mono,
}

impl Strangers {
    /// One more.
    ///
    /// # Errors
    /// There are too many already: which.
    pub(super) fn enter(&mut self, address: IpAddr) -> Result<(), &'static str> {
        if self.total >= limits::STRANGERS_MAX {
            return Err("too many connections without a login");
        }
        let here = self.by_network.entry(network(address)).or_insert(0);
        if *here >= limits::STRANGERS_PER_ADDRESS_MAX {
            return Err("too many connections without a login from one address");
        }
        *here += 1;
        self.total += 1;
        Ok(())
    }

    /// One was turned away. Gives how many were since it was told last, if it is to be told: a flood of connections
    /// must not become a flood of the log.
    pub(super) fn turn_away(&mut self, now: Mono) -> Option<u64> {
        self.turned_away += 1;
        if now < self.tell_at {
            return None;
        }
        self.tell_at = now + limits::TURNED_AWAY_TOLD_EVERY;
        Some(std::mem::take(&mut self.turned_away))
    }

    /// One that entered has logged in, or is gone.
    pub(super) fn leave(&mut self, address: IpAddr) {
        let network = network(address);
        let Some(here) = self.by_network.get_mut(&network) else { return };
        *here -= 1;
        self.total -= 1;
        if *here == 0 {
            self.by_network.remove(&network);
        }
    }
}

/// Whom one party can be taken for: of IPv6 it has a /64 at least.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into(),
        v4 => v4,
    }
}
