//! Workers that have logged in and mean harm. Each costs its own command, or its own connection; the master says why and
//! whose, keeps its memory, and the good worker beside it builds on.

use std::io::Write;
use std::net::Shutdown;

use bellwether::pb::banana::Sexp;
use bellwether::pb::{Luid, Value};

use crate::harness::peer::{Peer, bytes, list, message, said, word};
use crate::harness::{Build, Make, Site, Worker, eventually_or};

/// What a rogue may add to the memory of the master: what it keeps for one peer, and what its allocator keeps of that.
const PEAK_MIB: u64 = 256;

/// How much is kept of a log, in bytes. Twice as much is said.
const LOG_SIZE: usize = 32 << 20;

/// A site with a good worker, which builds until the end of the test, and a rogue.
struct Scene {
    site: Site,
    _good: Worker,
    peak_mib: u64,
}

impl Scene {
    /// The rogue's builder has these steps, indented by six.
    #[track_caller]
    fn new(steps: &str) -> Scene {
        let mut site = Site::running(&format!(
            "workers: [{{name: w1, password: sesame}}, {{name: rogue, password: sesame}}]\n\
             retention: {{log_size: {LOG_SIZE}, log_tail_size: 1KiB}}\n\
             change_sources: [{{type: pb, user: change, password: sesame}}]\n\
             schedulers:\n  - {{type: force, name: force, builders: [b, r]}}\n\
             builders:\n  - name: b\n    workers: [w1]\n    steps:\n{}  - name: r\n    workers: [rogue]\n    steps:\n{steps}",
            crate::jobs::WAITING,
        ));
        let good = Make::Ours.start(&site, "w1", "sesame");
        assert_eq!(site.command(&["force", "b"]).code, Some(0));
        site.build_says(1, "begun");
        let peak_mib = site.master().peak_mib();
        Scene { site, _good: good, peak_mib }
    }

    #[track_caller]
    fn rogue(&self) -> Peer {
        Peer::attach(self.site.pb_port, "rogue", "sesame")
    }

    #[track_caller]
    fn force(&self) {
        assert_eq!(self.site.command(&["force", "r"]).code, Some(0));
    }

    /// Waits for the end of a build of the rogue's; gives its logs.
    #[track_caller]
    fn ends(&self, number: i64, results: i64) -> String {
        let is_it = |build: &Build| build.builder == "r" && build.number == number && build.results.is_some();
        let build = self.site.build("the end of the rogue's build", is_it);
        let log = self.site.rows().logs(build.id);
        assert_eq!(build.results, Some(results), "{log}\n{}", self.site.log());
        log
    }

    /// Waits until the master has said why it parted with the rogue.
    #[track_caller]
    fn says_why(&self, why: &str) {
        let is_it =
            |line: &str| line.contains("worker is gone") && line.contains("rogue") && line.contains(why);
        let look = || self.site.log().lines().any(is_it).then_some(());
        eventually_or(why, look, || self.site.log());
    }

    /// The good worker has noticed nothing, and the master has kept its memory.
    #[track_caller]
    fn all_is_well(mut self) {
        assert!(self.site.master().runs());
        self.site.open("go");
        let is_it = |build: &Build| build.builder == "b" && build.results.is_some();
        let build = self.site.build("the end of the good worker's build", is_it);
        assert_eq!((build.number, build.results), (1, Some(Build::SUCCESS)), "{}", self.site.log());
        let peak_mib = self.site.master().peak_mib();
        assert!(peak_mib < self.peak_mib + PEAK_MIB, "{peak_mib} MiB, after {} MiB", self.peak_mib);
    }
}

const SHELL: &str = "      - {shell: make, name: make}\n";

#[test]
fn who_reads_no_answers_is_not_listened_to_and_cut_off() {
    let scene = Scene::new(SHELL);
    // A worker is missed first, as the pings to it are not answered; others are not pinged.
    let mut peers = ["rogue", "change"].map(|user| Peer::attach(scene.site.pb_port, user, "sesame"));
    // Each of these is answered with a failure many times as long.
    let calls = message(1, "x", list("tuple", []), true).repeat(1000);
    peers.iter_mut().for_each(|peer| peer.send_all_that_is_taken(&calls));
    scene.says_why("it does not answer");
    let is_it =
        |line: &str| line.contains("it does not read what it is sent") && line.contains("user: change");
    let look = || scene.site.log().lines().any(is_it).then_some(());
    eventually_or("the end of a client", look, || scene.site.log());
    scene.all_is_well();
}

#[test]
fn endless_output_is_taken_at_the_pace_of_the_disk_and_not_kept() {
    let scene = Scene::new(SHELL);
    let mut rogue = scene.rogue();
    scene.force();
    let command = rogue.command();
    let line = format!("{}\n", "all work and no play makes jack a dull boy; ".repeat(2));
    let piece = line.repeat((64 << 10) / line.len());
    let update = message(command.object.0, "update", said(&piece), false);
    for _ in 0..2 * LOG_SIZE / piece.len() {
        rogue.stream.write_all(&update).expect("it is taken");
    }
    rogue.end(command.object, 0);
    let log = scene.ends(1, Build::SUCCESS);
    assert!(log.len() > LOG_SIZE && log.len() < LOG_SIZE + (1 << 20), "{} bytes are stored", log.len());
    assert!(log.contains(&format!("this log has reached {LOG_SIZE} bytes")), "its bound is not told");
    scene.all_is_well();
}

#[test]
fn what_is_said_to_nobody_or_too_late_changes_nothing() {
    let scene = Scene::new(SHELL);
    let mut rogue = scene.rogue();
    scene.force();
    let command = rogue.command();
    let stdout = |text: &str| {
        let entry = Value::list([Value::dict([("stdout", text)]), Value::Int(0)]);
        Value::list([entry])
    };
    rogue.ask(Luid(987_654), "update", &[stdout("to nobody\n")]).expect_err("there is no such object");
    rogue.ask(command.object, "frobnicate", &[]).expect_err("there is no such method");
    rogue.ask(command.object, "write", &[Value::bytes("x")]).expect_err("it moves no file");
    rogue.ask(command.object, "update", &[Value::local(77)]).expect_err("nothing may be lent");
    // What has no meaning is no output.
    for nonsense in [Value::None, Value::Int(3), Value::list([Value::list([stdout("deeper\n")])])] {
        rogue.ask(command.object, "update", &[nonsense]).expect("it is left out");
    }
    rogue.ask(command.object, "update", &[stdout("in time\n")]).expect("it is heard");
    rogue.end(command.object, 0);
    rogue.ask(command.object, "update", &[stdout("too late\n")]).expect("it is left out");
    rogue.end(command.object, 1);
    let log = scene.ends(1, Build::SUCCESS);
    assert!(log.contains("in time"), "{log}");
    for unheard in ["to nobody", "deeper", "too late"] {
        assert!(!log.contains(unheard), "{log}");
    }
    scene.force();
    let again = rogue.command();
    rogue.end(again.object, 0);
    scene.ends(2, Build::SUCCESS);
    scene.all_is_well();
}

/// A number and the type that follows it on the wire.
fn head(number: usize, kind: u8) -> Vec<u8> {
    let digits = (0..4).map(|place| (number >> (7 * place) & 0x7f) as u8);
    digits.chain([kind]).collect()
}

/// Lists.
const LIST: u8 = 0x80;
/// Numbers.
const INT: u8 = 0x81;
/// Strings.
const STRING: u8 = 0x82;

#[test]
fn too_much_of_anything_costs_the_connection() {
    let scene = Scene::new(SHELL);
    let lent = list("list", (0..20_000).map(|number| list("remote", [Sexp::Int(number)])));
    let lent = message(1, "keepalive", list("tuple", [lent]), true);
    let full_list = [head(600_000, LIST), [INT].repeat(600_000)].concat();
    let full_string = [head(600_000, STRING), vec![b'x'; 600_000]].concat();
    let unknown = bytes(&list("answer", [Sexp::Int(123_456), Sexp::Int(1)]));
    let decref = bytes(&list("decref", [Sexp::Int(123_456)]));
    for (what, bytes) in [
        ("too many references", lent),
        ("lists nested deeper than", head(1, LIST).repeat(200)),
        ("list of more than", head(700_000, LIST)),
        ("string of more than", head(700_000, STRING)),
        ("prefix of more than", vec![1; 100]),
        ("message of too many values", [head(3, LIST), full_list.repeat(2)].concat()),
        ("message of too many bytes", [head(100, LIST), full_string.repeat(28)].concat()),
        ("invalid type byte", vec![1, 0xff]),
        ("not a message", bytes(&list("frobnicate", []))),
        ("answer to an unknown request", unknown),
        ("decref of an unknown reference", decref),
    ] {
        let mut rogue = scene.rogue();
        rogue.send(&bytes);
        assert!(rogue.is_closed(), "{what}");
        scene.says_why(what);
    }
    scene.all_is_well();
}

#[test]
fn a_message_that_breaks_off_ends_the_connection_and_the_build_is_repeated() {
    let scene = Scene::new(SHELL);
    let mut rogue = scene.rogue();
    scene.force();
    let command = rogue.command();
    let update = message(command.object.0, "update", said("half of it\n"), false);
    rogue.send(&update[..update.len() - 3]);
    rogue.stream.shutdown(Shutdown::Write).expect("it was open");
    assert!(rogue.is_closed());
    scene.says_why("the peer closed the connection");
    let log = scene.ends(1, Build::RETRY);
    assert!(!log.contains("half"), "{log}");
    let mut rogue = scene.rogue();
    let command = rogue.command();
    rogue.end(command.object, 0);
    scene.ends(2, Build::SUCCESS);
    scene.all_is_well();
}

#[test]
fn a_small_message_that_unfolds_into_a_huge_value_costs_its_call() {
    let scene = Scene::new(SHELL);
    let mut rogue = scene.rogue();
    // Each level holds the one below ten times: 10^9 values.
    let mut value = list("list", [word("x")]);
    for level in 1..10 {
        let first = list("reference", [Sexp::Int(level), value]);
        let others = std::iter::repeat_n(list("dereference", [Sexp::Int(level)]), 9);
        value = list("list", std::iter::once(first).chain(others));
    }
    for _ in 0..100 {
        rogue.send(&message(1, "keepalive", list("tuple", [value.clone()]), false));
    }
    scene.force();
    let command = rogue.command();
    rogue.end(command.object, 0);
    scene.ends(1, Build::SUCCESS);
    scene.all_is_well();
}

/// The object that a transfer goes through.
#[track_caller]
fn writer(args: &Value) -> Luid {
    args.get("writer").and_then(Value::as_remote).expect("a writer")
}

#[test]
fn more_of_a_file_than_may_be_sent_is_not_kept() {
    let scene = Scene::new("      - {file_upload: f, to: '@DIR@/up/f', max_size: 100000, name: up}\n");
    // Without waiting for any answer.
    let mut rogue = scene.rogue();
    scene.force();
    let to = writer(&rogue.command().args);
    let block = list("tuple", [Sexp::Bytes(vec![b'x'; 500_000].into())]);
    rogue.send(&message(to.0, "write", block, true).repeat(100));
    assert!(rogue.is_closed());
    scene.says_why("it does not wait for the answers of a transfer");
    scene.ends(1, Build::RETRY);
    // Properly, but on and on.
    let mut rogue = scene.rogue();
    let command = rogue.command();
    let to = writer(&command.args);
    for _ in 0..10 {
        rogue.ask(to, "write", &[Value::bytes(vec![b'x'; 64 << 10])]).expect("it is never refused");
    }
    rogue.is_interrupted();
    rogue.ask(to, "close", &[]).expect("it is never refused");
    rogue.end(command.object, 0);
    let log = scene.ends(2, Build::FAILURE);
    assert!(log.contains("more than 100000 bytes were sent"), "{log}");
    nothing_is_left(&scene);
    scene.all_is_well();
}

#[test]
fn an_archive_that_unfolds_beyond_its_bound_is_not_kept() {
    let scene = Scene::new(
        "      - {directory_upload: d, to: '@DIR@/up/d', max_size: 1000000, compress: gz, name: up}\n",
    );
    let mut rogue = scene.rogue();
    let mut bomb = tar::Builder::new(flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast()));
    // By what it says of its size, and by many that are small.
    let small = vec![0; 500_000];
    for name in 0..100 {
        let mut header = tar::Header::new_gnu();
        header.set_size(small.len() as u64);
        header.set_mode(0o644);
        bomb.append_data(&mut header, format!("d/{name}"), &small[..]).expect("an archive in memory");
    }
    let bomb = bomb.into_inner().and_then(|packed| packed.finish()).expect("an archive in memory");
    assert!(bomb.len() < 1_000_000, "the archive itself is too large: {}", bomb.len());
    scene.force();
    let command = rogue.command();
    let to = writer(&command.args);
    for block in bomb.chunks(64 << 10) {
        rogue.ask(to, "write", &[Value::bytes(block.to_vec())]).expect("it is never refused");
    }
    rogue.ask(to, "unpack", &[]).expect("it is never refused");
    rogue.is_interrupted();
    rogue.end(command.object, 0);
    let log = scene.ends(1, Build::FAILURE);
    assert!(log.contains("the archive holds more than it may"), "{log}");
    nothing_is_left(&scene);
    scene.all_is_well();
}

/// Neither what was sent nor a part of it.
#[track_caller]
fn nothing_is_left(scene: &Scene) {
    let left: Vec<_> = std::fs::read_dir(scene.site.path("up")).expect("a folder").flatten().collect();
    assert!(left.is_empty(), "{left:?}");
}
