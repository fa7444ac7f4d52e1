//! The service: keeps its place in the tree.

use super::Msg;
use crate::config::Config;
use crate::kernel::{Ranked, Service, Turn, rank};
use std::sync::Arc;

/// The service.
#[derive(Debug, Default)]
pub struct Users;

impl Ranked for Users {
    const RANK: u8 = rank::USERS;
    const NAME: &'static str = "users";
}

impl Service for Users {
    type Msg = Msg;

    fn apply(&mut self, _: &Arc<Config>, _: &mut Turn) {}

    fn handle(&mut self, msg: Msg, _: &mut Turn) {
        match msg {}
    }
}
