//! `/events`: what happens, as server-sent events, for pages that stay up to date and for scripts.
//!
//! Each event's data is JSON with its kind in `event`. An event of the name `missed` says that some were lost: load
//! anew. Without a wish all events come; with some, those that any of them is about.

use super::app::App;
use super::fault::Fault;
use crate::model::Event;
use crate::status::Heard;
use crate::status::limits::STREAM_PULSE;
use axum::extract::{Query, State};
use axum::response::IntoResponse;
use axum::response::sse::{self, KeepAlive, Sse};
use futures_util::stream;
use serde::Deserialize;
use std::convert::Infallible;
use tokio::sync::broadcast::error::RecvError;

/// Which events.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wish {
    /// Those of this build: its steps, logs and end.
    build: Option<i64>,
    /// Those of this log.
    log: Option<i64>,
    /// Those of this builder: its builds' and requests' begin and end.
    builder: Option<String>,
    /// Those of all builds, all workers, or all changes.
    about: Option<About>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum About {
    Builds,
    Workers,
    Changes,
}

impl Wish {
    /// Whether an event is wished for.
    fn wants(&self, event: &Event) -> bool {
        if *self == Wish::default() || *event == Event::Reconfigured {
            return true;
        }
        let of = Of::event(event);
        self.build.is_some_and(|build| of.build == Some(build))
            || self.log.is_some_and(|log| of.log == Some(log))
            || self.builder.as_deref().is_some_and(|builder| of.builder == Some(builder))
            || self.about.is_some_and(|about| of.about.contains(&about))
    }
}

/// What an event is about.
#[derive(Default)]
struct Of<'a> {
    build: Option<i64>,
    log: Option<i64>,
    builder: Option<&'a str>,
    about: &'static [About],
}

impl Of<'_> {
    fn event(event: &Event) -> Of<'_> {
        use About::{Builds, Changes, Workers};
        let none = Of::default();
        match event {
            Event::ChangeAdded { .. }
            | Event::BuildsetAdded { .. }
            | Event::BuildsetComplete { .. }
            | Event::SchedulerUpdated { .. } => Of { about: &[Changes], ..none },
            Event::RequestAdded { builder, .. } | Event::RequestComplete { builder, .. } => {
                Of { builder: Some(builder), about: &[Builds], ..none }
            }
            Event::BuildStarted { build, builder, .. } | Event::BuildFinished { build, builder, .. } => {
                Of { build: Some(build.0), builder: Some(builder), about: &[Builds, Workers], ..none }
            }
            Event::StepStarted { build, .. } | Event::StepFinished { build, .. } => {
                Of { build: Some(build.0), about: &[Builds], ..none }
            }
            Event::StepUpdated { build, .. } => Of { build: Some(build.0), ..none },
            Event::LogAdded { build, log, .. }
            | Event::LogAppended { build, log, .. }
            | Event::LogFinished { build, log } => Of { build: Some(build.0), log: Some(log.0), ..none },
            Event::WorkerConnected { .. }
            | Event::WorkerLost { .. }
            | Event::WorkerMissing { .. }
            | Event::WorkerUpdated { .. } => Of { about: &[Workers, Builds], ..none },
            Event::Reconfigured => none,
        }
    }
}

/// `GET /events`
pub(super) async fn events(
    State(app): State<App>,
    wish: Result<Query<Wish>, axum::extract::rejection::QueryRejection>,
) -> Result<impl IntoResponse, Fault> {
    let Query(wish) = wish.map_err(|error| Fault::Bad(error.body_text()))?;
    let room = app.streams.clone().try_acquire_owned();
    let room = room.map_err(|_| Fault::Unavailable("Too many event streams at once.".to_owned()))?;
    // The subscription begins before the client can have read anything that it might miss.
    let source = (app.events.subscribe(), app.stopped.clone(), room, wish);
    let stream = stream::unfold(source, |(mut events, mut stopped, room, wish)| async move {
        loop {
            let heard = tokio::select! {
                heard = events.recv() => heard,
                _ = stopped.changed() => return None,
            };
            let told = match heard {
                Ok(Heard::Event(event)) if wish.wants(&event) => {
                    sse::Event::default().json_data(&*event).ok()
                }
                Ok(Heard::Event(_)) => None,
                Ok(Heard::Missed) | Err(RecvError::Lagged(_)) => {
                    Some(sse::Event::default().event("missed").data("{}"))
                }
                Err(RecvError::Closed) => return None,
            };
            if let Some(told) = told {
                return Some((Ok::<_, Infallible>(told), (events, stopped, room, wish)));
            }
        }
    });
    Ok(Sse::new(stream).keep_alive(KeepAlive::new().interval(STREAM_PULSE).text("here")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{BuildId, LogId};

    #[test]
    fn a_wish_lets_its_own_events_through() {
        let appended = Event::LogAppended { build: BuildId(7), log: LogId(3), line_count: 9 };
        let lost = Event::WorkerLost { worker: "w".to_owned() };
        for (wish, wants_appended, wants_lost) in [
            (Wish::default(), true, true),
            (Wish { build: Some(7), ..Wish::default() }, true, false),
            (Wish { log: Some(3), ..Wish::default() }, true, false),
            (Wish { log: Some(4), ..Wish::default() }, false, false),
            (Wish { about: Some(About::Workers), ..Wish::default() }, false, true),
            (Wish { build: Some(1), about: Some(About::Builds), ..Wish::default() }, false, true),
        ] {
            assert_eq!(wish.wants(&appended), wants_appended, "{wish:?}");
            assert_eq!(wish.wants(&lost), wants_lost, "{wish:?}");
            assert!(wish.wants(&Event::Reconfigured));
        }
    }
}
