//! A client of few words: one request for each connection, and what came back.

use bellwether::kernel::World;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;
use tempfile::TempDir;

use crate::sample::{CONFIG, Sample};
use crate::site::Site;

/// A site with the sample in it.
pub fn sample() -> (Site, TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    let site = Site::start(folder.path(), CONFIG, "127.0.0.1:0");
    Sample::fill(&site.db, &site.rooms, World::real().wall());
    (site, folder)
}

/// What came back.
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Answer {
    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        let line = self
            .head
            .lines()
            .find(|line| line.split_once(':').is_some_and(|(known, _)| known.eq_ignore_ascii_case(name)))?;
        Some(line.split_once(':')?.1.trim())
    }

    /// The body as JSON.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).expect("JSON")
    }
}

/// A connection that gives up before a test hangs.
pub fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).expect("it listens");
    stream.set_read_timeout(Some(Duration::from_secs(30))).expect("a timeout");
    stream
}

pub fn get(site: &Site, path: &str) -> Answer {
    send(site, &format!("GET {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n\r\n", site.address))
}

/// A form, as a browser sends it from a page of this server.
pub fn form(site: &Site, path: &str, body: &str) -> Answer {
    let origin = format!("origin: http://{}\r\nsec-fetch-site: same-origin\r\n", site.address);
    post(site, path, "application/x-www-form-urlencoded", &origin, body)
}

pub fn post(site: &Site, path: &str, kind: &str, headers: &str, body: &str) -> Answer {
    let (host, length) = (site.address, body.len());
    send(
        site,
        &format!(
            "POST {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\ncontent-type: {kind}\r\n{headers}\
             content-length: {length}\r\n\r\n{body}"
        ),
    )
}

/// Sends bytes as they are and reads the answer to its end.
pub fn send(site: &Site, request: &str) -> Answer {
    let mut stream = connect(site.address);
    stream.write_all(request.as_bytes()).expect("it reads");
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        assert_ne!(reader.read_line(&mut head).expect("an answer"), 0, "closed without an answer");
    }
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
    let mut bytes = Vec::new();
    // Who refuses a body may close before it has read it.
    let _ = reader.read_to_end(&mut bytes);
    let chunked = head.to_ascii_lowercase().contains("transfer-encoding: chunked");
    let bytes = if chunked { unchunk(&bytes) } else { bytes };
    Answer { status, head, body: String::from_utf8(bytes).expect("text") }
}

fn unchunk(mut bytes: &[u8]) -> Vec<u8> {
    let mut whole = Vec::new();
    while let Some(end) = bytes.windows(2).position(|two| two == b"\r\n") {
        let size =
            std::str::from_utf8(&bytes[..end]).ok().and_then(|size| usize::from_str_radix(size, 16).ok());
        let Some(size) = size.filter(|size| *size > 0) else { break };
        whole.extend_from_slice(&bytes[end + 2..end + 2 + size]);
        bytes = &bytes[end + 2 + size + 2..];
    }
    whole
}
