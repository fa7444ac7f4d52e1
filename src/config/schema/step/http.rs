//! Requests of servers.

use crate::config::Template;
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// A request of a server, made by the master (`N-ST-06`). Its log has the request's headers and the whole answer, up to
/// 10 MiB. Where there is no answer, or another than expected, the step fails, and may be tried again.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Http {
    /// Where.
    pub url: Template,
    /// The method; `GET` if nothing else is said.
    pub method: &'static str,
    /// What is added to the address, as `name=value`.
    pub params: BTreeMap<String, Template>,
    /// The request's headers.
    pub headers: BTreeMap<String, Template>,
    /// Headers of the request whose values no log shows. What a `%(secret:...)s` fills in, none shows anyway.
    pub hide_request_headers: Vec<String>,
    /// The same of the answer's.
    pub hide_response_headers: Vec<String>,
    /// What is sent.
    pub body: Option<HttpBody>,
    /// `auth: {user: ..., password: "%(secret:...)s"}`, for basic authentication.
    pub auth: Option<(Template, Template)>,
    /// The statuses that are a success; any from 200 to 399 if nothing else is said.
    pub expect: Vec<u16>,
    /// Whether redirections are followed, up to ten of them: without the authentication, but with the other headers.
    pub allow_redirects: bool,
}

/// What is sent with a request.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum HttpBody {
    /// Text.
    Data(Template),
    /// Any JSON; every text in it is a template.
    Json(Value),
}
