//! What browsers and scripts send: bounded in size and time.

use super::fault::Fault;
use crate::status::limits::{BODY_BYTES, BODY_TIME, UPLOAD_BYTES, UPLOAD_TIME, UPLOADS};
use axum::extract::Request;
use axum::http::header;
use bytes::Bytes;
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::time::Duration;
use tokio::sync::Semaphore;

/// A form's fields by name, each with its values in order.
pub(super) type Fields = BTreeMap<String, Vec<String>>;

/// A request's body.
pub(super) async fn body(request: Request) -> Result<Bytes, Fault> {
    body_within(request, BODY_BYTES, BODY_TIME).await
}

async fn body_within(request: Request, most: usize, time: Duration) -> Result<Bytes, Fault> {
    let body = axum::body::to_bytes(request.into_body(), most);
    match tokio::time::timeout(time, body).await {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(_)) => Err(Fault::TooLarge(format!("At most {} KiB can be sent here.", most / 1024))),
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

/// A form that a browser sent, which may have files: a field for each, of what it holds.
pub(super) async fn read_with_files(request: Request) -> Result<Fields, Fault> {
    static READ: Semaphore = Semaphore::const_new(UPLOADS);
    if !is_of_type(&request, "multipart/form-data") {
        return read(request).await;
    }
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let boundary = multer::parse_boundary(kind.unwrap_or_default());
    let boundary = boundary.map_err(|_| Fault::Bad("The form has no boundary.".to_owned()))?;
    // It is never closed.
    let _turn = READ.acquire().await;
    let body = body_within(request, UPLOAD_BYTES, UPLOAD_TIME).await?;
    let body = futures_util::stream::once(std::future::ready(Ok::<_, Infallible>(body)));
    let mut parts = multer::Multipart::new(body, boundary);
    let mut fields = Fields::new();
    let wrong = |_| Fault::Bad("The form cannot be read.".to_owned());
    while let Some(part) = parts.next_field().await.map_err(wrong)? {
        let Some(name) = part.name().map(str::to_owned) else { continue };
        let is_file = part.file_name().is_some();
        let bytes = part.bytes().await.map_err(wrong)?;
        let text = String::from_utf8(bytes.into());
        let text = text.map_err(|_| Fault::Bad(format!("What was sent as {name:?} is not UTF-8.")))?;
        // A file is taken as it is.
        fields.entry(name).or_default().push(if is_file { text } else { text.replace("\r\n", "\n") });
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
