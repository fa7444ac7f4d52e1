//! What all pages have in common.

use super::assets::{ICON, SCRIPT, STYLE};
use super::fault::Fault;
use super::view::View;
use maud::{DOCTYPE, Markup, html};

/// The parts of the site that every page links to, with their paths.
const PLACES: [(&str, &str); 6] = [
    ("builders", "Builders"),
    ("requests", "Waiting"),
    ("workers", "Workers"),
    ("changes", "Changes"),
    ("schedulers", "Schedulers"),
    ("users", "Users"),
];

/// A page before it is laid out.
pub(super) struct Page<'a> {
    /// What it is, for the tab and the history.
    pub(super) title: String,
    /// Which of [`PLACES`] it is in, by path.
    pub(super) place: &'a str,
    /// Which events concern it, as the query of `/events`; `None` for a page that stays as it is.
    pub(super) events: Option<String>,
    /// What it shows.
    pub(super) body: Markup,
}

/// Lays a page out.
pub(super) fn page(view: &View, page: Page<'_>) -> Markup {
    let site = if view.config.title.is_empty() { "Bellwether" } else { view.config.title.as_str() };
    let events = page.events.map(|query| format!("{}?{query}", view.to([&"events"])));
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { @if !page.title.is_empty() { (page.title) " · " } (site) }
                link rel="icon" href=(view.asset(&ICON)) type="image/svg+xml";
                link rel="stylesheet" href=(view.asset(&STYLE));
                script src=(view.asset(&SCRIPT)) defer {}
            }
            body data-events=[events] {
                a.skip href="#main" { "Skip to the content" }
                header.top {
                    a.brand href=(view.to([&""])) { img src=(view.asset(&ICON)) alt="" width="22" height="22"; span { (site) } }
                    nav aria-label="Site" {
                        @for (path, name) in PLACES {
                            a href=(view.to([&path])) aria-current=[(path == page.place).then_some("page")] { (name) }
                        }
                    }
                    p #connection role="status" hidden { "Not live: the server is out of reach" }
                }
                main #main { (page.body) }
                footer.bottom {
                    a href=(view.to([&"about"])) { "Bellwether " (env!("CARGO_PKG_VERSION")) }
                    span { "Page made " time datetime=(view.iso_now()) { (view.exactly(view.now)) } }
                }
            }
        }
    }
}

/// The page that tells of a fault: what, and where.
pub(super) fn fault(view: &View, path: &str, fault: &Fault) -> Markup {
    let status = fault.status();
    let title = status.canonical_reason().unwrap_or("Error").to_owned();
    let body = html! {
        section.fault {
            p.code { (status.as_u16()) }
            h1 { (title) }
            p.lead { (fault) }
            p.where { code { (path) } }
            p { a href=(view.to([&""])) { "To the first page" } " · " a href=(view.to([&"builders"])) { "All builders" } }
        }
    };
    page(view, Page { title, place: "", events: None, body })
}
