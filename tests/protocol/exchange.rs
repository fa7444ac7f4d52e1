//! Exchanges with a server: what each stream of bytes is answered with, and which ones end the connection.

use crate::golden::{SameNumbers, assert_same, decode, hex, items, sexp, vectors, whole};
use crate::root::Server;
use bellwether::pb::banana::{Dialect, Sexp};
use bellwether::pb::jelly::{Jelly, JellyError};
use bellwether::pb::{Failure, Fatal};
use serde_json::Value as Json;

/// What the client of a vector sends.
pub fn sent(vector: &Json, handshake: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    if vector["handshake_first"] == true {
        bytes.extend(handshake);
    }
    bytes.extend(hex(&vector["send"]));
    bytes
}

/// The streams of all vectors.
pub fn streams() -> Vec<Vec<u8>> {
    let handshake = hex(&whole("pb-messages.json")["handshake_hex"]);
    vectors("pb-messages.json", "exchange").iter().map(|vector| sent(vector, &handshake)).collect()
}

/// Everything that a server says to some pieces, without its offer, and how it ends.
pub fn said<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> (Vec<Sexp>, Result<(), Fatal>) {
    let mut server = Server::new();
    let offer = decode(&server.take_output(), Dialect::None);
    let word = |word: &'static str| Sexp::Bytes(word.into());
    assert_eq!(offer, [Sexp::List(vec![word("pb"), word("none")])]);
    let result = pieces.into_iter().try_for_each(|piece| server.receive(piece));
    (decode(&server.take_output(), Dialect::Pb), result)
}

fn check(vector: &Json, said: &[Sexp]) {
    let expected = items(&vector["expect"]);
    assert_eq!(said.len(), expected.len(), "{said:?}: {vector}");
    for (said, expected) in said.iter().zip(expected) {
        match expected.get("error") {
            Some(error) => check_error(said, error, vector),
            None => check_answer(said, &sexp(&expected["sexp"]), vector),
        }
    }
}

/// An error must have the type, and the text unless it is Python's own.
fn check_error(said: &Sexp, error: &Json, vector: &Json) {
    let failure = failure(said, &Sexp::Int(error["request"].as_i64().expect("an id")));
    assert_eq!(error["type"], failure.class, "{vector}");
    assert!(failure.parents.contains(&failure.class), "{failure:?}");
    let text_is_pythons =
        ["builtins.TypeError", "builtins.UnicodeDecodeError"].contains(&failure.class.as_str());
    assert!(text_is_pythons || error["value"] == failure.value, "{failure:?}: {vector}");
}

fn failure(said: &Sexp, request: &Sexp) -> Failure {
    let Sexp::List(fields) = said else { panic!("no list") };
    let [Sexp::Bytes(word), id, value] = &fields[..] else { panic!("no answer") };
    assert_eq!((&word[..], id), (&b"error"[..], request));
    Failure::from_value(&Jelly::new(value).read(&SameNumbers).expect("a value"))
}

/// An answer must be the same, or the same value written out in full; a value inside itself is refused.
fn check_answer(said: &Sexp, expected: &Sexp, vector: &Json) {
    if said == expected {
        return;
    }
    let Sexp::List(fields) = expected else { panic!("no list") };
    let [_, id, value] = &fields[..] else { panic!("{said:?} instead of {expected:?}") };
    match Jelly::new(value).read(&SameNumbers) {
        Err(error) => {
            assert_eq!(error, JellyError::Cyclic);
            assert!(failure(said, id).is_a("ValueError"));
        }
        Ok(value) => {
            let Sexp::List(fields) = said else { panic!("no list") };
            let [_, said_id, said] = &fields[..] else { panic!("{said:?}: {vector}") };
            assert_same(std::slice::from_ref(said_id), std::slice::from_ref(id), vector);
            assert_eq!(Jelly::new(said).read(&SameNumbers), Ok(value), "{vector}");
        }
    }
}

#[test]
fn a_server_says_what_twisted_says() {
    let handshake = hex(&whole("pb-messages.json")["handshake_hex"]);
    for vector in vectors("pb-messages.json", "exchange") {
        let bytes = sent(&vector, &handshake);
        let mut cuts = vec![vec![&bytes[..]], bytes.chunks(1).collect()];
        cuts.extend((1..bytes.len()).map(|at| vec![&bytes[..at], &bytes[at..]]));
        for pieces in cuts {
            let (said, result) = said(pieces);
            assert_eq!(vector["server_closes"], result.is_err(), "{result:?}: {vector}");
            check(&vector, &said);
        }
    }
}
