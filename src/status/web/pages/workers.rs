//! The workers: who is connected, what each does, what it said of itself.

use super::Answer;
use super::tables::{self, BuildRow, nothing, with_changes};
use crate::botmaster::{Snapshot, WorkerState, WorkerStatus};
use crate::db::{builds, workers};
use crate::model::WorkerInfo;
use crate::status::limits::BUILDS_PER_PAGE;
use crate::status::web::app::App;
use crate::status::web::fault::Fault;
use crate::status::web::layout::{Page, page};
use crate::status::web::view::View;
use crate::status::web::words;
use axum::extract::{Path, State};
use maud::{Markup, html};
use std::collections::{BTreeMap, BTreeSet};

/// `/workers`
pub(in crate::status::web) async fn workers(State(app): State<App>, view: View) -> Answer {
    let (known, running) =
        app.read(|connection| Ok((workers::all(connection)?, builds::running(connection)?))).await?;
    let snapshot = app.act(|actions| actions.snapshot()).await?.unwrap_or_default();
    let mut names: BTreeSet<&str> = view.config.workers.iter().map(|worker| worker.name.as_str()).collect();
    names.extend(known.iter().filter(|worker| worker.connected).map(|worker| worker.name.as_str()));
    let known: BTreeMap<&str, &WorkerInfo> =
        known.iter().map(|worker| (worker.name.as_str(), worker)).collect();
    let connected =
        names.iter().filter(|name| known.get(*name).is_some_and(|worker| worker.connected)).count();
    let body = html! {
        h1 { "Workers " span.count { (connected) " of " (names.len()) " connected" } }
        section #workers data-fragment {
            @if names.is_empty() { (nothing("No worker is configured.")) }
            @else {
                table.rows.workers {
                    thead {
                        tr {
                            th scope="col" { "State" }
                            th scope="col" { "Worker" }
                            th scope="col" { "Builds now" }
                            th scope="col" { "System" }
                            th.num scope="col" { "Version" }
                            th.num scope="col" { "Last seen" }
                        }
                    }
                    tbody {
                        @for name in &names {
                            @let worker = known.get(name);
                            @let info = |key: &str| worker.and_then(|worker| worker.info.get(key)).map_or("", String::as_str);
                            @let (class, state) = state(status(&snapshot, name), worker.copied());
                            tr class=(class) {
                                td { span class={ "badge " (class) } { (state) } }
                                td.name { a href=(view.worker(name)) { (name) } }
                                td.what {
                                    @for build in running.iter().filter(|build| build.worker == *name) {
                                        a href=(view.build(&build.builder, build.number)) { (super::build_name(build)) } " "
                                    }
                                    @if let Some(trouble) = status(&snapshot, name).and_then(|status| status.trouble.as_ref()) { span.state { (trouble) } }
                                }
                                td { (words::headline(info("host"), 40)) }
                                td.num data-label="version" { (info("version")) }
                                td.num data-label="seen" { @if let Some(at) = worker.and_then(|worker| worker.last_seen_at) { (view.when(at)) } @else { "never" } }
                            }
                        }
                    }
                }
            }
        }
    };
    let events = Some("about=workers".to_owned());
    Ok(page(&view, Page { title: "Workers".to_owned(), place: "workers", events, body }))
}

fn status<'a>(snapshot: &'a Snapshot, name: &str) -> Option<&'a WorkerStatus> {
    snapshot.workers.iter().find(|worker| worker.name == name)
}

/// What a worker is doing, as a class and in words.
fn state(status: Option<&WorkerStatus>, stored: Option<&WorkerInfo>) -> (&'static str, String) {
    let paused = stored.is_some_and(|worker| worker.paused) || status.is_some_and(|worker| worker.paused);
    let graceful =
        stored.is_some_and(|worker| worker.graceful) || status.is_some_and(|worker| worker.graceful);
    let connected = stored.is_some_and(|worker| worker.connected);
    match status {
        Some(worker) if worker.state == WorkerState::Attaching => ("retry", "connecting".to_owned()),
        _ if !connected => ("failure", "not connected".to_owned()),
        _ if graceful => ("warnings", "leaving".to_owned()),
        _ if paused => ("warnings", "paused".to_owned()),
        Some(worker) if worker.running > 0 => ("running", words::count(worker.running, "build")),
        _ => ("success", "connected".to_owned()),
    }
}

/// Some workers by name, each with a mark that says whether it is there.
pub(super) fn chips(view: &View, names: &[String], snapshot: &Snapshot) -> Markup {
    html! {
        ul.chips {
            @for name in names {
                @let here = status(snapshot, name).is_some_and(|worker| worker.state == WorkerState::Connected);
                li class=(if here { "here" } else { "away" }) {
                    a href=(view.worker(name)) { (name) }
                    @if !here { " " span.state { "away" } }
                }
            }
        }
    }
}

/// `/workers/NAME`
pub(in crate::status::web) async fn worker(
    State(app): State<App>,
    view: View,
    Path(name): Path<String>,
) -> Answer {
    let wanted = name.clone();
    let found = app.read(move |connection| {
        let filter = builds::Filter { worker: Some(wanted.clone()), ..builds::Filter::default() };
        let builds = builds::recent(connection, &filter, BUILDS_PER_PAGE)?;
        Ok((workers::get(connection, &wanted)?, with_changes(connection, builds)?))
    });
    let (stored, builds) = found.await?;
    if stored.is_none() && view.config.worker(&name).is_none() {
        return Err(Fault::no("worker", format!("{name:?}")));
    }
    let snapshot = app.act(|actions| actions.snapshot()).await?.unwrap_or_default();
    let body = render(&view, &name, stored.as_ref(), &builds, &snapshot);
    let events = Some("about=workers".to_owned());
    Ok(page(&view, Page { title: name, place: "workers", events, body }))
}

fn render(
    view: &View,
    name: &str,
    stored: Option<&WorkerInfo>,
    builds: &[BuildRow],
    snapshot: &Snapshot,
) -> Markup {
    let status = status(snapshot, name);
    let (class, state) = state(status, stored);
    let paused = stored.is_some_and(|worker| worker.paused);
    html! {
        nav.crumbs aria-label="Where this is" { a href=(view.to([&"workers"])) { "Workers" } }
        section #worker data-fragment {
            div.heading {
                h1 { (name) }
                span class={ "badge " (class) } { (state) }
                @if view.config.worker(name).is_some() {
                    div.buttons {
                        @if paused { (action(view, name, "unpause", "Let it build again")) } @else { (action(view, name, "pause", "Pause")) }
                        @if stored.is_some_and(|worker| worker.connected) { (action(view, name, "shutdown", "Shut down")) }
                    }
                } @else { span.tag.gone { "not configured any more" } }
            }
            @if let Some(trouble) = status.and_then(|status| status.trouble.as_ref()) { p.lead { (trouble) } }
            dl.facts {
                @if let Some(at) = stored.and_then(|worker| worker.last_seen_at) { div { dt { "Last seen" } dd { (view.when(at)) } } }
                @if let Some(status) = status {
                    div { dt { "Builds now" } dd { (status.running) @if let Some(max) = status.max_builds { " of at most " (max) } } }
                }
                @for (key, value) in stored.iter().flat_map(|worker| &worker.info) {
                    div { dt { (key) } dd.break { (value) } }
                }
            }
        }
        @if let Some(status) = status {
            section { h2 { "Builders" } ul.chips { @for builder in &status.builders { li { a href=(view.builder(builder)) { (builder) } } } } }
        }
        section #builds data-fragment {
            h2 { "Builds" }
            @if builds.is_empty() { (nothing("It has built nothing yet.")) } @else { (tables::builds(view, builds, false)) }
        }
    }
}

fn action(view: &View, name: &str, what: &str, label: &str) -> Markup {
    html! { form method="post" action=(view.to([&"workers", &name, &what])) { button { (label) } } }
}
