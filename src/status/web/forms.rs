//! What browsers and scripts send: bounded in size and time.

use super::fault::Fault;
use crate::status::limits::{BODY_BYTES, BODY_TIME};
use axum::extract::Request;
use axum::http::header;
use bytes::Bytes;
use std::collections::BTreeMap;

/// A form's fields by name, each with its values in order.
pub(super) type Fields = BTreeMap<String, Vec<String>>;

/// A request's body.
pub(super) async fn body(request: Request) -> Result<Bytes, Fault> {
    let body = axum::body::to_bytes(request.into_body(), BODY_BYTES);
    match tokio::time::timeout(BODY_TIME, body).await {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(_)) => Err(Fault::TooLarge(format!("At most {} KiB can be sent here.", BODY_BYTES / 1024))),
        Err(_) => Err(Fault::Bad("The request took too long to arrive.".to_owned())),
    }
}

/// Whether a request says that its body is of this media type.
pub(super) fn is_of_type(request: &Request, wanted: &str) -> bool {
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    kind.and_then(|kind| kind.split(';').next()).is_some_and(|kind| kind.trim().eq_ignore_ascii_case(wanted))
}

/// A form that a browser sent.
pub(super) async fn read(request: Request) -> Result<Fields, Fault> {
    if !is_of_type(&request, "application/x-www-form-urlencoded") {
        return Err(Fault::Bad("A form is expected here.".to_owned()));
    }
    let body = body(request).await?;
    let mut fields = Fields::new();
    for pair in body.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty()) {
        let mut halves = pair.splitn(2, |byte| *byte == b'=');
        let mut half = || decode(halves.next().unwrap_or_default());
        let (name, value) = (half()?, half()?);
        fields.entry(name).or_default().push(value);
    }
    Ok(fields)
}

/// What `application/x-www-form-urlencoded` made of a text.
pub(super) fn decode(encoded: &[u8]) -> Result<String, Fault> {
    let spaced: Vec<u8> = encoded.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect();
    let decoded = percent_encoding::percent_decode(&spaced).decode_utf8();
    // Texts of several lines come with the line ends of the network.
    decoded
        .map(|text| text.replace("\r\n", "\n"))
        .map_err(|_| Fault::Bad("What was sent is not UTF-8.".to_owned()))
}
