//! Peers that speak nonsense, and a world that does not help: the master says so where a person looks, lives, and
//! loses nothing.

use std::io::Write;
use std::net::{Ipv4Addr, SocketAddrV4, TcpStream};
use std::time::Duration;

use bellwether::pbmanager::limits::STRANGERS_PER_ADDRESS_MAX;
use rustix::net::{AddressFamily, SocketType, bind, connect, socket};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::encrypted::Authority;
use crate::harness::peer::is_closed;
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
        assert!(is_closed(&mut send(&site, bytes)), "{what} is not cut off");
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

/// One builder, whose build waits, and a second worker, which has nothing to build.
fn with_another_worker() -> String {
    let workers = "workers: [{name: w1, password: sesame}, {name: w2, password: sesame}]";
    config_of(WAITING).replace("workers: [{name: w1, password: sesame}]", workers)
}

/// A site that listens by PB, by PB over TLS and by msgpack; on which ports it does the latter two.
fn site_of_all_ports() -> (Site, u16, u16) {
    let (tls, packed) = (free_port(), free_port());
    let listen = format!(
        "pb: {{listen: ['127.0.0.1:@PB@', {{address: '127.0.0.1:{tls}', \
         tls: {{certificate: '@DIR@/tls/master.pem', key: '@DIR@/tls/master.key'}}}}]}}\n\
         msgpack: {{listen: ['127.0.0.1:{packed}']}}\n"
    );
    let mut site = Site::new(&(listen + &with_another_worker()));
    Authority::new(&site).certify("master");
    site.start();
    (site, tls, packed)
}

/// A frame of a client's with a mask that changes nothing: the byte that says what it is, and its content.
fn frame(kind: u8, content: &[u8]) -> Vec<u8> {
    [&[kind, 0xff], &(content.len() as u64).to_be_bytes()[..], &[0; 4], content].concat()
}

/// A record of a handshake of TLS.
fn record(content: &[u8]) -> Vec<u8> {
    [&[22, 3, 1], &(content.len() as u16).to_be_bytes()[..], content].concat()
}

/// What a master may use of memory for a few strangers, and a worker that has just logged in.
const PEAK_MIB: u64 = 128;

#[test]
fn garbage_on_the_ports_of_tls_and_msgpack_is_told_and_the_worker_builds_on() {
    let (mut site, tls, packed) = site_of_all_ports();
    let _worker = Make::Real.start(&site, "w1", "sesame");
    site.force();
    site.build_says(1, "begun");
    let before_mib = site.master().peak_mib();
    // The first message of a handshake, of which no record brings much.
    let hello = [&[1, 0, 0x7f, 0xff][..], &[0; 0x7fff]].concat();
    let hello: Vec<u8> = hello.chunks(1).flat_map(record).collect();
    let endless_request = [&UPGRADE[..UPGRADE.len() - 2], b"X: ", &[b'x'; 20_000]].concat();
    let opened = |rest: &[u8]| [UPGRADE, rest].concat();
    let message = |content: &[u8]| opened(&frame(0x82, content));
    let fragments = [frame(0x02, &[0; 1 << 16]), frame(0x00, &[0; 1 << 16]).repeat(300)].concat();
    let response = b"\x82\xa2op\xa8response\xaaseq_number\xcd\x30\x39";
    for (what, port, bytes, told) in [
        ("no TLS", tls, vec![0xff; 4096], "TLS: received corrupt message"),
        ("a hello without end", tls, hello, "the connection broke: message buffer full"),
        ("no HTTP", packed, vec![0xff; 4096], "httparse error: invalid token"),
        ("a request without end", packed, endless_request, "not a request for a WebSocket: it is too long"),
        (
            "a frame of a terabyte",
            packed,
            opened(&[0x82, 0xff, 0, 0, 1, 0, 0, 0, 0, 0, 1, 2, 3, 4]),
            "no WebSocket frames: Space limit exceeded: Message too long: 1099511627776",
        ),
        ("a message of endless fragments", packed, opened(&fragments), "Message too long: 168"),
        ("a frame without a mask", packed, opened(&[0x82, 0x01, 0x80]), "unmasked frame"),
        ("no MessagePack", packed, message(b"\xc1"), "not a message: the type 0xc1 has no meaning here"),
        ("too deep", packed, message(&[0x91; 1000]), "not a message: it is nested too deeply"),
        ("too many values", packed, message(&many_values()), "not a message: it has too many values"),
        ("a list that says more than it has", packed, message(b"\xdd\xff\xff\xff\xff"), "ends too early"),
        ("an answer to nothing", packed, message(response), "answer to an unknown request"),
    ] {
        assert!(is_closed(&mut send_to(port, &bytes)), "{what} is not cut off");
        eventually_or(what, || site.log().contains(told).then_some(()), || site.log());
    }
    // What means nothing, or is of the wrong type, is left out or refused, however much of it comes.
    let wrong_types = [
        &b"\x82\xa2op\x05\xaaseq_number\xa1x"[..],
        b"\x83\xa2op\xa6update\xaaseq_number\x01\xa4args\x80",
        b"\x82\xa2op\xa8complete\xaaseq_number\x02",
        b"\x05",
    ];
    let wrong: Vec<u8> = wrong_types.iter().flat_map(|content| frame(0x82, content)).collect();
    let idle = [frame(0x81, b"text"), frame(0x89, b"ping"), frame(0x8a, b"pong")].concat();
    let mut rogue = send_to(packed, &opened(&[wrong.repeat(1000), idle.repeat(10_000)].concat()));
    rogue.write_all(&frame(0x82, response)).expect("it was not cut off");
    assert!(is_closed(&mut rogue));
    assert!(site.master().runs());
    site.open("go");
    site.build_ends(1, Build::SUCCESS);
    let peak_mib = site.master().peak_mib();
    assert!(peak_mib < before_mib + PEAK_MIB, "{peak_mib} MiB, after {before_mib} MiB");
}

/// A list of more values than a message may have, all of them nothing.
fn many_values() -> Vec<u8> {
    [&[0xdd, 0x00, 0x10, 0x00, 0x01][..], &[0xc0].repeat((1 << 20) + 1)].concat()
}

#[test]
fn who_never_logs_in_is_cut_off_in_time() {
    let (site, tls, packed) = site_of_all_ports();
    let silent = [site.pb_port, tls, packed].map(|port| send_to(port, b""));
    let half_a_login = send(&site, b"\x02\x82pb\x02\x80");
    let half_a_hello = send_to(tls, &record(&[1, 0, 1, 0, 3, 3]));
    let half_a_request = send_to(packed, &UPGRADE[..UPGRADE.len() - 2]);
    let all: Vec<_> = silent.into_iter().chain([half_a_login, half_a_hello, half_a_request]).collect();
    let addresses: Vec<_> = all.iter().map(|stream| stream.local_addr().expect("connected")).collect();
    for mut stream in all {
        assert!(is_closed(&mut stream));
    }
    for address in addresses {
        let is_it = |line: &str| {
            line.contains("it did not log in in time") && line.contains(&format!("peer: {address},"))
        };
        eventually_or("why", || site.log().lines().any(is_it).then_some(()), || site.log());
    }
}

/// A connection to the master from an address of its own.
fn connect_from(address: Ipv4Addr, port: u16) -> TcpStream {
    let socket = socket(AddressFamily::INET, SocketType::STREAM, None).expect("a socket");
    bind(&socket, &SocketAddrV4::new(address, 0)).expect("an address of this machine");
    connect(&socket, &SocketAddrV4::new(Ipv4Addr::LOCALHOST, port)).expect("the port is open");
    let stream = TcpStream::from(socket);
    stream.set_read_timeout(Some(Duration::from_secs(60))).expect("a time-out");
    stream
}

#[test]
fn a_flood_of_strangers_from_one_address_keeps_no_worker_out() {
    let maximum = getrlimit(Resource::Nofile).maximum;
    setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }).expect("it may be raised so far");
    let mut site = Site::running(&with_another_worker());
    let _worker = Make::Real.start(&site, "w1", "sesame");
    site.force();
    site.build_says(1, "begun");
    let before_mib = site.master().peak_mib();
    let attacker = Ipv4Addr::new(127, 0, 0, 2);
    let mut flood = Vec::new();
    let is_told = |line: &str| {
        line.contains("connections are closed as they come")
            && line.contains("too many connections without a login from one address")
            && line.contains("peer: 127.0.0.2:")
    };
    let mut refused = || {
        flood.extend((0..256).map(|_| connect_from(attacker, site.pb_port)));
        site.log().lines().any(is_told).then_some(())
    };
    eventually_or("a flood that is refused", &mut refused, || site.log());
    assert!(flood.len() > STRANGERS_PER_ADDRESS_MAX, "{} are too many already", flood.len());
    let _newcomer = Make::Ours.start(&site, "w2", "sesame");
    let is_ready = |line: &str| line.contains("worker is ready") && line.contains("worker: w2");
    eventually_or("another worker", || site.log().lines().any(is_ready).then_some(()), || site.log());
    site.open("go");
    site.build_ends(1, Build::SUCCESS);
    let peak_mib = site.master().peak_mib();
    assert!(peak_mib < before_mib + PEAK_MIB, "{peak_mib} MiB, after {before_mib} MiB");
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
