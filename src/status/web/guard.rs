//! What goes around every request: who may change something, what a browser may do with an answer, and what a
//! fault looks like.

use super::app::App;
use super::fault::Fault;
use super::layout;
use super::view::View;
use axum::Json;
use axum::extract::{Request, State};
use axum::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use axum::http::{Method, StatusCode, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use std::net::IpAddr;

/// Every answer says these. Scripts and styles come from this server only, and never from a page's text.
const HEADERS: [(HeaderName, &str); 5] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
         form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "same-origin"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
];

/// The outermost layer.
pub(super) async fn guard(State(app): State<App>, request: Request, next: Next) -> Response {
    let uri = request.uri().clone();
    let checked = check(&app, request.method(), request.headers());
    let mut response = match checked {
        Ok(()) => next.run(request).await,
        Err(fault) => fault.into_response(),
    };
    if let Some(fault) = response.extensions_mut().remove::<Fault>() {
        response = show(&app, &uri, &fault);
    } else if is_refusal_of_arguments(&response) {
        let told = axum::body::to_bytes(std::mem::take(response.body_mut()), REFUSAL_BYTES).await;
        let told = told.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
        response = show(&app, &uri, &Fault::Bad(told));
    }
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-cache"));
    response
}

/// How much of a refusal's text is shown.
const REFUSAL_BYTES: usize = 4096;

/// Whether a handler's arguments could not be read: a number in the path that is none, say.
fn is_refusal_of_arguments(response: &Response) -> bool {
    let kind = response.headers().get(header::CONTENT_TYPE).map(HeaderValue::as_bytes);
    response.status() == StatusCode::BAD_REQUEST && kind.is_some_and(|kind| kind.starts_with(b"text/plain"))
}

/// The page, or the JSON, that tells of a fault.
fn show(app: &App, uri: &Uri, fault: &Fault) -> Response {
    let status = fault.status();
    if status.is_server_error() {
        slog::warn!(app.site.0.log, "a page was not served"; "path" => uri.path(), "why" => %fault);
    }
    if uri.path().starts_with("/api") {
        return (status, Json(serde_json::json!({ "error": fault.to_string() }))).into_response();
    }
    let view = View::new(app.site.config(), app.site.now(), uri.path());
    (status, layout::fault(&view, uri.path(), fault)).into_response()
}

/// A request that changes something must come from a page of this server, or from no browser at all.
fn check(app: &App, method: &Method, headers: &HeaderMap) -> Result<(), Fault> {
    if method.is_safe() {
        return Ok(());
    }
    let forbidden = |why: &str| Err(Fault::Forbidden(why.to_owned()));
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    if matches!(text(HeaderName::from_static("sec-fetch-site")), Some("cross-site" | "same-site")) {
        return forbidden("This request was made by a page of another site.");
    }
    let Some(origin) = text(header::ORIGIN) else { return Ok(()) };
    let host = text(header::HOST).unwrap_or_default();
    let public = app.site.config().url.clone();
    let of_origin = authority(origin);
    if of_origin != Some(host) && of_origin != authority(&public) {
        return forbidden("This request was made by a page of another site.");
    }
    if !is_ours(host, authority(&public)) {
        return forbidden("This server does not go by this name; set `url` in the configuration to it.");
    }
    Ok(())
}

/// `host:port` of a URL.
fn authority(url: &str) -> Option<&str> {
    let (_, rest) = url.split_once("://")?;
    rest.split('/').next().filter(|authority| !authority.is_empty())
}

/// A browser can be led to this server by a foreign name that resolves to it, so only names that are its own count.
fn is_ours(host: &str, public: Option<&str>) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    Some(host) == public || name == "localhost" || name.parse::<IpAddr>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_its_own_count() {
        for (host, ours) in [
            ("127.0.0.1:8010", true),
            ("[::1]:8010", true),
            ("localhost", true),
            ("ci.example.org", true),
            ("evil.example.org:8010", false),
            ("127.0.0.1.evil.org", false),
            ("", false),
        ] {
            assert_eq!(is_ours(host, Some("ci.example.org")), ours, "{host}");
        }
    }

    #[test]
    fn the_authority_of_a_url() {
        assert_eq!(authority("https://ci.example.org/x/"), Some("ci.example.org"));
        assert_eq!(authority("http://[::1]:8010"), Some("[::1]:8010"));
        assert_eq!(authority("null"), None);
    }
}
