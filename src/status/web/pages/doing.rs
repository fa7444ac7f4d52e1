//! What the buttons do. Each ends with a way back to a page, after the work is done.

use crate::botmaster::WorkerWish;
use crate::db::{builds, requests};
use crate::model::{Build, BuildsetId, RequestId};
use crate::status::web::app::App;
use crate::status::web::fault::Fault;
use crate::status::web::forms;
use crate::status::web::view::View;
use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse, Redirect, Response};

/// Who does something, as long as nobody logs in.
pub(in crate::status::web) const ANYBODY: &str = "anonymous";

/// A reason longer than this is cut: in characters.
const REASON_CHARS: usize = 500;

async fn reason(request: Request) -> Result<String, Fault> {
    let mut fields = forms::read(request).await?;
    let reason = fields.remove("reason").and_then(|values| values.into_iter().next()).unwrap_or_default();
    Ok(reason.trim().chars().take(REASON_CHARS).collect())
}

async fn find(app: &App, name: String, number: i64) -> Result<Build, Fault> {
    let missing = Fault::no("build", format!("{number} of builder {name:?}"));
    app.read(move |connection| builds::by_number(connection, &name, number)).await?.ok_or(missing)
}

/// `POST /builders/NAME/builds/NUMBER/stop`
pub(in crate::status::web) async fn stop(
    State(app): State<App>,
    view: View,
    Path((name, number)): Path<(String, i64)>,
    request: Request,
) -> Result<Redirect, Fault> {
    let reason = reason(request).await?;
    let build = find(&app, name, number).await?;
    app.act(move |actions| actions.stop(build.id, ANYBODY, &reason)).await??;
    Ok(Redirect::to(&view.build(&build.builder, number)))
}

/// `POST /builders/NAME/builds/NUMBER/rebuild`
pub(in crate::status::web) async fn rebuild(
    State(app): State<App>,
    view: View,
    Path((name, number)): Path<(String, i64)>,
) -> Result<Response, Fault> {
    let build = find(&app, name, number).await?;
    let buildset = app.act(move |actions| actions.rebuild(build.id, ANYBODY)).await??;
    to_request_of(&app, &view, buildset).await
}

/// `POST /requests/ID/cancel`
pub(in crate::status::web) async fn cancel(
    State(app): State<App>,
    view: View,
    Path(id): Path<i64>,
    request: Request,
) -> Result<Redirect, Fault> {
    let reason = reason(request).await?;
    app.act(move |actions| actions.cancel(RequestId(id), ANYBODY, &reason)).await??;
    Ok(Redirect::to(&view.to([&"requests", &id])))
}

/// `POST /workers/NAME/{pause,unpause,shutdown,kill}`
pub(in crate::status::web) async fn worker(
    State(app): State<App>,
    view: View,
    Path((name, what)): Path<(String, String)>,
    request: Request,
) -> Result<Redirect, Fault> {
    let to = view.worker(&name);
    let wish = match what.as_str() {
        "pause" => WorkerWish::Pause(reason(request).await?),
        "unpause" => WorkerWish::Unpause,
        "shutdown" => WorkerWish::Leave,
        "kill" => WorkerWish::Kill,
        _ => return Err(Fault::NoAction("A worker cannot do that.".to_owned())),
    };
    app.act(move |actions| actions.steer_worker(&name, wish)).await??;
    Ok(Redirect::to(&to))
}

/// `POST /schedulers/NAME/{enable,disable}`
pub(in crate::status::web) async fn scheduler(
    State(app): State<App>,
    view: View,
    Path((name, what)): Path<(String, String)>,
) -> Result<Redirect, Fault> {
    let enabled = match what.as_str() {
        "enable" => true,
        "disable" => false,
        _ => return Err(Fault::NoAction("A scheduler cannot do that.".to_owned())),
    };
    app.act(move |actions| actions.enable_scheduler(&name, enabled)).await??;
    Ok(Redirect::to(&view.to([&"schedulers"])))
}

/// The way to the first request of a buildset made just now: to its build, if it has begun already.
pub(super) async fn to_request_of(app: &App, view: &View, buildset: BuildsetId) -> Result<Response, Fault> {
    let found = app.read(move |connection| {
        let requests = requests::of_buildset(connection, buildset)?;
        Ok((requests, builds::of_buildset(connection, buildset)?))
    });
    let (requests, builds) = found.await?;
    let to = match (requests.as_slice(), builds.first()) {
        ([_], Some(build)) => view.build(&build.builder, build.number),
        ([one], None) => view.to([&"requests", &one.id]),
        _ => view.to([&""]),
    };
    Ok(Redirect::to(&to).into_response())
}
