//! MessagePack over WebSocket: whole conversations, and damage.

use crate::mutation::{Numbers, damage, rounds};
use crate::packed::{packed, recorded, value};
use bellwether::pb::msgpack::packed::unpack;
use bellwether::pb::msgpack::{Heard, Session};
use bellwether::pb::{Call, Callee, Event, Failure, Luid, Target, Value};
use bytes::Bytes;
use serde_json::Value as Json;

const REQUEST: &str = "GET / HTTP/1.1\r\nHost: h\r\nUpgrade: WebSocket\r\nConnection: Upgrade\r\n\
    Authorization: Basic bXAxOm1wcHc=\r\nSec-WebSocket-Key: vARwi3CyphhLqGezFo7jsA==\r\n\
    Sec-WebSocket-Version: 13\r\n\r\n";

/// A message as a client's frame, masked.
fn frame(message: &[u8]) -> Vec<u8> {
    let mask = [0x12, 0x34, 0x56, 0x78];
    let mut frame = vec![0x82];
    match message.len() {
        short @ 0..=125 => frame.push(0x80 | short as u8),
        middle @ 126..=0xffff => {
            frame.push(0xfe);
            frame.extend((middle as u16).to_be_bytes());
        }
        long => {
            frame.push(0xff);
            frame.extend((long as u64).to_be_bytes());
        }
    }
    frame.extend(mask);
    frame.extend(message.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    frame
}

/// The messages in a server's frames.
fn messages(mut bytes: &[u8]) -> Vec<Value> {
    let mut found = Vec::new();
    while let [kind, length, rest @ ..] = bytes {
        let (length, rest) = match length {
            126 => (usize::from(u16::from_be_bytes([rest[0], rest[1]])), &rest[2..]),
            127 => (u64::from_be_bytes(rest[..8].try_into().expect("8 bytes")) as usize, &rest[8..]),
            short => (usize::from(*short), rest),
        };
        if *kind == 0x82 {
            found.push(unpack(Bytes::copy_from_slice(&rest[..length])).expect("a message"));
        }
        bytes = &rest[length..];
    }
    found
}

/// A master's end that knows the user of the recordings, and what it has heard.
#[derive(Default)]
struct Master {
    session: Session,
    heard: Vec<Heard>,
}

impl Master {
    /// One to which the worker has logged in.
    fn logged_in() -> Master {
        let mut master = Master::default();
        master.hear(REQUEST.as_bytes()).expect("a login");
        assert!(matches!(&master.heard[..], [Heard::LoggedIn(user)] if user == "mp1"));
        master.heard.clear();
        master.session.take_output();
        master
    }

    /// One with two builders.
    fn ready() -> Master {
        let mut master = Master::logged_in();
        master.call(0, "getWorkerInfo", vec![], 1);
        master.says(&info("posix", "/w"));
        master.says(&answer(1));
        let listed = Value::list([Value::tuple(["b1", "dir1"]), Value::tuple(["b2", "/far"])]);
        master.call(0, "setBuilderList", vec![listed], 2);
        master.says(&update("directories-1", &serde_json::json!([["rc", 0]]), 0));
        master.says(&complete("directories-1", 1));
        master.says(&answer(2));
        master.heard.clear();
        master.session.take_output();
        master
    }

    fn hear(&mut self, bytes: &[u8]) -> Result<(), String> {
        self.session.push(bytes);
        self.drain()
    }

    fn drain(&mut self) -> Result<(), String> {
        let is_user = |user: &str, password: &str| (user, password) == ("mp1", "mppw");
        while let Some(heard) = self.session.next_event(is_user).map_err(|fatal| fatal.to_string())? {
            self.heard.push(heard);
        }
        Ok(())
    }

    fn says(&mut self, message: &Json) {
        self.hear(&frame(&packed(&value(message)))).expect("a message");
    }

    fn call(&mut self, object: i64, method: &str, args: Vec<Value>, token: u64) {
        self.session.call(Callee::Object(Luid(object)), method, &args, token);
        self.drain().expect("an answer at the most");
    }

    fn said(&mut self) -> Vec<Value> {
        messages(&self.session.take_output())
    }

    fn answers(&mut self) -> Vec<(u64, Result<Value, Failure>)> {
        let heard = self.heard.drain(..).filter_map(|heard| match heard {
            Heard::Event(Event::Answered { token, result }) => Some((token, result)),
            _ => None,
        });
        heard.collect()
    }

    #[track_caller]
    fn one_call(&mut self) -> Call {
        match self.heard.pop() {
            Some(Heard::Event(Event::Call(call))) if self.heard.is_empty() => call,
            other => panic!("{other:?}"),
        }
    }
}

fn answer(number: i64) -> Json {
    serde_json::json!({"op": "response", "seq_number": number, "result": null})
}

fn info(system: &str, basedir: &str) -> Json {
    let result = serde_json::json!({"system": system, "basedir": basedir, "version": "4.3.0"});
    serde_json::json!({"op": "response", "seq_number": 0, "result": result})
}

fn update(id: &str, args: &Json, number: i64) -> Json {
    serde_json::json!({"op": "update", "command_id": id, "args": args, "seq_number": number})
}

fn complete(id: &str, number: i64) -> Json {
    serde_json::json!({"op": "complete", "command_id": id, "args": null, "seq_number": number})
}

fn start(name: &str, args: Vec<(&'static str, Value)>) -> Vec<Value> {
    vec![Value::local(40), Value::from("7"), Value::from(name), Value::dict(args)]
}

#[test]
fn the_recorded_login_is_answered_as_it_was() {
    let mut master = Master::default();
    for piece in REQUEST.as_bytes().chunks(3) {
        master.hear(piece).expect("a piece of a request");
    }
    let answer = String::from_utf8(master.session.take_output().to_vec()).expect("text");
    assert!(answer.starts_with("HTTP/1.1 101 Switching Protocols\r\n"), "{answer}");
    assert!(answer.contains("Q3RnFAYEVYPdnyST+zMfka+xwOY="), "{answer}");
    assert!(matches!(&master.heard[..], [Heard::LoggedIn(user)] if user == "mp1"));
}

#[test]
fn who_is_nobody_is_told_and_not_heard_any_more() {
    let basic = "Authorization: Basic bXAxOm1wcHc=\r\n";
    for (header, status, name) in [
        ("", "401", ""),
        ("Authorization: Basic bXAxOmJhZA==\r\n", "401", "mp1"),
        ("Authorization: Bearer bXAxOm1wcHc=\r\n", "400", ""),
        ("Authorization: Basic ####\r\n", "400", ""),
        ("Authorization: Basic bXAx\r\n", "400", ""),
        ("Authorization: Bäsic\r\n", "400", ""),
    ] {
        let mut master = Master::default();
        master.hear(REQUEST.replace(basic, header).as_bytes()).expect("a request");
        assert!(matches!(&master.heard[..], [Heard::Refused(user)] if user == name), "{header}");
        let answer = String::from_utf8(master.session.take_output().to_vec()).expect("text");
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
        master.hear(REQUEST.as_bytes()).expect("nothing");
        assert_eq!((master.heard.len(), master.session.output_len()), (1, 0));
    }
}

#[test]
fn what_asks_for_no_websocket_ends_the_connection() {
    let without = |line: &str| REQUEST.replace(line, "");
    for request in [
        without("Upgrade: WebSocket\r\n"),
        without("Sec-WebSocket-Version: 13\r\n"),
        REQUEST.replace("GET", "POST"),
        "\x02\u{80}pb\r\n\r\n".to_owned(),
        format!("GET / HTTP/1.1\r\nX: {}", "x".repeat(10_000)),
    ] {
        assert!(Master::default().hear(request.as_bytes()).is_err(), "{request:.80}");
    }
}

#[test]
fn a_worker_is_asked_who_it_is_and_gets_its_settings_first() {
    let mut master = Master::logged_in();
    master.call(0, "print", vec![Value::from("attached")], 1);
    master.call(0, "getWorkerInfo", vec![], 2);
    let asked = serde_json::json!([
        {"op": "print", "message": "attached", "seq_number": 0}, {"op": "get_worker_info", "seq_number": 1}
    ]);
    let sorted = |mut message: Value| {
        if let Value::Dict(pairs) = &mut message {
            pairs.sort();
        }
        message
    };
    let said: Vec<Value> = master.said().into_iter().map(sorted).collect();
    let asked: Vec<Value> = asked.as_array().expect("a list").iter().map(|it| sorted(value(it))).collect();
    assert_eq!(said, asked);
    let mut info = info("posix", "/w");
    info["seq_number"] = 1.into();
    master.says(&info);
    let [settings] = &master.said()[..] else { panic!("no settings") };
    assert_eq!(settings.get("op").and_then(Value::as_str), Some("set_worker_settings"));
    let keys = settings.get("args").and_then(Value::as_dict).expect("settings").len();
    assert_eq!((keys, master.answers()), (4, vec![]));
    master.says(&answer(2));
    assert_eq!(master.answers(), [(2, Ok(value(&info["result"])))]);
}

#[test]
fn the_directories_of_builders_are_made_and_their_objects_are_ours() {
    let mut master = Master::logged_in();
    master.call(0, "getWorkerInfo", vec![], 1);
    master.says(&info("nt", "C:\\w"));
    master.says(&answer(1));
    master.said();
    master.heard.clear();
    master.call(0, "setBuilderList", vec![Value::list([Value::tuple(["b", "dir"])])], 2);
    let paths = serde_json::json!({"paths": ["C:\\w\\dir"]});
    let asked = serde_json::json!([{"op": "start_command", "command_id": "directories-1",
        "command_name": "mkdir", "args": paths, "seq_number": 2}]);
    let said = master.said();
    for (key, wanted) in asked[0].as_object().expect("a map") {
        assert_eq!(said[0].get(key), Some(&value(wanted)), "{key}");
    }
    // Updates and the end may come before the answer.
    master.says(&update("directories-1", &serde_json::json!([["rc", 0], ["elapsed", 0.1]]), 0));
    assert_eq!(master.answers(), []);
    master.says(&complete("directories-1", 1));
    assert_eq!(master.answers(), [(2, Ok(Value::dict([("b", Luid(1))])))]);
    master.says(&answer(2));
    assert_eq!((master.answers(), master.said().len()), (vec![], 2));
    // The same builder again is the same object; a new one is another.
    let listed = Value::list([Value::tuple(["c", "c"]), Value::tuple(["b", "dir"])]);
    master.call(0, "setBuilderList", vec![listed], 3);
    master.says(&update("directories-2", &serde_json::json!([["rc", 13]]), 2));
    master.says(&complete("directories-2", 3));
    assert!(matches!(&master.answers()[..], [(3, Err(failure))] if failure.value.contains("13")));
    master.call(0, "setBuilderList", vec![Value::List(vec![])], 4);
    assert_eq!(master.answers(), [(4, Ok(Value::Dict(vec![])))]);
}

#[test]
fn commands_are_translated_with_absolute_paths() {
    let obfuscated = Value::tuple(["obfuscated", "secret", "***"]);
    let block = || [("maxsize", Value::None), ("blocksize", Value::Int(9))];
    let with = |more: Vec<(&'static str, Value)>| block().into_iter().chain(more).collect::<Vec<_>>();
    let place = |file: &'static str, src: &'static str| {
        with(vec![(file, "f".into()), (src, Value::local(41)), ("workdir", "build".into())])
    };
    for (name, args, their_name, theirs) in [
        (
            "shell",
            vec![
                ("workdir", "build".into()),
                ("command", Value::list([Value::from("login"), obfuscated])),
                ("timeout", Value::Int(5)),
            ],
            "shell",
            serde_json::json!({"timeout": 5, "workdir": "/w/dir1/build", "command": ["login", "secret"]}),
        ),
        ("mkdir", vec![("dir", "a".into())], "mkdir", serde_json::json!({"paths": ["/w/dir1/a"]})),
        (
            "rmdir",
            vec![("dir", vec!["a", "/b"].into()), ("timeout", Value::Int(3))],
            "rmdir",
            serde_json::json!({"timeout": 3, "paths": ["/w/dir1/a", "/b"]}),
        ),
        (
            "cpdir",
            vec![("fromdir", "a".into()), ("todir", ".".into())],
            "cpdir",
            serde_json::json!({"from_path": "/w/dir1/a", "to_path": "/w/dir1"}),
        ),
        (
            "stat",
            vec![("file", "f".into()), ("workdir", "build".into())],
            "stat",
            serde_json::json!({"path": "/w/dir1/build/f"}),
        ),
        ("listdir", vec![("dir", "build".into())], "listdir", serde_json::json!({"path": "/w/dir1/build"})),
        ("glob", vec![("path", "*.c".into())], "glob", serde_json::json!({"path": "/w/dir1/*.c"})),
        ("rmfile", vec![("path", "f".into())], "rmfile", serde_json::json!({"path": "/w/dir1/f"})),
        (
            "uploadFile",
            place("workersrc", "writer"),
            "upload_file",
            serde_json::json!({"maxsize": null, "blocksize": 9, "path": "/w/dir1/build/f"}),
        ),
        (
            "uploadDirectory",
            place("workersrc", "writer"),
            "upload_directory",
            serde_json::json!({"maxsize": null, "blocksize": 9, "path": "/w/dir1/build/f"}),
        ),
        (
            "downloadFile",
            place("workerdest", "reader"),
            "download_file",
            serde_json::json!({"maxsize": null, "blocksize": 9, "path": "/w/dir1/build/f"}),
        ),
    ] {
        let mut master = Master::ready();
        master.call(1, "startCommand", start(name, args), 9);
        let said = master.said();
        let field = |key: &str| said[0].get(key).cloned().unwrap_or(Value::None);
        assert_eq!(field("command_name"), Value::from(their_name));
        assert_eq!((field("command_id"), field("builder_name")), ("7".into(), "b1".into()), "{name}");
        let (mut args, mut wanted) = (field("args"), value(&theirs));
        for dict in [&mut args, &mut wanted] {
            if let Value::Dict(pairs) = dict {
                pairs.sort();
            }
        }
        assert_eq!(args, wanted, "{name}");
    }
    let mut master = Master::ready();
    master.call(1, "startCommand", start("svn", vec![]), 9);
    assert!(matches!(&master.answers()[..], [(9, Err(_))]));
    assert_eq!(master.said(), []);
}

#[test]
fn output_arrives_as_text_and_the_end_as_it_is() {
    let mut master = Master::ready();
    master.call(
        1,
        "startCommand",
        start("shell", vec![("workdir", "build".into()), ("command", "x".into())]),
        9,
    );
    let lines = serde_json::json!(["a\nb\n", [1, 3], [1.5, 1.5]]);
    let told = serde_json::json!([["stdout", lines], ["log", ["x", lines]], ["rc", 0]]);
    master.says(&update("7", &told, 2));
    let call = master.one_call();
    let entry = |pair| Value::List(vec![pair, Value::Int(0)]);
    let updates = Value::List(vec![
        entry(Value::dict([("stdout", "a\nb\n")])),
        entry(Value::dict([("log", Value::tuple(["x", "a\nb\n"]))])),
        entry(Value::dict([("rc", 0)])),
    ]);
    assert_eq!((call.object, &*call.method, &call.args[..]), (Target::Key(40), "update", &[updates][..]));
    master.said();
    master.session.answer(call.request, &Value::Int(0));
    assert_eq!(master.said()[0].get("result"), Some(&Value::None));
    master.says(&complete("7", 3));
    let call = master.one_call();
    assert_eq!((&*call.method, &call.args[..]), ("complete", &[Value::None][..]));
    // It is over: whoever still says something of it is told so.
    master.says(&update("7", &told, 4));
    let said = master.said();
    assert_eq!(said[0].get("is_exception"), Some(&Value::Bool(true)));
}

#[test]
fn files_go_both_ways_by_the_id_of_their_command() {
    let mut master = Master::ready();
    let mut upload = start("uploadFile", vec![("workersrc", "f".into()), ("writer", Value::local(41))]);
    master.call(1, "startCommand", upload.clone(), 8);
    upload[1] = "8".into();
    upload[2] = "downloadFile".into();
    upload[3] = Value::dict([("workerdest", Value::from("f")), ("reader", Value::local(42))]);
    master.call(1, "startCommand", upload, 9);
    master.said();
    let said = |op: &str, id: &str| {
        serde_json::json!({"op": op, "command_id": id, "seq_number": 9, "args": "text",
        "access_time": 1.5, "modified_time": 2.5, "length": 10})
    };
    for (op, id, key, method, args) in [
        ("update_upload_file_write", "7", 41, "write", vec![Value::from("text")]),
        ("update_upload_file_utime", "7", 41, "utime", vec![Value::tuple([1.5, 2.5])]),
        ("update_upload_file_close", "7", 41, "close", vec![]),
        ("update_upload_directory_write", "7", 41, "write", vec![Value::from("text")]),
        ("update_upload_directory_unpack", "7", 41, "unpack", vec![]),
        ("update_read_file", "8", 42, "read", vec![Value::Int(10)]),
        ("update_read_file_close", "8", 42, "close", vec![]),
    ] {
        master.says(&said(op, id));
        let call = master.one_call();
        assert_eq!((call.object, &*call.method, call.args), (Target::Key(key), method, args), "{op}");
        master.session.answer(call.request, &Value::bytes("block"));
        assert_eq!(master.said()[0].get("result"), Some(&Value::bytes("block")));
    }
}

#[test]
fn what_a_worker_may_not_ask_is_answered_with_a_text() {
    let mut master = Master::ready();
    for (message, text) in [
        (serde_json::json!({"op": "dance", "seq_number": 5}), "Command dance does not exist."),
        (
            serde_json::json!({"op": "update", "seq_number": 6}),
            "message did not contain obligatory \"command_id\" key",
        ),
        (serde_json::json!({"op": "update", "seq_number": 7, "command_id": "99"}), "unknown \"command_id\""),
    ] {
        master.says(&message);
        let said = master.said();
        assert_eq!(said[0].get("result"), Some(&Value::from(text)));
        assert_eq!(said[0].get("seq_number"), Some(&value(&message["seq_number"])));
    }
    master.says(&serde_json::json!({"op": "update"}));
    master.says(&serde_json::json!([1]));
    assert!(master.said().is_empty() && master.heard.is_empty());
    assert_eq!(master.session.unanswered_calls(), 0);
    assert!(master.hear(&frame(&packed(&value(&answer(77))))).is_err());
}

#[test]
fn the_calls_of_a_lost_connection_end_once_each() {
    let mut master = Master::ready();
    master.call(0, "print", vec!["ping".into()], 5);
    master.call(0, "setBuilderList", vec![Value::list([Value::tuple(["b", "dir"])])], 6);
    let lost: Vec<_> = master.session.lost().into_iter().map(|event| format!("{event:?}")).collect();
    assert_eq!(lost.len(), 2, "{lost:?}");
    assert!(lost.iter().all(|event| event.contains("PBConnectionLost")));
    assert_eq!(master.session.lost().len(), 0);
}

/// A conversation as a worker's bytes: the login, then what the recordings have it say.
fn stream() -> Vec<u8> {
    let recorded = recorded().into_iter().filter(|(message, _)| message["op"] != "response");
    let frames = recorded.map(|(message, _)| frame(&packed(&value(&message))));
    frames.fold(REQUEST.as_bytes().to_vec(), |stream, frame| [stream, frame].concat())
}

/// What became of a stream in these pieces.
fn outcome<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> (String, Bytes, Result<(), String>) {
    let mut master = Master::default();
    let result = pieces.into_iter().try_for_each(|piece| master.hear(piece));
    (format!("{:?}", master.heard), master.session.take_output(), result)
}

#[test]
fn a_stream_means_the_same_however_it_is_cut() {
    let stream = stream();
    let whole = outcome([&stream[..]]);
    assert_eq!(whole.2, Ok(()));
    for size in [1, 2, 7, 100] {
        assert_eq!(outcome(stream.chunks(size)), whole, "pieces of {size}");
    }
}

#[test]
fn damaged_streams_do_no_harm() {
    let sound = stream();
    let mut accepted = 0;
    for round in 0..rounds() {
        let mut numbers = Numbers::new(round);
        let mut bytes = sound.clone();
        damage(&mut bytes, &sound, &mut numbers);
        let whole = outcome([&bytes[..]]);
        assert_eq!(outcome(bytes.chunks(1 + numbers.below(90))), whole, "round {round}");
        accepted += u64::from(whole.2.is_ok());
    }
    assert!(accepted > 0 && accepted < rounds(), "{accepted} of {} were accepted", rounds());
}
