//! How a build's page looks.

use super::build::log_address;
use super::home::progress;
use super::tables;
use super::triggered::{self, Triggered};
use crate::botmaster::RunningBuild;
use crate::model::{Build, Buildset, Change, Link, LogInfo, Properties, Results, SourceStamp, Step, Wall};
use crate::status::web::log_lines::Shown;
use crate::status::web::view::{View, badge, class, expected, sign};
use crate::status::web::words;
use maud::{Markup, html};
use std::time::Duration;

/// A shorter wait for locks is not worth a line.
const WORTH_TELLING: Duration = Duration::from_secs(1);

/// Everything about a build.
pub(super) struct Data {
    pub(super) build: Build,
    pub(super) steps: Vec<StepData>,
    pub(super) properties: Properties,
    pub(super) buildset: Option<Buildset>,
    pub(super) changes: Vec<Change>,
    /// The build that triggered it.
    pub(super) parent: Option<Build>,
    /// What it triggered.
    pub(super) triggered: Vec<Triggered>,
    pub(super) has_next: bool,
    /// When it will end, if it runs and that can be told.
    pub(super) end: Option<Wall>,
}

/// A step, and its logs with the ends of those that are shown.
pub(super) struct StepData {
    pub(super) step: Step,
    pub(super) logs: Vec<(LogInfo, Option<Shown>)>,
}

/// Whether a step is unfolded: while it runs, and when it went wrong.
pub(super) fn is_open(step: &Step) -> bool {
    step.started_at.is_some() && !matches!(step.results, Some(Results::Success | Results::Skipped))
}

pub(super) fn render(view: &View, data: &Data, live: Option<&RunningBuild>) -> Markup {
    let build = &data.build;
    html! {
        (crumbs(view, data))
        header #summary data-fragment class={ "verdict " (class(build.results)) } {
            div.heading {
                h1 { (build.builder) " " span.no { "#" (build.number) } }
                (badge(build.results))
                div.buttons { (buttons(view, build, live)) }
            }
            @if !build.state.is_empty() { p.lead { @if live.is_some_and(|live| live.stopping) { "stopping: " } (build.state) } }
            dl.facts {
                div { dt { "Worker" } dd { a href=(view.worker(&build.worker)) { (build.worker) } } }
                div { dt { "Began" } dd { (view.when(build.started_at)) } }
                div { dt { "Took" } dd { (view.took(build.started_at, build.complete_at)) } }
                @if build.locks_duration >= WORTH_TELLING { div { dt { "Waited for locks" } dd { (words::duration(build.locks_duration)) } } }
                div { dt { "Reason" } dd { (build.reason) } }
                @if let Some(parent) = &data.parent {
                    div { dt { "Triggered by" } dd { a href=(view.build(&parent.builder, parent.number)) { (super::build_name(parent)) } } }
                }
            }
            @match (data.end, live) {
                (Some(end), _) => (expected(view, build.started_at, end)),
                (None, Some(live)) => (progress(live.progress)),
                (None, None) => {}
            }
        }
        div.columns {
            section #steps data-fragment aria-labelledby="h-steps" {
                h2 #h-steps { "Steps" }
                @if data.steps.iter().all(|data| data.step.hidden) { (tables::nothing("No step has begun yet.")) }
                ol.steps {
                    @for step in data.steps.iter().filter(|data| !data.step.hidden) { (self::step(view, build, step)) }
                }
            }
            aside {
                section #sources data-fragment {
                    h2 { "Source" }
                    @if let Some(buildset) = &data.buildset { @for stamp in &buildset.source_stamps { (source(stamp, &data.properties)) } }
                    @if !data.changes.is_empty() {
                        h2 { "Changes " span.count { (data.changes.len()) } }
                        (tables::changes(view, &data.changes))
                    }
                }
                section #triggered data-fragment {
                    @if !data.triggered.is_empty() { (triggered::section(view, &data.triggered)) }
                }
                section #properties data-fragment {
                    h2 { "Properties" }
                    @if data.properties.is_empty() { (tables::nothing("None.")) } @else { (tables::properties(&data.properties)) }
                }
            }
        }
    }
}

fn crumbs(view: &View, data: &Data) -> Markup {
    let build = &data.build;
    html! {
        nav.crumbs aria-label="Where this is" {
            a href=(view.to([&"builders"])) { "Builders" }
            a href=(view.builder(&build.builder)) { (build.builder) }
            span.push {
                @if build.number > 1 { a rel="prev" href=(view.build(&build.builder, build.number - 1)) { "← #" (build.number - 1) } }
                @if data.has_next { a rel="next" href=(view.build(&build.builder, build.number + 1)) { "#" (build.number + 1) " →" } }
            }
        }
    }
}

fn buttons(view: &View, build: &Build, live: Option<&RunningBuild>) -> Markup {
    let address = |what: &str| view.to([&"builders", &build.builder, &"builds", &build.number, &what]);
    let is_configured = view.config.builder(&build.builder).is_some();
    html! {
        @if build.complete_at.is_none() {
            form method="post" action=(address("stop")) {
                input type="text" name="reason" placeholder="Why (if you like)" aria-label="Why it is stopped" maxlength="200";
                button.danger disabled[live.is_some_and(|live| live.stopping)] { "Stop" }
            }
        } @else if is_configured {
            form method="post" action=(address("rebuild")) { button { "Rebuild" } }
        }
    }
}

fn source(stamp: &SourceStamp, properties: &Properties) -> Markup {
    let got = properties.value("got_revision").and_then(|got| match got.get(&stamp.codebase) {
        Some(of_codebase) => of_codebase.as_str(),
        None => got.as_str(),
    });
    let revision = stamp.revision.as_deref().or(got);
    html! {
        dl.facts.tall {
            @if !stamp.codebase.is_empty() { div { dt { "Codebase" } dd { (stamp.codebase) } } }
            @if !stamp.repository.is_empty() { div { dt { "Repository" } dd.break { (stamp.repository) } } }
            div { dt { "Branch" } dd { (stamp.branch.as_deref().unwrap_or("the default one")) } }
            div { dt { "Revision" } dd {
                @match revision { Some(revision) => code.break { (revision) }, None => "the newest" }
            } }
            @if !stamp.project.is_empty() { div { dt { "Project" } dd { (stamp.project) } } }
            @if let Some(patch) = &stamp.patch {
                div { dt { "Patch" } dd { details { summary { (patch.comment) " by " (patch.author) } pre { (patch.body) } } } }
            }
        }
    }
}

fn step(view: &View, build: &Build, data: &StepData) -> Markup {
    let step = &data.step;
    html! {
        li id={ "step-" (step.number) } class=(class_of(step)) {
            details open[is_open(step)] id={ "details-" (step.number) } {
                summary {
                    (sign(step.results))
                    span.name { (step.name) }
                    span.state { @if step.state != step.name { (step.state) } }
                    (span_of(view, build, step))
                    @if let Some(started_at) = step.started_at { (view.took(started_at, step.complete_at)) }
                }
                @let waited = step.waited_for_locks(view.now);
                @if waited >= WORTH_TELLING { p.waited { "Waited " (words::duration(waited)) " for its locks." } }
                @if !step.links.is_empty() { ul.links { @for link in &step.links { li { (self::link(link)) } } } }
                @else if data.logs.is_empty() { p.nothing { "No logs." } }
                @for (log, tail) in &data.logs { (self::log(view, build, step, log, tail.as_ref())) }
            }
        }
    }
}

/// A link of a step's. What a step says is a link need not be one: a browser would run some (`javascript:`).
fn link(link: &Link) -> Markup {
    let leads = ["http://", "https://"]
        .iter()
        .any(|scheme| link.url.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme)));
    html! {
        @if leads { a rel="noopener noreferrer" href=(link.url) { (link.name) } }
        @else { (link.name) ": " code.break { (link.url) } }
    }
}

fn log(view: &View, build: &Build, step: &Step, log: &LogInfo, tail: Option<&Shown>) -> Markup {
    let address = log_address(view, build, step, log);
    html! {
        p.loghead {
            a.name href=(address) { (log.name) }
            span.meta { (words::count(usize::try_from(log.line_count).unwrap_or(0), "line")) }
            a href={ (address) "/text" } { "text" }
            a href={ (address) "/raw" } { "download" }
        }
        @match tail {
            Some(tail) => {
                @if tail.first > 0 { p.earlier { a href=(address) { "All, with the " (words::count(usize::try_from(tail.first).unwrap_or(0), "line")) " before" } } }
                (tail.block(log, &address))
            }
            // The script fetches the end of the log when the step is unfolded.
            None => @if log.line_count > 0 {
                div.later data-later={ (address) "/tail" } { a href=(address) { "Read it" } }
            }
        }
    }
}

/// Its result's class; one that has not begun is not running.
fn class_of(step: &Step) -> &'static str {
    if step.started_at.is_none() && step.results.is_none() { "waiting" } else { class(step.results) }
}

/// When, within the build, the step ran: a bar as wide as the build took.
fn span_of(view: &View, build: &Build, step: &Step) -> Markup {
    let end = build.complete_at.unwrap_or(view.now);
    let whole = end.since(build.started_at).as_millis().max(1);
    let part = |of: std::time::Duration| of.as_millis().min(whole) * 1000 / whole;
    html! {
        @if let Some(started_at) = step.started_at {
            @let from = part(started_at.since(build.started_at));
            @let wide = part(step.complete_at.unwrap_or(end).since(started_at)).max(6);
            svg.span viewBox="0 0 1000 10" preserveAspectRatio="none" aria-hidden="true" {
                rect.whole x="0" y="4" width="1000" height="2" {}
                rect.part x=(from.min(994)) y="0" width=(wide) height="10" {}
            }
        }
    }
}
