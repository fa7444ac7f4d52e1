//! What a page is rendered with: the configuration, the moment, and addresses relative to where the page is, so
//! that the site works below any prefix of a proxy's.

use super::words;
use crate::config::Config;
use crate::model::{Results, Wall};
use jiff::tz::TimeZone;
use maud::{Markup, html};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use std::sync::Arc;

/// What may stand in one part of a path as it is.
const PATH_PART: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// See the module's words.
#[derive(Clone)]
pub(super) struct View {
    pub(super) config: Arc<Config>,
    pub(super) now: Wall,
    zone: TimeZone,
    /// The way from the page up to the site's root: empty, or ending in `/`.
    root: String,
}

impl View {
    /// A page at `path`, which begins with a slash.
    pub(super) fn new(config: Arc<Config>, now: Wall, path: &str) -> View {
        let depth = path.matches('/').count().saturating_sub(1);
        let root = if depth == 0 { "./".to_owned() } else { "../".repeat(depth) };
        // The configuration's check knows every zone that it lets through.
        let zone = config.timezone.as_deref().and_then(|name| TimeZone::get(name).ok());
        View { config, now, zone: zone.unwrap_or_else(TimeZone::system), root }
    }

    /// The same for a fragment that will stand on a build's page, wherever it is fetched from.
    pub(super) fn on_a_build_page(&self) -> View {
        View { root: "../../../".to_owned(), ..self.clone() }
    }

    /// The address of what has this path, its parts not encoded yet.
    pub(super) fn to<const N: usize>(&self, parts: [&dyn std::fmt::Display; N]) -> String {
        let parts = parts.map(|part| utf8_percent_encode(&part.to_string(), PATH_PART).to_string());
        format!("{}{}", self.root, parts.join("/"))
    }

    pub(super) fn builder(&self, name: &str) -> String {
        self.to([&"builders", &name])
    }

    pub(super) fn build(&self, builder: &str, number: i64) -> String {
        self.to([&"builders", &builder, &"builds", &number])
    }

    pub(super) fn worker(&self, name: &str) -> String {
        self.to([&"workers", &name])
    }

    /// A compiled-in file, already encoded.
    pub(super) fn asset(&self, asset: &super::assets::Asset) -> String {
        format!("{}{}", self.root, asset.address())
    }

    /// A moment as people say it, with the exact one behind it.
    pub(super) fn when(&self, at: Wall) -> Markup {
        html! {
            time datetime=(words::rfc3339(at)) title=(words::exact(at, &self.zone)) { (words::ago(at, self.now)) }
        }
    }

    /// A moment's date and time, for where the exact one matters.
    pub(super) fn exactly(&self, at: Wall) -> String {
        words::exact(at, &self.zone)
    }

    /// The moment as the script reads it: the server's clock is the one that counts.
    pub(super) fn iso_now(&self) -> String {
        words::rfc3339(self.now)
    }

    /// How long something took, or has been taking: the script lets that grow.
    pub(super) fn took(&self, started_at: Wall, complete_at: Option<Wall>) -> Markup {
        match complete_at {
            Some(end) => html! { span.took { (words::duration(end.since(started_at))) } },
            None => html! {
                span.took.live data-since=(started_at.0 / 1000) { (words::duration(self.now.since(started_at))) }
            },
        }
    }
}

/// When a build that runs will end, as a bar that the script lets grow, with the time that is left (`ET-03`).
pub(super) fn expected(view: &View, started_at: Wall, end: Wall) -> Markup {
    let whole = end.since(started_at).as_millis().max(1);
    let done = view.now.since(started_at).as_millis().min(whole);
    html! {
        div.expected data-since=(started_at.0 / 1000) data-end=(end.0 / 1000) {
            progress value=(done) max=(whole) aria-label="How much of the expected time has passed" {}
            span.left { (words::left(end, view.now)) }
        }
    }
}

/// The class that gives something its result's colour.
pub(super) fn class(results: Option<Results>) -> &'static str {
    match results {
        None => "running",
        Some(results) => results.as_str(),
    }
}

/// A result's sign: no two look alike without their colour.
pub(super) fn sign(results: Option<Results>) -> Markup {
    let path = match results {
        None => "M8 2.5a5.5 5.5 0 1 1-5.5 5.5",
        Some(Results::Success) => "M3 8.5l3.3 3.5L13 4.5",
        Some(Results::Warnings) => "M8 3v6.5M8 12v1",
        Some(Results::Failure) => "M4 4l8 8M12 4l-8 8",
        Some(Results::Skipped) => "M3.5 8h9",
        Some(Results::Exception) => "M9 2L5 9h5l-3 5.5",
        Some(Results::Retry) => "M12.5 5.5A5.2 5.2 0 1 0 13 9M13 2.5v3.5H9.5",
        Some(Results::Cancelled) => "M8 2.5a5.5 5.5 0 1 0 .01 0M4.2 4.2l7.6 7.6",
    };
    html! { svg.sign viewBox="0 0 16 16" aria-hidden="true" { path d=(path) {} } }
}

/// A result as a coloured sign and its word.
pub(super) fn badge(results: Option<Results>) -> Markup {
    let word = results.map_or("running", Results::as_str);
    html! { span class={ "badge " (class(results)) } { (sign(results)) (word) } }
}
