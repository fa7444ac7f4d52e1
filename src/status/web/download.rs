//! A whole log as text, chunk after chunk: as much is in memory as is on its way.

use super::app::App;
use super::fault::Fault;
use crate::db::logs;
use crate::model::{LogInfo, LogKind};
use axum::body::Body;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use futures_util::stream;

/// Which lines.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Parts {
    /// All.
    All,
    /// What the program wrote.
    Output,
}

/// To read in the browser.
pub(super) fn inline(app: App, log: LogInfo, parts: Parts) -> Response {
    let headers = [(header::CONTENT_TYPE, "text/plain; charset=utf-8".to_owned())];
    (headers, body(app, log, parts)).into_response()
}

/// To save as a file of about this name.
pub(super) fn attachment(app: App, log: LogInfo, name: &str) -> Response {
    let is_tame = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let name: String = name.chars().map(|c| if is_tame(c) { c } else { '_' }).collect();
    let headers = [
        (header::CONTENT_TYPE, "text/plain; charset=utf-8".to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")),
    ];
    (headers, body(app, log, Parts::All)).into_response()
}

fn body(app: App, log: LogInfo, parts: Parts) -> Body {
    Body::from_stream(stream::try_unfold(0, move |next| {
        let (app, id, kind) = (app.clone(), log.id, log.kind);
        async move {
            let chunk = app.read(move |connection| logs::chunk(connection, id, next)).await?;
            let plain = chunk.map(|chunk| {
                let after = chunk.first_line + chunk.line_count;
                (plain(&chunk.text, kind, parts), after)
            });
            Ok::<_, Fault>(plain)
        }
    }))
}

/// Stored lines without their channels.
pub(super) fn plain(stored: &[u8], kind: LogKind, parts: Parts) -> Vec<u8> {
    if kind != LogKind::Stdio {
        return stored.to_vec();
    }
    let mut text = Vec::with_capacity(stored.len());
    for line in stored.split_inclusive(|byte| *byte == b'\n') {
        match line.split_first() {
            Some((b'h', _)) if parts == Parts::Output => {}
            Some((_, line)) => text.extend_from_slice(line),
            None => {}
        }
    }
    text
}
