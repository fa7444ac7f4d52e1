//! Jelly: every vector, and the few places where we differ from Twisted on purpose.

use crate::golden::{SameNumbers, Side, Typed, assert_same, decode, encode, hex, sexp, text, vectors};
use bellwether::pb::banana::{Dialect, Encoder};
use bellwether::pb::jelly::{Jelly, JellyError, Writer};
use bellwether::pb::{TextForm, Value};
use serde_json::Value as Json;

fn written(value: &Value) -> Vec<u8> {
    let mut encoder = Encoder::new(Dialect::Pb);
    Writer::new(&mut encoder, &mut SameNumbers, TextForm::Text).value(value).expect("can be sent");
    encoder.take().to_vec()
}

/// What a vector's s-expression reads as; its bytes are the same s-expression.
fn read(vector: &Json) -> Result<Value, JellyError> {
    let sexp = sexp(&vector["sexp"]);
    assert_same(&decode(&hex(&vector["hex"]), Dialect::Pb), std::slice::from_ref(&sexp), vector);
    assert_eq!(encode(&sexp, Dialect::Pb), Ok(hex(&vector["hex"])), "{vector}");
    Jelly::new(&sexp).read(&SameNumbers)
}

/// Is a part of the value the value itself? Those we refuse.
fn is_cyclic(vector: &Json) -> bool {
    fn uses(json: &Json, open: &mut Vec<Json>) -> bool {
        match json {
            Json::Object(of) if json["t"] == "def" => {
                open.push(of["id"].clone());
                let found = uses(&of["v"], open);
                open.pop();
                found
            }
            Json::Object(of) if json["t"] == "use" => open.contains(&of["id"]),
            Json::Object(of) => of.values().any(|part| uses(part, open)),
            Json::Array(parts) => parts.iter().any(|part| uses(part, open)),
            _ => false,
        }
    }
    uses(&vector["value"], &mut Vec::new())
}

#[test]
fn values_and_s_expressions_are_the_same() {
    let mut cyclic = 0;
    for vector in vectors("jelly.json", "roundtrip") {
        if is_cyclic(&vector) {
            assert_eq!(read(&vector), Err(JellyError::Cyclic), "{vector}");
            cyclic += 1;
            continue;
        }
        let value = Typed::read(&vector["value"], Side::Receiver);
        assert_eq!(read(&vector), Ok(value.clone()), "{vector}");
        if vector["sexp"].to_string().contains("dereference") {
            // We write shared parts out in full.
            let bytes = decode(&written(&value), Dialect::Pb);
            assert_eq!(Jelly::new(&bytes[0]).read(&SameNumbers), Ok(value), "{vector}");
        } else {
            assert_eq!(written(&value), hex(&vector["hex"]), "{vector}");
        }
    }
    assert_eq!(cyclic, 3);
}

#[test]
fn other_spellings_are_understood() {
    for vector in vectors("jelly.json", "unjelly") {
        let wanted = match text(&vector["id"]) {
            // Python shows the reason as it shows byte strings.
            "j201" => Value::Unpersistable("why".into()),
            _ => Typed::read(&vector["value"], Side::Receiver),
        };
        assert_eq!(read(&vector), Ok(wanted), "{vector}");
    }
}

#[test]
fn bad_values_are_refused() {
    for vector in vectors("jelly.json", "unjelly-error") {
        let kind = match read(&vector).expect_err(text(&vector["id"])) {
            JellyError::Insecure(_) => "insecure",
            JellyError::BadUtf8 => "bad-utf8",
            JellyError::BadValue(_) => "bad-value",
            JellyError::Malformed(_) => "malformed",
            other => panic!("{other:?}: {vector}"),
        };
        assert_eq!(vector["error"], kind, "{vector}");
    }
}

#[test]
fn workers_of_old_get_bytes() {
    let value = Value::dict([("é", Value::list(["version"]))]);
    let mut encoder = Encoder::new(Dialect::Pb);
    Writer::new(&mut encoder, &mut SameNumbers, TextForm::Bytes).value(&value).expect("can be sent");
    let read = &decode(&encoder.take(), Dialect::Pb)[0];
    let wanted = Value::dict([(Value::bytes("é"), Value::list([Value::bytes("version")]))]);
    assert_eq!(Jelly::new(read).read(&SameNumbers), Ok(wanted));
}

#[test]
fn strings_are_read_in_either_form() {
    for key in [Value::text("rc"), Value::bytes("rc")] {
        let dict = Value::Dict(vec![(key, Value::bytes(b"a\xff".to_vec()))]);
        let value = dict.get("rc").expect("found");
        assert_eq!(value.as_str(), None);
        assert_eq!(value.to_str_lossy().as_deref(), Some("a\u{fffd}"));
        assert_eq!(dict.get("other"), None);
    }
    assert_eq!(Value::bytes("é").as_str(), Some("é"));
    assert_eq!(Value::text("é").as_bytes().map(|bytes| bytes.len()), Some(2));
}
