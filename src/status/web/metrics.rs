//! `/metrics`: the master's figures for a scraper, if the configuration says so (`metrics: {prometheus: true}`).

use super::app::App;
use super::fault::Fault;
use crate::metrics::prometheus;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};

/// `/metrics`
pub(super) async fn metrics(State(app): State<App>) -> Result<Response, Fault> {
    if !app.site.config().metrics.as_ref().is_some_and(|metrics| metrics.prometheus) {
        return Err(Fault::Missing("Figures are not shown: metrics.prometheus is off.".to_owned()));
    }
    let text = prometheus::text(&app.site.0.below.figures.snapshot());
    Ok(([(CONTENT_TYPE, prometheus::CONTENT_TYPE)], text).into_response())
}
