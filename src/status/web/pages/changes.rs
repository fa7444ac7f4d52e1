//! Changes, and for each one why it was built or not.

use super::explain::why;
use super::tables::{self, nothing};
use super::{Answer, builder::Older};
use crate::db::{builds, changes};
use crate::model::{Change, ChangeId, Verdict};
use crate::status::explain::Subject;
use crate::status::limits::CHANGES_PER_PAGE;
use crate::status::web::app::App;
use crate::status::web::fault::Fault;
use crate::status::web::layout::{Page, page};
use crate::status::web::view::View;
use crate::status::web::words;
use axum::extract::{Path, Query, State};
use maud::{Markup, html};
use tables::BuildRow;

/// `/changes`
pub(in crate::status::web) async fn changes(
    State(app): State<App>,
    view: View,
    Query(older): Query<Older>,
) -> Answer {
    let before = older.before.map(ChangeId);
    let found = app.read(move |connection| changes::before(connection, before, CHANGES_PER_PAGE)).await?;
    let oldest = found.last().filter(|_| found.len() == CHANGES_PER_PAGE as usize);
    let body = html! {
        h1 { "Changes" }
        section #changes data-fragment {
            @if found.is_empty() { (nothing("No change has arrived here.")) } @else { (tables::changes(&view, &found)) }
            @if let Some(oldest) = oldest { nav.pager aria-label="Pages" { a rel="next" href={ "?before=" (oldest.id) } { "Older changes" } } }
        }
    };
    let events = before.is_none().then(|| "about=changes".to_owned());
    Ok(page(&view, Page { title: "Changes".to_owned(), place: "changes", events, body }))
}

/// `/changes/ID`
pub(in crate::status::web) async fn change(
    State(app): State<App>,
    view: View,
    Path(id): Path<i64>,
) -> Answer {
    let wanted = ChangeId(id);
    let found = app.read(move |connection| {
        let Some(change) = changes::get(connection, wanted)? else { return Ok(None) };
        let builds = builds::of_change(connection, wanted)?;
        // Each is about this change: what else to say of it is why it was started.
        let builds =
            builds.into_iter().map(|build| BuildRow { build, change: None, end: None }).collect::<Vec<_>>();
        Ok(Some((change, changes::verdicts(connection, wanted)?, builds)))
    });
    let (change, verdicts, builds) = found.await?.ok_or_else(|| Fault::no("change", id))?;
    let title = words::headline(&change.told.comments, 60);
    let body = render(&view, &change, &verdicts, &builds);
    Ok(page(&view, Page { title, place: "changes", events: Some("about=builds".to_owned()), body }))
}

fn render(view: &View, change: &Change, verdicts: &[Verdict], builds: &[BuildRow]) -> Markup {
    let told = &change.told;
    let body =
        told.comments.trim().split_once('\n').map(|(_, body)| body.trim()).filter(|body| !body.is_empty());
    html! {
        nav.crumbs aria-label="Where this is" { a href=(view.to([&"changes"])) { "Changes" } }
        div.heading { h1 { (words::headline(&told.comments, 120)) } (why(view, &Subject::Change(change.id))) }
        @if let Some(body) = body { pre.message { (body) } }
        dl.facts {
            div { dt { "Author" } dd { (told.author) } }
            @if let Some(committer) = &told.committer { div { dt { "Committer" } dd { (committer) } } }
            div { dt { "When" } dd { (view.when(change.when)) } }
            @if let Some(revision) = &told.revision {
                div { dt { "Revision" } dd {
                    @if is_web(&told.revlink) { a href=(told.revlink) rel="noreferrer" { code.break { (revision) } } }
                    @else { code.break { (revision) } }
                } }
            }
            div { dt { "Branch" } dd { (told.branch.as_deref().unwrap_or("the default one")) } }
            @if !told.repository.is_empty() { div { dt { "Repository" } dd.break { (told.repository) } } }
            @if !told.project.is_empty() { div { dt { "Project" } dd { (told.project) } } }
            @if let Some(category) = &told.category { div { dt { "Category" } dd { (category) } } }
        }
        div.columns {
            div {
                section #verdicts data-fragment aria-labelledby="h-verdicts" {
                    h2 #h-verdicts { "What the schedulers made of it" }
                    @if verdicts.is_empty() { (nothing("No scheduler has looked at it yet.")) }
                    @else { ul.verdicts { @for verdict in verdicts {
                        li class=(if verdict.buildset.is_some() { "built" } else { "unbuilt" }) {
                            a.name href={ (view.to([&"schedulers"])) "#" (verdict.scheduler) } { (verdict.scheduler) }
                            span { (verdict.reason) }
                        }
                    } } }
                }
                section #builds data-fragment aria-labelledby="h-builds" {
                    h2 #h-builds { "Builds with it" }
                    @if builds.is_empty() { (nothing("It is in no build.")) } @else { (tables::builds(view, builds, false)) }
                }
            }
            aside {
                h2 { "Files " span.count { (told.files.len()) } }
                ul.files { @for file in &told.files { li { code.break { (file) } } } }
                @if !told.properties.is_empty() { h2 { "Properties" } (tables::properties(&told.properties)) }
            }
        }
    }
}

/// A link from outside may lead to the web only: a script's address is none.
fn is_web(link: &str) -> bool {
    link.starts_with("https://") || link.starts_with("http://")
}
