//! What scripts can do, by JSON-RPC 2.0 (`N-DA-18` to `N-DA-21`).

use super::names;
use super::resolve::{self, BuildRef};
use crate::botmaster::WorkerWish;
use crate::db::requests;
use crate::model::{BuildsetId, RequestId};
use crate::schedulers::ForceRequest;
use crate::status::web::actions::Refused;
use crate::status::web::app::App;
use crate::status::web::fault::Fault;
use crate::status::web::pages::doing::ANYBODY;
use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// A call, as JSON-RPC wants it: named parameters only.
#[derive(Deserialize)]
struct Call {
    jsonrpc: String,
    method: String,
    id: Value,
    #[serde(default)]
    params: Map<String, Value>,
}

/// Why a call fails: the standard's code, and what is said of it.
struct Failure {
    status: StatusCode,
    code: i64,
    message: Value,
}

impl Failure {
    fn new(status: StatusCode, code: i64, message: impl Into<Value>) -> Failure {
        Failure { status, code, message: message.into() }
    }

    fn invalid(message: impl Into<Value>) -> Failure {
        Failure::new(StatusCode::BAD_REQUEST, -32600, message)
    }

    fn answer(self, id: Value) -> Response {
        let error = json!({ "code": self.code, "message": self.message });
        (self.status, Json(json!({ "jsonrpc": "2.0", "id": id, "error": error }))).into_response()
    }
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Failure {
        let code = match fault {
            Fault::NoAction(_) => -32601,
            Fault::Bad(_) | Fault::Missing(_) => -32602,
            _ => -32603,
        };
        Failure::new(fault.status(), code, fault.to_string())
    }
}

impl From<Refused> for Failure {
    fn from(refused: Refused) -> Failure {
        match refused {
            // What is wrong with each field, for whoever shows the form.
            Refused::Fields(fields) => Failure::new(StatusCode::BAD_REQUEST, -32602, json!(fields)),
            other => Fault::from(other).into(),
        }
    }
}

/// Carries out a call on the resource at `path`; `named` is the method that the path names, if it does.
pub(super) async fn post(app: &App, path: &[&str], named: Option<&str>, body: &[u8]) -> Response {
    let call: Call = match serde_json::from_slice(body) {
        Ok(call) => call,
        Err(error) if error.is_data() => return Failure::invalid(error.to_string()).answer(Value::Null),
        Err(error) => {
            return Failure::new(StatusCode::BAD_REQUEST, -32700, error.to_string()).answer(Value::Null);
        }
    };
    let id = call.id.clone();
    if call.jsonrpc != "2.0" || !(id.is_string() || id.is_number()) {
        return Failure::invalid("a call has jsonrpc \"2.0\" and an id").answer(Value::Null);
    }
    if named.is_some_and(|named| named != call.method) {
        return Failure::invalid("the address names another method").answer(id);
    }
    match carry_out(app, path, call).await {
        Ok(result) => Json(json!({ "jsonrpc": "2.0", "id": id, "result": result })).into_response(),
        Err(failure) => failure.answer(id),
    }
}

async fn carry_out(app: &App, path: &[&str], call: Call) -> Result<Value, Failure> {
    let reason = call.params.get("reason").and_then(Value::as_str).unwrap_or_default().to_owned();
    match (path, call.method.as_str()) {
        (["forceschedulers", name], "force") => force(app, name, call.params).await,
        (["builds", _] | ["builders", _, "builds", _], "stop" | "rebuild") => {
            let which = match path {
                ["builders", builder, _, number] => {
                    BuildRef::Number((*builder).to_owned(), resolve::number(number)?)
                }
                _ => BuildRef::Id(resolve::number(path.last().copied().unwrap_or_default())?),
            };
            let build = resolve::build(app, which).await?.id;
            if call.method == "stop" {
                app.act(move |actions| actions.stop(build, ANYBODY, &reason)).await??;
                return Ok(Value::Null);
            }
            made(app, app.act(move |actions| actions.rebuild(build, ANYBODY)).await??).await
        }
        (["buildrequests", id], "cancel") => {
            let id = RequestId(resolve::number(id)?);
            app.act(move |actions| actions.cancel(id, ANYBODY, &reason)).await??;
            Ok(Value::Null)
        }
        (["schedulers", part], "enable") => {
            let scheduler = resolve::scheduler(app, part).await?;
            let enabled = call.params.get("enabled").and_then(Value::as_bool);
            let enabled = enabled.ok_or_else(|| Failure::invalid("`enabled` must be true or false"))?;
            app.act(move |actions| actions.enable_scheduler(&scheduler, enabled)).await??;
            Ok(Value::Null)
        }
        (["workers", part] | ["builders", _, "workers", part], "pause" | "unpause" | "stop" | "kill") => {
            let worker = resolve::worker(app, part).await?;
            let wish = match call.method.as_str() {
                "pause" => WorkerWish::Pause(reason),
                "unpause" => WorkerWish::Unpause,
                "stop" => WorkerWish::Leave,
                _ => WorkerWish::Kill,
            };
            app.act(move |actions| actions.steer_worker(&worker, wish)).await??;
            Ok(Value::Null)
        }
        _ => Err(Fault::NoAction(format!("there is no action {:?} here", call.method)).into()),
    }
}

async fn force(app: &App, name: &str, mut params: Map<String, Value>) -> Result<Value, Failure> {
    let ids = names::builders(app).await?;
    let mut wanted: Vec<Value> = Vec::new();
    for key in ["builderid", "builderids", "builderNames"] {
        match params.remove(key) {
            Some(Value::Array(many)) => wanted.extend(many),
            Some(Value::Null) | None => {}
            Some(one) => wanted.push(one),
        }
    }
    let mut builders = Vec::with_capacity(wanted.len());
    for one in wanted {
        let part = one.as_str().map_or_else(|| one.to_string(), str::to_owned);
        builders.push(ids.name(&part).ok_or_else(|| Fault::no("builder", part))?.to_owned());
    }
    // The asker is who is logged in, not whom the parameters name.
    params.remove("owner");
    let fields = params.into_iter().collect();
    let request = ForceRequest { scheduler: name.to_owned(), builders, owner: String::new(), fields };
    made(app, app.act(move |actions| actions.force(request)).await??).await
}

/// What was made, as Buildbot tells it: the buildset, and each builder's request.
async fn made(app: &App, buildset: BuildsetId) -> Result<Value, Failure> {
    let ids = names::builders(app).await?;
    let requests = app.read(move |connection| requests::of_buildset(connection, buildset)).await?;
    let by_builder = requests
        .iter()
        .filter_map(|request| Some((ids.id(&request.builder)?.to_string(), json!(request.id))));
    Ok(json!([buildset, by_builder.collect::<Map<_, _>>()]))
}
