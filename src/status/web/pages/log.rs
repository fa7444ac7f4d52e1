//! One log: its lines on pages, new ones as they come, and the whole as a file.

use super::log_search::Wish;
use super::{Answer, build_name};
use crate::db::{Connection, DbError, builds, logs, steps};
use crate::model::{Build, LogInfo, LogKind, Step};
use crate::status::limits::{LOG_PAGE_LINES, LOG_TAIL_LINES, SEARCH_PATTERN_BYTES};
use crate::status::web::app::App;
use crate::status::web::download;
use crate::status::web::fault::Fault;
use crate::status::web::layout::{Page, page};
use crate::status::web::log_lines::{self, Shown};
use crate::status::web::view::{View, badge};
use crate::status::web::words;
use axum::extract::{Path, Query, State};
use axum::http::HeaderName;
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use serde::Deserialize;

/// Builder, build number, step (number or name), log slug.
pub(in crate::status::web) type Which = (String, i64, String, String);

/// A log and where it belongs.
pub(super) struct Found {
    pub(super) build: Build,
    pub(super) step: Step,
    pub(super) log: LogInfo,
}

pub(super) fn find(connection: &mut Connection, which: &Which) -> Result<Option<Found>, DbError> {
    let (builder, number, step, slug) = which;
    let Some(build) = builds::by_number(connection, builder, *number)? else { return Ok(None) };
    let of_build = steps::of_build(connection, build.id)?;
    let is_it = |one: &&Step| step.parse() == Ok(one.number) || one.name == *step;
    let Some(step) = of_build.iter().find(is_it).cloned() else { return Ok(None) };
    let log = logs::by_slug(connection, step.id, slug)?;
    Ok(log.map(|log| Found { build, step, log }))
}

pub(super) fn missing((builder, number, step, slug): &Which) -> Fault {
    Fault::no("log", format!("{slug:?} of step {step:?} in build {number} of builder {builder:?}"))
}

/// Which page, or the page of which line; both from 1.
#[derive(Default, Deserialize)]
pub(in crate::status::web) struct Place {
    page: Option<i64>,
    line: Option<i64>,
}

/// The page that is asked for, from 0: without a wish, the last one while the log grows or when its step went wrong.
fn which_page(place: &Place, log: &LogInfo, step: &Step) -> i64 {
    let last = last_page(log);
    let wish = match (place.page, place.line) {
        (Some(page), _) => page.saturating_sub(1),
        (None, Some(line)) => line.saturating_sub(1) / LOG_PAGE_LINES,
        (None, None) if step.results.is_some_and(|results| results.is_good()) => 0,
        (None, None) => last,
    };
    wish.clamp(0, last)
}

fn last_page(log: &LogInfo) -> i64 {
    (log.line_count - 1).max(0) / LOG_PAGE_LINES
}

/// `.../logs/SLUG`
pub(in crate::status::web) async fn log(
    State(app): State<App>,
    view: View,
    Path(which): Path<Which>,
    Query(place): Query<Place>,
) -> Answer {
    let wanted = which.clone();
    let found = app.read(move |connection| {
        let Some(found) = find(connection, &wanted)? else { return Ok(None) };
        let at = which_page(&place, &found.log, &found.step);
        let shown = log_lines::read(connection, &found.log, at * LOG_PAGE_LINES, LOG_PAGE_LINES, "")?;
        Ok(Some((found, at, shown)))
    });
    let (found, at, shown) = found.await?.ok_or_else(|| missing(&which))?;
    let is_live = !found.log.complete && at == last_page(&found.log);
    let events = is_live.then(|| format!("log={}", found.log.id));
    let title = format!("{} of {}, {}", found.log.name, found.step.name, build_name(&found.build));
    let body = render(&view, &found, at, &shown);
    Ok(page(&view, Page { title, place: "builders", events, body }))
}

fn render(view: &View, found: &Found, at: i64, shown: &Shown) -> Markup {
    let Found { build, step, log } = found;
    let address = super::build::log_address(view, build, step, log);
    html! {
        (crumbs(view, found))
        div.heading {
            h1 { (log.name) }
            (badge(step.results))
            span.meta #log-size { (words::count(usize::try_from(log.line_count).unwrap_or(0), "line")) }
            @if !log.complete { label.follow { input type="checkbox" #follow checked; " follow" } }
            (search_form(&address, &Wish::default()))
            div.buttons {
                a.button href={ (address) "/text" } { "Text" }
                a.button href={ (address) "/raw" } { "Download" }
            }
        }
        (pager(log, at))
        @if log.line_count == 0 && log.complete { (super::tables::nothing("The log is empty.")) }
        @else if at == last_page(log) { (shown.block(log, &address)) }
        @else { pre.log tabindex="0" aria-label={ "Log " (log.name) } { (shown.lines()) } }
        (pager(log, at))
    }
}

/// The way to a log.
pub(super) fn crumbs(view: &View, Found { build, step, .. }: &Found) -> Markup {
    html! {
        nav.crumbs aria-label="Where this is" {
            a href=(view.to([&"builders"])) { "Builders" }
            a href=(view.builder(&build.builder)) { (build.builder) }
            a href=(view.build(&build.builder, build.number)) { "#" (build.number) }
            a href={ (view.build(&build.builder, build.number)) "#step-" (step.number) } { (step.name) }
        }
    }
}

/// Where one looks for something in a log.
pub(super) fn search_form(address: &str, wish: &Wish) -> Markup {
    html! {
        form.search role="search" method="get" action={ (address) "/search" } {
            input type="search" name="q" value=(wish.q) placeholder="In this log" aria-label="Search in this log" maxlength=(SEARCH_PATTERN_BYTES) required;
            label { input type="checkbox" name="regex" checked[wish.regex.is_some()]; " regex" }
            button { "Search" }
        }
    }
}

fn pager(log: &LogInfo, at: i64) -> Markup {
    let last = last_page(log);
    let first_line = |page: i64| words::number(page * LOG_PAGE_LINES + 1);
    html! {
        @if last > 0 {
            nav.pager aria-label="Pages of the log" {
                @if at > 0 {
                    a href="?page=1" { "First" }
                    a rel="prev" href={ "?page=" (at) } { "← from line " (first_line(at - 1)) }
                }
                span { "Lines " (first_line(at)) " to " (words::number(((at + 1) * LOG_PAGE_LINES).min(log.line_count))) " of " (words::number(log.line_count)) }
                @if at < last {
                    a rel="next" href={ "?page=" (at + 2) } { "from line " (first_line(at + 1)) " →" }
                    a href={ "?page=" (last + 1) } { "Last" }
                }
            }
        }
    }
}

/// From which line on, from 0.
#[derive(Deserialize)]
pub(in crate::status::web) struct From {
    from: i64,
}

/// What the script reads beside the lines: where to go on, and whether the log is complete.
const NEXT: HeaderName = HeaderName::from_static("x-next-line");
const MORE: HeaderName = HeaderName::from_static("x-more");

/// `.../logs/SLUG/lines?from=N`: the lines since, for the script to append.
pub(in crate::status::web) async fn lines(
    State(app): State<App>,
    Path(which): Path<Which>,
    Query(From { from }): Query<From>,
) -> Result<Response, Fault> {
    let wanted = which.clone();
    let found = app.read(move |connection| {
        let Some(found) = find(connection, &wanted)? else { return Ok(None) };
        let shown = log_lines::read(connection, &found.log, from.max(0), LOG_PAGE_LINES, "")?;
        Ok(Some((found.log, shown)))
    });
    let (log, shown) = found.await?.ok_or_else(|| missing(&which))?;
    let more = if !log.complete {
        "later"
    } else if shown.next < log.line_count {
        "now"
    } else {
        "no"
    };
    let headers = [(NEXT, shown.next.to_string()), (MORE, more.to_owned())];
    Ok((headers, shown.lines()).into_response())
}

/// `.../logs/SLUG/tail`: the end of the log as a block, for a step that is unfolded on the build's page.
pub(in crate::status::web) async fn tail(
    State(app): State<App>,
    view: View,
    Path(which): Path<Which>,
) -> Answer {
    let wanted = which.clone();
    let of_build = view.on_a_build_page();
    let shown = app.read(move |connection| {
        let Some(found) = find(connection, &wanted)? else { return Ok(None) };
        let address = super::build::log_address(&of_build, &found.build, &found.step, &found.log);
        let first = (found.log.line_count - LOG_TAIL_LINES).max(0);
        let shown = log_lines::read(connection, &found.log, first, LOG_TAIL_LINES, &address)?;
        Ok(Some(shown.block(&found.log, &address)))
    });
    shown.await?.ok_or_else(|| missing(&which))
}

/// `.../logs/SLUG/text`: what the program wrote, to read in the browser, without the headers (`WS-15`).
pub(in crate::status::web) async fn text(
    State(app): State<App>,
    Path(which): Path<Which>,
) -> Result<Response, Fault> {
    let wanted = which.clone();
    let found =
        app.read(move |connection| find(connection, &wanted)).await?.ok_or_else(|| missing(&which))?;
    Ok(download::inline(app, found.log, download::Parts::Output))
}

/// `.../logs/SLUG/raw`: all of it, as a file.
pub(in crate::status::web) async fn raw(
    State(app): State<App>,
    Path(which): Path<Which>,
) -> Result<Response, Fault> {
    let wanted = which.clone();
    let found =
        app.read(move |connection| find(connection, &wanted)).await?.ok_or_else(|| missing(&which))?;
    let suffix = if found.log.kind == LogKind::Html { "html" } else { "txt" };
    let (builder, number, step, slug) = &which;
    let name = format!("{builder}-{number}-{step}-{slug}.{suffix}");
    Ok(download::attachment(app, found.log, &name))
}
