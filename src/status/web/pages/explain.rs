//! Why something is built, or is not.

use super::Answer;
use crate::status::explain::{self, Explanation, Live, Reason, Subject};
use crate::status::web::app::App;
use crate::status::web::fault::Fault;
use crate::status::web::layout::{Page, page};
use crate::status::web::view::View;
use axum::extract::{Path, State};
use maud::{Markup, html};

/// The explanation of what a path names.
pub(in crate::status::web) async fn explained(
    app: &App,
    kind: &str,
    name: &str,
) -> Result<Explanation, Fault> {
    let subject = Subject::parse(kind, name).map_err(Fault::Missing)?;
    let wanted = subject.clone();
    let facts = app.read(move |connection| explain::read(connection, &wanted)).await?;
    // Where the rooms below do not answer, the rows alone are told.
    let live = app.below(|site| {
        let actions = site.0.below.actions.as_ref();
        Live { snapshot: actions.snapshot().ok(), schedulers: actions.schedulers().unwrap_or_default() }
    });
    let live = live.await?;
    let explanation = facts.and_then(|facts| explain::explain(&facts, &live));
    explanation.ok_or_else(|| Fault::Missing(format!("There is no {subject}.")))
}

/// `/explain/KIND/NAME`
pub(in crate::status::web) async fn explain(
    State(app): State<App>,
    view: View,
    Path((kind, name)): Path<(String, String)>,
) -> Answer {
    let explanation = explained(&app, &kind, &name).await?;
    let title = format!("Why: {}", explanation.subject);
    let body = html! {
        nav.crumbs aria-label="Where this is" { (link(&view, &explanation.subject)) }
        section #explanation data-fragment {
            h1 { (title) }
            p.lead { (explanation.answer) "." }
            (tree(&view, &explanation.because))
            @if let Some(unblock) = &explanation.unblock { p.lead { "What would move it on: " (unblock) "." } }
        }
    };
    Ok(page(&view, Page { title, place: "explain", events: Some("about=builds".to_owned()), body }))
}

/// The way to the explanation of something.
pub(super) fn why(view: &View, subject: &Subject) -> Markup {
    let address = match subject {
        Subject::Change(id) => view.to([&"explain", &"change", id]),
        Subject::Request(id) => view.to([&"explain", &"request", id]),
        Subject::Build { builder, number } => view.to([&"explain", &"build", builder, number]),
        Subject::Builder(name) => view.to([&"explain", &"builder", name]),
        Subject::Worker(name) => view.to([&"explain", &"worker", name]),
    };
    html! { a.tag href=(address) { "Why?" } }
}

fn tree(view: &View, reasons: &[Reason]) -> Markup {
    html! {
        @if !reasons.is_empty() {
            ul.reasons {
                @for reason in reasons {
                    li {
                        (reason.what)
                        @if let Some(about) = &reason.about { " (" (link(view, about)) ")" }
                        (tree(view, &reason.because))
                    }
                }
            }
        }
    }
}

/// The way to the thing itself.
fn link(view: &View, subject: &Subject) -> Markup {
    let address = match subject {
        Subject::Change(id) => view.to([&"changes", id]),
        Subject::Request(id) => view.to([&"requests", id]),
        Subject::Build { builder, number } => view.build(builder, *number),
        Subject::Builder(name) => view.builder(name),
        Subject::Worker(name) => view.worker(name),
    };
    html! { a href=(address) { (subject) } }
}
