//! The service: writes all figures to the log now and then (`MET-05`).

use super::{Figures, Msg};
use crate::config::Config;
use crate::kernel::{Ranked, Service, Turn, rank};
use crate::model::Mono;
use std::sync::Arc;
use std::time::Duration;

/// The service.
pub struct Metrics {
    figures: Figures,
    log_interval: Option<Duration>,
    next_log: Option<Mono>,
}

impl Metrics {
    /// A service that logs nothing yet.
    pub fn new(figures: Figures) -> Metrics {
        Metrics { figures, log_interval: None, next_log: None }
    }
}

impl Ranked for Metrics {
    const RANK: u8 = rank::METRICS;
    const NAME: &'static str = "metrics";
}

impl Service for Metrics {
    type Msg = Msg;

    fn apply(&mut self, wanted: &Arc<Config>, turn: &mut Turn) {
        let interval = wanted.metrics.as_ref().and_then(|metrics| metrics.log_interval);
        if interval != self.log_interval {
            self.log_interval = interval;
            self.next_log = interval.map(|interval| turn.now() + interval);
        }
    }

    fn handle(&mut self, msg: Msg, _: &mut Turn) {
        match msg {}
    }

    fn next_wake(&self) -> Option<Mono> {
        self.next_log
    }

    fn wake(&mut self, turn: &mut Turn) {
        let snapshot = self.figures.snapshot();
        for (name, value) in &snapshot.counters {
            slog::info!(turn.log(), "counter"; "name" => name, "value" => value);
        }
        for (name, value) in &snapshot.gauges {
            slog::info!(turn.log(), "gauge"; "name" => name, "value" => value);
        }
        for (name, timing) in &snapshot.timers {
            slog::info!(turn.log(), "timer"; "name" => name, "count" => timing.count,
                "recent_mean_s" => timing.recent_mean.as_secs_f64());
        }
        self.next_log = self.log_interval.map(|interval| turn.now() + interval);
    }
}
