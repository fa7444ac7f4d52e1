//! One builder: what it runs, what waits for it, what it built, who builds for it.

use super::explain::why;
use super::tables::{self, BuildRow, nothing, with_changes};
use super::{Answer, requests::why_all_wait};
use crate::botmaster::Snapshot;
use crate::config::{Builder, SchedulerKind};
use crate::db::{Connection, DbError, builds, requests};
use crate::model::{BuildId, BuildRequest, Wall};
use crate::status::explain::Subject;
use crate::status::limits::{BUILDS_PER_PAGE, REQUESTS_PER_PAGE};
use crate::status::web::app::App;
use crate::status::web::fault::Fault;
use crate::status::web::layout::{Page, page};
use crate::status::web::view::View;
use axum::extract::{Path, Query, State};
use maud::{Markup, html};
use serde::Deserialize;

/// Which part of a long list of builds.
#[derive(Default, Deserialize)]
pub(in crate::status::web) struct Older {
    /// Those with smaller ids.
    pub(super) before: Option<i64>,
}

struct Data {
    builds: Vec<BuildRow>,
    waiting: Vec<BuildRequest>,
}

fn load(
    connection: &mut Connection,
    name: &str,
    before: Option<BuildId>,
    now: Wall,
) -> Result<Data, DbError> {
    let filter = builds::Filter { builder: Some(name.to_owned()), before, ..builds::Filter::default() };
    let found = builds::recent(connection, &filter, BUILDS_PER_PAGE)?;
    Ok(Data {
        builds: with_changes(connection, found, now)?,
        waiting: requests::unclaimed(connection, Some(name), REQUESTS_PER_PAGE)?,
    })
}

/// `/builders/NAME`
pub(in crate::status::web) async fn builder(
    State(app): State<App>,
    view: View,
    Path(name): Path<String>,
    Query(older): Query<Older>,
) -> Answer {
    let before = older.before.map(BuildId);
    let (wanted, now) = (name.clone(), view.now);
    let data = app.read(move |connection| load(connection, &wanted, before, now)).await?;
    let config = view.config.clone();
    let builder = config.builder(&name);
    if builder.is_none() && data.builds.is_empty() {
        return Err(Fault::no("builder", format!("{name:?}")));
    }
    let snapshot = app.act(|actions| actions.snapshot()).await?.unwrap_or_default();
    let body = render(&view, &name, builder, &data, &snapshot);
    let events = Some(format!(
        "builder={}",
        percent_encoding::utf8_percent_encode(&name, percent_encoding::NON_ALPHANUMERIC)
    ));
    Ok(page(&view, Page { title: name, place: "builders", events, body }))
}

fn render(view: &View, name: &str, builder: Option<&Builder>, data: &Data, snapshot: &Snapshot) -> Markup {
    html! {
        nav.crumbs aria-label="Where this is" { a href=(view.to([&"builders"])) { "Builders" } }
        div.heading {
            h1 { (name) }
            (why(view, &Subject::Builder(name.to_owned())))
            @if let Some(builder) = builder {
                @for tag in &builder.tags { span.tag { (tag) } }
                div.buttons { (force_buttons(view, name)) }
            } @else { span.tag.gone { "not configured any more" } }
        }
        @if let Some(description) = builder.and_then(|builder| builder.description.as_ref()) { p.lead { (description) } }
        div.columns {
            div {
                @if !data.waiting.is_empty() {
                    section #waiting data-fragment aria-labelledby="h-waiting" {
                        h2 #h-waiting { "Waiting " span.count { (data.waiting.len()) } }
                        (super::requests::table(view, &data.waiting, &why_all_wait(&data.waiting, snapshot), true))
                    }
                }
                section #builds data-fragment aria-labelledby="h-builds" {
                    h2 #h-builds { "Builds" }
                    @if data.builds.is_empty() { (nothing("No builds here.")) }
                    @else { (tables::builds(view, &data.builds, true)) }
                    (older(data))
                }
            }
            @if let Some(builder) = builder {
                aside #workers data-fragment aria-labelledby="h-workers" {
                    h2 #h-workers { "Workers" }
                    (super::workers::chips(view, &builder.workers, snapshot))
                    h2 { "Asked by" }
                    ul.plain { @for scheduler in &view.config.schedulers {
                        @if scheduler.builders.iter().any(|of| of == name) {
                            li { a href={ (view.to([&"schedulers"])) "#" (scheduler.name) } { (scheduler.name) } }
                        }
                    } }
                    h2 { "Steps" }
                    ol.plain { @for step in &builder.steps { li { (step.name) } } }
                }
            }
        }
    }
}

fn older(data: &Data) -> Markup {
    let is_full = data.builds.len() >= BUILDS_PER_PAGE as usize;
    let last = data.builds.last().filter(|row| is_full && row.build.number > 1);
    html! {
        @if let Some(row) = last { nav.pager aria-label="Pages" { a rel="next" href={ "?before=" (row.build.id) } { "Older builds" } } }
    }
}

/// A link to each form by which people can ask this builder.
fn force_buttons(view: &View, builder: &str) -> Markup {
    html! {
        @for scheduler in &view.config.schedulers {
            @if let SchedulerKind::Force(force) = &scheduler.kind {
                @if scheduler.builders.iter().any(|of| of == builder) {
                    a.button href=(view.to([&"builders", &builder, &"force", &scheduler.name])) { (force.button_name) }
                }
            }
        }
    }
}
