//! What waits to be built, and what it waits for.

use super::explain::why;
use super::tables::nothing;
use super::{Answer, build_name};
use crate::botmaster::Snapshot;
use crate::db::{builds, buildsets, requests};
use crate::model::{Build, BuildRequest, Buildset, RequestId};
use crate::status::explain::Subject;
use crate::status::limits::REQUESTS_PER_PAGE;
use crate::status::web::app::App;
use crate::status::web::fault::Fault;
use crate::status::web::layout::{Page, page};
use crate::status::web::view::{View, badge};
use crate::status::web::words;
use axum::extract::{Path, State};
use maud::{Markup, html};
use std::collections::BTreeMap;

/// `/requests`
pub(in crate::status::web) async fn requests(State(app): State<App>, view: View) -> Answer {
    let waiting = app.read(|connection| {
        let all: i64 = requests::waiting(connection)?.values().sum();
        Ok((all, requests::unclaimed(connection, None, REQUESTS_PER_PAGE)?))
    });
    let (all, waiting) = waiting.await?;
    let snapshot = app.act(|actions| actions.snapshot()).await?.unwrap_or_default();
    let why = why_all_wait(&waiting, &snapshot);
    let body = html! {
        h1 { "Waiting to be built " span.count { (words::number(all)) } }
        section #waiting data-fragment {
            @if waiting.is_empty() { (nothing("Nothing waits.")) } @else { (table(&view, &waiting, &why, false)) }
            @if (waiting.len() as i64) < all { p.meta { "The first " (waiting.len()) " are shown." } }
        }
    };
    let events = Some("about=builds".to_owned());
    Ok(page(&view, Page { title: "Waiting".to_owned(), place: "requests", events, body }))
}

/// Requests that wait, each with why.
pub(super) fn table(
    view: &View,
    waiting: &[BuildRequest],
    why: &BTreeMap<RequestId, String>,
    of_one_builder: bool,
) -> Markup {
    html! {
        table.rows.requests {
            thead {
                tr {
                    th scope="col" { "Request" }
                    @if !of_one_builder { th scope="col" { "Builder" } }
                    th scope="col" { "Why it waits" }
                    th.num scope="col" { "Priority" }
                    th.num scope="col" { "Since" }
                    th { span.hidden { "Cancel" } }
                }
            }
            tbody {
                @for request in waiting {
                    tr.waiting {
                        td.name { a href=(view.to([&"requests", &request.id])) { "Request " (request.id) } }
                        @if !of_one_builder { td.name { a href=(view.builder(&request.builder)) { (request.builder) } } }
                        td.what { (why.get(&request.id).map_or("", String::as_str)) }
                        td.num data-label="priority" { (request.priority) }
                        td.num data-label="since" { (view.when(request.submitted_at)) }
                        td.act { (cancel_form(view, request.id)) }
                    }
                }
            }
        }
    }
}

fn cancel_form(view: &View, request: RequestId) -> Markup {
    html! {
        form method="post" action=(view.to([&"requests", &request, &"cancel"])) {
            button.small aria-label={ "Cancel request " (request) } { "Cancel" }
        }
    }
}

/// Why each of these requests waits; they are in the order in which each builder takes them.
pub(super) fn why_all_wait(waiting: &[BuildRequest], snapshot: &Snapshot) -> BTreeMap<RequestId, String> {
    let mut ahead: BTreeMap<&str, usize> = BTreeMap::new();
    let mut why = BTreeMap::new();
    for request in waiting {
        let before = ahead.entry(&request.builder).or_default();
        let reason = match *before {
            0 => snapshot.why_waiting(&request.builder),
            n => format!("{} before it", words::count(n, "request")),
        };
        why.insert(request.id, reason);
        *before += 1;
    }
    why
}

struct Data {
    request: BuildRequest,
    buildset: Option<Buildset>,
    builds: Vec<Build>,
}

/// `/requests/ID`: what became of a request; while it waits, why.
pub(in crate::status::web) async fn request(
    State(app): State<App>,
    view: View,
    Path(id): Path<i64>,
) -> Answer {
    let found = app.read(move |connection| {
        let Some(request) = requests::get(connection, RequestId(id))? else { return Ok(None) };
        let buildset = buildsets::get(connection, request.buildset)?;
        let builds = builds::of_request(connection, request.id)?;
        Ok(Some(Data { request, buildset, builds }))
    });
    let data = found.await?.ok_or_else(|| Fault::no("request", id))?;
    let snapshot = app.act(|actions| actions.snapshot()).await?.unwrap_or_default();
    let body = render(&view, &data, &snapshot);
    let events = data.request.complete_at.is_none().then(|| "about=builds".to_owned());
    Ok(page(&view, Page { title: format!("Request {id}"), place: "requests", events, body }))
}

fn render(view: &View, Data { request, buildset, builds }: &Data, snapshot: &Snapshot) -> Markup {
    let waits = request.complete_at.is_none() && request.claimed_by.is_none();
    html! {
        nav.crumbs aria-label="Where this is" {
            a href=(view.to([&"builders"])) { "Builders" }
            a href=(view.builder(&request.builder)) { (request.builder) }
        }
        section #request data-fragment {
            div.heading {
                h1 { "Request " (request.id) }
                @if request.complete_at.is_some() { (badge(request.results)) }
                (why(view, &Subject::Request(request.id)))
                @if request.complete_at.is_none() { div.buttons { (cancel_form(view, request.id)) } }
            }
            @if waits { p.lead { "Waits: " (snapshot.why_waiting(&request.builder)) "." } }
            @if let Some(outcome) = &request.outcome { p.lead { (outcome) } }
            dl.facts {
                div { dt { "Builder" } dd { a href=(view.builder(&request.builder)) { (request.builder) } } }
                div { dt { "Submitted" } dd { (view.when(request.submitted_at)) } }
                @if let Some(at) = request.complete_at { div { dt { "Complete" } dd { (view.when(at)) } } }
                @if let Some(buildset) = buildset {
                    div { dt { "Reason" } dd { (buildset.reason) } }
                    div { dt { "Scheduler" } dd { (buildset.scheduler) } }
                }
            }
            @if !builds.is_empty() {
                h2 { "Builds" }
                ul.plain { @for build in builds {
                    li { (badge(build.results)) " " a href=(view.build(&build.builder, build.number)) { (build_name(build)) } " " (view.when(build.started_at)) }
                } }
            }
        }
    }
}
