//! What a path means.

use super::names;
use crate::db::{builds, steps};
use crate::model::{Build, BuildId, Step};
use crate::status::web::app::App;
use crate::status::web::fault::Fault;

/// A build, as a path names it.
pub(super) enum BuildRef {
    /// By its id.
    Id(i64),
    /// By its builder, itself a number or a name, and its number.
    Number(String, i64),
}

/// Whose builds.
pub(super) enum Parent {
    Any,
    /// A builder's, by number or name.
    Builder(String),
    /// A worker's, by number or name.
    Worker(String),
    Request(i64),
    Change(i64),
}

/// A part of a path that must be a number.
pub(super) fn number(part: &str) -> Result<i64, Fault> {
    part.parse().map_err(|_| Fault::Missing(format!("{part:?} is no number.")))
}

/// The builder's name.
pub(super) async fn builder(app: &App, part: &str) -> Result<String, Fault> {
    let ids = names::builders(app).await?;
    Ok(ids.name(part).ok_or_else(|| Fault::no("builder", part))?.to_owned())
}

/// The worker's name.
pub(super) async fn worker(app: &App, part: &str) -> Result<String, Fault> {
    let ids = names::workers(app).await?;
    Ok(ids.name(part).ok_or_else(|| Fault::no("worker", part))?.to_owned())
}

pub(super) async fn scheduler(app: &App, part: &str) -> Result<String, Fault> {
    let ids = names::schedulers(app).await?;
    Ok(ids.name(part).ok_or_else(|| Fault::no("scheduler", part))?.to_owned())
}

pub(super) async fn build(app: &App, which: BuildRef) -> Result<Build, Fault> {
    match which {
        BuildRef::Id(id) => {
            let found = app.read(move |connection| builds::get(connection, BuildId(id))).await?;
            found.ok_or_else(|| Fault::no("build", id))
        }
        BuildRef::Number(part, number) => {
            let name = builder(app, &part).await?;
            let found = app.read(move |connection| builds::by_number(connection, &name, number)).await?;
            found.ok_or_else(|| Fault::no("build", format!("{number} of builder {part}")))
        }
    }
}

/// A step of a build, by its number or name.
pub(super) async fn step(app: &App, which: BuildRef, part: &str) -> Result<Step, Fault> {
    let id = build(app, which).await?.id;
    let all = app.read(move |connection| steps::of_build(connection, id)).await?;
    let is_it = |step: &Step| part.parse() == Ok(step.number) || step.name == part;
    all.into_iter().find(is_it).ok_or_else(|| Fault::no("step", part))
}
