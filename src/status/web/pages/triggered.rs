//! What a build has triggered, on its page (`SH-31`).

use super::build_name;
use crate::db::{Connection, DbError, builds, buildsets, requests};
use crate::model::{Build, BuildId, BuildRequest, Buildset};
use crate::status::web::view::{View, badge};
use maud::{Markup, html};

/// A buildset that it triggered: each of its requests, with the newest build of it.
pub(super) struct Triggered {
    buildset: Buildset,
    requests: Vec<(BuildRequest, Option<Build>)>,
}

/// Reads what a build has triggered.
pub(super) fn of(connection: &mut Connection, parent: BuildId) -> Result<Vec<Triggered>, DbError> {
    let mut all = Vec::new();
    for buildset in buildsets::of_parent(connection, parent)? {
        let mut rows = Vec::new();
        for request in requests::of_buildset(connection, buildset.id)? {
            let newest = builds::of_request(connection, request.id)?.pop();
            rows.push((request, newest));
        }
        all.push(Triggered { buildset, requests: rows });
    }
    Ok(all)
}

/// Shows it.
pub(super) fn section(view: &View, all: &[Triggered]) -> Markup {
    html! {
        h2 { "Triggered " span.count { (all.len()) } }
        dl.facts.tall {
            @for Triggered { buildset, requests } in all {
                div {
                    dt { (buildset.scheduler) @if buildset.parent_build.is_some_and(|parent| parent.waits) { ", waited for" } }
                    dd {
                        @for (request, build) in requests {
                            p {
                                @match build {
                                    Some(build) => {
                                        (badge(build.results)) " "
                                        a href=(view.build(&build.builder, build.number)) { (build_name(build)) }
                                    }
                                    None => {
                                        @if request.complete_at.is_some() { (badge(request.results)) " " }
                                        a href=(view.to([&"requests", &request.id])) { (request.builder) " (request " (request.id) ")" }
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}
