//! `/api/v2`: what the database holds, in the shapes of Buildbot's API (`N-DA`), and what people can do.
//!
//! A path is read part by part, since builds, steps and logs can be named in several ways. Every answer is one
//! object: the plural of what it is about, a list, and `meta`. Faults are `{"error": text}`.

mod control;
mod fields;
mod names;
mod query;
mod resolve;
mod rows;
mod small;
mod stored;

use super::app::App;
use super::download;
use super::fault::Fault;
use super::forms;
use super::log_search::{self, Needle};
use super::pages::explain::explained;
use crate::db::logs;
use crate::model::LogInfo;
use crate::status::limits::{API_ROWS, LOG_PAGE_LINES};
use axum::Json;
use axum::extract::{Path, RawQuery, Request, State};
use axum::response::{IntoResponse, Response};
use query::Query;
use resolve::{BuildRef, Parent};
use serde_json::{Value, json};

/// An answer's list and how many there are in all; one item has no total.
pub(super) struct Listed {
    plural: &'static str,
    rows: Vec<Value>,
    total: Option<i64>,
}

impl Listed {
    fn one(plural: &'static str, row: Value) -> Listed {
        Listed { plural, rows: vec![row], total: None }
    }
}

impl IntoResponse for Listed {
    fn into_response(self) -> Response {
        let meta = match self.total {
            Some(total) => json!({ "total": total }),
            None => json!({}),
        };
        Json(json!({ self.plural: self.rows, "meta": meta })).into_response()
    }
}

/// The parts of a path, which axum has decoded.
fn parts(path: &str) -> Vec<&str> {
    path.split('/').filter(|part| !part.is_empty()).collect()
}

/// `GET /api/v2/...`
pub(super) async fn get(
    State(app): State<App>,
    Path(path): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, Fault> {
    let query = Query::parse(query.as_deref().unwrap_or_default())?;
    answer(app, &parts(&path), query).await
}

/// `GET /api/v2`: what there is.
pub(super) async fn root() -> Listed {
    let roots = [
        "builders",
        "builds",
        "buildrequests",
        "buildsets",
        "changes",
        "forceschedulers",
        "masters",
        "schedulers",
        "workers",
    ];
    Listed {
        plural: "rootlinks",
        rows: roots.iter().map(|name| json!({ "name": name })).collect(),
        total: None,
    }
}

async fn answer(app: App, path: &[&str], query: Query) -> Result<Response, Fault> {
    let listed = match path {
        ["builders"] => small::builders(&app, query).await?,
        ["builders", builder] => small::builder(&app, builder, query).await?,
        ["builders", builder, "builds"] => {
            stored::builds(&app, Parent::Builder((*builder).to_owned()), query).await?
        }
        ["builders", builder, "buildrequests"] => {
            stored::requests(&app, Some((*builder).to_owned()), query).await?
        }
        ["builders", builder, "forceschedulers"] => {
            small::force_schedulers(&app, Some(builder), query).await?
        }
        ["builders", builder, "workers"] => small::workers(&app, Some(builder), query).await?,
        ["builders", builder, "builds", number, rest @ ..] => {
            let build = BuildRef::Number((*builder).to_owned(), resolve::number(number)?);
            return within_build(app, build, rest, query).await;
        }
        ["builds"] => stored::builds(&app, Parent::Any, query).await?,
        ["builds", id, rest @ ..] => {
            return within_build(app, BuildRef::Id(resolve::number(id)?), rest, query).await;
        }
        ["buildrequests"] => stored::requests(&app, None, query).await?,
        ["buildrequests", id] => stored::request(&app, resolve::number(id)?, query).await?,
        ["buildrequests", id, "builds"] => {
            stored::builds(&app, Parent::Request(resolve::number(id)?), query).await?
        }
        ["buildsets"] => stored::buildsets(&app, query).await?,
        ["buildsets", id] => stored::buildset(&app, resolve::number(id)?, query).await?,
        ["buildsets", id, "properties"] => stored::buildset_properties(&app, resolve::number(id)?).await?,
        ["changes"] => stored::changes(&app, query).await?,
        ["changes", id] => stored::change(&app, resolve::number(id)?, query).await?,
        ["changes", id, "builds"] => {
            stored::builds(&app, Parent::Change(resolve::number(id)?), query).await?
        }
        ["workers"] => small::workers(&app, None, query).await?,
        ["workers", worker] => small::worker(&app, worker, query).await?,
        ["workers", worker, "builds"] => {
            stored::builds(&app, Parent::Worker((*worker).to_owned()), query).await?
        }
        ["schedulers"] => small::schedulers(&app, query).await?,
        ["schedulers", id] => small::scheduler(&app, resolve::number(id)?, query).await?,
        ["forceschedulers"] => small::force_schedulers(&app, None, query).await?,
        ["forceschedulers", name] => small::force_scheduler(&app, name, query).await?,
        ["explain", kind, name @ ..] => {
            let explanation = explained(&app, kind, &name.join("/")).await?;
            Listed::one("explanations", json!(explanation))
        }
        ["masters"] => small::masters(&app, query).await?,
        ["steps", id] => stored::step(&app, resolve::number(id)?, query).await?,
        ["steps", id, "logs", rest @ ..] => {
            let step = resolve::number(id)?;
            let logs =
                app.read(move |connection| logs::of_step(connection, crate::model::StepId(step))).await?;
            return within_logs(app, logs, rest, query).await;
        }
        ["logs", id, rest @ ..] => {
            let id = resolve::number(id)?;
            let log = app.read(move |connection| logs::get(connection, crate::model::LogId(id))).await?;
            return within_log(app, log.ok_or_else(|| Fault::no("log", id))?, rest, query).await;
        }
        _ => return Err(Fault::Missing("There is nothing at this address.".to_owned())),
    };
    Ok(listed.into_response())
}

async fn within_build(app: App, which: BuildRef, path: &[&str], query: Query) -> Result<Response, Fault> {
    let listed = match path {
        [] => stored::build(&app, which, query).await?,
        ["properties"] => stored::build_properties(&app, which).await?,
        ["changes"] => stored::build_changes(&app, which, query).await?,
        ["steps"] => stored::steps(&app, which, query).await?,
        ["steps", step] => {
            let step = resolve::step(&app, which, step).await?;
            stored::step(&app, step.id.0, query).await?
        }
        ["steps", step, "logs", rest @ ..] => {
            let step = resolve::step(&app, which, step).await?;
            let logs = app.read(move |connection| logs::of_step(connection, step.id)).await?;
            return within_logs(app, logs, rest, query).await;
        }
        _ => return Err(Fault::Missing("There is nothing at this address.".to_owned())),
    };
    Ok(listed.into_response())
}

async fn within_logs(app: App, logs: Vec<LogInfo>, path: &[&str], query: Query) -> Result<Response, Fault> {
    match path {
        [] => Ok(query.list(&fields::LOG, logs.iter().map(rows::log).collect())?.into_response()),
        [slug, rest @ ..] => {
            let log = logs.into_iter().find(|log| log.slug == *slug);
            within_log(app, log.ok_or_else(|| Fault::no("log", slug))?, rest, query).await
        }
    }
}

async fn within_log(app: App, log: LogInfo, path: &[&str], query: Query) -> Result<Response, Fault> {
    match path {
        [] => Ok(query.one(&fields::LOG, rows::log(&log))?.into_response()),
        ["contents"] => Ok(contents(&app, &log, &query).await?.into_response()),
        ["search"] => search(&app, &log, &query).await,
        ["raw"] => {
            let name = format!("log-{}-{}.txt", log.id, log.slug);
            Ok(download::attachment(app, log, &name))
        }
        ["raw_inline"] => Ok(download::inline(app, log, download::Parts::All)),
        _ => Err(Fault::Missing("There is nothing at this address.".to_owned())),
    }
}

/// Lines of a log, as stored: those of a stdio log begin with their channel (`N-DA-24`).
async fn contents(app: &App, log: &LogInfo, query: &Query) -> Result<Listed, Fault> {
    let first = query.offset();
    let count = query.limit().unwrap_or(LOG_PAGE_LINES).min(API_ROWS as i64 * 10);
    let id = log.id;
    let lines = app.read(move |connection| logs::read_lines(connection, id, first, count)).await?;
    let content = String::from_utf8_lossy(&lines.text).into_owned();
    Ok(Listed::one("logchunks", json!({ "logid": log.id, "firstline": first, "content": content })))
}

/// The lines of a log in which `q` is, from line `offset` on; `meta.next` is where to look on, if that is not all.
async fn search(app: &App, log: &LogInfo, query: &Query) -> Result<Response, Fault> {
    let is_regex = query.word("regex").is_some_and(|word| !matches!(word, "0" | "false" | "off"));
    let needle = Needle::new(query.word("q").unwrap_or_default(), is_regex)?;
    let limit = usize::try_from(query.rows()).unwrap_or(API_ROWS).max(1);
    let found = log_search::search(app, log, &needle, query.offset(), limit).await?;
    let meta = json!({ "next": found.next });
    Ok(Json(json!({ "matches": found.hits, "meta": meta })).into_response())
}

/// `POST /api/v2/...`: JSON-RPC 2.0 (`N-DA-18`); the last two parts may be `actions` and the method (`N-DA-19`).
pub(super) async fn post(
    State(app): State<App>,
    Path(path): Path<String>,
    request: Request,
) -> Result<Response, Fault> {
    if !forms::is_of_type(&request, "application/json") {
        return Err(Fault::Bad("The content type must be application/json.".to_owned()));
    }
    let body = forms::body(request).await?;
    let mut path = parts(&path);
    let named = match path.as_slice() {
        [.., "actions", method] => Some((*method).to_owned()),
        _ => None,
    };
    if named.is_some() {
        path.truncate(path.len() - 2);
    }
    Ok(control::post(&app, &path, named.as_deref(), &body).await)
}
