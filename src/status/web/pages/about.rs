//! What this is, and how it is set up.

use super::Answer;
use crate::config::Keep;
use crate::status::web::layout::{Page, page};
use crate::status::web::view::View;
use crate::status::web::words;
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
            div { dt { "Builds are kept" } dd { (keep(config.retention.builds)) } }
            div { dt { "Logs are kept" } dd { (keep(config.retention.logs)) } }
            div { dt { "Changes are kept" } dd { (keep(config.retention.changes)) } }
        }
        p { "Scripts read the same from " a href=(view.to([&"api", &"v2", &"builds"])) { "/api/v2" } ", in the shapes of Buildbot's API." }
    };
    Ok(page(&view, Page { title: "About".to_owned(), place: "", events: None, body }))
}

fn keep(keep: Keep) -> String {
    match keep {
        Keep::All => "for good".to_owned(),
        Keep::For(duration) => format!("for {}", words::duration(duration)),
        Keep::Newest(count) => {
            format!("the newest {}", words::number(i64::try_from(count).unwrap_or(i64::MAX)))
        }
    }
}
