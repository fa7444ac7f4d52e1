//! The options of requests.

use super::{Loose, OneOrMany, Read, Table, one_of, property};
use crate::config::findings::Findings;
use crate::config::{Http, HttpBody, StepKind, Template};
use std::collections::BTreeMap;

const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

pub(super) fn http(table: &mut Table, findings: &mut Findings) -> Option<StepKind> {
    let url = table.required("url", findings);
    let methods = METHODS.map(|method| (method, method));
    let method = table.node("method", findings);
    let method = method.and_then(|node| one_of(node, &methods, findings)).unwrap_or("GET");
    let body = match (table.node("data", findings), table.node("json", findings)) {
        (None, None) => None,
        (Some(data), None) => Template::read(data, findings).map(HttpBody::Data),
        (None, Some(json)) => {
            property::check_templates(json, findings);
            serde_json::Value::read(json, findings).map(HttpBody::Json)
        }
        (Some(_), Some(json)) => {
            findings.complain(json.at, "it sends either `data` or `json`", "leave one of them out");
            None
        }
    };
    if body.is_some() && ["GET", "HEAD", "OPTIONS"].contains(&method) {
        findings.complain(table.at(), format!("a {method} sends nothing"), "write `method: POST`");
    }
    let auth = table.node("auth", findings).and_then(|node| {
        let mut table = Table::open(node, findings)?;
        let (user, password) = (table.required("user", findings), table.required("password", findings));
        table.finish(findings);
        Some((user?, password?))
    });
    let OneOrMany(expect) = table.or("expect", OneOrMany(Vec::new()), findings);
    Some(StepKind::Http(Box::new(Http {
        method,
        params: texts("params", table, findings),
        headers: texts("headers", table, findings),
        hide_request_headers: names("hide_request_headers", table, findings),
        hide_response_headers: names("hide_response_headers", table, findings),
        body,
        auth,
        expect,
        allow_redirects: table.or("allow_redirects", true, findings),
        url: url?,
    })))
}

fn texts(key: &'static str, table: &mut Table, findings: &mut Findings) -> BTreeMap<String, Template> {
    let texts: BTreeMap<String, Loose<Template>> = table.or(key, BTreeMap::new(), findings);
    texts.into_iter().map(|(name, Loose(text))| (name, text)).collect()
}

/// Names of headers, which have no case.
fn names(key: &'static str, table: &mut Table, findings: &mut Findings) -> Vec<String> {
    let OneOrMany::<String>(names) = table.or(key, OneOrMany(Vec::new()), findings);
    names.into_iter().map(|name| name.to_ascii_lowercase()).collect()
}
