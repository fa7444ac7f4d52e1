//! Recorded sessions of real programs, played again with a session of ours in the place of either side.
//!
//! Our session is given the bytes of the other side and told to do what the recorded side did. It must then have
//! said the same: same numbers of requests and objects, same values, and the connection must stand to the end.

use crate::golden::{SameNumbers, decode, encode, path};
use bellwether::pb::banana::{Dialect, Sexp};
use bellwether::pb::jelly::Jelly;
use bellwether::pb::{Callee, Event, Failure, Luid, Request, Session, TextForm, Value};
use bytestring::ByteString;
use serde_json::Value as Json;
use std::collections::BTreeMap;

/// One line of a transcript that is a message.
struct Line {
    from_client: bool,
    said: Sexp,
}

fn sexp(json: &Json) -> Sexp {
    match json {
        Json::String(text) => Sexp::Bytes(text.clone().into()),
        Json::Number(n) => match n.as_i64() {
            Some(n) => Sexp::Int(n),
            None => Sexp::Float(n.as_f64().expect("a float")),
        },
        Json::Array(items) => Sexp::List(items.iter().map(sexp).collect()),
        Json::Object(_) => Sexp::Bytes(crate::golden::hex(&json["hex"]).into()),
        other => panic!("no s-expression: {other}"),
    }
}

/// The connections of all transcripts, with their names.
fn connections() -> Vec<(String, Vec<Line>)> {
    let mut connections = BTreeMap::<String, Vec<Line>>::new();
    let files = std::fs::read_dir(path("transcripts")).expect("the transcripts");
    for file in files.map(|file| file.expect("a readable folder").path()) {
        let text = std::fs::read_to_string(&file).expect("a transcript");
        for line in text.lines().skip(1) {
            let line: Json = serde_json::from_str(line).expect("JSON");
            if line["sexp"].is_null() {
                continue;
            }
            let name = format!("{}#{}", file.file_stem().expect("a name").display(), line["conn"]);
            let line = Line { from_client: line["dir"] == "C>S", said: sexp(&line["sexp"]) };
            connections.entry(name).or_default().push(line);
        }
    }
    connections.into_iter().collect()
}

/// One side of a connection, played by a session of ours.
struct Player {
    session: Session,
    /// Calls of the other side that are not answered yet, by their request id.
    requests: BTreeMap<i64, Request>,
    calls: u64,
    /// How often each object of the other side was received, and dropped in the recording.
    held: BTreeMap<Luid, (usize, usize)>,
    /// Answers that came to our own calls.
    answered: u64,
}

impl Player {
    fn new(mut session: Session) -> Player {
        session.trust();
        Player { session, requests: BTreeMap::new(), calls: 0, held: BTreeMap::new(), answered: 0 }
    }

    /// The other side says something.
    fn hear(&mut self, said: &Sexp, bytes: &[u8]) {
        for luid in lent(said) {
            self.held.entry(luid).or_default().0 += 1;
        }
        let mut events = Vec::new();
        self.session.receive(bytes, &mut events).unwrap_or_else(|fatal| panic!("{fatal}: {said:?}"));
        for event in events {
            match event {
                Event::Ready | Event::Released { .. } => {}
                Event::Call(call) => {
                    let Sexp::List(fields) = said else { panic!("no list") };
                    let Sexp::Int(id) = fields[1] else { panic!("no number") };
                    assert_eq!(Sexp::Bytes(call.method.into()), fields[3]);
                    self.requests.insert(id, call.request);
                }
                Event::Answered { token, result } => {
                    let Sexp::List(fields) = said else { panic!("no list") };
                    assert_eq!(fields[1], Sexp::Int(token as i64), "the right call ends");
                    assert_eq!(result.is_ok(), fields[0] == Sexp::Bytes("answer".into()));
                    self.answered += 1;
                }
            }
        }
    }

    /// We do what the recorded side did; what that made us say.
    fn act(&mut self, said: &Sexp) {
        let Sexp::List(fields) = said else { return };
        match (word(&fields[0]), &fields[1..]) {
            ("message", [_, object, method, _, args, kwargs]) => {
                self.calls += 1;
                let callee = match object {
                    Sexp::Int(luid) => Callee::Object(Luid(*luid)),
                    _ => Callee::Root,
                };
                let args = own(args).into_items().expect("arguments");
                let Value::Dict(kwargs) = own(kwargs) else { panic!("no keywords") };
                let raw_names = kwargs.iter().any(|(key, _)| matches!(key, Value::Bytes(_)));
                self.session.set_text_form(if raw_names { TextForm::Bytes } else { TextForm::Text });
                let name = |key: Value| ByteString::from(key.as_str().expect("a keyword"));
                let kwargs: Vec<_> = kwargs.into_iter().map(|(key, value)| (name(key), value)).collect();
                self.session.call(callee, word(method), &args, &kwargs, self.calls).expect("ready");
            }
            ("answer", [id, value]) => {
                let request = self.request(id);
                self.session.answer(request, &own(value));
            }
            ("error", [id, value]) => {
                let request = self.request(id);
                self.session.fail(request, &Failure::from_value(&own(value)));
            }
            ("decref", [Sexp::Int(luid)]) => {
                // Real sides drop references one by one; ours drops all at once, with the last.
                let (received, dropped) = self.held.get_mut(&Luid(*luid)).expect("an object that came");
                *dropped += 1;
                if received == dropped {
                    self.held.remove(&Luid(*luid));
                    self.session.release(Luid(*luid));
                }
            }
            ("pb" | "version", _) => {}
            (other, _) => panic!("unknown message {other}"),
        }
    }

    fn request(&mut self, id: &Sexp) -> Request {
        let Sexp::Int(id) = id else { panic!("no number") };
        self.requests.remove(id).expect("a call that was not answered yet")
    }
}

fn word(sexp: &Sexp) -> &str {
    match sexp {
        Sexp::Bytes(word) => std::str::from_utf8(word).expect("a word"),
        other => panic!("no word: {other:?}"),
    }
}

/// Objects lent in a message, with repetitions.
fn lent(message: &Sexp) -> Vec<Luid> {
    let Sexp::List(fields) = message else { return Vec::new() };
    fields.iter().flat_map(|field| Jelly::new(field).into_remotes()).collect()
}

/// A jellied value as its sender has it: what it calls remote are its own objects.
fn own(sexp: &Sexp) -> Value {
    fn swap(value: Value) -> Value {
        match value {
            Value::Remote(luid) => Value::local(luid.0 as u64),
            Value::Local(target) => match target {
                bellwether::pb::Target::Key(key) => Value::Remote(Luid(key as i64)),
                bellwether::pb::Target::Root => panic!("nobody gives root back"),
            },
            Value::List(items) => Value::List(items.into_iter().map(swap).collect()),
            Value::Tuple(items) => Value::Tuple(items.into_iter().map(swap).collect()),
            Value::Dict(pairs) => Value::Dict(pairs.into_iter().map(|(k, v)| (swap(k), swap(v))).collect()),
            other => other,
        }
    }
    swap(Jelly::new(sexp).read(&SameNumbers).expect("a value"))
}

fn is_decref(said: &Sexp) -> bool {
    matches!(said, Sexp::List(fields) if fields[0] == Sexp::Bytes("decref".into()))
}

/// A message with its jelly read, so that shared parts and the shape of failures do not count.
fn meaning(said: &Sexp) -> Vec<String> {
    let Sexp::List(fields) = said else { return vec![format!("{said:?}")] };
    let read = |field: &Sexp| match (field, Jelly::new(field).read(&SameNumbers)) {
        (Sexp::List(_), Ok(value @ Value::Copy { .. })) => format!("{:?}", Failure::from_value(&value)),
        (Sexp::List(_), Ok(value)) => format!("{value:?}"),
        (plain, _) => format!("{plain:?}"),
    };
    fields.iter().map(read).collect()
}

/// Plays one side of a connection; gives how many calls it made, and how many answers it had.
fn play(name: &str, lines: &[Line], as_client: bool) -> (u64, u64) {
    let mut player = Player::new(if as_client { Session::client() } else { Session::server() });
    let (mut ours, mut recorded) = (Vec::new(), Vec::new());
    let mut dialect = Dialect::None;
    for line in lines {
        if line.from_client == as_client {
            player.act(&line.said);
            recorded.push(&line.said);
        } else {
            // Both sides have agreed once the client has spoken.
            let bytes = encode(&line.said, dialect).expect("was sent once");
            player.hear(&line.said, &bytes);
        }
        if line.from_client {
            dialect = Dialect::Pb;
        }
        ours.extend(decode(&player.session.take_output(), Dialect::Pb));
    }
    let what_counts = |said: &&Sexp| !is_decref(said);
    let ours: Vec<_> = ours.iter().filter(what_counts).map(meaning).collect();
    let recorded: Vec<_> = recorded.into_iter().filter(what_counts).map(meaning).collect();
    assert_eq!(version_first(ours), version_first(recorded), "{name}");
    assert_eq!(player.session.references().1, player.held.len(), "{name}: objects that were never dropped");
    (player.calls, player.answered)
}

/// A real server says its version late, after its first answer has been made ready; ours says it at once.
fn version_first(said: Vec<Vec<String>>) -> Vec<Vec<String>> {
    let (version, mut rest): (Vec<_>, Vec<_>) =
        said.into_iter().partition(|fields| fields[0].contains("version"));
    rest.splice(0..0, version);
    rest
}

#[test]
fn recorded_sessions_play_again() {
    let (mut calls, mut answers, mut connections_seen) = (0, 0, 0);
    for (name, lines) in connections() {
        for as_client in [false, true] {
            let played = play(&name, &lines, as_client);
            calls += played.0;
            answers += played.1;
        }
        connections_seen += 1;
    }
    assert_eq!(connections_seen, 23);
    assert!(calls > 500 && answers > calls * 9 / 10, "{calls} calls, {answers} answers");
}

#[test]
fn recorded_values_are_the_same_bytes_in_any_pieces() {
    for (name, lines) in connections() {
        for line in lines {
            for dialect in Dialect::OFFERED {
                let bytes = encode(&line.said, dialect).expect("was sent once");
                assert_eq!(decode(&bytes, dialect), std::slice::from_ref(&line.said), "{name}");
            }
        }
    }
}
