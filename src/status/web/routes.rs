//! Every address, and who answers it.

use super::app::App;
use super::fault::Fault;
use super::pages::{
    about, build, builder, builders, changes, doing, explain, force, home, log, log_search, requests,
    schedulers, users, workers,
};
use super::{api, assets, events, guard, metrics};
use axum::Router;
use axum::extract::Request;
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};

/// All addresses of the site.
pub(super) fn router(app: App) -> Router {
    Router::new()
        .route("/", get(home::home))
        .route("/about", get(about::about))
        .route("/builders", get(builders::builders))
        .route("/builders/{builder}", get(builder::builder))
        .route("/builders/{builder}/force/{scheduler}", get(force::of_builder).post(force::send_to_builder))
        .route("/builders/{builder}/builds/{number}", get(build::build))
        .route("/builders/{builder}/builds/{number}/stop", post(doing::stop))
        .route("/builders/{builder}/builds/{number}/rebuild", post(doing::rebuild))
        .route("/builders/{builder}/builds/{number}/steps/{step}/logs/{log}", get(log::log))
        .route("/builders/{builder}/builds/{number}/steps/{step}/logs/{log}/lines", get(log::lines))
        .route("/builders/{builder}/builds/{number}/steps/{step}/logs/{log}/tail", get(log::tail))
        .route("/builders/{builder}/builds/{number}/steps/{step}/logs/{log}/text", get(log::text))
        .route("/builders/{builder}/builds/{number}/steps/{step}/logs/{log}/raw", get(log::raw))
        .route(
            "/builders/{builder}/builds/{number}/steps/{step}/logs/{log}/search",
            get(log_search::log_search),
        )
        .route("/requests", get(requests::requests))
        .route("/requests/{id}", get(requests::request))
        .route("/requests/{id}/cancel", post(doing::cancel))
        .route("/workers", get(workers::workers))
        .route("/workers/{worker}", get(workers::worker))
        .route("/workers/{worker}/{action}", post(doing::worker))
        .route("/changes", get(changes::changes))
        .route("/changes/{id}", get(changes::change))
        .route("/schedulers", get(schedulers::schedulers))
        .route("/schedulers/{scheduler}/{action}", post(doing::scheduler))
        .route("/schedulers/{scheduler}/force", get(force::of_scheduler).post(force::send_to_scheduler))
        .route("/explain/{kind}/{*name}", get(explain::explain))
        .route("/users", get(users::users))
        .route("/events", get(events::events))
        .route("/metrics", get(metrics::metrics))
        .route("/api/v2", get(api::root))
        .route("/api/v2/{*path}", get(api::get).post(api::post))
        .route("/api/latest/{*path}", get(api::get).post(api::post))
        .route("/robots.txt", get(assets::robots))
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
