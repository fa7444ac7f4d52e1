//! Reading the golden files: their JSON forms of bytes, s-expressions and values.

use bellwether::pb::banana::{Decoder, Dialect, EncodeError, Encoder, Sexp};
use bellwether::pb::integer::Big;
use bellwether::pb::jelly::{Export, Resolve};
use bellwether::pb::{Luid, Target, Value};
use serde_json::Value as Json;
use std::path::{Path, PathBuf};

/// A file beside this one.
pub fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/protocol").join(name)
}

/// The vectors of one file that are of one kind; there is at least one.
pub fn vectors(file: &str, kind: &str) -> Vec<Json> {
    let mut vectors = whole(file)["vectors"].take();
    let vectors = vectors.as_array_mut().expect("vectors").drain(..);
    let vectors: Vec<Json> = vectors.filter(|vector| vector["kind"] == kind).collect();
    assert!(!vectors.is_empty(), "{file} holds no {kind}");
    vectors
}

/// One file of vectors.
pub fn whole(file: &str) -> Json {
    let text = std::fs::read_to_string(path("vectors").join(file)).expect("a vector file");
    serde_json::from_str(&text).expect("JSON")
}

/// The text of a JSON string.
pub fn text(json: &Json) -> &str {
    json.as_str().unwrap_or_else(|| panic!("no string: {json}"))
}

/// The items of a JSON array.
pub fn items(json: &Json) -> &[Json] {
    json.as_array().unwrap_or_else(|| panic!("no array: {json}"))
}

/// Bytes written in hexadecimal.
pub fn hex(json: &Json) -> Vec<u8> {
    let digits = text(json);
    let byte = |at| u8::from_str_radix(&digits[at..at + 2], 16).expect("hexadecimal digits");
    (0..digits.len()).step_by(2).map(byte).collect()
}

fn float(json: &Json) -> f64 {
    f64::from_be_bytes(hex(json).try_into().expect("8 bytes"))
}

fn big(json: &Json) -> Big {
    text(json).parse().expect("an integer")
}

/// An s-expression in the form of `vectors/README.md`.
pub fn sexp(json: &Json) -> Sexp {
    let integer = |n: Big| n.to_i64().map_or(Sexp::Big(n), Sexp::Int);
    match json {
        Json::Array(items) => Sexp::List(items.iter().map(sexp).collect()),
        Json::Object(of) if of.contains_key("i") => integer(big(&json["i"])),
        Json::Object(of) if of.contains_key("f") => Sexp::Float(float(&json["f"])),
        Json::Object(of) if of.contains_key("s") => Sexp::Bytes(text(&json["s"]).to_owned().into()),
        Json::Object(of) if of.contains_key("x") => Sexp::Bytes(hex(&json["x"]).into()),
        Json::Object(of) if of.contains_key("repeat") => {
            let repeat = &json["repeat"];
            let (unit, count) = (sexp(&repeat["unit"]), repeat["count"].as_u64().expect("a count") as usize);
            match unit {
                Sexp::Bytes(unit) if repeat["of"] == "string" => Sexp::Bytes(unit.repeat(count).into()),
                unit => Sexp::List(vec![unit; count]),
            }
        }
        other => panic!("no s-expression: {other}"),
    }
}

/// Whose value it is: a sender lends its own objects, a receiver is lent the peer's.
#[derive(Clone, Copy, PartialEq)]
pub enum Side {
    Sender,
    Receiver,
}

/// A value in the typed form of `vectors/README.md`, shared parts written out in full.
pub struct Typed {
    side: Side,
    /// What a `use` may name: a part by the number of its `def`, or else by its place among the containers.
    shared: Vec<(Json, Value)>,
    containers: u64,
}

impl Typed {
    pub fn read(json: &Json, side: Side) -> Value {
        Typed { side, shared: Vec::new(), containers: 0 }.value(json)
    }

    fn values(&mut self, json: &Json) -> Vec<Value> {
        items(json).iter().map(|item| self.value(item)).collect()
    }

    fn value(&mut self, json: &Json) -> Value {
        let is_container = ["list", "tuple", "set", "frozenset", "dict"].contains(&text(&json["t"]));
        self.containers += u64::from(is_container);
        let place = Json::from(self.containers);
        let value = self.part(json);
        if is_container {
            self.shared.push((place, value.clone()));
        }
        value
    }

    fn part(&mut self, json: &Json) -> Value {
        let v = &json["v"];
        match text(&json["t"]) {
            "none" => Value::None,
            "bool" => Value::Bool(v.as_bool().expect("a boolean")),
            "int" => big(v).to_i64().map_or_else(|| Value::Big(big(v)), Value::Int),
            "float" => float(&json["hex"]).into(),
            "bytes" => Value::bytes(hex(&json["hex"])),
            "text" => text(v).into(),
            "list" => Value::List(self.values(v)),
            "tuple" => Value::Tuple(self.values(v)),
            "set" => Value::Set(self.values(v)),
            "frozenset" => Value::FrozenSet(self.values(v)),
            "dict" => Value::Dict(
                items(v).iter().map(|pair| (self.value(&pair[0]), self.value(&pair[1]))).collect(),
            ),
            "datetime" => Value::DateTime(numbers(v)),
            "date" => Value::Date(numbers(v)),
            "time" => Value::Time(numbers(v)),
            "timedelta" => Value::TimeDelta(numbers(v)),
            "decimal" => Value::Decimal {
                coefficient: big(&json["value"]),
                exponent: json["exponent"].as_i64().expect("an exponent"),
            },
            "unpersistable" => Value::Unpersistable(text(&json["reason"]).into()),
            "copy" => {
                Value::Copy { class: text(&json["class"]).into(), state: self.value(&json["state"]).into() }
            }
            place @ ("remote" | "local") => {
                let Sexp::Int(luid) = sexp(&json["luid"]) else { panic!("no number: {json}") };
                // What its owner calls remote, the other calls its own.
                if (place == "remote") == (self.side == Side::Sender) {
                    Value::local(luid as u64)
                } else {
                    Value::Remote(Luid(luid))
                }
            }
            "def" => {
                let value = self.value(v);
                self.shared.insert(0, (json["id"].clone(), value.clone()));
                value
            }
            "use" => {
                let of = self.shared.iter().find(|(id, _)| *id == json["id"]);
                of.expect("a part defined before its use").1.clone()
            }
            other => panic!("no type: {other}"),
        }
    }
}

fn numbers<const N: usize>(json: &Json) -> [i64; N] {
    let numbers: Vec<i64> = items(json).iter().map(|n| n.as_i64().expect("an integer")).collect();
    numbers.try_into().expect("the right number of integers")
}

/// Objects whose key is their number on the wire.
pub struct SameNumbers;

impl Export for SameNumbers {
    fn export(&mut self, target: Target) -> Result<Luid, EncodeError> {
        match target {
            Target::Root => panic!("root has no number"),
            Target::Key(key) => Ok(Luid(key as i64)),
        }
    }
}

impl Resolve for SameNumbers {
    fn resolve(&self, name: &Sexp) -> Option<Target> {
        match name {
            Sexp::Int(n) => u64::try_from(*n).ok().map(Target::Key),
            _ => None,
        }
    }
}

/// All values in some bytes, which hold nothing else.
pub fn decode(bytes: &[u8], dialect: Dialect) -> Vec<Sexp> {
    let mut decoder = Decoder::new(dialect);
    decoder.push(bytes);
    let values = std::iter::from_fn(|| decoder.next_value().expect("sound bytes")).collect();
    assert_eq!(decoder.open_lists(), 0);
    values
}

/// The bytes of one value.
pub fn encode(value: &Sexp, dialect: Dialect) -> Result<Vec<u8>, EncodeError> {
    let mut encoder = Encoder::new(dialect);
    encoder.sexp(value)?;
    Ok(encoder.take().to_vec())
}

/// Do they make the same bytes? Unlike `==`, holds for NaN too.
#[track_caller]
pub fn assert_same(ours: &[Sexp], theirs: &[Sexp], id: &Json) {
    assert_eq!(format!("{ours:?}"), format!("{theirs:?}"), "{id}");
    let bytes = |values: &[Sexp]| values.iter().map(|v| encode(v, Dialect::Pb)).collect::<Vec<_>>();
    assert_eq!(bytes(ours), bytes(theirs), "{id}");
}
