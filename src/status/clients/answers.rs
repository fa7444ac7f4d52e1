//! What clients may ask of the objects that they hold (`clients.md` §4, §5).

use super::avatar::{interval, out_of_reach};
use super::connection::Watch;
use super::object::Object;
use super::service::{Answer, Clients};
use crate::botmaster::WorkerState;
use crate::db::builds::Filter;
use crate::kernel::Turn;
use crate::model::{
    Build, BuildId, Buildset, BuildsetId, LogId, RequestId, Results, SourceStamp, Step, StepId, Wall,
};
use crate::pb::{Call, Failure, Luid, Value};
use crate::pbmanager::ConnectionId;
use std::collections::BTreeSet;

impl Clients {
    /// Answers a call of an object.
    pub(super) fn ask(
        &mut self,
        id: ConnectionId,
        object: Object,
        call: &Call,
        turn: &Turn,
    ) -> Result<Answer, Failure> {
        match object {
            Object::Avatar => Err(Failure::no_such_method(&call.method)),
            Object::Builder(place) => {
                let name = self.names.name(place).map(str::to_owned);
                self.ask_builder(&name.ok_or_else(Failure::invalid_object_id)?, call)
            }
            Object::Build(build) => self.ask_build(id, build, call, turn),
            Object::Step(step) => self.ask_step(step, call, turn),
            Object::Log(log) => self.ask_log(log, call),
            Object::Buildset(set) => self.ask_buildset(set, call),
            Object::Request(request) => self.ask_request(id, request, call),
        }
    }

    fn ask_builder(&mut self, name: &str, call: &Call) -> Result<Answer, Failure> {
        let builds = self.parts.db.builds();
        let of = |complete| Filter { builder: Some(name.to_owned()), complete, ..Filter::default() };
        match call.method.as_str() {
            "getName" => Ok(name.into()),
            "getCategory" => {
                let tags = self.config.builder(name).map(|builder| builder.tags.join(" "));
                Ok(tags.unwrap_or_default().into())
            }
            "getState" => {
                let running = builds.recent(of(Some(false)), RUNNING_MAX).map_err(out_of_reach)?;
                let state = self.state_of(name);
                let running = Value::list(running.iter().map(|build| Object::Build(build.id)));
                Ok(Value::tuple([state.into(), Value::None, running]).into())
            }
            "getCurrentBuilds" => {
                let running = builds.recent(of(Some(false)), RUNNING_MAX).map_err(out_of_reach)?;
                Ok(Value::list(running.iter().map(|build| Object::Build(build.id))).into())
            }
            "getLastFinishedBuild" => {
                let last = builds.recent(of(Some(true)), 1).map_err(out_of_reach)?;
                Ok(Value::from(last.first().map(|build| Object::Build(build.id))).into())
            }
            "getBuild" => {
                let number = call.arg(0, "number").and_then(Value::as_int);
                let number = number.ok_or_else(|| Failure::type_error("getBuild() wants a number"))?;
                let found = match u32::try_from(number.unsigned_abs()) {
                    // Counted from the end, the last one is -1.
                    Ok(count) if number < 0 => {
                        let last = builds.recent(of(None), count.min(LOOK_BACK_MAX)).map_err(out_of_reach)?;
                        last.get(count as usize - 1).map(|build| build.id)
                    }
                    _ => builds.by_number(name, number).map_err(out_of_reach)?.map(|build| build.id),
                };
                Ok(Value::from(found.map(Object::Build)).into())
            }
            "getSlaves" => {
                let workers = self.config.builder(name).map(|builder| builder.workers.as_slice());
                let unsendable = |_: &String| Value::deemed_insecure("buildbot.status.client.RemoteSlave");
                Ok(Value::list(workers.unwrap_or_default().iter().map(unsendable)).into())
            }
            "getEvent" => Ok(Value::deemed_insecure("buildbot.status.client.RemoteEvent").into()),
            other => Err(Failure::no_such_method(other)),
        }
    }

    /// Buildbot's word for what a builder does.
    pub(super) fn state_of(&self, builder: &str) -> &'static str {
        // Gone is a botmaster of a tree that stops: nothing is connected to it.
        let snapshot = self.parts.botmaster.snapshot().unwrap_or_default();
        if snapshot.builds.iter().any(|build| build.builder == builder) {
            return "building";
        }
        let is_served = snapshot.workers.iter().any(|worker| {
            worker.state == WorkerState::Connected
                && worker.builders.iter().any(|slot| slot.builder == builder)
        });
        if is_served { "idle" } else { "offline" }
    }

    fn ask_build(
        &mut self,
        id: ConnectionId,
        build: BuildId,
        call: &Call,
        turn: &Turn,
    ) -> Result<Answer, Failure> {
        let row = || -> Result<Build, Failure> {
            let row = self.parts.db.builds().get(build).map_err(out_of_reach)?;
            row.ok_or_else(|| gone(build))
        };
        let steps = || self.parts.db.steps().of_build(build).map_err(out_of_reach);
        match call.method.as_str() {
            "getBuilderName" => Ok(row()?.builder.into()),
            "getNumber" => Ok(row()?.number.into()),
            "getReason" => Ok(row()?.reason.into()),
            "getTimes" => {
                let row = row()?;
                Ok(times(Some(row.started_at), row.complete_at).into())
            }
            "isFinished" => Ok(row()?.complete_at.is_some().into()),
            "getResults" => Ok(results(row()?.results).into()),
            "getText" => Ok(Value::list([row()?.state]).into()),
            "waitUntilFinished" => Ok(Answer::When(Object::Build(build))),
            "getSteps" => Ok(Value::list(steps()?.iter().map(|step| Object::Step(step.id))).into()),
            "getCurrentStep" => {
                let current =
                    steps()?.into_iter().find(|step| step.started_at.is_some() && step.complete_at.is_none());
                Ok(Value::from(current.map(|step| Object::Step(step.id))).into())
            }
            "getLogs" => {
                let logs = self.parts.db.read(move |tx| crate::db::logs::of_build(tx, build));
                let logs = logs.map_err(out_of_reach)?;
                Ok(Value::list(logs.iter().map(|log| Object::Log(log.id))).into())
            }
            "getETA" => {
                let eta = self.eta(build, turn.wall()).map_err(out_of_reach)?;
                Ok(Value::from(eta).into())
            }
            "getRevisions" => {
                let set = self.buildset(row()?.buildset)?;
                let revision = set.source_stamps.first().and_then(|stamp| stamp.revision.clone());
                Ok(revision.unwrap_or_else(|| "None".to_owned()).into())
            }
            "getResponsibleUsers" => {
                let changes = self.parts.db.changes().of_buildset(row()?.buildset).map_err(out_of_reach)?;
                let authors: BTreeSet<String> =
                    changes.into_iter().map(|change| change.told.author).collect();
                Ok(Value::list(authors).into())
            }
            "getChanges" => {
                let changes = self.parts.db.changes().of_buildset(row()?.buildset).map_err(out_of_reach)?;
                let unsendable = |_| Value::deemed_insecure("buildbot.changes.changes.Change");
                Ok(Value::list(changes.iter().map(unsendable)).into())
            }
            "subscribe" => {
                let observer = observer(call)?;
                let interval = interval(call);
                if row()?.complete_at.is_none()
                    && let Some(connection) = self.connections.get_mut(&id)
                {
                    // The first word on how long it will take follows at once.
                    let eta = interval.map(|interval| (interval, turn.now()));
                    connection.builds.insert((build, observer), Watch { eta });
                }
                Ok(Value::None.into())
            }
            "unsubscribe" => {
                let observer = observer(call)?;
                if let Some(connection) = self.connections.get_mut(&id) {
                    connection.builds.remove(&(build, observer));
                }
                Ok(Value::None.into())
            }
            other => Err(Failure::no_such_method(other)),
        }
    }

    /// How many seconds a running build has left, if that can be told; fewer than none if it is late (`ET-03`).
    pub(super) fn eta(&self, build: BuildId, now: Wall) -> Result<Option<f64>, crate::db::DbError> {
        let end = self.parts.db.expectations().end_of(build, now)?;
        Ok(end.map(|end| end.seconds_after(now)))
    }

    /// The same of a step (`ET-02`).
    fn step_eta(&self, step: &Step, now: Wall) -> Result<Option<f64>, crate::db::DbError> {
        if step.complete_at.is_some() {
            return Ok(Some(0.0));
        }
        let expected = self.parts.db.expectations().of_step(step.id)?;
        Ok(expected.map(|expected| (step.started_at.unwrap_or(now) + expected).seconds_after(now)))
    }

    fn ask_step(&mut self, step: StepId, call: &Call, turn: &Turn) -> Result<Answer, Failure> {
        let row = self.parts.db.steps().get(step).map_err(out_of_reach)?;
        let row = row.ok_or_else(|| gone(step))?;
        match call.method.as_str() {
            "getName" => Ok(row.name.into()),
            "getBuild" => Ok(Value::from(Object::Build(row.build)).into()),
            "getTimes" => Ok(times(row.started_at, row.complete_at).into()),
            "getExpectations" => Ok(Value::List(Vec::new()).into()),
            "getETA" => Ok(Value::from(self.step_eta(&row, turn.wall()).map_err(out_of_reach)?).into()),
            "isFinished" => Ok(row.complete_at.is_some().into()),
            "waitUntilFinished" => Ok(Answer::When(Object::Step(step))),
            "getText" => Ok(Value::list([row.state]).into()),
            "getResults" => Ok(end_of(&row).into()),
            "getLogs" => {
                let logs = self.parts.db.logs().of_step(step).map_err(out_of_reach)?;
                let pairs = logs.into_iter().map(|log| (log.name, Object::Log(log.id)));
                Ok(Value::dict(pairs).into())
            }
            other => Err(Failure::no_such_method(other)),
        }
    }

    fn ask_log(&mut self, log: LogId, call: &Call) -> Result<Answer, Failure> {
        let row = self.parts.db.logs().get(log).map_err(out_of_reach)?;
        let row = row.ok_or_else(|| gone(log))?;
        match call.method.as_str() {
            "getName" => Ok(row.name.into()),
            "isFinished" => Ok(row.complete.into()),
            "waitUntilFinished" => Ok(Answer::When(Object::Log(log))),
            "getText" => self.log_text(&row, false).map_err(out_of_reach),
            "getTextWithHeaders" => self.log_text(&row, true).map_err(out_of_reach),
            "getChunks" => self.log_chunks(&row).map_err(out_of_reach),
            other => Err(Failure::no_such_method(other)),
        }
    }

    fn buildset(&self, id: BuildsetId) -> Result<Buildset, Failure> {
        let set = self.parts.db.buildsets().get(id).map_err(out_of_reach)?;
        set.ok_or_else(|| gone(id))
    }

    fn ask_buildset(&mut self, id: BuildsetId, call: &Call) -> Result<Answer, Failure> {
        let requests = || self.parts.db.requests().of_buildset(id).map_err(out_of_reach);
        match call.method.as_str() {
            "getSourceStamp" => Ok(source_stamp(&self.buildset(id)?.source_stamps).into()),
            "getReason" => Ok(self.buildset(id)?.reason.into()),
            "getID" => Ok(id.0.into()),
            "getResults" => Ok(results(self.buildset(id)?.results).into()),
            "isFinished" => Ok(self.buildset(id)?.complete_at.is_some().into()),
            "waitUntilFinished" => Ok(Answer::When(Object::Buildset(id))),
            "getBuilderNames" => {
                Ok(Value::list(requests()?.into_iter().map(|request| request.builder)).into())
            }
            "getBuildRequests" => {
                let pair = |request: crate::model::BuildRequest| {
                    Value::tuple([Value::from(request.builder), Object::Request(request.id).into()])
                };
                Ok(Value::list(requests()?.into_iter().map(pair)).into())
            }
            other => Err(Failure::no_such_method(other)),
        }
    }

    fn ask_request(&mut self, id: ConnectionId, request: RequestId, call: &Call) -> Result<Answer, Failure> {
        let row = self.parts.db.requests().get(request).map_err(out_of_reach)?;
        let row = row.ok_or_else(|| gone(request))?;
        match call.method.as_str() {
            "getBuilderName" => Ok(row.builder.into()),
            "getSourceStamp" => Ok(source_stamp(&self.buildset(row.buildset)?.source_stamps).into()),
            "subscribe" => {
                let observer = observer(call)?;
                let builds = self.parts.db.builds().of_request(request).map_err(out_of_reach)?;
                if let Some(connection) = self.connections.get_mut(&id) {
                    connection.requests.entry((request, observer)).or_default();
                }
                for build in builds {
                    self.new_build(&build);
                }
                Ok(Value::None.into())
            }
            "unsubscribe" => {
                let observer = observer(call)?;
                if let Some(connection) = self.connections.get_mut(&id) {
                    connection.requests.remove(&(request, observer));
                }
                Ok(Value::None.into())
            }
            other => Err(Failure::no_such_method(other)),
        }
    }
}

/// How many running builds of one builder are told at most.
const RUNNING_MAX: u32 = 1000;

/// How far back builds can be asked for by a number that counts from the end.
const LOOK_BACK_MAX: u32 = 10_000;

fn observer(call: &Call) -> Result<Luid, Failure> {
    let observer = call.arg(0, "observer").and_then(Value::as_remote);
    observer.ok_or_else(|| Failure::type_error(format!("{}() wants an object", call.method)))
}

/// Rows that retention has taken away.
fn gone(what: impl std::fmt::Display) -> Failure {
    Failure::key_error(format!("{what} is not stored any more"))
}

/// Seconds since 1970.
fn seconds(at: Option<Wall>) -> Value {
    at.map(|at| at.0 as f64 / 1e6).into()
}

fn times(started: Option<Wall>, complete: Option<Wall>) -> Value {
    Value::tuple([seconds(started), seconds(complete)])
}

/// Buildbot's number, `None` before the end.
pub(super) fn results(results: Option<Results>) -> Value {
    results.map(Results::number).into()
}

/// A step's result and its words.
pub(super) fn end_of(step: &Step) -> Value {
    Value::tuple([results(step.results), Value::list([step.state.as_str()])])
}

/// The first source stamp: `(branch, revision, patch level and body or None)`, as old clients knew it.
fn source_stamp(stamps: &[SourceStamp]) -> Value {
    let Some(stamp) = stamps.first() else { return Value::None };
    let patch = stamp
        .patch
        .as_ref()
        .map(|patch| Value::tuple([Value::from(patch.level), Value::from(patch.body.as_str())]));
    Value::Tuple(vec![stamp.branch.clone().into(), stamp.revision.clone().into(), patch.into()])
}
