//! Peers that speak nonsense, and a world that does not help: the master says so where a person looks, lives, and
//! loses nothing.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use crate::harness::{Build, Make, Site, eventually_or};
use crate::jobs::{WAITING, config_of, site_of};

/// Sends bytes to the port of the workers; the connection, still open.
fn send(site: &Site, bytes: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(("127.0.0.1", site.pb_port)).expect("the port is open");
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
