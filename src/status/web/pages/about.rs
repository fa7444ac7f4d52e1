//! What this is, and how it is set up.

use super::Answer;
use crate::status::web::layout::{Page, page};
use crate::status::web::view::View;
use maud::html;

/// `/about`
pub(in crate::status::web) async fn about(view: View) -> Answer {
    let config = &view.config;
    let body = html! {
        h1 { "About" }
        p.lead { "Bellwether " (env!("CARGO_PKG_VERSION")) ", a continuous-integration master that Buildbot workers and tools talk to." }
        dl.facts {
            div { dt { "Builders" } dd { (config.builders.len()) } }
            div { dt { "Workers" } dd { (config.workers.len()) } }
            div { dt { "Schedulers" } dd { (config.schedulers.len()) } }
            div { dt { "Change sources" } dd { (config.change_sources.len()) } }
        }
        p { "Scripts read the same from " a href=(view.to([&"api", &"v2", &"builds"])) { "/api/v2" } ", in the shapes of Buildbot's API." }
    };
    Ok(page(&view, Page { title: "About".to_owned(), place: "", events: None, body }))
}
