//! `http`: a request of a server, made by the master (`N-ST-06`).

use super::{End, Next, Site};
use crate::botmaster::http::Request;
use crate::config::{self, HttpBody, Template};
use crate::model::Results;
use data_encoding::BASE64;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use std::collections::BTreeMap;

/// A request under way.
#[derive(Debug)]
pub struct Http {
    description: String,
    expect: Vec<u16>,
}

impl Http {
    pub(super) fn begin(config: &config::Http, site: &Site<'_>) -> Result<(Http, Next), String> {
        let filled = |texts: &BTreeMap<String, Template>| {
            let filled = texts.iter().map(|(name, text)| Ok((name.clone(), site.scene.text(text)?)));
            filled.collect::<Result<Vec<_>, String>>()
        };
        let mut url = site.scene.text(&config.url)?;
        for (name, value) in filled(&config.params)? {
            let escaped = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
            url.push(if url.contains('?') { '&' } else { '?' });
            url += &format!("{}={}", escaped(&name), escaped(&value));
        }
        let mut headers = filled(&config.headers)?;
        let mut hidden = config.hide_request_headers.clone();
        if let Some((user, password)) = &config.auth {
            let pair = format!("{}:{}", site.scene.text(user)?, site.scene.text(password)?);
            headers.push(("Authorization".to_owned(), format!("Basic {}", BASE64.encode(pair.as_bytes()))));
            hidden.push("authorization".to_owned());
        }
        let body = match &config.body {
            None => None,
            Some(HttpBody::Data(text)) => Some(site.scene.text(text)?.into()),
            Some(HttpBody::Json(value)) => {
                if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type")) {
                    headers.push(("Content-Type".to_owned(), "application/json".to_owned()));
                }
                Some(site.scene.json(value)?.to_string().into())
            }
        };
        let description = format!("{} {}", config.method, site.scene.shown(&config.url)?);
        let request = Request {
            method: config.method,
            url,
            headers,
            hidden,
            hidden_answers: config.hide_response_headers.clone(),
            body,
            follows: config.allow_redirects,
            max_time: site.patience.max_time,
        };
        Ok((Http { description, expect: config.expect.clone() }, Next::Ask(Box::new(request))))
    }

    /// The server answered with this status, or there is no answer.
    pub(super) fn answered(&self, result: Result<Option<i32>, String>) -> End {
        let status = match result {
            Ok(status) => status.and_then(|status| u16::try_from(status).ok()),
            Err(why) => {
                let detail = Some("no answer".to_owned());
                return End { detail, complaint: Some(format!("{why}\n")), ..End::plain(Results::Failure) };
            }
        };
        let Some(status) = status else { return End::plain(Results::Cancelled) };
        let is_expected = match self.expect.as_slice() {
            [] => (200..400).contains(&status),
            expected => expected.contains(&status),
        };
        let results = if is_expected { Results::Success } else { Results::Failure };
        End { detail: Some(status.to_string()), ..End::plain(results) }
    }

    pub(super) fn description(&self) -> &str {
        &self.description
    }
}
