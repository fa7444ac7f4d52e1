//! Durations as people write them: `90s`, `10m`, `1h30m`, `400d`, or plain seconds.

use serde::Serializer;
use std::time::Duration;

/// The units, largest first, with their seconds.
const UNITS: [(&str, u64); 5] = [("w", 604_800), ("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)];

/// Reads a duration; `None` if it is not one.
pub fn parse(text: &str) -> Option<Duration> {
    let mut rest = text.trim();
    if let Some(seconds) = decimal(rest) {
        return Some(seconds);
    }
    let mut total = Duration::ZERO;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).filter(|at| *at > 0)?;
        let (count, tail) = rest.split_at(digits);
        let word = tail.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(word);
        let count: u64 = count.parse().ok()?;
        let part = match unit {
            "ms" => Duration::from_millis(count),
            unit => {
                let (_, seconds) = UNITS.iter().find(|(name, _)| *name == unit)?;
                Duration::from_secs(count.checked_mul(*seconds)?)
            }
        };
        total = total.checked_add(part)?;
        rest = tail.trim_start();
    }
    (!text.trim().is_empty()).then_some(total)
}

/// Plain seconds, perhaps with a fraction.
fn decimal(text: &str) -> Option<Duration> {
    let plain = !text.is_empty() && text.chars().all(|c| c.is_ascii_digit() || c == '.');
    Duration::try_from_secs_f64(plain.then(|| text.parse().ok())??).ok()
}

/// Writes a duration so that [`parse`] reads it back.
pub(super) fn format(duration: Duration) -> String {
    let mut seconds = duration.as_secs();
    let mut text = String::new();
    for (name, unit) in UNITS.into_iter().skip(1) {
        if seconds >= unit {
            text += &format!("{}{name}", seconds / unit);
            seconds %= unit;
        }
    }
    if duration.subsec_millis() > 0 {
        text += &format!("{}ms", duration.subsec_millis());
    }
    if text.is_empty() { "0s".to_owned() } else { text }
}

/// For serde: a duration as text.
pub(super) fn serialize<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&format(*duration))
}

/// For serde: a duration as text, or nothing.
pub(super) fn serialize_option<S: Serializer>(
    duration: &Option<Duration>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match duration {
        Some(duration) => serialize(duration, serializer),
        None => serializer.serialize_none(),
    }
}

#[cfg(test)]
mod tests {
    use super::{format, parse};
    use proptest::prelude::*;
    use std::time::Duration;

    #[test]
    fn durations_are_read_in_every_form() {
        let seconds = |text| parse(text).map(|duration| duration.as_secs_f64());
        assert_eq!(seconds("90"), Some(90.0));
        assert_eq!(seconds("1.5"), Some(1.5));
        assert_eq!(seconds("1h30m"), Some(5400.0));
        assert_eq!(seconds("1h 30m"), Some(5400.0));
        assert_eq!(seconds("2w"), Some(1_209_600.0));
        assert_eq!(seconds("250ms"), Some(0.25));
        for wrong in
            ["", "m", "10 m", "10x", "-5s", "1.5h", "1h30", "99999999999999999999s", "9999999999999999999w"]
        {
            assert_eq!(parse(wrong), None, "{wrong:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(ms in 0u64..10_000_000_000) {
            let duration = Duration::from_millis(ms);
            prop_assert_eq!(parse(&format(duration)), Some(duration));
        }
    }
}
