//! Single messages, most of them captured from real sessions: read and written again, the same bytes come out.

use crate::golden::{SameNumbers, Side, Typed, assert_same, decode, hex, sexp, text, vectors};
use bellwether::pb::banana::{Dialect, Encoder, Sexp};
use bellwether::pb::jelly::{Jelly, Writer};
use bellwether::pb::{Failure, Proof, Secret, TextForm, Value};
use serde_json::Value as Json;

/// A field of a message: as it is, or a jellied value.
enum Field {
    Plain(Sexp),
    Value(Json),
}

fn word(word: &str) -> Field {
    Field::Plain(Sexp::Bytes(word.to_owned().into()))
}

/// The fields of a message in the form of `vectors/README.md`.
fn fields(msg: &Json) -> Vec<Field> {
    let plain = |name: &str| Field::Plain(sexp(&msg[name]));
    let kind = text(&msg["type"]);
    let typed = |t: &str, v: &Json| Field::Value(serde_json::json!({ "t": t, "v": v }));
    let rest = match kind {
        "message" => vec![
            plain("request"),
            plain("object"),
            word(text(&msg["method"])),
            Field::Plain(Sexp::Int(i64::from(msg["answer_required"] == true))),
            typed("tuple", &msg["args"]),
            typed("dict", &msg["kwargs"]),
        ],
        "answer" => vec![plain("request"), Field::Value(msg["result"].clone())],
        "error" => vec![plain("request"), Field::Value(msg["failure"].clone())],
        "decref" => vec![plain("object")],
        "version" => vec![Field::Plain(Sexp::Int(msg["version"].as_i64().expect("a number")))],
        "didNotUnderstand" => vec![plain("command")],
        other => panic!("unknown message {other}"),
    };
    std::iter::once(word(kind)).chain(rest).collect()
}

#[test]
fn captured_messages_are_read_and_written() {
    for vector in vectors("pb-messages.json", "message") {
        let bytes = hex(&vector["hex"]);
        let whole = sexp(&vector["sexp"]);
        assert_same(&decode(&bytes, Dialect::Pb), std::slice::from_ref(&whole), &vector);
        let Sexp::List(parts) = &whole else { panic!("no list: {vector}") };
        let fields = fields(&vector["msg"]);
        assert_eq!(parts.len(), fields.len(), "{vector}");

        let mut encoder = Encoder::new(Dialect::Pb);
        encoder.list(fields.len()).expect("short");
        for (part, field) in parts.iter().zip(&fields) {
            match field {
                Field::Plain(plain) => {
                    assert_eq!(part, plain, "{vector}");
                    encoder.sexp(part).expect("short");
                }
                Field::Value(json) => {
                    let read = Jelly::new(part).read(&SameNumbers);
                    assert_eq!(read, Ok(Typed::read(json, Side::Receiver)), "{vector}");
                    Writer::new(&mut encoder, &mut SameNumbers, TextForm::Text)
                        .value(&Typed::read(json, Side::Sender))
                        .expect("can be sent");
                }
            }
        }
        assert_eq!(encoder.take(), bytes, "{vector}");
    }
}

/// Failures of real peers tell what they are, whatever strings they are made of.
#[test]
fn captured_failures_are_understood() {
    let mut seen = 0;
    for vector in vectors("pb-messages.json", "message") {
        let failure = &vector["msg"]["failure"];
        if failure.is_null() {
            continue;
        }
        seen += 1;
        let failure = Failure::from_value(&Typed::read(failure, Side::Receiver));
        assert!(failure.parents.contains(&failure.class), "{failure:?}");
        assert!(failure.is_a("builtins.Exception") && failure.is_a("exceptions.Exception"), "{failure:?}");
        // What we make of it goes through our own shape unharmed.
        assert_eq!(Failure::from_value(&failure.to_value()), failure);
    }
    assert_ne!(seen, 0);
}

/// The keys and their types that every real peer understands (`pb.md` §7).
#[test]
fn our_failures_have_the_shape_that_works_everywhere() {
    let Value::Copy { class, state } = Failure::unauthorized_login().to_value() else { panic!("no copy") };
    assert_eq!(class, "twisted.spread.pb.CopyableFailure");
    let pairs = state.as_dict().expect("a dict");
    assert!(pairs.iter().all(|(key, _)| matches!(key, Value::Text(_))), "{pairs:?}");
    let parents = state.get("parents").and_then(Value::as_items).expect("parents");
    assert!(parents.contains(&Value::text("twisted.cred.error.UnauthorizedLogin")), "{parents:?}");
    assert!(parents.iter().all(|name| matches!(name, Value::Text(_))), "{parents:?}");
    assert!(matches!(state.get("type"), Some(Value::Bytes(_))));
    for key in ["value", "traceback"] {
        assert!(matches!(state.get(key), Some(Value::Text(_))), "{key}");
    }
    let parents = Failure::no_such_method("print").parents;
    for name in ["exceptions.AttributeError", "builtins.AttributeError"] {
        assert!(parents.iter().any(|parent| parent == name), "{parents:?}");
    }
}

#[test]
fn a_failure_is_of_its_bases() {
    let failure = Failure::key_error("'x'");
    assert!(failure.is_a("exceptions.KeyError") && failure.is_a("builtins.LookupError"));
    assert!(!failure.is_a("builtins.ValueError"));
    assert!(Failure::no_such_method("x").is_no_such_method());
    assert!(Failure::unauthorized_login().is_unauthorized_login());
    assert!(!Failure::runtime_error("rejecting duplicate worker").is_unauthorized_login());
}

#[test]
fn responses_are_those_of_twisted() {
    for vector in vectors("pb-messages.json", "challenge") {
        let (password, challenge) = (hex(&vector["password"]), hex(&vector["challenge"]));
        let secret = Secret::Plain(password);
        assert_eq!(secret.respond(&challenge).to_vec(), hex(&vector["response"]), "{vector}");
        let Ok(challenge) = challenge.try_into() else {
            assert_eq!(vector["note"], "challenge length is not checked");
            continue;
        };
        let proof = Proof { challenge, response: hex(&vector["response"]).into() };
        assert!(proof.matches(&secret) && proof.matches(&secret.hashed()), "{vector}");
        assert!(!proof.matches(&"other".into()));
        let short = Proof { response: proof.response.slice(..15), ..proof };
        assert!(!short.matches(&secret), "{vector}");
    }
}
