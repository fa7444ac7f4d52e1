//! Any value that can be made comes back as it was, in any dialect and form, however the bytes are cut.

use crate::golden::SameNumbers;
use bellwether::pb::banana::{Decoder, Dialect, Encoder, Sexp};
use bellwether::pb::integer::Big;
use bellwether::pb::jelly::{Jelly, Writer};
use bellwether::pb::{Luid, TextForm, Value};
use proptest::collection::{btree_map, btree_set, vec};
use proptest::prelude::*;

fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::None),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::Int),
        (-300i64..300).prop_map(Value::Int),
        any::<f64>().prop_map(Value::from),
        vec(any::<u8>(), 0..20).prop_map(Value::bytes),
        any::<String>().prop_map(Value::from),
        "(list|None|reference|remote|copy|unicode|root)".prop_map(Value::bytes),
        "(list|None|reference|remote|copy|unicode|root)".prop_map(Value::from),
        (any::<bool>(), vec(0u8..128, 10..=64)).prop_filter_map("fits i64", |(negative, digits)| {
            let big = Big::from_digits(negative, &digits)?;
            big.to_i64().is_none().then_some(Value::Big(big))
        }),
        any::<[i64; 7]>().prop_map(Value::DateTime),
        any::<[i64; 3]>().prop_map(Value::TimeDelta),
        (any::<i64>(), any::<i64>())
            .prop_map(|(n, exponent)| Value::Decimal { coefficient: n.into(), exponent }),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    scalar().prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..6).prop_map(Value::List),
            vec(inner.clone(), 0..6).prop_map(Value::Tuple),
            btree_set(scalar(), 0..6).prop_map(|items| Value::Set(items.into_iter().collect())),
            btree_map(scalar(), inner, 0..6).prop_map(|pairs| Value::Dict(pairs.into_iter().collect())),
        ]
    })
}

/// Writes a value and reads it again from pieces of some length.
fn through(value: &Value, dialect: Dialect, piece: usize) -> Value {
    let mut encoder = Encoder::new(dialect);
    Writer::new(&mut encoder, &mut SameNumbers, TextForm::Text).value(value).expect("can be sent");
    let mut decoder = Decoder::new(dialect);
    let mut read = Vec::new();
    for piece in encoder.take().chunks(piece) {
        decoder.push(piece);
        read.extend(decoder.next_value().expect("sound"));
    }
    let [sexp] = &read[..] else { panic!("not one value: {read:?}") };
    Jelly::new(sexp).read(&SameNumbers).expect("a value")
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn values_come_back(value in value(), piece in 1usize..50) {
        prop_assert_eq!(&through(&value, Dialect::Pb, piece), &value);
        prop_assert_eq!(&through(&value, Dialect::None, piece), &value);
    }

    #[test]
    fn objects_change_sides(luid in any::<i64>(), key in 0..=i64::MAX as u64) {
        let there = through(&Value::tuple([Value::local(key)]), Dialect::Pb, 5);
        prop_assert_eq!(there, Value::tuple([Luid(key as i64)]));
        prop_assume!(luid >= 0);
        let back = through(&Value::Remote(Luid(luid)), Dialect::Pb, 5);
        prop_assert_eq!(back, Value::local(luid as u64));
    }

    #[test]
    fn integers_read_as_they_are_written(negative: bool, digits in vec(0u8..128, 0..=64)) {
        let big = Big::from_digits(negative, &digits).expect("at most 64 digits");
        prop_assert_eq!(big.to_string().parse::<Big>().expect("an integer"), big.clone());
        if let Some(n) = big.to_i64() {
            prop_assert_eq!(n.to_string(), big.to_string());
            prop_assert_eq!(Big::from(n), big);
        }
    }

    #[test]
    fn integers_are_ordered_as_numbers(a: i64, b: i64) {
        prop_assert_eq!(Big::from(a).cmp(&Big::from(b)), a.cmp(&b));
    }

    #[test]
    fn any_bytes_are_decoded_or_refused(bytes in vec(any::<u8>(), 0..200)) {
        let mut decoder = Decoder::new(Dialect::Pb);
        decoder.push(&bytes);
        while let Ok(Some(value)) = decoder.next_value() {
            let read = Jelly::new(&value).read(&SameNumbers);
            prop_assert!(read.is_ok() || matches!(value, Sexp::List(_)), "an atom is always a value");
        }
    }
}
