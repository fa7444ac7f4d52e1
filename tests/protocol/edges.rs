//! Each limit of the wire at its edge: what is just within it passes, one more does not.

use crate::golden::SameNumbers;
use crate::pair::{Pair, the_result};
use bellwether::pb::banana::{DecodeError, Decoder, Dialect, Encoder, Sexp};
use bellwether::pb::jelly::{Jelly, JellyError};
use bellwether::pb::limits::*;
use bellwether::pb::msgpack::{Heard, Session as PackedSession};
use bellwether::pb::{Callee, Event, Failure, Fatal, Refused, Session, Value};

fn word(word: &str) -> Sexp {
    Sexp::Bytes(word.to_owned().into())
}

fn typed(name: &str, rest: impl IntoIterator<Item = Sexp>) -> Sexp {
    Sexp::List(std::iter::once(word(name)).chain(rest).collect())
}

fn read(sexp: &Sexp) -> Result<Value, JellyError> {
    Jelly::new(sexp).read(&SameNumbers)
}

/// A tuple in a tuple, and so on, around `inside`.
fn nested(depth: usize, inside: Sexp) -> Sexp {
    (0..depth).fold(inside, |part, _| typed("tuple", [part]))
}

#[test]
fn the_depth_of_a_value() {
    assert!(read(&nested(DEPTH_MAX, Sexp::Int(1))).is_ok());
    assert_eq!(read(&nested(DEPTH_MAX + 1, Sexp::Int(1))), Err(JellyError::TooDeep));
}

#[test]
fn a_key_is_judged_by_all_that_is_in_it() {
    let unhashable = Err(JellyError::Malformed("unhashable type"));
    let failure = typed("twisted.spread.pb.CopyableFailure", [typed("dictionary", [])]);
    for depth in [0, 1, DEPTH_MAX - 3] {
        for name in ["list", "set", "dictionary"] {
            let key = || nested(depth, typed(name, []));
            assert_eq!(read(&typed("frozenset", [key()])), unhashable, "{name} in {depth}");
            let pair = Sexp::List(vec![key(), Sexp::Int(1)]);
            assert_eq!(read(&typed("dictionary", [pair])), unhashable, "{name} in {depth}");
        }
        for name in ["tuple", "frozenset"] {
            assert!(read(&typed("set", [nested(depth, typed(name, []))])).is_ok(), "{name} in {depth}");
        }
    }
    // What stands beside a key, and what an object holds, are no part of it.
    let beside = [Sexp::List(vec![Sexp::Int(1), typed("list", [])]), Sexp::List(vec![failure, Sexp::Int(2)])];
    assert!(read(&typed("dictionary", beside)).is_ok());
    assert!(read(&typed("list", [typed("list", []), typed("set", [Sexp::Int(1)])])).is_ok());
}

#[test]
fn a_key_that_comes_again_keeps_its_place() {
    let pair = |key, value| Sexp::List(vec![nested(2, Sexp::Int(key)), Sexp::Int(value)]);
    let read = read(&typed("dictionary", [pair(1, 10), pair(2, 20), pair(1, 11), pair(3, 30)]));
    let key = |key: i64| Value::tuple([Value::tuple([key])]);
    assert_eq!(read, Ok(Value::dict([(key(1), 11), (key(2), 20), (key(3), 30)])));
}

#[test]
fn the_values_of_a_message() {
    // The outer list and the two in it count too.
    let message = |last: usize| {
        let mut bytes = vec![2, 0x80];
        for count in [LIST_ITEMS_MAX, last] {
            bytes.extend([(count & 0x7f) as u8, (count >> 7 & 0x7f) as u8, (count >> 14) as u8, 0x80]);
            bytes.extend([0x81].repeat(count));
        }
        let mut decoder = Decoder::new(Dialect::Pb);
        decoder.push(&bytes);
        decoder.next_value().map(|value| value.is_some())
    };
    let rest = MESSAGE_ITEMS_MAX - LIST_ITEMS_MAX - 3;
    assert_eq!(message(rest), Ok(true));
    assert_eq!(message(rest + 1), Err(DecodeError::TooManyItems));
}

#[test]
fn references_of_one_peer() {
    let lend = |count: usize| {
        let lent = (0..count as i64).map(|n| typed("remote", [Sexp::Int(n)]));
        let (args, kwargs) = (typed("tuple", lent), typed("dictionary", []));
        let call = typed("message", [Sexp::Int(1), word("root"), word("try"), Sexp::Int(1), args, kwargs]);
        let (mut session, mut encoder) = (Session::server(), Encoder::new(Dialect::Pb));
        session.trust();
        encoder.string(b"pb").expect("short");
        encoder.sexp(&call).expect("within the limits");
        session.receive(&encoder.take(), &mut Vec::new()).map(|()| session.references().1)
    };
    assert_eq!(lend(IMPORTS_MAX), Ok(IMPORTS_MAX));
    assert_eq!(lend(IMPORTS_MAX + 1), Err(Fatal::TooManyReferences));
}

#[test]
fn calls_that_a_peer_leaves_unanswered() {
    let mut pair = Pair::new();
    for token in 0..CALLS_MAX as u64 {
        pair.server.call(Callee::Root, "try", &[], &[], token).expect("within the limit");
    }
    assert_eq!(pair.server.call(Callee::Root, "try", &[], &[], 0), Err(Refused::TooManyCalls));
    let Event::Call(first) = pair.talk().client.remove(0) else { panic!("no call") };
    pair.client.answer(first.request, &Value::None);
    assert_eq!(the_result(pair.talk().server), Ok(Value::None));
    pair.server.call(Callee::Root, "try", &[], &[], 0).expect("one was answered");
    assert_eq!(pair.server.lost().len(), CALLS_MAX);
}

#[test]
fn requests_that_a_msgpack_worker_leaves_unanswered() {
    let mut server = PackedSession::server();
    for token in 0..=CALLS_MAX as u64 {
        server.call(Callee::from(server.bot()), "print", &[Value::text("x")], token);
    }
    let refused = server.next_event(|_, _| true).expect("no bytes are no fault");
    let Some(Heard::Event(Event::Answered { token, result: Err(failure) })) = refused else {
        panic!("{refused:?}")
    };
    assert_eq!(token, CALLS_MAX as u64);
    assert_eq!(failure, Failure::runtime_error("too many calls without an answer"));
    assert!(matches!(server.next_event(|_, _| true), Ok(None)), "one was refused, no more");
}

#[test]
fn a_request_for_a_websocket() {
    let unfinished = |length: usize| {
        let mut server = PackedSession::server();
        let mut request = b"GET / HTTP/1.1\r\nX: ".to_vec();
        request.resize(length, b'x');
        server.push(&request);
        server.next_event(|_, _| true).map(|heard| heard.is_some())
    };
    assert_eq!(unfinished(HANDSHAKE_BYTES_MAX), Ok(false));
    assert!(unfinished(HANDSHAKE_BYTES_MAX + 1).is_err());
}
