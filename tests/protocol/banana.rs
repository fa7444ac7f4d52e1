//! Banana: every vector, whole and cut at every byte.

use crate::golden::{assert_same, encode, hex, items, sexp, text, vectors};
use bellwether::pb::banana::{DecodeError, Decoder, Dialect, EncodeError, Encoder, Sexp};
use bellwether::pb::integer::{Big, ParseBigError};
use serde_json::Value as Json;

fn dialect(vector: &Json) -> Dialect {
    Dialect::from_name(text(&vector["dialect"]).as_bytes()).expect("a dialect")
}

/// What came out of a decoder fed piece by piece.
struct Decoded {
    values: Vec<Sexp>,
    error: Option<DecodeError>,
    open_lists: usize,
}

fn decode<'a>(dialect: Dialect, pieces: impl IntoIterator<Item = &'a [u8]>) -> Decoded {
    let (mut decoder, mut values, mut error) = (Decoder::new(dialect), Vec::new(), None);
    'pieces: for piece in pieces {
        decoder.push(piece);
        loop {
            match decoder.next_value() {
                Ok(Some(value)) => values.push(value),
                Ok(None) => break,
                Err(found) => {
                    error = Some(found);
                    break 'pieces;
                }
            }
        }
    }
    Decoded { values, error, open_lists: decoder.open_lists() }
}

/// Decodes a vector whole, byte by byte, and in two pieces cut at every place.
fn in_all_cuts(vector: &Json, check: impl Fn(Decoded)) {
    let (bytes, dialect) = (hex(&vector["hex"]), dialect(vector));
    check(decode(dialect, [&bytes[..]]));
    check(decode(dialect, bytes.chunks(1)));
    for cut in 0..bytes.len() {
        let (head, tail) = bytes.split_at(cut);
        check(decode(dialect, [head, tail]));
    }
}

fn values(vector: &Json) -> Vec<Sexp> {
    items(&vector["values"]).iter().map(sexp).collect()
}

#[test]
fn values_and_bytes_are_the_same() {
    for vector in vectors("banana.json", "roundtrip") {
        let value = sexp(&vector["value"]);
        assert_eq!(encode(&value, dialect(&vector)), Ok(hex(&vector["hex"])), "{vector}");
        in_all_cuts(&vector, |decoded| {
            assert_eq!(decoded.error, None, "{vector}");
            assert_same(&decoded.values, std::slice::from_ref(&value), &vector);
        });
    }
}

#[test]
fn other_spellings_are_understood() {
    for vector in vectors("banana.json", "decode") {
        in_all_cuts(&vector, |decoded| {
            assert_eq!((decoded.error, decoded.open_lists), (None, 0), "{vector}");
            assert_same(&decoded.values, &values(&vector), &vector);
        });
    }
}

#[test]
fn streams_come_out_whole() {
    for vector in vectors("banana.json", "stream") {
        let chunks: Vec<Vec<u8>> = items(&vector["chunks"]).iter().map(hex).collect();
        let decoded = decode(dialect(&vector), chunks.iter().map(|chunk| &chunk[..]));
        assert_eq!((decoded.error, decoded.open_lists), (None, 0), "{vector}");
        assert_same(&decoded.values, &values(&vector), &vector);
    }
}

#[test]
fn more_is_waited_for() {
    for vector in vectors("banana.json", "incomplete") {
        in_all_cuts(&vector, |decoded| {
            assert_eq!(decoded.error, None, "{vector}");
            assert_same(&decoded.values, &values(&vector), &vector);
            assert_eq!(decoded.open_lists as u64, vector["open_lists"], "{vector}");
        });
    }
}

#[test]
fn errors_are_told_apart() {
    for vector in vectors("banana.json", "decode-error") {
        in_all_cuts(&vector, |decoded| {
            assert_same(&decoded.values, &values(&vector), &vector);
            let kind = match decoded.error {
                Some(DecodeError::PrefixTooLong) => "prefix-too-long",
                Some(DecodeError::ListTooLong) => "list-too-long",
                Some(DecodeError::StringTooLong) => "string-too-long",
                Some(DecodeError::InvalidTypeByte(_)) => "invalid-type-byte",
                Some(DecodeError::UnknownVocab) => "unknown-vocab",
                Some(DecodeError::VocabNotInDialect) => "vocab-not-in-dialect",
                other => panic!("{other:?}: {vector}"),
            };
            assert_eq!(vector["error"], kind, "{vector}");
        });
    }
}

#[test]
fn what_is_too_large_is_not_encoded() {
    for vector in vectors("banana.json", "encode-error") {
        let value = &vector["value"];
        let kind = if let Some(integer) = value["i"].as_str() {
            assert_eq!(integer.parse::<Big>(), Err(ParseBigError::TooLarge), "{vector}");
            "int-too-large"
        } else {
            match encode(&sexp(value), dialect(&vector)) {
                Err(EncodeError::StringTooLong) => "string-too-long",
                Err(EncodeError::ListTooLong) => "list-too-long",
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(vector["error"], kind);
    }
}

#[test]
fn the_largest_string_passes() {
    for vector in vectors("banana.json", "roundtrip-repeat") {
        let value = sexp(&vector["value"]);
        let bytes = encode(&value, dialect(&vector)).expect("within the limit");
        assert_eq!(bytes.len() as u64, vector["length"]);
        assert!(bytes.starts_with(&hex(&vector["hex_prefix"])));
        let decoded = decode(dialect(&vector), bytes.chunks(65_536));
        assert_eq!(decoded.values, [value]);
    }
}

#[test]
fn a_long_string_shares_the_buffer_and_a_short_one_does_not() {
    let mut encoder = Encoder::new(Dialect::Pb);
    encoder.list(2).expect("short");
    encoder.string(&[b'x'; 4096]).expect("short");
    encoder.string(b"name").expect("short");
    let mut decoder = Decoder::new(Dialect::Pb);
    decoder.push(&encoder.take());
    let Some(Sexp::List(items)) = decoder.next_value().expect("sound") else { panic!("no list") };
    let [Sexp::Bytes(long), Sexp::Bytes(short)] = &items[..] else { panic!("no strings") };
    assert!(!long.is_unique(), "the decoder's buffer has the rest");
    assert!(short.is_unique(), "a kept name would keep the buffer");
}
