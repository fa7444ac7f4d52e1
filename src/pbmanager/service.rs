//! The service's state and its turn.

use super::Msg;
use crate::config::Config;
use crate::kernel::{Ranked, Service, Turn, rank};
use std::sync::Arc;

/// The service.
pub struct PbManager {}

impl Ranked for PbManager {
    const RANK: u8 = rank::PBMANAGER;
    const NAME: &'static str = "pb";
}

impl Service for PbManager {
    type Msg = Msg;

    fn apply(&mut self, _wanted: &Arc<Config>, _turn: &mut Turn) {}

    fn handle(&mut self, _msg: Msg, _turn: &mut Turn) {}
}
