//! Lists that several pages show.

use crate::db::{Connection, DbError, changes, expectations};
use crate::model::{Build, BuildsetId, Change, Wall};
use crate::status::web::view::{View, badge, class, expected};
use crate::status::web::words;
use maud::{Markup, html};

/// A build with the newest change that is in it, and how many there are.
pub(super) struct BuildRow {
    pub(super) build: Build,
    pub(super) change: Option<(Change, i64)>,
    /// When it will end, if it runs and that can be told.
    pub(super) end: Option<Wall>,
}

/// Finds the changes of builds, and when those that run will end.
pub(super) fn with_changes(
    connection: &mut Connection,
    builds: Vec<Build>,
    now: Wall,
) -> Result<Vec<BuildRow>, DbError> {
    let mut buildsets: Vec<BuildsetId> = builds.iter().map(|build| build.buildset).collect();
    buildsets.sort_unstable();
    buildsets.dedup();
    let changes = changes::newest_of_each(connection, &buildsets)?;
    let ends = expectations::ends_of(connection, &builds, now)?;
    let row = |build: Build| BuildRow {
        change: changes.get(&build.buildset).cloned(),
        end: ends.get(&build.id).copied(),
        build,
    };
    Ok(builds.into_iter().map(row).collect())
}

/// A list of builds; each says its builder unless the page is that builder's.
pub(super) fn builds(view: &View, rows: &[BuildRow], of_one_builder: bool) -> Markup {
    html! {
        table.rows.builds {
            thead {
                tr {
                    th scope="col" { "Result" }
                    th scope="col" { "Build" }
                    th scope="col" { "What" }
                    th scope="col" { "Worker" }
                    th.num scope="col" { "Began" }
                    th.num scope="col" { "Took" }
                }
            }
            tbody {
                @for BuildRow { build, change, end } in rows {
                    tr class=(class(build.results)) {
                        td { (badge(build.results)) }
                        td.name {
                            a href=(view.build(&build.builder, build.number)) {
                                @if !of_one_builder { span { (build.builder) } " " }
                                span.no { "#" (build.number) }
                            }
                        }
                        td.what {
                            (what(view, build, change.as_ref()))
                            @if let Some(end) = end { (expected(view, build.started_at, *end)) }
                        }
                        td.worker data-label="on" { a href=(view.worker(&build.worker)) { (build.worker) } }
                        td.num data-label="began" { (view.when(build.started_at)) }
                        td.num data-label="took" { (view.took(build.started_at, build.complete_at)) }
                    }
                }
            }
        }
    }
}

/// What a build is about: its newest change, or why it was started; and what it says of itself.
fn what(view: &View, build: &Build, change: Option<&(Change, i64)>) -> Markup {
    let is_telling = build.complete_at.is_none() || !build.results.is_some_and(|results| results.is_good());
    html! {
        span.line {
            @match change {
                Some((change, count)) => {
                    a href=(view.to([&"changes", &change.id])) { (words::headline(&change.told.comments, 100)) }
                    span.by { " " (words::person(&change.told.author)) @if *count > 1 { " and " (count - 1) " more" } }
                }
                None => (words::headline(&build.reason, 120)),
            }
        }
        @if is_telling && !build.state.is_empty() { span.state { (build.state) } }
    }
}

/// Changes, the newest first.
pub(super) fn changes(view: &View, changes: &[Change]) -> Markup {
    html! {
        ul.changes {
            @for change in changes {
                li {
                    a.headline href=(view.to([&"changes", &change.id])) { (words::headline(&change.told.comments, 100)) }
                    p.meta {
                        span { (words::person(&change.told.author)) }
                        @if let Some(revision) = &change.told.revision { code title=(revision) { (words::revision(revision)) } }
                        @if let Some(branch) = &change.told.branch { span.branch { (branch) } }
                        @if !change.told.project.is_empty() { span { (change.told.project) } }
                        span { (words::count(change.told.files.len(), "file")) }
                        (view.when(change.when))
                    }
                }
            }
        }
    }
}

/// Properties by name.
pub(super) fn properties(properties: &crate::model::Properties) -> Markup {
    html! {
        table.rows.properties {
            thead { tr { th scope="col" { "Name" } th scope="col" { "Value" } th scope="col" { "Source" } } }
            tbody {
                @for (name, property) in properties.iter() {
                    @let value = crate::model::Properties::render(&property.value);
                    tr {
                        th scope="row" { (name) }
                        td {
                            @if value.chars().count() > LONG_VALUE {
                                details { summary { code { (words::headline(&value, LONG_VALUE)) } } pre { (value) } }
                            } @else { code { (value) } }
                        }
                        td.source { (property.source) }
                    }
                }
            }
        }
    }
}

/// A value with more characters is shown in full only on demand (`WS-14`).
const LONG_VALUE: usize = 120;

/// Words in place of a list that has nothing in it.
pub(super) fn nothing(what: &str) -> Markup {
    html! { p.nothing { (what) } }
}
