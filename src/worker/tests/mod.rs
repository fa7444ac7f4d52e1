//! The agent with a master in memory and real programs.

mod hostile;
mod login;
mod master;
mod tls;

use super::agent::Parting;
use super::limits::UPDATES_IN_FLIGHT;
use super::wishes::Wish;
use crate::pb::Value;
use master::Master;
use std::io::{Cursor, Read};
use std::time::Duration;

#[test]
fn output_in_order_then_rc_then_how_long_it_took() {
    let mut master = Master::new();
    let outcome = master.shell("echo one; echo two; printf three; exit 3", &[]);
    assert_eq!(outcome.keys(), ["header", "stdout", "rc", "header", "elapsed"]);
    assert_eq!(outcome.text("stdout"), "one\ntwo\nthree\n");
    assert_eq!(outcome.rc(), Some(3));
    assert!(outcome.last("elapsed").and_then(Value::as_f64).is_some_and(|took| took > 0.0));
    assert_eq!(outcome.complete, Some(None));
    let both = master.shell("echo out; echo err >&2", &[]);
    assert_eq!((both.text("stdout"), both.text("stderr")), ("out\n".into(), "err\n".into()));
    let some = master.shell("echo out; echo err >&2", &[("want_stdout", Value::Int(0))]);
    assert_eq!((some.text("stdout"), some.text("stderr")), ("".into(), "err\n".into()));
}

#[test]
fn list_and_string_commands_workdir_and_environment() {
    let mut master = Master::new();
    let env =
        Value::dict([("A", Value::from("${OWN}-x")), ("L", Value::list(["a", "b"])), ("OWN", Value::None)]);
    let args = [
        ("command", Value::list(["sh", "-c", "pwd; echo $A $L ${OWN-unset} $PWD $1", "sh", "a b"])),
        ("workdir", "deep/er".into()),
        ("env", env),
    ];
    let dir = master.builder_dir().join("deep/er").display().to_string();
    let outcome = master.run("shell", &args);
    assert_eq!(outcome.text("stdout"), format!("{dir}\nmine-x a:b unset {dir} a b\n"));
    assert!(outcome.text("header").contains("\n  A=mine-x\n"), "{}", outcome.text("header"));
    let silent = master.shell("true", &[("logEnviron", false.into())]);
    assert!(!silent.text("header").contains("OWN"));
}

#[test]
fn standard_input_is_written_and_closed() {
    let mut master = Master::new();
    assert_eq!(master.shell("cat; echo end", &[]).text("stdout"), "end\n");
    let megabyte = "0123456789abcde\n".repeat(65536 / 2);
    let outcome = master.shell("cat", &[("initial_stdin", megabyte.as_str().into())]);
    assert!(outcome.text("stdout") == megabyte, "all of it came back");
    let unread = master.shell("exec <&-; echo fine", &[("initial_stdin", megabyte.into())]);
    assert_eq!((unread.text("stdout"), unread.rc()), ("fine\n".into(), Some(0)));
}

#[test]
fn ten_megabytes_arrive_whole() {
    let mut master = Master::new();
    let outcome = master.shell("seq 1 1500000", &[]);
    let expected: String = (1..=1_500_000).map(|n| format!("{n}\n")).collect();
    assert!(expected.len() > 10 * 1024 * 1024);
    assert!(outcome.text("stdout") == expected, "all of it came");
    let one_line = master.shell("head -c 3000000 /dev/zero | tr '\\0' x; printf 'é\\303'", &[]);
    assert!(one_line.text("stdout") == "x".repeat(3_000_000) + "é\u{fffd}\n", "one long line came");
}

#[test]
fn a_slow_master_slows_the_program() {
    let mut master = Master::new();
    master.withhold = true;
    let args = Value::dict([("command", "seq 1 400000; echo done > ../done"), ("workdir", "build")]);
    let key = master.start_on("one", "shell", args).expect("starts");
    master.until(|master| master.outcome(key).updates.len() >= UPDATES_IN_FLIGHT);
    master.ask_mind("print", &["still there".into()]).expect("answers while it holds back");
    assert!(!master.builder_dir().join("done").exists(), "the program waits");
    let ahead = master.outcome(key).updates.len();
    assert!(ahead < UPDATES_IN_FLIGHT + 4, "{ahead} updates without an answer");
    master.stop_withholding();
    let expected: String = (1..=400_000).map(|n| format!("{n}\n")).collect();
    assert!(master.complete(key).text("stdout") == expected, "all of it came");
}

#[test]
fn an_interrupt_kills_the_whole_group_on_a_terminal_too() {
    let mut master = Master::new();
    let args = |pty: bool| {
        let command = "sh -c 'sleep 1000 & echo ready; sleep 1000' & sleep 1000";
        Value::dict([("command", Value::from(command)), ("workdir", "build".into()), ("usePTY", pty.into())])
    };
    let key = master.start_on("one", "shell", args(true)).expect("starts");
    master.until(|master| master.outcome(key).text("stdout") == "ready\n");
    master.ask_builder("one", "interruptCommand", &[]).expect("is told");
    assert_eq!(master.complete(key).rc(), Some(-1));
    let key = master.start_on("one", "shell", args(false)).expect("starts");
    master.until(|master| master.outcome(key).text("stdout") == "ready\n");
    let args = [key.to_string().into(), "enough".into()];
    assert_eq!(master.ask_builder("one", "interruptCommand", &args), Ok(Value::None));
    // Both hold the pipes open: it could not complete while one of them lives.
    let outcome = master.complete(key);
    assert_eq!(outcome.keys(), ["header", "stdout", "header", "rc", "header"], "no elapsed");
    assert_eq!((outcome.rc(), &outcome.complete), (Some(-1), &Some(None)));
    let header = outcome.text("header");
    assert!(
        header.contains("\ncommand interrupted, attempting to kill\nprocess killed by signal 9\n"),
        "{header}"
    );
    let nothing = master.ask_builder("one", "interruptCommand", &args);
    assert_eq!(nothing, Ok(Value::None), "nothing runs: no error");
}

#[test]
fn silence_age_and_lines_have_bounds() {
    let mut master = Master::new();
    let mut check = |script: &str, bound: (&str, Value), reason: &str| {
        let outcome = master.shell(script, &[bound]);
        assert_eq!(outcome.last("failure_reason").and_then(Value::as_str), Some(reason));
        assert_eq!((outcome.rc(), &outcome.complete), (Some(-1), &Some(None)));
        let place = |key| outcome.keys().iter().position(|other| *other == key);
        assert!(
            place("failure_reason") < place("rc") && place("rc") < place("elapsed"),
            "{:?}",
            outcome.keys()
        );
    };
    check("echo x; sleep 1000", ("timeout", Value::from(0.3)), "timeout_without_output");
    check("while :; do echo x; done", ("maxTime", Value::from(0.3)), "timeout");
    check("while :; do echo x; done", ("max_lines", Value::Int(100)), "max_lines_failure");
}

#[test]
fn term_comes_first_where_it_is_asked_for() {
    let mut master = Master::new();
    let script = "trap 'echo caught; exit 7' TERM; echo x; while :; do sleep 0.05; done";
    let args =
        [("command", Value::from(script)), ("workdir", "build".into()), ("sigtermTime", Value::Int(60))];
    let key = master.start_on("one", "shell", Value::dict(args)).expect("starts");
    master.until(|master| master.outcome(key).text("stdout") == "x\n");
    master.ask_builder("one", "interruptCommand", &["".into(), "enough".into()]).expect("is told");
    let outcome = master.complete(key);
    assert_eq!((outcome.text("stdout"), outcome.rc()), ("x\ncaught\n".into(), Some(7)));
}

#[test]
fn programs_that_are_missing_or_kill_themselves() {
    let mut master = Master::new();
    let missing = [("command", Value::list(["/no/such/program"])), ("workdir", "build".into())];
    let outcome = master.run("shell", &missing);
    assert_eq!(outcome.text("stderr"), "/no/such/program: No such file or directory\n");
    assert_eq!((outcome.rc(), &outcome.complete), (Some(1), &Some(None)));
    let outcome = master.shell("kill -TERM $$", &[]);
    assert!(outcome.text("header").contains("process killed by signal 15\n"));
    assert_eq!(outcome.rc(), Some(-1));
}

#[test]
fn a_terminal_for_those_who_want_one() {
    let mut master = Master::new();
    let script = "test -t 0 && test -t 1 && (: >/dev/tty) && echo yes";
    let pty = master.shell(script, &[("usePTY", true.into())]);
    assert_eq!((pty.text("stdout"), pty.rc()), ("yes\n".into(), Some(0)));
    let without = master.shell(script, &[]);
    assert_eq!((without.text("stdout"), without.rc()), (String::new(), Some(1)));
}

#[test]
fn log_files_are_followed() {
    let mut master = Master::new();
    let logs = Value::dict([("log", "test.log"), ("none", "missing.log")]);
    let outcome = master.shell("seq 1 30000 > test.log; echo out", &[("logfiles", logs)]);
    let pieces = outcome.updates.iter().filter(|(key, _)| key == "log").map(|(_, value)| value.as_items());
    let pieces: Vec<&[Value]> = pieces.map(|items| items.expect("a tuple")).collect();
    assert!(pieces.iter().all(|piece| piece[0].as_str() == Some("log")));
    let text: String = pieces.iter().filter_map(|piece| piece[1].as_str()).collect();
    assert!(text == (1..=30000).map(|n| format!("{n}\n")).collect::<String>(), "all of it came");
    assert_eq!(outcome.text("stdout"), "out\n");
}

#[test]
fn what_cannot_begin_is_an_error_of_start_command() {
    let mut master = Master::new();
    let unknown = master.start_on("one", "svn", Value::dict([("workdir", "x")])).expect_err("refused");
    assert_eq!(unknown.class, "buildbot_worker.base.UnknownCommand");
    let missing = master.start_on("one", "shell", Value::dict([("workdir", "x")])).expect_err("refused");
    assert!(missing.is_a("builtins.KeyError"), "{missing}");
    let refused = master.set_builders(&[("bad", "../outside")]).expect_err("refused");
    assert!(refused.is_a("builtins.ValueError"), "{refused}");
    assert_eq!(master.shell("exit 0", &[]).rc(), Some(0), "all that did no harm");
}

#[test]
fn a_master_of_the_first_days_is_served() {
    let mut master = Master::with_agent(&[], None);
    assert_eq!(master.ask_mind("getVersion", &[]), Ok("4.3.0".into()));
    let info = master.ask_mind("getSlaveInfo", &[]).expect("tells");
    assert_eq!(info.get("system").and_then(Value::as_str), Some("posix"));
    let commands = master.ask_mind("getCommands", &[]).expect("tells");
    assert_eq!(commands.get("shell").and_then(Value::as_str), Some("3.3"));
    assert_eq!(master.set_builder_raw("one", "one"), Value::bytes("one"));
    assert_eq!(master.ask_builder("one", "setMaster", &[Value::local(60)]), Ok(Value::None));
    assert_eq!(master.ask_builder("one", "print", &[Value::bytes("attached")]), Ok(Value::None));
    assert_eq!(master.ask_builder("one", "startBuild", &[]), Ok(Value::None));
    let args = [
        ("command", Value::List(vec![Value::bytes("printf"), Value::bytes("caf\u{e9} list")])),
        ("workdir", Value::bytes("build")),
        ("want_stdout", Value::Int(1)),
        ("timeout", Value::Int(1200)),
        ("usePTY", Value::bytes("slave-config")),
        ("env", Value::None),
    ];
    let outcome = master.run("shell", &args);
    assert_eq!((outcome.text("stdout"), outcome.rc()), ("café list\n".into(), Some(0)));
}

#[test]
fn a_second_command_takes_the_place_of_the_first() {
    let mut master = Master::new();
    let args = |command: &str| Value::dict([("command", command), ("workdir", "build")]);
    let first = master.start_on("one", "shell", args("sleep 1000")).expect("starts");
    let other = master.start_on("two", "shell", args("cat; echo other")).expect("starts");
    let second = master.start_on("one", "shell", args("echo second")).expect("starts");
    assert_eq!(master.complete(first).rc(), Some(-1));
    let second = master.complete(second);
    assert_eq!((second.text("stdout"), second.rc()), ("second\n".into(), Some(0)));
    assert_eq!(master.complete(other).text("stdout"), "other\n");
}

#[test]
fn directories_are_copied_and_removed() {
    let mut master = Master::new();
    master.shell("mkdir -p a/b; echo x > a/b/c", &[]);
    let copied = master.run("cpdir", &[("fromdir", "build/a".into()), ("todir", "build/z".into())]);
    assert_eq!((copied.rc(), copied.keys().last()), (Some(0), Some(&"elapsed")));
    assert!(master.builder_dir().join("build/z/b/c").is_file());
    let both = Value::list(["build/a", "build/z", "not/there"]);
    assert_eq!(master.run("rmdir", &[("dir", both)]).rc(), Some(0));
    assert_eq!(
        master.run("listdir", &[("dir", "build".into())]).last("files"),
        Some(&Value::List(Vec::new()))
    );
}

#[test]
fn files_go_up_and_come_down() {
    let mut master = Master::new();
    master.shell("printf 0123456789 > f", &[]);
    let up = |maxsize: Value| {
        Value::dict([
            ("workdir", Value::from("build")),
            ("workersrc", "f".into()),
            ("writer", Value::local(50)),
            ("maxsize", maxsize),
            ("blocksize", Value::Int(4)),
        ])
    };
    for (maxsize, blocks, rc) in [
        (Value::None, &["0123", "4567", "89"][..], 0),
        (Value::Int(10), &["0123", "4567", "89"], 0),
        (Value::Int(6), &["0123", "45"], 1),
    ] {
        let key = master.start_on("one", "uploadFile", up(maxsize)).expect("starts");
        for block in blocks {
            let call = master.next_call();
            assert_eq!((&*call.method, &call.args[..]), ("write", &[Value::bytes(*block)][..]));
            master.answer(call, &Value::None);
        }
        let close = master.next_call();
        assert_eq!(close.method, "close");
        master.answer(close, &Value::None);
        assert_eq!(master.complete(key).rc(), Some(rc));
    }
    let down = Value::dict([
        ("workdir", Value::from("build")),
        ("workerdest", "new/g".into()),
        ("reader", Value::local(51)),
        ("maxsize", Value::None),
        ("blocksize", Value::Int(4)),
        ("mode", Value::Int(0o600)),
    ]);
    let key = master.start_on("one", "downloadFile", down).expect("starts");
    for answer in [Value::bytes("abcd"), Value::bytes("e"), Value::bytes(""), Value::None] {
        let call = master.next_call();
        master.answer(call, &answer);
    }
    assert_eq!(master.complete(key).rc(), Some(0));
    let written = std::fs::read(master.builder_dir().join("build/new/g")).expect("is there");
    assert_eq!(written, b"abcde");
}

#[test]
fn directories_go_up_as_tar_streams() {
    let mut master = Master::new();
    master.shell(
        "mkdir -p d/sub; echo hello > d/sub/f; ln -s sub/f d/link; head -c 50000 /dev/urandom > d/big",
        &[],
    );
    let up = |compress: Value, maxsize: Value, source: &str| {
        Value::dict([
            ("workdir", Value::from("build")),
            ("workersrc", source.into()),
            ("writer", Value::local(50)),
            ("maxsize", maxsize),
            ("blocksize", Value::Int(16384)),
            ("compress", compress),
        ])
    };
    let _socket = std::os::unix::net::UnixListener::bind(master.builder_dir().join("build/d/sub/socket"));
    type Decoder = fn(Vec<u8>) -> Box<dyn Read>;
    let decoders: [(Value, Decoder); 3] = [
        (Value::None, |packed| Box::new(Cursor::new(packed))),
        ("gz".into(), |packed| Box::new(flate2::read::GzDecoder::new(Cursor::new(packed)))),
        ("bz2".into(), |packed| Box::new(bzip2::read::BzDecoder::new(Cursor::new(packed)))),
    ];
    for (compress, decoder) in decoders {
        let key = master.start_on("one", "uploadDirectory", up(compress, Value::None, "d")).expect("starts");
        let mut packed = Vec::new();
        loop {
            let call = master.next_call();
            let last = call.method == "unpack";
            packed.extend(call.args.first().and_then(Value::as_bytes).into_iter().flatten());
            master.answer(call, &Value::None);
            if last {
                break;
            }
        }
        assert_eq!(master.complete(key).rc(), Some(0));
        let out = tempfile::tempdir().expect("a directory");
        tar::Archive::new(decoder(packed)).unpack(out.path()).expect("unpacks");
        let script = format!("diff -r --no-dereference -x socket d {}", out.path().display());
        assert_eq!(master.shell(&script, &[]).rc(), Some(0));
    }
    let key =
        master.start_on("one", "uploadDirectory", up(Value::None, Value::Int(20000), "d")).expect("starts");
    let mut sizes = Vec::new();
    for _ in 0..2 {
        let call = master.next_call();
        sizes.extend(call.args[0].as_bytes().map(|block| block.len()));
        master.answer(call, &Value::None);
    }
    let outcome = master.complete(key);
    assert_eq!((sizes, outcome.rc()), (vec![16384, 20000 - 16384], Some(1)));
    assert!(outcome.text("stderr").starts_with("Maximum filesize reached"));
    let key = master.start_on("one", "uploadDirectory", up(Value::None, Value::None, "no")).expect("starts");
    let outcome = master.complete(key);
    assert_eq!(outcome.rc(), Some(1));
    assert!(outcome.text("stderr").contains("No such file or directory"), "{}", outcome.text("stderr"));
}

#[test]
fn a_lost_connection_kills_what_runs() {
    let mut master = Master::new();
    master.shell("mkfifo alive", &[]);
    let fifo = master.builder_dir().join("build/alive");
    let args =
        Value::dict([("command", "exec 3>alive; trap '' TERM HUP INT; sleep 1000"), ("workdir", "build")]);
    master.start_on("one", "shell", args).expect("starts");
    // Opens once the program has, and ends when nobody holds the other side any more.
    let mut held = std::fs::File::open(fifo).expect("opens");
    master.cut();
    assert_eq!(std::io::copy(&mut held, &mut std::io::sink()).expect("reads"), 0);
    assert!(matches!(master.parting(), Parting::Lost(why) if why.contains("reset")));
}

#[test]
fn the_answer_to_shutdown_leaves_before_the_agent() {
    let mut master = Master::new();
    assert_eq!(master.ask_mind("shutdown", &[]), Ok(Value::None));
    assert!(matches!(master.parting(), Parting::Stop(why) if why.contains("master")));
    let master = Master::new();
    master.wishes.send(Wish::Stop("a signal")).expect("the agent lives");
    assert!(matches!(master.parting(), Parting::Stop("a signal")));
}

#[test]
fn a_graceful_shutdown_waits_for_the_master() {
    let mut master = Master::new();
    let args = Value::dict([("command", "cat go"), ("workdir", "build")]);
    master.shell("mkfifo go", &[]);
    let running = master.start_on("one", "shell", args).expect("starts");
    master.wishes.send(Wish::Finish("HUP")).expect("the agent lives");
    let asked = master.next_call();
    assert_eq!(asked.method, "shutdown");
    master.answer(asked, &Value::None);
    std::fs::write(master.builder_dir().join("build/go"), "done\n").expect("writes");
    assert_eq!(master.complete(running).text("stdout"), "done\n");
    assert_eq!(master.ask_mind("shutdown", &[]), Ok(Value::None));
    assert!(matches!(master.parting(), Parting::Stop(why) if why.contains("master")));
    let mut master = Master::new();
    master.wishes.send(Wish::Finish("HUP")).expect("the agent lives");
    assert_eq!(master.next_call().method, "shutdown");
    master.cut();
    assert!(matches!(master.parting(), Parting::Stop("HUP")), "it does not come back for more");
}

#[test]
fn leftovers_are_removed_and_a_builder_that_comes_back_begins_anew() {
    let mut master = Master::new();
    let info = master.ask_mind("getWorkerInfo", &[]).expect("tells");
    assert_eq!(info.get("delete_leftover_dirs").and_then(Value::as_bool), Some(true));
    assert_eq!(info.get("numcpus").and_then(Value::as_int), Some(3));
    master.shell("echo old > file", &[]);
    let base = master.builder_dir().parent().expect("has one").to_owned();
    std::fs::create_dir(base.join("info")).expect("makes");
    master.set_builders(&[("two", "two")]).expect("takes them");
    master.set_builders(&[("one", "one"), ("two", "two")]).expect("takes them");
    assert_eq!(std::fs::read_dir(base.join("one")).expect("is there").count(), 0);
    assert!(base.join("two").is_dir() && base.join("info").is_dir());
}

#[test]
fn a_master_that_leaves_a_keepalive_unanswered_is_left() {
    let mut master = Master::with_agent(&[], Some(Duration::from_millis(500)));
    let first = master.next_call();
    assert_eq!(first.method, "keepalive");
    master.answer(first, &Value::None);
    let second = master.next_call();
    assert_eq!(second.method, "keepalive");
    assert!(matches!(master.parting(), Parting::Lost(why) if why.contains("keepalive")));
}
