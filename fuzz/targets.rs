//! What the fuzz targets do with bytes of a hostile peer, and what must hold whatever they are.
//!
//! A target takes any bytes and panics where a promise is broken. It says whether the bytes got anywhere, so that a
//! driver can tell whether its input is worth something.

#![allow(dead_code, reason = "each program that takes this file in runs one target")]

use bellwether::botmaster::logs::{Bounds, LogWriter};
use bellwether::model::{Channel, LINE_BYTES, Lines, LogId, LogKind};
use bellwether::pb::banana::{DecodeError, Decoder, Dialect, EncodeError, Encoder, Sexp};
use bellwether::pb::jelly::{Export, Jelly, Resolve, TextForm, Writer};
use bellwether::pb::login::{CHALLENGE_BYTES, Checker};
use bellwether::pb::msgpack::packed::{pack, unpack};
use bellwether::pb::{Callee, Event, Failure, Login, LoginStep, Luid, Proof, Session, Target, Value, limits};
use bytes::Bytes;

/// A target by its name.
pub type Body = fn(&[u8]) -> bool;

/// All of them.
pub const TARGETS: [(&str, Body); 5] =
    [("banana", banana), ("jelly", jelly), ("session", session), ("msgpack", msgpack), ("logs", logs)];

/// The first byte says how the rest is cut.
fn cut(data: &[u8]) -> (usize, &[u8]) {
    data.split_first().map_or((1, data), |(first, rest)| (1 + usize::from(*first), rest))
}

/// All values of a stream, until its end or its first fault.
fn decoded<'a>(
    dialect: Dialect,
    pieces: impl Iterator<Item = &'a [u8]>,
) -> (Vec<Sexp>, Result<(), DecodeError>) {
    let (mut decoder, mut values) = (Decoder::new(dialect), Vec::new());
    for piece in pieces {
        decoder.push(piece);
        loop {
            match decoder.next_value() {
                Ok(Some(value)) => values.push(value),
                Ok(None) => break,
                Err(error) => return (values, Err(error)),
            }
        }
    }
    (values, Ok(()))
}

fn encoded(values: &[Sexp]) -> Vec<u8> {
    let mut encoder = Encoder::new(Dialect::Pb);
    for value in values {
        encoder.sexp(value).expect("what was received can be sent");
    }
    encoder.take().to_vec()
}

/// However a stream is cut, it says the same; what it says can be said again, in the same bytes each time.
pub fn banana(data: &[u8]) -> bool {
    let (piece, data) = cut(data);
    let (at_once, fault) = decoded(Dialect::Pb, std::iter::once(data));
    let (in_pieces, fault_in_pieces) = decoded(Dialect::Pb, data.chunks(piece));
    let bytes = encoded(&at_once);
    assert_eq!(bytes, encoded(&in_pieces));
    assert_eq!(fault, fault_in_pieces);
    let (again, fault) = decoded(Dialect::Pb, std::iter::once(&bytes[..]));
    assert_eq!((encoded(&again), fault), (bytes, Ok(())));
    !at_once.is_empty()
}

/// A side that has lent nothing.
struct Lender;

impl Export for Lender {
    fn export(&mut self, target: Target) -> Result<Luid, EncodeError> {
        match target {
            Target::Root => Err(EncodeError::TooManyExports),
            Target::Key(key) => Ok(Luid(key as i64)),
        }
    }
}

impl Resolve for Lender {
    fn resolve(&self, _: &Sexp) -> Option<Target> {
        None
    }
}

/// A value that was understood can be written, unless it is too large, and is read as the same value.
pub fn jelly(data: &[u8]) -> bool {
    let (sexps, _) = decoded(Dialect::Pb, std::iter::once(data));
    let mut understood = false;
    for sexp in &sexps {
        let jelly = Jelly::new(sexp);
        let Ok(value) = jelly.read(&Lender) else { continue };
        understood = true;
        // The peer's objects are its own when they come back.
        let is_plain = jelly.into_remotes().is_empty();
        let mut encoder = Encoder::new(Dialect::Pb);
        if Writer::new(&mut encoder, &mut Lender, TextForm::Text).value(&value).is_err() {
            continue;
        }
        let (written, fault) = decoded(Dialect::Pb, std::iter::once(&encoder.take()[..]));
        assert_eq!(fault, Ok(()));
        let [written] = &written[..] else { panic!("one value became {}", written.len()) };
        let read = Jelly::new(written).read(&Lender);
        assert!(!is_plain || read.as_ref() == Ok(&value), "{read:?} instead of {value:?}");
    }
    understood
}

/// One user, whom everybody's proof fits.
struct Anyone;

impl Checker for Anyone {
    fn challenge(&mut self) -> [u8; CHALLENGE_BYTES] {
        [7; CHALLENGE_BYTES]
    }

    fn check(&mut self, username: &str, _: &Proof) -> bool {
        username != "nobody"
    }
}

/// A server with logins, an owner that answers, lends and calls, and a peer that says whatever it likes. The bounds hold
/// after every piece, and at the end every call of the owner's has ended exactly once.
pub fn session(data: &[u8]) -> bool {
    let (piece, data) = cut(data);
    let (mut server, mut login) = (Session::server(), Login::new());
    if piece % 2 == 0 {
        server.trust();
    }
    let (mut called, mut ended, mut heard) = (0, 0, false);
    'connection: for piece in data.chunks(piece) {
        server.push(piece);
        loop {
            let event = match server.next_event() {
                Ok(Some(event)) => event,
                Ok(None) => break,
                Err(_) => break 'connection,
            };
            heard = true;
            match login.on_event(event, &mut server, &mut Anyone) {
                LoginStep::Done | LoginStep::Refused { .. } | LoginStep::Pass(Event::Released { .. }) => {}
                LoginStep::LoggedIn { request, mind, .. } => {
                    server.answer(request, &Value::local(1));
                    let object = mind.map_or(Callee::Root, Callee::from);
                    called +=
                        u64::from(server.call(object, "print", &[Value::local(2)], &[], called).is_ok());
                }
                LoginStep::Pass(Event::Ready) => {
                    called += u64::from(server.call(Callee::Root, "hello", &[], &[], called).is_ok());
                }
                LoginStep::Pass(Event::Answered { .. }) => ended += 1,
                LoginStep::Pass(Event::Call(call)) => match call.method.len() % 3 {
                    0 => server.reject(call, &Failure::no_such_method("x")),
                    1 => {
                        for luid in &call.received {
                            server.release(*luid);
                        }
                        server.answer(call.request, &Value::tuple(call.args));
                    }
                    _ => server.answer(call.request, &Value::local(called % 5)),
                },
            }
            let (exports, imports) = server.references();
            assert!(exports <= limits::EXPORTS_MAX && imports <= limits::IMPORTS_MAX);
            assert_eq!(server.unanswered_calls(), 0);
            server.take_output();
        }
    }
    ended += server.lost().len() as u64;
    assert_eq!(called, ended, "each call ends once");
    heard
}

/// A worker's request for a WebSocket, with a name and a password.
pub const UPGRADE: &[u8] =
    b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\
    Authorization: Basic dzE6c2VzYW1l\r\n\r\n";

/// Bytes as one binary frame of a client's, with a mask that changes nothing.
pub fn framed(message: &[u8]) -> Vec<u8> {
    let length = (message.len() as u64).to_be_bytes();
    [&[0x82, 0xff], &length[..], &[0; 4], message].concat()
}

/// A server whose owner calls a worker that has logged in, and answers it. At the end every call of the owner's has
/// ended exactly once. How much was heard.
fn websocket<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> usize {
    use bellwether::pb::msgpack::{Heard, Session};
    let mut server = Session::server();
    let (mut called, mut ended, mut heard) = (0, 0, 0);
    'connection: for piece in pieces {
        server.push(piece);
        loop {
            let event = match server.next_event(|name, _| name != "nobody") {
                Ok(Some(event)) => event,
                Ok(None) => break,
                Err(_) => break 'connection,
            };
            heard += 1;
            match event {
                Heard::LoggedIn(_) => {
                    for method in ["print", "getWorkerInfo", "nonsense"] {
                        server.call(Callee::from(server.bot()), method, &[Value::text("x")], called);
                        called += 1;
                    }
                }
                Heard::Refused(_) => break 'connection,
                Heard::Event(Event::Answered { .. }) => ended += 1,
                Heard::Event(Event::Call(call)) if call.method.len() % 2 == 0 => {
                    server.fail(call.request, &Failure::no_such_method("x"));
                }
                Heard::Event(Event::Call(call)) => server.answer(call.request, &Value::None),
                Heard::Event(_) => {}
            }
            server.take_output();
        }
        assert_eq!(server.unanswered_calls(), 0);
    }
    ended += server.lost().len() as u64;
    assert_eq!(called, ended, "each call ends once");
    heard
}

/// Any bytes are a message or none; what was understood is written, and read, as the same. A connection hears them
/// without harm: before its handshake, after it as frames in any pieces, and as the one message in a frame.
pub fn msgpack(data: &[u8]) -> bool {
    websocket(std::iter::once(data));
    let (piece, frames) = cut(data);
    let opened = |rest: &mut dyn Iterator<Item = &[u8]>| websocket(std::iter::once(UPGRADE).chain(rest));
    // The login, and the answer to a call that is not sent.
    let greeted = opened(&mut std::iter::empty());
    assert_eq!(greeted, 2, "the handshake is sound");
    let heard = opened(&mut frames.chunks(piece)).max(opened(&mut std::iter::once(&framed(data)[..])));
    assert!(heard >= greeted, "what comes later changes nothing of it");
    let Ok(value) = unpack(Bytes::copy_from_slice(data)) else { return heard > greeted };
    let mut written = Vec::new();
    pack(&value, &mut written).expect("what was received can be sent");
    let mut again = Vec::new();
    let read = unpack(written.clone().into()).expect("what was written can be read");
    pack(&read, &mut again).expect("what was received can be sent");
    assert_eq!(written, again);
    true
}

/// What a log writer makes of pieces.
fn written<'a>(pieces: impl Iterator<Item = (Channel, &'a [u8])>, bounds: Bounds) -> Vec<u8> {
    let mut writer = LogWriter::new(LogId(1), LogKind::Stdio, bounds);
    let (mut text, mut next_line) = (Vec::new(), 0);
    let mut take = |lines: Option<Lines>| {
        let Some(lines) = lines else { return };
        assert_eq!(lines.first_line, next_line, "lines are numbered without a gap");
        next_line += lines.line_count;
        assert_eq!(lines.text.iter().filter(|byte| **byte == b'\n').count() as i64, lines.line_count);
        for line in lines.text.split_inclusive(|byte| *byte == b'\n') {
            assert!(line.len() <= LINE_BYTES + 2, "a line of {} bytes", line.len());
            assert!(b"oeh".contains(&line[0]) && line.ends_with(b"\n"));
        }
        assert!(std::str::from_utf8(&lines.text).is_ok(), "what is stored is text");
        text.extend_from_slice(&lines.text);
    };
    for (channel, piece) in pieces {
        take(writer.push(channel, piece));
    }
    take(writer.finish());
    text
}

/// Output in any pieces becomes numbered lines of text, none too long; where a piece ends makes no difference, unless it is
/// within a jump of the cursor.
pub fn logs(data: &[u8]) -> bool {
    let (piece, data) = cut(data);
    let channel = |number: usize| [Channel::Stdout, Channel::Stderr, Channel::Header][number % 3];
    let bounds = Bounds { most: 100, tail: piece };
    let kept =
        written(data.chunks(piece).enumerate().map(|(number, piece)| (channel(number), piece)), bounds);
    // Each byte may become a line of its own, and one that is no text three bytes.
    assert!(kept.len() < 1300 + 5 * piece, "{} bytes are kept", kept.len());
    let bounds = Bounds { most: u64::MAX, tail: 0 };
    let in_pieces = written(data.chunks(piece).map(|piece| (Channel::Stdout, piece)), bounds);
    let at_once = written(std::iter::once((Channel::Stdout, data)), bounds);
    if !data.iter().any(|byte| [0x08, 0x1b].contains(byte)) {
        assert_eq!(in_pieces, at_once);
    }
    at_once.len() > 2
}
