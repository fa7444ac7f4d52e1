//! Configurations: the first, which begins a life of this master, and every later one, adopted while builds run.

use super::Botmaster;
use super::absence::Absence;
use super::build::Input;
use super::workers::Worker;
use crate::config::{self, Config, WorkerKind};
use crate::kernel::{Ranked, Refusal, Turn};
use crate::model::BuildId;
use crate::pb::Secret;
use std::collections::BTreeSet;
use std::sync::Arc;

impl Botmaster {
    /// Registers this life of the master, and ends what the last one left running.
    pub(super) fn begin_life(&mut self, turn: &mut Turn) -> Result<(), Vec<Refusal>> {
        if self.claimant.is_some() {
            return Ok(());
        }
        let refuse = |what| vec![Refusal { service: Self::NAME, what }];
        let (claimant, recovered) =
            self.db.masters().start(&self.name, turn.wall()).map_err(|error| refuse(error.to_string()))?;
        if !recovered.requests.is_empty() {
            slog::warn!(turn.log(), "builds were running when the master ended; they are built again";
                "builds" => recovered.builds.len(), "requests" => recovered.requests.len());
        }
        self.claimant = Some(claimant);
        self.interrupted = recovered.requests.into_iter().collect();
        self.find_orphans().map_err(|error| refuse(error.to_string()))
    }

    /// Finds the secret of each worker that has one.
    pub(super) fn find_secrets(&mut self, wanted: &Config) -> Result<(), Vec<Refusal>> {
        let mut refusals = Vec::new();
        self.prepared.clear();
        for worker in wanted.workers.iter().filter(|worker| has_secret(worker)) {
            let found = match &worker.password {
                Some(password) => password.resolve(&wanted.secrets),
                None => Err("it has no password".to_owned()),
            };
            match found {
                Ok(text) => drop(self.prepared.insert(worker.name.clone(), text)),
                Err(why) => {
                    let what = format!("worker {:?}: {why}", worker.name);
                    refusals.push(Refusal { service: Self::NAME, what });
                }
            }
        }
        if refusals.is_empty() { Ok(()) } else { Err(refusals) }
    }

    /// Reads which workers operators hold builds back from: before the last stop, or before they were removed.
    pub(super) fn read_wishes(&mut self) -> Result<(), Vec<Refusal>> {
        let rows = self.db.workers().all();
        let rows = rows
            .map_err(|error| vec![Refusal { service: Self::NAME, what: format!("the workers: {error}") }])?;
        let paused = rows.into_iter().filter(|row| row.paused);
        self.paused = paused.map(|row| (row.name, row.pause_reason.unwrap_or_default())).collect();
        Ok(())
    }

    /// Makes a configuration the one in force. Running builds keep the steps that they began with.
    pub(super) fn adopt(&mut self, wanted: &Arc<Config>, turn: &mut Turn) {
        self.config = wanted.clone();
        let known = std::mem::take(&mut self.builders);
        self.serving.clear();
        for builder in &wanted.builders {
            let same = known.get(&builder.name).filter(|known| ***known == *builder);
            let builder = same.cloned().unwrap_or_else(|| Arc::new(builder.clone()));
            for worker in &builder.workers {
                self.serving.entry(worker.clone()).or_default().push(builder.clone());
            }
            self.builders.insert(builder.name.clone(), builder);
        }
        for config in &wanted.workers {
            let pause = self.paused.remove(&config.name);
            let new = || Worker { pause, ..Worker::new(config.clone(), Absence::begin(turn)) };
            let worker = self.workers.all.entry(config.name.clone()).or_insert_with(new);
            (worker.config, worker.is_removed) = (config.clone(), false);
            if let Some(text) = self.prepared.remove(&config.name) {
                // A password that has not changed may still be another text: registering again costs nothing.
                let secret = Secret::from(text.reveal());
                let _ = self.pb.register_worker(&config.name, secret, self.ear.clone());
            }
        }
        self.prepared.clear();
        let wanted_names: BTreeSet<&str> = wanted.workers.iter().map(|worker| worker.name.as_str()).collect();
        let removed = self.workers.all.keys().filter(|name| !wanted_names.contains(name.as_str()));
        for name in removed.cloned().collect::<Vec<_>>() {
            let _ = self.pb.unregister(&name, self.ear.clone());
            if let Some(worker) = self.workers.all.get_mut(&name) {
                worker.is_removed = true;
            }
        }
        self.adopt_locals(turn);
        self.adopt_latents(turn);
        for name in self.workers.all.keys().cloned().collect::<Vec<_>>() {
            self.check_pulse(&name, turn);
            self.expect_back(&name);
            self.update_list(&name);
            self.settle_worker(&name, turn);
        }
        if let Some(claimant) = self.claimant {
            let serving = self.serving.iter().flat_map(|(worker, builders)| {
                builders.iter().map(|builder| (worker.clone(), builder.name.clone()))
            });
            self.db.workers().configured(claimant.master, serving.collect());
        }
        self.may_start = true;
    }

    /// The last turn: what runs is noted as to be repeated, and this master as stopped.
    pub(super) fn end_life(&mut self, turn: &mut Turn) {
        for build in self.builds.keys().copied().collect::<Vec<BuildId>>() {
            self.feed(build, Input::Lost("master stopped"), turn);
        }
        self.store.flush();
        self.locals.stop_all();
        self.end_instances(turn);
        let Some(claimant) = self.claimant else { return };
        for (name, worker) in &self.workers.all {
            if worker.session.is_some() {
                self.db.workers().disconnected(name, claimant.master, turn.wall());
            }
        }
        if let Err(error) = self.db.masters().stop(claimant, turn.wall()) {
            slog::warn!(turn.log(), "the end of this master is not noted"; "error" => %error);
        }
    }
}

/// Whether the configuration says what a worker logs in with.
fn has_secret(worker: &config::Worker) -> bool {
    worker.kind == WorkerKind::Remote || worker.password.is_some()
}
