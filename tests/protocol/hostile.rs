//! Input made to hurt: it ends its call or its connection, and costs little.

use crate::golden::{SameNumbers, decode};
use crate::pair::{Pair, the_call, the_result};
use bellwether::pb::banana::{DecodeError, Decoder, Dialect, EncodeError, Encoder, Sexp};
use bellwether::pb::jelly::{Jelly, JellyError};
use bellwether::pb::limits::*;
use bellwether::pb::{Callee, Event, Failure, Fatal, Refused, Session, Value};

fn word(word: &str) -> Sexp {
    Sexp::Bytes(word.to_owned().into())
}

fn list(word: &str, rest: impl IntoIterator<Item = Sexp>) -> Sexp {
    Sexp::List(std::iter::once(self::word(word)).chain(rest).collect())
}

fn reference(id: i64, part: Sexp) -> Sexp {
    list("reference", [Sexp::Int(id), part])
}

fn dereference(id: i64) -> Sexp {
    list("dereference", [Sexp::Int(id)])
}

fn read(sexp: &Sexp) -> Result<Value, JellyError> {
    Jelly::new(sexp).read(&SameNumbers)
}

fn first_error(bytes: &[u8]) -> Option<DecodeError> {
    let mut decoder = Decoder::new(Dialect::Pb);
    decoder.push(bytes);
    loop {
        match decoder.next_value() {
            Ok(Some(_)) => {}
            Ok(None) => return None,
            Err(error) => return Some(error),
        }
    }
}

#[test]
fn nesting_is_limited() {
    assert_eq!(first_error(&[1, 0x80].repeat(DEPTH_MAX)), None);
    assert_eq!(first_error(&[1, 0x80].repeat(DEPTH_MAX + 1)), Some(DecodeError::TooDeep));
}

#[test]
fn the_values_of_a_message_are_limited() {
    // Two lists of the largest count, each allowed by itself.
    let mut bytes = vec![2, 0x80];
    for _ in 0..2 {
        bytes.extend([0, 0, 40, 0x80]);
        bytes.extend([0x81].repeat(LIST_ITEMS_MAX));
    }
    assert_eq!(first_error(&bytes), Some(DecodeError::TooManyItems));
    // The count starts anew with each message.
    assert_eq!(first_error(&[0x81].repeat(2 * MESSAGE_ITEMS_MAX)), None);
}

#[test]
fn the_bytes_of_a_message_are_limited() {
    let mut bytes = vec![0x7f, 0x80];
    let strings = MESSAGE_BYTES_MAX / STRING_BYTES_MAX;
    for _ in 0..strings {
        bytes.extend([0, 0, 40, 0x82]);
        bytes.extend([0].repeat(STRING_BYTES_MAX));
    }
    assert_eq!(first_error(&bytes), None);
    // Refused as soon as the length is read.
    bytes.extend([0, 0, 40, 0x82]);
    assert_eq!(first_error(&bytes), Some(DecodeError::TooManyBytes));
}

#[test]
fn a_value_inside_itself_is_refused() {
    let itself = reference(1, list("list", [dereference(1)]));
    assert_eq!(read(&itself), Err(JellyError::Cyclic));
    let each_other = list(
        "list",
        [reference(1, list("list", [dereference(2)])), reference(2, list("tuple", [dereference(1)]))],
    );
    assert_eq!(read(&each_other), Err(JellyError::Cyclic));
}

#[test]
fn sharing_cannot_multiply_without_end() {
    // Each part holds the one before ten times.
    let tenfold = |id: i64| reference(id, list("list", vec![dereference(id - 1); 10]));
    let bomb = list("list", std::iter::once(reference(0, list("list", []))).chain((1..20).map(tenfold)));
    assert_eq!(read(&bomb), Err(JellyError::TooLarge));
    // A long string that is looked at many times over.
    let text = list("unicode", [Sexp::Bytes("x".repeat(STRING_BYTES_MAX).into())]);
    let once = reference(1, list("tuple", [text]));
    let again = vec![dereference(1); MESSAGE_BYTES_MAX / STRING_BYTES_MAX];
    let keys = list("set", std::iter::once(once).chain(again));
    assert_eq!(read(&keys), Err(JellyError::TooLarge));
    // Each part holds the next one: flat on the wire, deep when written out.
    let chain = |id: i64| reference(id, list("list", [dereference(id + 1)]));
    let last = reference(1000, list("list", []));
    assert_eq!(read(&list("list", (0..1000).map(chain).chain([last]))), Err(JellyError::TooDeep));
}

#[test]
fn a_key_that_spells_a_type_is_a_key() {
    let pair = |key: &str, value| Sexp::List(vec![word(key), value]);
    let dict = list("dictionary", [pair("remote", Sexp::Int(7)), pair("dereference", Sexp::Int(1))]);
    let jelly = Jelly::new(&dict);
    let wanted = [(Value::bytes("remote"), 7), (Value::bytes("dereference"), 1)];
    assert_eq!(jelly.read(&SameNumbers), Ok(Value::dict(wanted)));
    assert_eq!(jelly.into_remotes(), [], "nothing was lent");
}

/// Bytes of messages to a server that is ready and trusts us.
fn to_server(session: &mut Session, messages: &[Sexp], events: &mut Vec<Event>) -> Result<(), Fatal> {
    session.trust();
    let mut encoder = Encoder::new(Dialect::Pb);
    encoder.string(b"pb").expect("short");
    for message in messages {
        encoder.sexp(message).expect("within the limits");
    }
    session.receive(&encoder.take(), events)
}

fn call(object: Sexp, args: Sexp, kwargs: Sexp) -> Sexp {
    list("message", [Sexp::Int(1), object, word("try"), Sexp::Int(1), args, kwargs])
}

/// The failure that a server answers by itself, and what it says after that.
fn refused_call(object: Sexp, args: Sexp, kwargs: Sexp) -> (Failure, Vec<Sexp>) {
    let (mut session, mut events) = (Session::server(), Vec::new());
    session.take_output();
    to_server(&mut session, &[call(object, args, kwargs)], &mut events).expect("one call only");
    assert!(matches!(&events[..], [Event::Ready]), "{events:?}");
    assert_eq!((session.unanswered_calls(), session.references()), (0, (0, 0)));
    let mut said = decode(&session.take_output(), Dialect::Pb).split_off(1);
    let Sexp::List(fields) = said.remove(said.len() - 1) else { panic!("no list") };
    (Failure::from_value(&read(&fields[2]).expect("a failure")), said)
}

#[test]
fn bad_calls_are_answered_by_the_session() {
    let nothing = || list("tuple", []);
    let no_keywords = || list("dictionary", []);
    let lent = || list("remote", [Sexp::Int(3)]);
    let key = |key, value| list("dictionary", [Sexp::List(vec![key, value])]);

    let (failure, _) = refused_call(Sexp::Int(77), nothing(), no_keywords());
    assert_eq!(failure, Failure::invalid_object_id());
    let (failure, _) = refused_call(word("other"), nothing(), no_keywords());
    assert_eq!(failure, Failure::invalid_object_id());
    let (failure, _) = refused_call(word("root"), list("frob", []), no_keywords());
    assert_eq!(failure, Failure::insecure_jelly("b'frob'"));
    let (failure, _) = refused_call(word("root"), Sexp::Int(1), no_keywords());
    assert!(failure.is_a("TypeError"));
    let (failure, _) = refused_call(word("root"), nothing(), key(Sexp::Int(1), Sexp::Int(1)));
    assert!(failure.is_a("TypeError"));
    let given_back = list("local", [Sexp::Int(1)]);
    let (failure, _) = refused_call(word("root"), list("tuple", [given_back]), no_keywords());
    assert_eq!(failure, Failure::invalid_object_id());

    // References in a call that nobody sees go back, once for each time they were sent.
    let twice = list("tuple", [lent(), reference(1, list("list", [lent()])), dereference(1)]);
    let (_, said) = refused_call(word("root"), twice, key(word("k"), list("frob", [])));
    assert_eq!(said, vec![list("decref", [Sexp::Int(3)]); 2]);
}

#[test]
fn references_of_one_peer_are_limited() {
    let lent = (0..=IMPORTS_MAX as i64).map(|n| list("remote", [Sexp::Int(n)]));
    let args = list("tuple", lent);
    let mut session = Session::server();
    let result =
        to_server(&mut session, &[call(word("root"), args, list("dictionary", []))], &mut Vec::new());
    assert_eq!(result, Err(Fatal::TooManyReferences));
}

#[test]
fn objects_lent_to_one_peer_are_limited() {
    let mut pair = Pair::new();
    let all = Value::List((0..EXPORTS_MAX as u64).map(Value::local).collect());
    pair.call_root(&[all]);
    let refused = pair.client.call(Callee::Root, "try", &[Value::local(u64::MAX)], &[], 1);
    assert_eq!(refused, Err(Refused::Encode(EncodeError::TooManyExports)));
    // Those that are lent already may be sent again.
    pair.call_root(&[Value::local(0)]);
}

#[test]
fn a_stranger_may_say_little() {
    for large in
        [Value::bytes(vec![0; STRANGER_BYTES_MAX]), Value::List(vec![Value::Int(0); STRANGER_ITEMS_MAX])]
    {
        let receive = |mut pair: Pair| {
            pair.client.call(Callee::Root, "try", std::slice::from_ref(&large), &[], 1).expect("ready");
            pair.server.receive(&pair.client.take_output(), &mut Vec::new())
        };
        assert_eq!(receive(Pair::new()), Ok(()));
        let mut stranger = Pair::fresh();
        stranger.talk();
        assert!(matches!(receive(stranger), Err(Fatal::Banana(_))));
    }
}

#[test]
fn after_the_end_nothing_is_said_or_heard() {
    let (mut session, mut events) = (Session::server(), Vec::new());
    let good = call(word("root"), list("tuple", []), list("dictionary", []));
    let result = to_server(&mut session, &[good, word("hello")], &mut events);
    assert!(matches!(result, Err(Fatal::NotAMessage(_))), "{result:?}");
    let [Event::Ready, Event::Call(_)] = &events[..] else { panic!("{events:?}") };
    assert_eq!(session.output_len(), 0);
    let Some(Event::Call(call)) = events.pop() else { panic!("no call") };
    session.answer(call.request, &Value::None);
    assert_eq!(session.output_len(), 0);
    assert_eq!(session.receive(&[0x81], &mut events), Err(Fatal::Closed));
}

#[test]
fn answers_that_were_not_asked_for_end_the_connection() {
    for id in [Sexp::Int(1), Sexp::Int(-1), word("1")] {
        for kind in ["answer", "error"] {
            let answer = list(kind, [id.clone(), list("None", [])]);
            let result = to_server(&mut Session::server(), &[answer], &mut Vec::new());
            assert_eq!(result, Err(Fatal::UnknownRequest));
        }
    }
}

#[test]
fn a_bad_answer_fails_its_call_only() {
    let mut pair = Pair::new();
    let bad = [("answer", list("frob", [])), ("error", list("frob", [])), ("error", word("no"))];
    for (id, (kind, value)) in (1..).zip(bad) {
        pair.server.call(Callee::Root, "try", &[], &[], 1).expect("ready");
        the_call(pair.talk().client);
        let mut encoder = Encoder::new(Dialect::Pb);
        encoder.sexp(&list(kind, [Sexp::Int(id), value])).expect("short");
        let mut events = Vec::new();
        pair.server.receive(&encoder.take(), &mut events).expect("goes on");
        the_result(events).expect_err("failed");
    }
}

#[test]
fn a_client_takes_only_an_offer_it_knows() {
    for offer in [word("pb"), Sexp::List(Vec::new()), Sexp::List(vec![word("pb2"), Sexp::Int(1)])] {
        let mut encoder = Encoder::new(Dialect::None);
        encoder.sexp(&offer).expect("short");
        let mut session = Session::client();
        let result = session.receive(&encoder.take(), &mut Vec::new());
        assert_eq!((result, session.output_len()), (Err(Fatal::Dialect), 0));
    }
    let mut encoder = Encoder::new(Dialect::None);
    encoder.sexp(&Sexp::List(vec![word("new"), word("none"), word("pb")])).expect("short");
    let mut session = Session::client();
    session.receive(&encoder.take(), &mut Vec::new()).expect("the first known");
    let said = decode(&session.take_output(), Dialect::None);
    assert_eq!(said, [word("none"), list("version", [Sexp::Int(6)])]);
}
