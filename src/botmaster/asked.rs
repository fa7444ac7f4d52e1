//! What people ask of the service about builds: stops, cancellations, rebuilds, and how things stand.

use super::build::Input;
use super::locks::{Lock, Owner};
use super::running::Running;
use super::{Botmaster, Lacking, Refused, RunningBuild, Snapshot};
use crate::db;
use crate::db::requests::Ending;
use crate::kernel::Turn;
use crate::model::{
    Build, BuildId, Buildset, BuildsetId, Event, NewBuildset, Properties, RequestId, Results,
};

impl Botmaster {
    pub(super) fn stop_build(
        &mut self,
        build: BuildId,
        reason: &str,
        by: &str,
        turn: &mut Turn,
    ) -> Result<(), Refused> {
        if !self.builds.contains_key(&build) {
            return Err(Refused::NotRunning(build));
        }
        self.feed(build, Input::Stop(said(reason, by)), turn);
        Ok(())
    }

    pub(super) fn cancel_request(
        &mut self,
        request: RequestId,
        reason: &str,
        by: &str,
        turn: &mut Turn,
    ) -> Result<(), Refused> {
        let running = self.builds.iter_mut().find(|(_, running)| running.request.request == request);
        if let Some((build, running)) = running {
            running.is_unwanted = true;
            let build = *build;
            return self.stop_build(build, reason, by, turn);
        }
        self.store.flush();
        let outcome = Some(format!("cancelled: {}", said(reason, by)));
        let ending = Ending { results: Results::Cancelled, outcome };
        let cancelled = self.db.requests().cancel(vec![request], ending, turn.wall())?;
        if cancelled.requests.is_empty() {
            let row = self.db.requests().get(request)?.ok_or(Refused::NoSuchRequest(request))?;
            return Err(match row.complete_at {
                Some(_) => Refused::Complete(request),
                None => Refused::ClaimedElsewhere(request),
            });
        }
        let tell = self.store.teller();
        if let Some(waiting) = self.queue.remove(request) {
            let (builder, results) = (waiting.builder, Results::Cancelled);
            tell.tell(Event::RequestComplete { request, builder, results });
        }
        for completed in cancelled.completed {
            tell.tell(Event::BuildsetComplete { buildset: completed.id, results: completed.results });
        }
        Ok(())
    }

    pub(super) fn rebuild(
        &mut self,
        build: BuildId,
        by: &str,
        turn: &mut Turn,
    ) -> Result<BuildsetId, Refused> {
        self.store.flush();
        // Asked of the writer: what this service has written before counts.
        let found = self.db.write(move |tx| {
            let Some(row) = db::builds::get(tx, build)? else { return Ok(None) };
            let buildset = db::buildsets::get(tx, row.buildset)?;
            let properties = db::builds::properties(tx, build)?;
            Ok(buildset.map(|buildset| (row, buildset, properties)))
        })?;
        let (row, buildset, properties) = found.ok_or(Refused::NoSuchBuild(build))?;
        if !self.builders.contains_key(&row.builder) {
            return Err(Refused::NoSuchBuilder(row.builder));
        }
        let new = again(&row, buildset, &properties, by);
        let added = self.db.buildsets().add(new, turn.wall())?;
        let tell = self.store.teller();
        tell.tell(Event::BuildsetAdded { buildset: added.id });
        for (builder, request) in added.requests {
            tell.tell(Event::RequestAdded { request, builder });
        }
        self.read_new_requests(turn);
        Ok(added.id)
    }

    pub(super) fn snapshot(&self, turn: &Turn) -> Snapshot {
        let build = |(build, running): (&BuildId, &Running)| RunningBuild {
            build: *build,
            number: running.machine.plan().number,
            builder: running.machine.plan().builder.name.clone(),
            worker: running.worker.clone(),
            request: running.request.request,
            buildset: running.request.buildset,
            awaits: running.children.keys().copied().collect(),
            step: running.step.zip(running.machine.step_name().map(str::to_owned)),
            progress: running.machine.progress(),
            stopping: running.machine.is_stopping(),
        };
        Snapshot {
            workers: self
                .workers
                .all
                .iter()
                .map(|(name, worker)| {
                    let times = (turn.now(), turn.wall());
                    worker.status(self.serving.get(name), self.latents.standing(name, times), times)
                })
                .collect(),
            builds: self.builds.iter().map(build).collect(),
            waiting: self.queue.counts().map(|(builder, count)| (builder.to_owned(), count)).collect(),
            lacking: self.lacking.iter().map(|(builder, lock)| self.lacked(builder, lock)).collect(),
            unfit: self.unfit.iter().map(|(request, why)| (*request, why.clone())).collect(),
            draining: self.draining.is_some(),
        }
    }

    fn lacked(&self, builder: &str, lock: &Lock) -> Lacking {
        let requests: Vec<RequestId> = self.locks.holders(lock).map(Owner::request).collect();
        let holds = |running: &Running| requests.contains(&running.request.request);
        let holders = self.builds.iter().filter(|(_, running)| holds(running)).map(|(build, _)| *build);
        Lacking { builder: builder.to_owned(), lock: lock.to_string(), holders: holders.collect() }
    }

    /// Tells those who wait for the last build, if there is none any more.
    pub(super) fn tell_if_idle(&mut self) {
        if self.builds.is_empty()
            && let Some(waiting) = &mut self.draining
        {
            waiting.drain(..).for_each(|idle| idle.tell(()));
        }
    }
}

/// A reason, and who gave it.
fn said(reason: &str, by: &str) -> String {
    match (reason.trim(), by.trim()) {
        ("", "") => "no reason given".to_owned(),
        ("", by) => format!("by {by}"),
        (reason, "") => reason.to_owned(),
        (reason, by) => format!("{reason} (by {by})"),
    }
}

/// The same again: the source stamps at the revisions that the build got, the properties that it was asked for
/// with; what its steps set is left out (`BD-19`, `PR-01`).
fn again(row: &Build, buildset: Buildset, properties: &Properties, by: &str) -> NewBuildset {
    let by = if by.is_empty() { String::new() } else { format!(" by {by}") };
    NewBuildset {
        scheduler: buildset.scheduler,
        reason: format!("rebuild of {} #{}{by}", row.builder, row.number),
        external_id: String::new(),
        source_stamps: buildset
            .source_stamps
            .into_iter()
            .map(|stamp| stamp.at_revision_of(properties))
            .collect(),
        changes: buildset.changes,
        properties: buildset.properties,
        builders: vec![row.builder.clone()],
        priority: 0,
        parent_build: None,
    }
}
