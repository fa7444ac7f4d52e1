//! What clients may call right after their login: sending a job, or asking for builders and subscribing.

use super::connection::{Mode, Subscription};
use super::object::Object;
use super::service::{Answer, Clients};
use crate::kernel::Turn;
use crate::model::Properties;
use crate::pb::{Call, Failure, Value};
use crate::pbmanager::ConnectionId;
use crate::schedulers::{TryError, TryJob};
use crate::status::limits::CLIENT_ETA_EVERY_MIN;
use std::collections::BTreeMap;
use std::time::Duration;

/// The source of the properties that a job brings, as Buildbot calls it.
const SOURCE: &str = "try build";

/// What a developer's tool may call (`clients.md` §5).
pub(super) fn try_user(clients: &Clients, scheduler: &str, call: &Call) -> Result<Answer, Failure> {
    match call.method.as_str() {
        "getAvailableBuilderNames" => {
            let scheduler = clients.config.scheduler(scheduler);
            let names = scheduler.map(|scheduler| scheduler.builders.clone()).unwrap_or_default();
            Ok(Value::list(names).into())
        }
        "try" => match clients.parts.schedulers.try_job(scheduler, job(call)?) {
            Ok(added) => Ok(Value::from(Object::Buildset(added.id)).into()),
            // The tools expect no more than nothing.
            Err(TryError::NotAllowed(_)) => Ok(Value::None.into()),
            Err(error) => Err(Failure::runtime_error(error.to_string())),
        },
        other => Err(Failure::no_such_perspective_method("Try_Userpass_Perspective", other)),
    }
}

/// Reads the arguments of `try`.
fn job(call: &Call) -> Result<TryJob, Failure> {
    let text = |position, name| -> Result<Option<String>, Failure> {
        match call.arg(position, name).filter(|value| !value.is_none()) {
            None => Ok(None),
            Some(value) => {
                let text = value.as_str().ok_or_else(|| wrong(name, "UTF-8 text"))?;
                Ok(Some(text.to_owned()))
            }
        }
    };
    let patch = match call.arg(2, "patch").filter(|value| !value.is_none()) {
        None => None,
        Some(value) => {
            let (level, diff) = match value.as_items() {
                Some([level, diff]) => (level.as_int().and_then(|level| u32::try_from(level).ok()), diff),
                _ => return Err(wrong("patch", "a pair")),
            };
            let level = level.ok_or_else(|| wrong("patch", "a level of zero or more"))?;
            match diff {
                Value::None => None,
                diff => Some((level, diff.as_str().ok_or_else(|| wrong("patch", "UTF-8 text"))?.to_owned())),
            }
        }
    };
    let builders = match call.arg(5, "builderNames").filter(|value| !value.is_none()) {
        None => Vec::new(),
        Some(value) => {
            let names = value.as_items().ok_or_else(|| wrong("builderNames", "a list"))?;
            let name = |name: &Value| name.as_str().map(str::to_owned);
            let names = names.iter().map(name).collect::<Option<_>>();
            names.ok_or_else(|| wrong("builderNames", "a list of text"))?
        }
    };
    let mut properties = Properties::default();
    if let Some(given) = call.arg(8, "properties").filter(|value| !value.is_none()) {
        let given = given.as_dict().ok_or_else(|| wrong("properties", "a dictionary"))?;
        for (name, value) in given {
            let name = name.to_str_lossy().ok_or_else(|| wrong("properties", "a dictionary by text"))?;
            let value = value.to_json().ok_or_else(|| wrong("properties", "plain values"))?;
            properties.set(name, value, SOURCE);
        }
    }
    Ok(TryJob {
        id: String::new(),
        branch: text(0, "branch")?,
        revision: text(1, "revision")?,
        patch,
        repository: text(3, "repository")?.unwrap_or_default(),
        project: text(4, "project")?.unwrap_or_default(),
        builders,
        who: text(6, "who")?.unwrap_or_default(),
        comment: text(7, "comment")?.unwrap_or_default(),
        properties,
    })
}

fn wrong(argument: &str, wanted: &str) -> Failure {
    Failure::type_error(format!("try() wants {wanted} as '{argument}'"))
}

impl Clients {
    /// What a status client may call (`clients.md` §4).
    pub(super) fn watcher(&mut self, id: ConnectionId, call: &Call, turn: &Turn) -> Result<Answer, Failure> {
        match call.method.as_str() {
            "ping" => Ok("pong".into()),
            "getBuilderNames" => {
                Ok(Value::list(self.config.builders.iter().map(|builder| builder.name.as_str())).into())
            }
            "getBuilder" => {
                let name = call.arg(0, "name").and_then(Value::as_str).unwrap_or_default();
                match self.config.builder(name) {
                    Some(_) => Ok(Value::from(self.names.object(name)).into()),
                    None => Err(Failure::key_error(format!("'{name}'"))),
                }
            }
            "getSlave" => Ok(Value::deemed_insecure("buildbot.status.client.RemoteSlave").into()),
            "getBuildSets" => {
                let open = self.parts.db.buildsets().open().map_err(out_of_reach)?;
                let pair = |set: &crate::model::Buildset| {
                    Value::tuple([Value::from(Object::Buildset(set.id)), Value::Int(set.id.0)])
                };
                Ok(Value::list(open.iter().map(pair)).into())
            }
            "subscribe" => {
                let mode = call.arg(0, "mode").and_then(Value::as_str).and_then(Mode::of);
                let mode = mode.ok_or_else(|| Failure::builtin("AssertionError", ""))?;
                let target = call.arg(2, "target").and_then(Value::as_remote);
                let target = target.ok_or_else(|| Failure::type_error("subscribe() wants an object"))?;
                let interval = interval(call).unwrap_or_default();
                let sent_lines = BTreeMap::new();
                if let Some(connection) = self.connections.get_mut(&id) {
                    connection.subscription = Some(Subscription { mode, target, interval, sent_lines });
                    let tells = mode >= Mode::Steps && !interval.is_zero();
                    connection.eta_at = tells.then(|| turn.now() + interval);
                }
                self.begin(id, target);
                Ok(Value::None.into())
            }
            "unsubscribe" => {
                if let Some(connection) = self.connections.get_mut(&id) {
                    connection.eta_at = None;
                    let target = connection.subscription.take().map(|subscription| subscription.target);
                    if let Some(target) = target.filter(|target| !connection.needs(*target)) {
                        // Gone is a pbmanager of a tree that stops.
                        let _ = self.parts.pb.release(id, target);
                    }
                }
                Ok(Value::None.into())
            }
            other => Err(Failure::no_such_perspective_method(Object::Avatar.class(), other)),
        }
    }
}

/// How often a client wants to hear how long builds will take; `None` for never.
pub(super) fn interval(call: &Call) -> Option<Duration> {
    let seconds = call.arg(1, "interval").and_then(Value::as_f64)?;
    let interval = Duration::try_from_secs_f64(seconds).ok().filter(|interval| !interval.is_zero())?;
    Some(interval.max(CLIENT_ETA_EVERY_MIN))
}

/// A database that does not answer, as a client is told.
pub(super) fn out_of_reach(error: crate::db::DbError) -> Failure {
    Failure::runtime_error(error.to_string())
}
