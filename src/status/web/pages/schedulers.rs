//! The schedulers: when each asks, and whom.

use super::Answer;
use super::tables::nothing;
use crate::config::{Scheduler, SchedulerKind, Timed, Times};
use crate::schedulers::SchedulerStatus;
use crate::status::web::app::App;
use crate::status::web::layout::{Page, page};
use crate::status::web::view::View;
use crate::status::web::words;
use axum::extract::State;
use maud::{Markup, html};

/// `/schedulers`
pub(in crate::status::web) async fn schedulers(State(app): State<App>, view: View) -> Answer {
    let all = app.act(|actions| actions.schedulers()).await??;
    let body = html! {
        h1 { "Schedulers" }
        section #schedulers data-fragment {
            @if all.is_empty() { (nothing("No scheduler is configured: nothing will be built.")) }
            @for status in &all { (card(&view, status)) }
        }
    };
    let events = Some("about=changes".to_owned());
    Ok(page(&view, Page { title: "Schedulers".to_owned(), place: "schedulers", events, body }))
}

fn card(view: &View, status: &SchedulerStatus) -> Markup {
    let scheduler = &status.scheduler;
    html! {
        article.card id=(scheduler.name) {
            div.heading {
                h2 { (scheduler.name) }
                @if !status.enabled { span.badge.warnings { "disabled" } }
                div.buttons {
                    @if let (SchedulerKind::Force(force), true) = (&scheduler.kind, status.enabled) {
                        a.button href=(view.to([&"schedulers", &scheduler.name, &"force"])) { (force.button_name) }
                    }
                    (switch(view, status))
                }
            }
            p {
                (kind(scheduler))
                @if status.pending > 0 {
                    " " b { (words::count(status.pending, "change")) } @if status.pending == 1 { " waits" } @else { " wait" } " in it"
                    @if let Some(at) = status.builds_at { ", to be built " (view.when(at)) } "."
                } @else if let Some(at) = status.builds_at { " Next " (view.when(at)) "." }
                @if status.awaits > 0 { " It waits for the end of " (words::count(status.awaits, "buildset")) "." }
            }
            @if let Some(trouble) = &status.trouble { p.trouble { (trouble) } }
            ul.chips { @for builder in &scheduler.builders { li { a href=(view.builder(builder)) { (builder) } } } }
        }
    }
}

/// The button that enables or disables it.
fn switch(view: &View, status: &SchedulerStatus) -> Markup {
    let (action, label) = if status.enabled { ("disable", "Disable") } else { ("enable", "Enable") };
    html! {
        form method="post" action=(view.to([&"schedulers", &status.scheduler.name, &action])) {
            button type="submit" aria-label={ (label) " scheduler " (status.scheduler.name) } { (label) }
        }
    }
}

fn by_clock(timed: &Timed) -> String {
    let when = match &timed.times {
        Times::Every(period) => format!("every {}", words::duration(*period)),
        Times::At { calendar, timezone: None } => format!("at {calendar}"),
        Times::At { calendar, timezone: Some(zone) } => format!("at {calendar} by the clocks of {zone}"),
    };
    format!("Builds {when}{}.", if timed.only_if_changed { ", if something has changed" } else { "" })
}

fn kind(scheduler: &Scheduler) -> String {
    let (what, changes) = match &scheduler.kind {
        SchedulerKind::SingleBranch(changes) => ("Builds changes", changes),
        SchedulerKind::AnyBranch(changes) => ("Builds changes of each branch by itself", changes),
        SchedulerKind::Periodic(timed) | SchedulerKind::Nightly(timed) => return by_clock(timed),
        SchedulerKind::Dependent { upstream } => {
            return format!("Builds what {upstream} has built, once all of that has ended well.");
        }
        SchedulerKind::Force(_) => return "Builds when somebody asks.".to_owned(),
        SchedulerKind::Triggerable => return "Builds when a step of another build asks.".to_owned(),
        SchedulerKind::TryUserpass(_) => return "Builds the patches that developers send.".to_owned(),
        SchedulerKind::TryJobdir(try_jobdir) => {
            return format!("Builds the patches that developers leave in {}.", try_jobdir.jobdir.display());
        }
    };
    match changes.tree_stable_timer {
        Some(timer) => format!("{what}, once no other has come for {}.", words::duration(timer)),
        None => format!("{what}, at once."),
    }
}
