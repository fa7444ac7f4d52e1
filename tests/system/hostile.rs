//! Peers that speak nonsense, and a world that does not help: the master says so where a person looks, lives, and
//! loses nothing.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use crate::encrypted::Authority;
use crate::harness::{Build, Make, Site, eventually_or, free_port};
use crate::jobs::{WAITING, config_of, site_of};

/// Sends bytes to the port of the workers; the connection, still open.
fn send(site: &Site, bytes: &[u8]) -> TcpStream {
    send_to(site.pb_port, bytes)
}

fn send_to(port: u16, bytes: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("the port is open");
    stream.set_read_timeout(Some(Duration::from_secs(60))).expect("a time-out");
    // The master may close it before all is sent.
    let _ = stream.write_all(bytes);
    stream
}

/// Whether the master closes the connection.
fn is_closed(mut stream: TcpStream) -> bool {
    let mut answer = [0; 4096];
    loop {
        match stream.read(&mut answer) {
            Ok(0) => return true,
            Ok(_) => {}
            Err(error) => return error.kind() == std::io::ErrorKind::ConnectionReset,
        }
    }
}

#[test]
fn nonsense_is_cut_off_and_the_worker_builds_on() {
    let mut site = site_of(WAITING);
    let _worker = Make::Real.start(&site, "w1", "sesame");
    site.force();
    site.build_says(1, "begun");
    let deep = [b"\x02\x80pb".as_slice(), &b"\x01\x80".repeat(100_000)].concat();
    let endless = [b"\x02\x82pb".as_slice(), &[1; 100]].concat();
    let oversized = b"\x7f\x7f\x7f\x7f\x7f\x7f\x82";
    for (what, bytes) in [
        ("another protocol", &b"GET / HTTP/1.1\r\nHost: example.org\r\n\r\n\xff\xff"[..]),
        ("too deep", &deep),
        ("a length without end", &endless),
        ("a text of terabytes", &oversized[..]),
    ] {
        assert!(is_closed(send(&site, bytes)), "{what} is not cut off");
    }
    // Begun, and never ended: these are let be until their time is up.
    let held: Vec<_> = (0..200).map(|_| send(&site, b"\x02")).collect();
    assert!(site.master().runs());
    site.open("go");
    site.build_ends(1, Build::SUCCESS);
    drop(held);
}

/// A worker's request for a WebSocket: `w2` with the password `sesame`.
const UPGRADE: &[u8] = b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\
    Authorization: Basic dzI6c2VzYW1l\r\n\r\n";

#[test]
fn garbage_on_the_ports_of_tls_and_msgpack_is_told_and_the_worker_builds_on() {
    let (tls, packed) = (free_port(), free_port());
    let listen = format!(
        "pb: {{listen: ['127.0.0.1:@PB@', {{address: '127.0.0.1:{tls}', \
         tls: {{certificate: '@DIR@/tls/master.pem', key: '@DIR@/tls/master.key'}}}}]}}\n\
         msgpack: {{listen: ['127.0.0.1:{packed}']}}\n"
    );
    let workers = "workers: [{name: w1, password: sesame}, {name: w2, password: sesame}]";
    let config = config_of(WAITING).replace("workers: [{name: w1, password: sesame}]", workers);
    let mut site = Site::new(&(listen + &config));
    Authority::new(&site).certify("master");
    site.start();
    let _worker = Make::Real.start(&site, "w1", "sesame");
    site.force();
    site.build_says(1, "begun");
    // A frame of a terabyte, and one that is not masked as a client's must be.
    let oversized = [UPGRADE, &[0x82, 0xff, 0, 0, 1, 0, 0, 0, 0, 0, 1, 2, 3, 4]].concat();
    let unmasked = [UPGRADE, &[0x82, 0x01, 0x80]].concat();
    let no_message = [UPGRADE, &[0x82, 0x81, 0, 0, 0, 0, 0xc1]].concat();
    for (what, port, bytes, told) in [
        ("no TLS", tls, &[0xff; 4096][..], "TLS: "),
        ("no HTTP", packed, &[0xff; 4096][..], "not a request for a WebSocket"),
        ("a frame of a terabyte", packed, &oversized, "no WebSocket frames: Space limit exceeded"),
        ("a frame without a mask", packed, &unmasked, "unmasked frame"),
        ("no MessagePack", packed, &no_message, "not a message"),
    ] {
        assert!(is_closed(send_to(port, bytes)), "{what} is not cut off");
        eventually_or(what, || site.log().contains(told).then_some(()), || site.log());
    }
    assert!(site.master().runs());
    site.open("go");
    site.build_ends(1, Build::SUCCESS);
}

#[test]
fn a_peer_that_never_logs_in_is_cut_off_in_time() {
    let mut site = site_of(WAITING);
    assert!(is_closed(send(&site, b"")));
    site.master().says("it did not log in in time");
}

#[test]
fn a_repository_that_does_not_exist_is_told_and_found_when_it_comes() {
    let site = Site::running(
        "workers: [{name: w1, password: sesame}]\n\
         change_sources:\n\
         \x20 - {type: git_poller, name: app, repository: \"@DIR@/repository\", branches: [main], poll_interval: 1s, poll_at_launch: true}\n\
         schedulers:\n  - {type: force, name: force, builders: [b]}\n\
         builders:\n  - {name: b, workers: [w1], steps: [{git: \"@DIR@/repository\"}]}\n",
    );
    let _worker = Make::Real.start(&site, "w1", "sesame");
    let status = || site.command(&["status"]);
    let troubled = || (status().code == Some(1)).then(&status);
    let said = eventually_or("trouble in the status", troubled, || site.log());
    assert!(said.text.contains("repository"), "{}", said.text);
    assert!(site.log().contains("cannot look at the repository"), "{}", site.log());
    site.force();
    let build = site.build_ends(1, Build::FAILURE);
    let log = site.rows().logs(build.id);
    assert!(log.contains("does not exist") || log.contains("not appear to be a git repository"), "{log}");
    crate::harness::Repository::new(site.path("repository"));
    eventually_or("an end of the trouble", || (status().code == Some(0)).then_some(()), || site.log());
    site.force();
    site.build_ends(2, Build::SUCCESS);
}

#[test]
fn a_full_disk_is_told_and_holds_a_build_up_until_there_is_room() {
    let talk = "      - {shell: 'head -c 12000000 /dev/urandom | base64; echo al\\l said', name: talk}\n";
    // The commands do not see the disk that the control socket would be on.
    let mut site = Site::new(&format!("control: {{socket: @DIR@/control.sock}}\n{}", config_of(talk)));
    site.start_on_a_full_disk();
    let _worker = Make::Real.start(&site, "w1", "sesame");
    site.force();
    site.master().says("full");
    assert!(site.master().runs());
    site.free_the_disk();
    let complete = || site.page("GET", "/api/v2/builds/1").body.contains("\"complete\":true").then_some(());
    eventually_or("the end of the build", complete, || site.log());
    let build = site.page("GET", "/api/v2/builds/1").body;
    assert!(build.contains("\"results\":0"), "{build}");
    let log = site.page("GET", "/api/v2/logs/1/raw").body;
    assert!(log.contains("all said"), "the end is missing");
    // Base64 makes four of three, and a line's end every 76.
    assert!(log.len() > 16_000_000, "only {} bytes are left", log.len());
}
