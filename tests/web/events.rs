//! What happens, as it reaches browsers; and the listener under a reload.

use crate::client::{connect, get, sample};
use crate::sample::CONFIG;
use crate::site::{Site, config_of};
use bellwether::kernel::Control;
use bellwether::model::{BuildId, Event, LogId};
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::sync::Arc;

/// An event stream that has begun.
fn listen(site: &Site, query: &str) -> BufReader<TcpStream> {
    let mut stream = connect(site.address);
    write!(stream, "GET /events{query} HTTP/1.1\r\nhost: {}\r\n\r\n", site.address).expect("it reads");
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        assert_ne!(reader.read_line(&mut head).expect("an answer"), 0);
    }
    assert!(head.starts_with("HTTP/1.1 200") && head.contains("text/event-stream"), "{head}");
    reader
}

/// The data of the next event.
fn next(reader: &mut BufReader<TcpStream>) -> String {
    let mut line = String::new();
    loop {
        line.clear();
        assert_ne!(reader.read_line(&mut line).expect("an event"), 0, "the stream has ended");
        if let Some(data) = line.strip_prefix("data: ") {
            return data.trim().to_owned();
        }
    }
}

fn appended(build: i64) -> Event {
    Event::LogAppended { build: BuildId(build), log: LogId(build * 10), line_count: 3 }
}

#[test]
fn a_stream_tells_what_its_page_is_about() {
    let (site, _folder) = sample();
    let (mut all, mut one) = (listen(&site, ""), listen(&site, "?build=7"));
    for build in [6, 7] {
        site.events.tell(appended(build));
    }
    let told = |build: i64| {
        format!(r#"{{"event":"log_appended","build":{build},"log":{},"line_count":3}}"#, build * 10)
    };
    assert_eq!([next(&mut all), next(&mut all)], [told(6), told(7)]);
    assert_eq!(next(&mut one), told(7));
    assert_eq!(get(&site, "/events?wish=x").status, 400);
}

#[test]
fn a_reload_moves_the_listener_or_leaves_everything_as_it_was() {
    let (site, _folder) = sample();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let taken = taken.local_addr().map(|address| (taken, address)).expect("an address");
    let wanted = Arc::new(config_of(CONFIG, &taken.1.to_string()));
    let refused = site.status.command(|reply| Control::Prepare(wanted.clone(), reply)).expect("it runs");
    let refusal = refused.expect_err("the port is taken").remove(0).to_string();
    assert!(
        refusal.starts_with(&format!("status: the web pages cannot be served at {}: ", taken.1)),
        "{refusal}"
    );
    site.status.command(Control::Abandon).expect("it runs");
    assert_eq!(get(&site, "/about").status, 200);

    let mut stream = listen(&site, "");
    drop(taken.0);
    site.status
        .command(|reply| Control::Prepare(wanted.clone(), reply))
        .expect("it runs")
        .expect("the port is free");
    site.status.command(|reply| Control::Apply(wanted, reply)).expect("it runs");
    let moved = Site { address: taken.1, ..site };
    assert_eq!(get(&moved, "/about").status, 200);
    let mut rest = String::new();
    while stream.read_line(&mut rest).expect("an end") > 0 {}

    moved.status.command(Control::Stop).expect("it runs");
    assert!(TcpStream::connect(moved.address).is_err(), "it listens no more");
}
