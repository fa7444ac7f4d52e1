//! Every address, and who answers it.

use super::app::App;
use super::fault::Fault;
use super::{assets, guard};
use axum::Router;
use axum::extract::Request;
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;

/// All addresses of the site.
pub(super) fn router(app: App) -> Router {
    Router::new()
        .route("/assets/{digest}/{name}", get(assets::asset))
        .fallback(nowhere)
        .method_not_allowed_fallback(wrong_method)
        .layer(from_fn_with_state(app.clone(), guard::guard))
        .with_state(app)
}

async fn nowhere(request: Request) -> Response {
    let path = request.uri().path();
    match path.trim_end_matches('/') {
        // Two slashes, or one and what a browser takes for one, would lead to another host.
        trimmed if trimmed.len() < path.len() && trimmed[1..].starts_with(char::is_alphanumeric) => {
            Redirect::permanent(trimmed).into_response()
        }
        _ => Fault::Missing("There is nothing at this address.".to_owned()).into_response(),
    }
}

async fn wrong_method(request: Request) -> Fault {
    Fault::Method(format!("This address does not take {}.", request.method()))
}
