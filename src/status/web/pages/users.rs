//! The users: who is known, and as what.

use super::Answer;
use super::tables::nothing;
use crate::db::users;
use crate::status::limits::USERS_PER_PAGE;
use crate::status::web::app::App;
use crate::status::web::layout::{Page, page};
use crate::status::web::view::View;
use axum::extract::{Query, State};
use maud::html;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;

/// Where a page of the list begins.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(in crate::status::web) struct Place {
    /// After this identifier.
    after: String,
}

/// `/users` (`US-09`)
pub(in crate::status::web) async fn users(
    State(app): State<App>,
    Query(Place { after }): Query<Place>,
    view: View,
) -> Answer {
    let users = app.read(move |connection| users::list(connection, &after, USERS_PER_PAGE)).await?;
    let last = users.last().filter(|_| users.len() >= USERS_PER_PAGE as usize);
    let body = html! {
        h1 { "Users" }
        section #users data-fragment {
            @if users.is_empty() { (nothing("Nobody is known yet: authors of changes are, and whom `buildbot user` adds.")) }
            @else {
                table.rows {
                    thead { tr { th.num scope="col" { "Id" } th scope="col" { "User" } th scope="col" { "Logs in as" } th scope="col" { "Known as" } } }
                    tbody {
                        @for user in &users {
                            tr {
                                td.num data-label="id" { (user.id) }
                                td.name { (user.identifier) }
                                td { @if let Some(login) = &user.login { (login) } }
                                td.what { @for (kind, data) in &user.info { span.state { (kind) ": " (data) } " " } }
                            }
                        }
                    }
                }
            }
        }
        @if let Some(last) = last {
            nav.pager aria-label="Pages" { a rel="next" href={ "?after=" (utf8_percent_encode(&last.identifier, NON_ALPHANUMERIC)) } { "More users" } }
        }
    };
    let events = Some("about=changes".to_owned());
    Ok(page(&view, Page { title: "Users".to_owned(), place: "users", events, body }))
}
