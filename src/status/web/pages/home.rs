//! The first page: what runs, what ended lately, what waits, who is there.

use super::tables::{self, BuildRow, with_changes};
use super::{Answer, build_name};
use crate::botmaster::{RunningBuild, Snapshot};
use crate::db::{Connection, DbError, builds, requests, workers};
use crate::model::{Build, Wall, WorkerInfo};
use crate::status::limits::BUILDS_PER_PAGE;
use crate::status::web::app::App;
use crate::status::web::layout::{Page, page};
use crate::status::web::view::{View, expected, sign};
use crate::status::web::words;
use axum::extract::State;
use maud::{Markup, html};

struct Data {
    running: Vec<BuildRow>,
    recent: Vec<BuildRow>,
    waiting: i64,
    workers: Vec<WorkerInfo>,
}

fn load(connection: &mut Connection, now: Wall) -> Result<Data, DbError> {
    let ended = builds::Filter { complete: Some(true), ..builds::Filter::default() };
    let running = builds::running(connection)?;
    let recent = builds::recent(connection, &ended, BUILDS_PER_PAGE)?;
    Ok(Data {
        running: with_changes(connection, running, now)?,
        recent: with_changes(connection, recent, now)?,
        waiting: requests::waiting(connection)?.values().sum(),
        workers: workers::all(connection)?,
    })
}

/// `/`
pub(in crate::status::web) async fn home(State(app): State<App>, view: View) -> Answer {
    let now = view.now;
    let data = app.read(move |connection| load(connection, now)).await?;
    let snapshot = app.act(|actions| actions.snapshot()).await?.unwrap_or_default();
    let body = render(&view, &data, &snapshot);
    Ok(page(&view, Page { title: String::new(), place: "", events: Some("about=builds".to_owned()), body }))
}

fn render(view: &View, data: &Data, snapshot: &Snapshot) -> Markup {
    let configured = &view.config.workers;
    let is_here = |name: &str| data.workers.iter().any(|worker| worker.name == name && worker.is_connected());
    let connected = configured.iter().filter(|worker| is_here(&worker.name)).count();
    html! {
        h1.hidden { "Overview" }
        ul.figures #figures data-fragment {
            li { a href="#running" { b { (words::number(data.running.len() as i64)) } " running" } }
            li { a href=(view.to([&"requests"])) { b { (words::number(data.waiting)) } " waiting" } }
            li.warn[connected < configured.len()] {
                a href=(view.to([&"workers"])) { b { (connected) "/" (configured.len()) } " workers connected" }
            }
            @if snapshot.draining { li.warn { "The master is shutting down: nothing new is started" } }
        }
        section #running data-fragment aria-labelledby="h-running" {
            h2 #h-running { "Running" }
            @if data.running.is_empty() { (tables::nothing("Nothing is being built right now.")) }
            @else {
                ul.running {
                    @for row in &data.running { (running(view, row, snapshot)) }
                }
            }
        }
        section #recent data-fragment aria-labelledby="h-recent" {
            h2 #h-recent { "Recently finished" }
            @if data.recent.is_empty() { (tables::nothing("No build has finished yet.")) }
            @else { (tables::builds(view, &data.recent, false)) }
        }
    }
}

/// One running build as a card.
fn running(view: &View, row: &BuildRow, snapshot: &Snapshot) -> Markup {
    let build = &row.build;
    let live = snapshot.builds.iter().find(|live| live.build == build.id);
    html! {
        li {
            a.name href=(view.build(&build.builder, build.number)) { (sign(None)) (build_name(build)) }
            p.doing { (doing(build, live)) }
            p.meta {
                span { "on " a href=(view.worker(&build.worker)) { (build.worker) } }
                @if let Some((change, _)) = &row.change {
                    a.headline href=(view.to([&"changes", &change.id])) { (words::headline(&change.told.comments, 48)) }
                }
                span.push { (view.took(build.started_at, None)) }
            }
            @match (row.end, live) {
                (Some(end), _) => (expected(view, build.started_at, end)),
                (None, Some(live)) => (progress(live.progress)),
                (None, None) => {}
            }
        }
    }
}

/// What a running build is doing, in its own words or its step's name.
fn doing(build: &Build, live: Option<&RunningBuild>) -> Markup {
    html! {
        @match live {
            Some(live) if live.stopping => { "stopping" }
            Some(RunningBuild { step: Some((_, step)), .. }) => { (step) }
            _ => { (build.state) }
        }
    }
}

/// How many of the steps are done, as a bar.
pub(super) fn progress((done, all): (usize, usize)) -> Markup {
    html! { progress value=(done) max=(all.max(1)) title={ (done) " of " (words::count(all, "step")) " done" } {} }
}
