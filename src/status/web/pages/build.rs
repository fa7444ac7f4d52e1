//! One build: its steps with their logs, what was built, with which properties, and why.

use super::build_parts::{self, Data, StepData};
use super::{Answer, build_name, triggered};
use crate::db::{Connection, DbError, builds, buildsets, changes, expectations, logs, steps};
use crate::model::{Build, LogInfo, Step};
use crate::status::limits::LOG_TAIL_LINES;
use crate::status::web::app::App;
use crate::status::web::fault::Fault;
use crate::status::web::layout::{Page, page};
use crate::status::web::log_lines;
use crate::status::web::view::View;
use axum::extract::{Path, State};

/// The address of a log's page.
pub(super) fn log_address(view: &View, build: &Build, step: &Step, log: &LogInfo) -> String {
    view.to([
        &"builders",
        &build.builder,
        &"builds",
        &build.number,
        &"steps",
        &step.number,
        &"logs",
        &log.slug,
    ])
}

fn load(connection: &mut Connection, view: &View, name: &str, number: i64) -> Result<Option<Data>, DbError> {
    let Some(build) = builds::by_number(connection, name, number)? else { return Ok(None) };
    let mut logs = logs::of_build(connection, build.id)?;
    let mut step_data = Vec::new();
    for step in steps::of_build(connection, build.id)? {
        let (own, others): (Vec<_>, Vec<_>) = logs.into_iter().partition(|log| log.step == step.id);
        logs = others;
        let is_open = build_parts::is_open(&step);
        let mut shown = Vec::with_capacity(own.len());
        for log in own {
            let tail = if is_open && log.line_count > 0 {
                let first = (log.line_count - LOG_TAIL_LINES).max(0);
                let address = log_address(view, &build, &step, &log);
                Some(log_lines::read(connection, &log, first, LOG_TAIL_LINES, &address)?)
            } else {
                None
            };
            shown.push((log, tail));
        }
        step_data.push(StepData { step, logs: shown });
    }
    let parent = match buildsets::get(connection, build.buildset)? {
        Some(buildset) => {
            let parent =
                buildset.parent_build.map(|parent| builds::get(connection, parent.build)).transpose()?;
            Some((buildset, parent.flatten()))
        }
        None => None,
    };
    let (buildset, parent) = parent.unzip();
    Ok(Some(Data {
        steps: step_data,
        properties: builds::properties(connection, build.id)?,
        changes: changes::of_buildset(connection, build.buildset)?,
        has_next: builds::by_number(connection, name, number + 1)?.is_some(),
        end: expectations::end_of(connection, build.id, view.now)?,
        buildset,
        parent: parent.flatten(),
        triggered: triggered::of(connection, build.id)?,
        build,
    }))
}

/// `/builders/NAME/builds/NUMBER`; a negative number counts from the last one.
pub(in crate::status::web) async fn build(
    State(app): State<App>,
    view: View,
    Path((name, number)): Path<(String, i64)>,
) -> Answer {
    let (wanted, for_load) = (name.clone(), view.clone());
    let data = app.read(move |connection| load(connection, &for_load, &wanted, number)).await?;
    let data = data.ok_or_else(|| Fault::no("build", format!("{number} of builder {name:?}")))?;
    let snapshot = if data.build.complete_at.is_none() {
        app.act(|actions| actions.snapshot()).await?.unwrap_or_default()
    } else {
        crate::botmaster::Snapshot::default()
    };
    let live = snapshot.builds.into_iter().find(|live| live.build == data.build.id);
    let word = data.build.results.map_or("running", |results| results.as_str());
    let title = format!("{} {word}", build_name(&data.build));
    let events = data.build.complete_at.is_none().then(|| format!("build={}", data.build.id));
    let body = build_parts::render(&view, &data, live.as_ref());
    Ok(page(&view, Page { title, place: "builders", events, body }))
}
