//! The lines of a log in which something is.

use super::Answer;
use super::log::{Which, crumbs, find, missing, search_form};
use super::tables;
use crate::status::limits::SEARCH_HITS_PER_PAGE;
use crate::status::web::app::App;
use crate::status::web::fault::Fault;
use crate::status::web::layout::{Page, page};
use crate::status::web::log_search::{Hit, Hits, Needle, search};
use crate::status::web::view::View;
use crate::status::web::words;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use maud::{Markup, html};
use serde::Deserialize;

/// What is looked for.
#[derive(Default, Deserialize)]
pub(in crate::status::web) struct Wish {
    #[serde(default)]
    pub(super) q: String,
    /// Whether it is a regular expression: there at all.
    pub(super) regex: Option<String>,
    /// From which line on, from 1.
    from: Option<i64>,
}

/// `.../logs/SLUG/search?q=TEXT`
pub(in crate::status::web) async fn log_search(
    State(app): State<App>,
    view: View,
    Path(which): Path<Which>,
    wish: Result<Query<Wish>, QueryRejection>,
) -> Answer {
    let Query(wish) = wish.map_err(|error| Fault::Bad(error.body_text()))?;
    let wanted = which.clone();
    let found = app.read(move |connection| find(connection, &wanted)).await?;
    let found = found.ok_or_else(|| missing(&which))?;
    let address = super::build::log_address(&view, &found.build, &found.step, &found.log);
    let first = wish.from.unwrap_or(1).saturating_sub(1).max(0);
    let hits = match wish.q.as_str() {
        "" => Ok(Hits::default()),
        text => match Needle::new(text, wish.regex.is_some()) {
            Ok(needle) => Ok(search(&app, &found.log, &needle, first, SEARCH_HITS_PER_PAGE).await?),
            Err(Fault::Bad(why)) => Err(why),
            Err(other) => return Err(other),
        },
    };
    let title = format!("{:?} in {} of {}", wish.q, found.log.name, super::build_name(&found.build));
    let body = html! {
        (crumbs(&view, &found))
        div.heading {
            h1 { a href=(address) { (found.log.name) } }
            (search_form(&address, &wish))
        }
        @match &hits {
            Err(why) => pre { (why) },
            Ok(hits) => (list(hits, &wish, first, &address)),
        }
    };
    Ok(page(&view, Page { title, place: "builders", events: None, body }))
}

fn list(hits: &Hits, wish: &Wish, first: i64, address: &str) -> Markup {
    let from = |line: i64| {
        let regex = if wish.regex.is_some() { "&regex=on" } else { "" };
        let text: String = form_urlencoded(&wish.q);
        format!("?q={text}{regex}&from={}", line + 1)
    };
    html! {
        p.meta {
            (words::count(hits.hits.len(), "line"))
            @if hits.next.is_some() || first > 0 { " on this page" }
            @if first > 0 { ", from line " (words::number(first + 1)) " on" }
        }
        @if hits.hits.is_empty() && hits.next.is_none() { (tables::nothing("Nothing like it.")) }
        @else { pre.log.hits tabindex="0" aria-label="Lines in which it is" { @for hit in &hits.hits { (line(hit, address)) } } }
        @if let Some(next) = hits.next {
            nav.pager { a rel="next" href=(from(next)) { "Look on from line " (words::number(next + 1)) " →" } }
        }
    }
}

fn line(hit: &Hit, address: &str) -> Markup {
    let class = match hit.channel {
        'e' => "l err",
        'h' => "l head",
        _ => "l",
    };
    let number = hit.line + 1;
    let (before, after) = (&hit.content[..hit.part.start], &hit.content[hit.part.end..]);
    html! {
        span class=(class) {
            a href={ (address) "?line=" (number) "#L" (number) } aria-label={ "Line " (number) } data-n=(number) {}
            (before) mark { (&hit.content[hit.part.clone()]) } (after) "\n"
        }
    }
}

/// A text as a part of a query.
fn form_urlencoded(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}
