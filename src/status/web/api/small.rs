//! Resources of which there are few: from the configuration and short tables, filtered in memory.

use super::Listed;
use super::fields::{BUILDER, FORCE_SCHEDULER, MASTER, SCHEDULER, WORKER};
use super::names::{self, Ids};
use super::query::Query;
use super::resolve;
use crate::botmaster::WorkerStatus;
use crate::botmaster::latent::instance::Phase;
use crate::config::{Builder, Config, Force, Layout, Parameter, ParameterKind, Scheduler};
use crate::db::{masters, workers};
use crate::model::{MasterId, Wall, WorkerInfo};
use crate::schedulers::SchedulerStatus;
use crate::schedulers::fields::Fields;
use crate::schedulers::form::any_property;
use crate::status::web::app::App;
use crate::status::web::fault::Fault;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// A builder that is not configured any more runs on no master.
fn builder_row(builder: Option<&Builder>, name: &str, id: i64, masters: &[MasterId]) -> Value {
    json!({
        "builderid": id,
        "name": name,
        "masterids": if builder.is_some() { masters } else { &[] },
        "description": builder.and_then(|builder| builder.description.as_ref()),
        "description_format": null,
        "description_html": null,
        "projectid": null,
        "tags": builder.map(|builder| builder.tags.as_slice()).unwrap_or_default(),
    })
}

async fn active_masters(app: &App) -> Result<Vec<MasterId>, Fault> {
    let all = app.read(masters::all).await?;
    Ok(all.iter().filter(|master| master.active).map(|master| master.id).collect())
}

pub(super) async fn builders(app: &App, query: Query) -> Result<Listed, Fault> {
    let (ids, masters, config) = (names::builders(app).await?, active_masters(app).await?, app.site.config());
    let configured: BTreeMap<&str, &Builder> =
        config.builders.iter().map(|builder| (builder.name.as_str(), builder)).collect();
    let row = |(name, id)| builder_row(configured.get(name).copied(), name, id, &masters);
    query.list(&BUILDER, ids.iter().map(row).collect())
}

pub(super) async fn builder(app: &App, part: &str, query: Query) -> Result<Listed, Fault> {
    let (ids, masters, config) = (names::builders(app).await?, active_masters(app).await?, app.site.config());
    let found = ids.name(part).and_then(|name| Some((name, ids.id(name)?)));
    let (name, id) = found.ok_or_else(|| Fault::no("builder", part))?;
    query.one(&BUILDER, builder_row(config.builder(name), name, id, &masters))
}

fn worker_row(
    (name, id): (&str, i64),
    stored: Option<&WorkerInfo>,
    live: Option<&WorkerStatus>,
    builders: &Ids,
) -> Value {
    let connected_to = stored.iter().flat_map(|worker| &worker.connected_to);
    let configured_on = stored.iter().flat_map(|worker| &worker.configured_on);
    let serves = |(master, builder): &(MasterId, String)| {
        Some(json!({ "masterid": master, "builderid": builders.id(builder)? }))
    };
    json!({
        "workerid": id,
        "name": name,
        "connected_to": connected_to.map(|master| json!({ "masterid": master })).collect::<Vec<_>>(),
        "configured_on": configured_on.filter_map(serves).collect::<Vec<_>>(),
        "workerinfo": stored.map(|worker| &worker.info),
        "paused": stored.is_some_and(|worker| worker.paused),
        "pause_reason": stored.and_then(|worker| worker.pause_reason.as_deref()),
        "graceful": stored.is_some_and(|worker| worker.graceful),
        "instance": live.and_then(instance),
    })
}

/// How the instance of a latent worker stands; of no other.
fn instance(worker: &WorkerStatus) -> Option<Value> {
    let instance = worker.instance?;
    let state = match instance.phase {
        Phase::Down => "not_started",
        Phase::Starting => "substantiating",
        Phase::Up => "substantiated",
        Phase::Stopping => "insubstantiating",
    };
    let seconds = |at: Wall| at.0 / 1_000_000;
    Some(json!({
        "state": state,
        "since": seconds(instance.since),
        "until": instance.until.map(seconds),
        "failure": worker.trouble,
    }))
}

async fn worker_rows(app: &App) -> Result<Vec<Value>, Fault> {
    let (ids, builders) = (names::workers(app).await?, names::builders(app).await?);
    let stored = app.read(workers::all).await?;
    let snapshot = app.act(|actions| actions.snapshot()).await?.unwrap_or_default();
    let row = |(name, id)| {
        let live = snapshot.workers.iter().find(|worker| worker.name == name);
        let stored = stored.iter().find(|worker| worker.name == name);
        worker_row((name, id), stored, live, &builders)
    };
    Ok(ids.iter().map(row).collect())
}

pub(super) async fn workers(app: &App, builder: Option<&str>, query: Query) -> Result<Listed, Fault> {
    let mut rows = worker_rows(app).await?;
    if let Some(part) = builder {
        let name = resolve::builder(app, part).await?;
        let config = app.site.config();
        let serves = config.builder(&name).map(|builder| builder.workers.as_slice()).unwrap_or_default();
        rows.retain(|row| serves.iter().any(|worker| row["name"] == worker.as_str()));
    }
    query.list(&WORKER, rows)
}

pub(super) async fn worker(app: &App, part: &str, query: Query) -> Result<Listed, Fault> {
    let name = resolve::worker(app, part).await?;
    let row = worker_rows(app).await?.into_iter().find(|row| row["name"] == name.as_str());
    query.one(&WORKER, row.ok_or_else(|| Fault::no("worker", part))?)
}

async fn master_rows(app: &App) -> Result<Vec<Value>, Fault> {
    let row = |master: &masters::Master| {
        json!({
            "masterid": master.id,
            "name": master.name,
            "active": master.active,
            "last_active": master.last_active_at.seconds(),
        })
    };
    Ok(app.read(masters::all).await?.iter().map(row).collect())
}

pub(super) async fn masters(app: &App, query: Query) -> Result<Listed, Fault> {
    query.list(&MASTER, master_rows(app).await?)
}

async fn scheduler_rows(app: &App) -> Result<Vec<Value>, Fault> {
    let ids = names::schedulers(app).await?;
    let schedulers = app.act(|actions| actions.schedulers()).await??;
    let master = master_rows(app).await?.into_iter().find(|master| master["active"] == true);
    let row = |status: &SchedulerStatus| {
        json!({
            "schedulerid": ids.id(&status.scheduler.name),
            "name": status.scheduler.name,
            "enabled": status.enabled,
            "master": master,
            "pending_changes": status.pending,
            "awaited_buildsets": status.awaits,
            "next_build_at": status.builds_at.map(Wall::seconds),
        })
    };
    Ok(schedulers.iter().map(row).collect())
}

pub(super) async fn schedulers(app: &App, query: Query) -> Result<Listed, Fault> {
    query.list(&SCHEDULER, scheduler_rows(app).await?)
}

pub(super) async fn scheduler(app: &App, id: i64, query: Query) -> Result<Listed, Fault> {
    let row = scheduler_rows(app).await?.into_iter().find(|row| row["schedulerid"] == id);
    query.one(&SCHEDULER, row.ok_or_else(|| Fault::no("scheduler", id))?)
}

fn force_row(config: &Config, status: &SchedulerStatus, force: &Force) -> Value {
    let fields = Fields::of(config, &status.scheduler, force);
    let fields = fields.all().map(|field| parameter(field, ""));
    json!({
        "name": status.scheduler.name,
        "button_name": force.button_name,
        "label": force.label,
        "builder_names": status.scheduler.builders,
        "enabled": status.enabled,
        "all_fields": fields.collect::<Vec<_>>(),
    })
}

fn parameter(parameter: &Parameter, group: &str) -> Value {
    let full_name = parameter.field(group);
    let mut row = json!({
        "name": parameter.name,
        "fullName": full_name,
        "label": parameter.label,
        "tablabel": if parameter.tab_label.is_empty() { &parameter.label } else { &parameter.tab_label },
        "autopopulate": (!parameter.autopopulate.is_empty()).then_some(&parameter.autopopulate),
        "tooltip": parameter.tooltip,
        "default": parameter.default,
        "required": parameter.required,
        "hide": parameter.hide,
        "multiple": false,
        "regex": parameter.regex.as_ref().map(|regex| regex.as_str()),
        "maxsize": parameter.max_size,
    });
    row["type"] = json!(match &parameter.kind {
        ParameterKind::String { .. } => "text",
        ParameterKind::Text { .. } => "textarea",
        ParameterKind::Int { .. } => "int",
        ParameterKind::Bool => "bool",
        ParameterKind::Choice { .. } => "list",
        ParameterKind::Fixed => "fixed",
        ParameterKind::UserName { .. } => "username",
        ParameterKind::File => "file",
        ParameterKind::WorkerChoice => "list",
        ParameterKind::AnyProperty | ParameterKind::Nested { .. } => "nested",
    });
    if let ParameterKind::Choice { choices, strict, multiple } = &parameter.kind {
        row["choices"] = json!(choices);
        row["strict"] = json!(strict);
        row["multiple"] = json!(multiple);
    }
    match &parameter.kind {
        ParameterKind::Nested { layout, columns, fields } => {
            let inside = fields.iter().map(|inner| self::parameter(inner, &full_name));
            row["layout"] = json!(layout);
            row["columns"] = json!(columns);
            row["fields"] = inside.collect();
        }
        ParameterKind::AnyProperty => {
            let inside = any_property(&full_name);
            row["layout"] = json!(Layout::Simple);
            row["fields"] = inside.iter().map(|inner| self::parameter(inner, "")).collect();
        }
        _ => {}
    }
    row
}

/// The forms, each with its row.
async fn force_rows(app: &App) -> Result<Vec<(Scheduler, Value)>, Fault> {
    let schedulers = app.act(|actions| actions.schedulers()).await??;
    let config = app.site.config();
    let row = |status: SchedulerStatus| {
        let row = force_row(&config, &status, status.scheduler.kind.form()?);
        Some((status.scheduler, row))
    };
    Ok(schedulers.into_iter().filter_map(row).collect())
}

pub(super) async fn force_schedulers(
    app: &App,
    builder: Option<&str>,
    query: Query,
) -> Result<Listed, Fault> {
    let of = match builder {
        Some(part) => Some(resolve::builder(app, part).await?),
        None => None,
    };
    let mut rows = force_rows(app).await?;
    rows.retain(|(scheduler, _)| of.as_ref().is_none_or(|builder| scheduler.builders.contains(builder)));
    query.list(&FORCE_SCHEDULER, rows.into_iter().map(|(_, row)| row).collect())
}

pub(super) async fn force_scheduler(app: &App, name: &str, query: Query) -> Result<Listed, Fault> {
    let found = force_rows(app).await?.into_iter().find(|(scheduler, _)| scheduler.name == name);
    query.one(&FORCE_SCHEDULER, found.map(|(_, row)| row).ok_or_else(|| Fault::no("force scheduler", name))?)
}
