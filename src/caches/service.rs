//! The service: gives every cache its configured size (`CA-01`, `CA-07`).

use super::{Msg, Registry};
use crate::config::Config;
use crate::kernel::{Ranked, Service, Turn, rank};
use std::sync::Arc;

/// The service.
pub struct Caches {
    registry: Registry,
}

impl Caches {
    /// A service for the caches of this registry.
    pub fn new(registry: Registry) -> Caches {
        Caches { registry }
    }
}

impl Ranked for Caches {
    const RANK: u8 = rank::CACHES;
    const NAME: &'static str = "caches";
}

impl Service for Caches {
    type Msg = Msg;

    fn apply(&mut self, wanted: &Arc<Config>, _: &mut Turn) {
        self.registry.resize(&wanted.caches);
    }

    fn handle(&mut self, msg: Msg, _: &mut Turn) {
        match msg {}
    }
}
