//! The workers: who is connected, what each does, what it said of itself.

use super::Answer;
use super::explain::why;
use super::tables::{self, BuildRow, nothing, with_changes};
use crate::botmaster::latent::Standing;
use crate::botmaster::latent::instance::Phase;
use crate::botmaster::{SlotState, Snapshot, WorkerState, WorkerStatus};
use crate::db::{builds, workers};
use crate::model::WorkerInfo;
use crate::status::explain::Subject;
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
    names.extend(known.iter().filter(|worker| worker.is_connected()).map(|worker| worker.name.as_str()));
    let known: BTreeMap<&str, &WorkerInfo> =
        known.iter().map(|worker| (worker.name.as_str(), worker)).collect();
    let connected =
        names.iter().filter(|name| known.get(*name).is_some_and(|worker| worker.is_connected())).count();
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

/// Since when the instance of a latent worker does what it does, and until when at most.
fn facts_of(view: &View, instance: &Standing) -> Markup {
    let (since, until) = match instance.phase {
        Phase::Down => ("Not started since", ""),
        Phase::Starting => ("Being started since", "Missing from"),
        Phase::Up => ("Started since", "Stopped, if no build comes,"),
        Phase::Stopping => ("Being stopped since", "Stop tried again"),
    };
    html! {
        div { dt { (since) } dd { (view.when(instance.since)) } }
        @if let Some(at) = instance.until { div { dt { (until) } dd { (view.when(at)) } } }
    }
}

/// What a worker is doing, as a class and in words.
fn state(status: Option<&WorkerStatus>, stored: Option<&WorkerInfo>) -> (&'static str, String) {
    let paused =
        stored.is_some_and(|worker| worker.paused) || status.is_some_and(|worker| worker.pause.is_some());
    let quarantined = status.is_some_and(|worker| worker.quarantined_until.is_some());
    let missing = status.is_some_and(|worker| worker.missing_since.is_some());
    let graceful =
        stored.is_some_and(|worker| worker.graceful) || status.is_some_and(|worker| worker.graceful);
    let connected = stored.is_some_and(|worker| worker.is_connected());
    let phase = status.and_then(|worker| worker.instance).map(|instance| instance.phase);
    match status {
        Some(worker) if worker.state == WorkerState::Attaching => ("retry", "connecting".to_owned()),
        _ if phase == Some(Phase::Stopping) => ("retry", "stopping".to_owned()),
        _ if phase == Some(Phase::Starting) => ("retry", "starting".to_owned()),
        _ if missing => ("failure", "missing".to_owned()),
        _ if phase == Some(Phase::Down) && !connected && !paused && !quarantined => {
            ("", "not started".to_owned())
        }
        _ if !connected => ("failure", "not connected".to_owned()),
        _ if graceful => ("warnings", "leaving".to_owned()),
        _ if paused => ("warnings", "paused".to_owned()),
        _ if quarantined => ("exception", "in quarantine".to_owned()),
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
    let (wanted, now) = (name.clone(), view.now);
    let found = app.read(move |connection| {
        let filter = builds::Filter { worker: Some(wanted.clone()), ..builds::Filter::default() };
        let builds = builds::recent(connection, &filter, BUILDS_PER_PAGE)?;
        Ok((workers::get(connection, &wanted)?, with_changes(connection, builds, now)?))
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
    let pause_reason = stored.and_then(|worker| worker.pause_reason.as_deref()).filter(|why| !why.is_empty());
    let quarantined = status.and_then(|status| status.quarantined_until);
    html! {
        nav.crumbs aria-label="Where this is" { a href=(view.to([&"workers"])) { "Workers" } }
        section #worker data-fragment {
            div.heading {
                h1 { (name) }
                span class={ "badge " (class) } { (state) }
                (why(view, &Subject::Worker(name.to_owned())))
                @if view.config.worker(name).is_some() {
                    div.buttons {
                        @if paused || quarantined.is_some() { (action(view, name, "unpause", "Let it build again", None)) }
                        @if !paused { (action(view, name, "pause", "Pause", Some("Why it is paused"))) }
                        @if stored.is_some_and(WorkerInfo::is_connected) {
                            (action(view, name, "shutdown", "Shut down after its builds", None))
                            (action(view, name, "kill", "Shut down now", None))
                        }
                    }
                } @else { span.tag.gone { "not configured any more" } }
            }
            @if let Some(trouble) = status.and_then(|status| status.trouble.as_ref()) { p.lead { (trouble) } }
            @if let Some(why) = pause_reason { p.lead { "It is paused: " (why) } }
            @if let Some(until) = quarantined {
                p.lead { "A build ended as an exception here, or it could not be started: it gets no builds until " (view.when(until)) }
            }
            dl.facts {
                @if let Some(instance) = status.and_then(|status| status.instance) { (facts_of(view, &instance)) }
                @if let Some(since) = status.and_then(|status| status.missing_since) { div { dt { "Missing since" } dd { (view.when(since)) } } }
                @if let Some(at) = stored.and_then(|worker| worker.last_seen_at) { div { dt { "Last seen" } dd { (view.when(at)) } } }
                @if let Some(status) = status {
                    div { dt { "Builds now" } dd { (status.running) @if let Some(max) = status.max_builds { " of at most " (max) } } }
                    @if let Some(protocol) = status.protocol { div { dt { "Protocol" } dd { (protocol) } } }
                    @if let Some(at) = status.heard_at { div { dt { "Last heard from" } dd { (view.when(at)) } } }
                    div { dt { "Connections in the last hour" } dd { (status.connects) } }
                }
                @for (key, value) in stored.iter().flat_map(|worker| &worker.info) {
                    div { dt { (key) } dd.break { (value) } }
                }
            }
            @if let Some(environ) = stored.map(|worker| &worker.environ).filter(|environ| !environ.is_empty()) {
                details {
                    summary { "Environment" }
                    dl.facts { @for (key, value) in environ { div { dt { (key) } dd.break { (value) } } } }
                }
            }
        }
        @if let Some(status) = status {
            section #builders data-fragment { h2 { "Builders" } ul.chips { @for slot in &status.builders {
                    li { a href=(view.builder(&slot.builder)) { (slot.builder) } @if let Some(state) = slot_state(slot.state) { " " span.state { (state) } } }
                } } }
        }
        section #builds data-fragment {
            h2 { "Builds" }
            @if builds.is_empty() { (nothing("It has built nothing yet.")) } @else { (tables::builds(view, builds, false)) }
        }
    }
}

/// A button; `reason` is what a field beside it asks for.
fn action(view: &View, name: &str, what: &str, label: &str, reason: Option<&str>) -> Markup {
    html! {
        form method="post" action=(view.to([&"workers", &name, &what])) {
            @if let Some(reason) = reason {
                input type="text" name="reason" placeholder="Why (if you like)" aria-label=(reason) maxlength="200";
                " "
            }
            button { (label) }
        }
    }
}

/// What is worth telling of a worker's place for builds of one builder.
fn slot_state(state: SlotState) -> Option<&'static str> {
    match state {
        SlotState::Away | SlotState::Idle => None,
        SlotState::Attaching => Some("connecting"),
        SlotState::Pinging => Some("starting"),
        SlotState::Building => Some("building"),
    }
}
