//! The service's state and its turn.

use super::{Msg, Refused, Snapshot, Wiring};
use crate::config::Config;
use crate::kernel::{Ranked, Service, Turn, rank};
use std::sync::Arc;

/// The service.
pub struct Botmaster {
    wiring: Wiring,
}

impl Botmaster {
    /// One that serves nobody before the first configuration is applied.
    pub fn new(wiring: Wiring) -> Botmaster {
        Botmaster { wiring }
    }
}

impl Ranked for Botmaster {
    const RANK: u8 = rank::BOTMASTER;
    const NAME: &'static str = "botmaster";
}

impl Service for Botmaster {
    type Msg = Msg;

    fn apply(&mut self, _wanted: &Arc<Config>, _turn: &mut Turn) {}

    fn handle(&mut self, msg: Msg, turn: &mut Turn) {
        match msg {
            Msg::News(_) | Msg::RequestsMayWait => {}
            Msg::StopBuild { build, reply, .. } => reply.send(Err(Refused::NotRunning(build))),
            Msg::CancelRequest { request, reply, .. } => reply.send(Err(Refused::NoSuchRequest(request))),
            Msg::Rebuild { build, reply, .. } => reply.send(Err(Refused::NoSuchBuild(build))),
            Msg::Drain { idle } => idle.tell(()),
            Msg::Snapshot(reply) => reply.send(Snapshot::default()),
            Msg::SetPaused { worker, reply, .. } | Msg::ShutDownWorker { worker, reply } => {
                slog::debug!(turn.log(), "refused"; "master" => &self.wiring.name);
                reply.send(Err(Refused::NoSuchWorker(worker)));
            }
        }
    }
}
