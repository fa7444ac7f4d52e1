//! All builders: the last result of each, what it does now, and its last few builds as a row of squares.

use super::Answer;
use super::tables::nothing;
use crate::config::{Builder, Config};
use crate::db::builds::{self, Outcome};
use crate::db::{Connection, DbError, expectations, requests};
use crate::model::Wall;
use crate::status::web::app::App;
use crate::status::web::layout::{Page, page};
use crate::status::web::view::{View, badge, class, expected};
use crate::status::web::words;
use axum::extract::{Query, State};
use maud::{Markup, html};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

/// How many of a builder's last builds are shown.
const LAST_BUILDS: u32 = 8;

/// What the page's address can ask for.
#[derive(Default, Deserialize)]
pub(in crate::status::web) struct Wish {
    /// A part of the name, in any case.
    #[serde(default)]
    search: String,
    /// A tag.
    #[serde(default)]
    tag: String,
}

struct Data {
    /// The last builds of each builder, the newest first.
    last: BTreeMap<String, Vec<Outcome>>,
    waiting: BTreeMap<String, i64>,
    /// When the running builds of each builder began and will end, as far as that can be told.
    expected: BTreeMap<String, Vec<(Wall, Wall)>>,
}

fn load(connection: &mut Connection, now: Wall) -> Result<Data, DbError> {
    let mut last: BTreeMap<String, Vec<Outcome>> = BTreeMap::new();
    for build in builds::last_of_each(connection, LAST_BUILDS)? {
        last.entry(build.builder.clone()).or_default().push(build);
    }
    let running = builds::running(connection)?;
    let ends = expectations::ends_of(connection, &running, now)?;
    let mut expected: BTreeMap<String, Vec<(Wall, Wall)>> = BTreeMap::new();
    for build in running {
        if let Some(end) = ends.get(&build.id) {
            expected.entry(build.builder).or_default().push((build.started_at, *end));
        }
    }
    Ok(Data { last, waiting: requests::waiting(connection)?, expected })
}

/// `/builders`
pub(in crate::status::web) async fn builders(
    State(app): State<App>,
    view: View,
    wish: Result<Query<Wish>, axum::extract::rejection::QueryRejection>,
) -> Answer {
    let Query(wish) = wish.unwrap_or_default();
    let now = view.now;
    let data = app.read(move |connection| load(connection, now)).await?;
    let body = render(&view, &data, &wish);
    let page_of = Page {
        title: "Builders".to_owned(),
        place: "builders",
        events: Some("about=builds".to_owned()),
        body,
    };
    Ok(page(&view, page_of))
}

fn shown<'a>(config: &'a Config, wish: &Wish) -> Vec<&'a Builder> {
    let search = wish.search.trim().to_lowercase();
    let matches = |builder: &&Builder| {
        (wish.tag.is_empty() || builder.tags.contains(&wish.tag))
            && (search.is_empty() || builder.name.to_lowercase().contains(&search))
    };
    config.builders.iter().filter(matches).collect()
}

fn render(view: &View, data: &Data, wish: &Wish) -> Markup {
    let shown = shown(&view.config, wish);
    let tags: BTreeSet<&String> = view.config.builders.iter().flat_map(|builder| &builder.tags).collect();
    html! {
        div.heading {
            h1 { "Builders " span.count { (shown.len()) } }
            form.search role="search" method="get" {
                @if !wish.tag.is_empty() { input type="hidden" name="tag" value=(wish.tag); }
                input type="search" name="search" value=(wish.search) placeholder="Part of a name" aria-label="Search builders by name"
                    data-filter="#builders tbody tr";
                button { "Search" }
            }
        }
        @if !tags.is_empty() {
            p.tags {
                a.tag href="?" aria-current=[wish.tag.is_empty().then_some("true")] { "all" }
                @for tag in tags {
                    a.tag href=(tag_address(tag)) aria-current=[(*tag == wish.tag).then_some("true")] { (tag) }
                }
            }
        }
        section #builders data-fragment {
            @if shown.is_empty() { (nothing("No builder has such a name.")) }
            @else {
                table.rows.builders {
                    thead {
                        tr {
                            th scope="col" { "Last result" }
                            th scope="col" { "Builder" }
                            th scope="col" { "Last builds" }
                            th scope="col" { "Now" }
                            th.num scope="col" { "Ended" }
                            th.num scope="col" { "Took" }
                        }
                    }
                    tbody { @for builder in shown { (row(view, data, builder)) } }
                }
            }
        }
    }
}

fn tag_address(tag: &str) -> String {
    let mut query = String::from("?tag=");
    query.extend(percent_encoding::utf8_percent_encode(tag, percent_encoding::NON_ALPHANUMERIC));
    query
}

fn row(view: &View, data: &Data, builder: &Builder) -> Markup {
    let builds = data.last.get(&builder.name).map_or(&[][..], Vec::as_slice);
    let ended = builds.iter().find(|build| build.complete_at.is_some());
    let running = builds.iter().filter(|build| build.complete_at.is_none()).count();
    let waiting = data.waiting.get(&builder.name).copied().unwrap_or(0);
    html! {
        tr class=(ended.map_or("none", |build| class(build.results))) data-name=(builder.name.to_lowercase()) {
            td { @match ended { Some(build) => (badge(build.results)), None => span.badge.none { "not built yet" } } }
            td.name {
                a href=(view.builder(&builder.name)) { (builder.name) }
                @for tag in &builder.tags { a.tag href=(tag_address(tag)) { (tag) } }
            }
            td.squares data-label="last" { (squares(view, builds)) }
            td.now {
                @if running > 0 { span.running { (running) " running" } }
                @if waiting > 0 { span.waiting { (words::number(waiting)) " waiting" } }
                @for (began, end) in data.expected.get(&builder.name).into_iter().flatten() { (expected(view, *began, *end)) }
                @if running == 0 && waiting == 0 { span.idle { "idle" } }
            }
            td.num data-label="ended" { @if let Some(at) = ended.and_then(|build| build.complete_at) { (view.when(at)) } }
            td.num data-label="took" { @if let Some(build) = ended { (view.took(build.started_at, build.complete_at)) } }
        }
    }
}

/// The last builds, the oldest first.
fn squares(view: &View, builds: &[Outcome]) -> Markup {
    html! {
        @for build in builds.iter().rev() {
            @let word = build.results.map_or("running", |results| results.as_str());
            a class={ "square " (class(build.results)) } href=(view.build(&build.builder, build.number))
                title={ "#" (build.number) " " (word) } {}
        }
    }
}
