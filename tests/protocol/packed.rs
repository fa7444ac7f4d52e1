//! MessagePack against recorded messages, and with another's codec as the judge.

use crate::golden::path;
use crate::mutation::Numbers;
use bellwether::pb::msgpack::packed::{UnpackError, pack, unpack};
use bellwether::pb::{Luid, Value};
use serde_json::Value as Json;

/// A recorded message as a value.
pub fn value(json: &Json) -> Value {
    match json {
        Json::Null => Value::None,
        Json::Bool(it) => Value::from(*it),
        Json::Number(number) => {
            number.as_i64().map_or_else(|| Value::from(number.as_f64().expect("a float")), Value::from)
        }
        Json::String(text) => Value::from(text.as_str()),
        Json::Array(items) => Value::List(items.iter().map(value).collect()),
        Json::Object(pairs) => Value::dict(pairs.iter().map(|(key, it)| (key.as_str(), value(it)))),
    }
}

/// The bytes of a value.
pub fn packed(value: &Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    pack(value, &mut bytes).expect("a value that can be sent");
    bytes
}

/// The messages of the recordings, with their sizes on the wire; without those that were changed for the eye.
pub fn recorded() -> Vec<(Json, usize)> {
    let names = ["g1-msgpack-worker-4.3.0--master-4.3.0", "g3-msgpack-errors-and-download--stub"];
    let mut found = Vec::new();
    for name in names {
        let file = path("transcripts").join(format!("{name}.jsonl"));
        let text = std::fs::read_to_string(file).expect("a transcript");
        let unchanged = |line: &&str| !["<WORKER", "hex", "…", "[cut"].iter().any(|mark| line.contains(mark));
        for line in text.lines().skip(1).filter(unchanged) {
            let line: Json = serde_json::from_str(line).expect("JSON");
            if let Some(bytes) = line["bytes"].as_u64() {
                found.push((line["msg"].clone(), bytes as usize));
            }
        }
    }
    found
}

#[test]
fn recorded_messages_are_as_long_as_they_were_and_come_back() {
    let recorded = recorded();
    assert!(recorded.len() > 60, "{}", recorded.len());
    for (message, size) in recorded {
        let bytes = packed(&value(&message));
        // Blocks of files are bytes, which the recording shows as text: one byte more.
        let is_block = message["op"].as_str().is_some_and(|op| op.ends_with("_write"));
        if is_block || message["result"].is_string() && message["is_exception"].is_null() {
            continue;
        }
        assert_eq!(bytes.len(), size, "{message}");
        assert_eq!(unpack(bytes.into()), Ok(value(&message)));
    }
}

fn drawn(numbers: &mut Numbers, depth: usize) -> Value {
    let length = [0, 1, 31, 32, 255, 256, 70_000][numbers.below(7)];
    match numbers.below(if depth < 3 { 8 } else { 6 }) {
        0 => Value::None,
        1 => Value::Bool(numbers.below(2) == 0),
        2 => Value::Int((numbers.next() as i64) >> numbers.below(64)),
        3 => Value::from(numbers.next() as f64 / 3.0),
        4 => Value::bytes(vec![numbers.next() as u8; length]),
        5 => Value::from("x".repeat(length)),
        6 => Value::List((0..length.min(300)).map(|_| drawn(numbers, depth + 2)).collect()),
        _ => Value::Dict(
            (0..length.min(40)).map(|key| (Value::from(key as i64), drawn(numbers, depth + 1))).collect(),
        ),
    }
}

#[test]
fn another_codec_reads_what_is_written_and_writes_what_is_read() {
    for round in 0..300 {
        let value = drawn(&mut Numbers::new(round), 0);
        let bytes = packed(&value);
        let theirs = rmpv::decode::read_value(&mut &bytes[..]).expect("it is read");
        let mut again = Vec::new();
        rmpv::encode::write_value(&mut again, &theirs).expect("it is written");
        assert!(again == bytes, "round {round}");
        assert!(unpack(again.into()) == Ok(value), "round {round}");
    }
}

#[test]
fn what_is_no_message_is_told_apart() {
    let nested = [vec![0x91; 200], vec![0xc0]].concat();
    let many = [vec![0xdd, 0, 0x20, 0, 0], vec![0xc0; 0x20_0000]].concat();
    for (bytes, error) in [
        (vec![], UnpackError::Short),
        (vec![0xda, 0xff, 0xff, b'a'], UnpackError::Short),
        (vec![0xdd, 0xff, 0xff, 0xff, 0xff], UnpackError::Short),
        (vec![0xc0, 0xc0], UnpackError::Surplus),
        (vec![0xc1], UnpackError::Type(0xc1)),
        (vec![0xd4, 1, 1], UnpackError::Type(0xd4)),
        (nested, UnpackError::Deep),
        (many, UnpackError::Many),
    ] {
        assert_eq!(unpack(bytes.into()), Err(error));
    }
    for value in [Value::local(1), Value::from(Luid(1)), Value::Date([1, 2, 3])] {
        assert!(pack(&value, &mut Vec::new()).is_err());
    }
}
