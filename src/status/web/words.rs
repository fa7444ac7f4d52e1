//! Times and numbers as people say them.

use crate::model::Wall;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use std::time::Duration;

fn timestamp(at: Wall) -> Timestamp {
    Timestamp::from_microsecond(at.0).unwrap_or(if at.0 < 0 { Timestamp::MIN } else { Timestamp::MAX })
}

/// `2026-11-22T19:04:39Z`.
pub(in crate::status) fn rfc3339(at: Wall) -> String {
    timestamp(at).strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// `2026-11-22 20:04:39 CET`.
pub(super) fn exact(at: Wall, zone: &TimeZone) -> String {
    timestamp(at).to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S %Z").to_string()
}

/// `3 min ago`, `in 20 s`, `5 days ago`. The script says the same of `datetime`.
pub(super) fn ago(at: Wall, now: Wall) -> String {
    if at > now {
        return match at.since(now).as_secs() {
            0..5 => "now".to_owned(),
            _ => format!("in {}", roughly(at.since(now))),
        };
    }
    match now.since(at).as_secs() {
        0..5 => "now".to_owned(),
        _ => format!("{} ago", roughly(now.since(at))),
    }
}

/// `3 min 5 s left`, `2 min late`. The script says the same.
pub(super) fn left(end: Wall, now: Wall) -> String {
    match end > now {
        true => format!("{} left", duration(Duration::from_secs(end.since(now).as_secs()))),
        false => format!("{} late", duration(Duration::from_secs(now.since(end).as_secs()))),
    }
}

/// One unit, rounded down: `3 min`, `2 h`, `5 days`.
fn roughly(duration: Duration) -> String {
    let s = duration.as_secs();
    match s {
        0..60 => format!("{s} s"),
        60..3600 => format!("{} min", s / 60),
        3600..86_400 => format!("{} h", s / 3600),
        86_400..172_800 => "1 day".to_owned(),
        172_800..5_184_000 => format!("{} days", s / 86_400),
        5_184_000..63_072_000 => format!("{} months", s / 2_592_000),
        _ => format!("{} years", s / 31_536_000),
    }
}

/// Two units: `0.3 s`, `42 s`, `3 min 5 s`, `2 h 10 min`, `4 d 3 h`.
pub(super) fn duration(duration: Duration) -> String {
    let s = duration.as_secs();
    let two = |large: u64, unit: &str, small: u64, small_unit: &str| match small {
        0 => format!("{large} {unit}"),
        small => format!("{large} {unit} {small} {small_unit}"),
    };
    match s {
        0..10 if duration.subsec_millis() >= 50 => format!("{:.1} s", duration.as_secs_f64()),
        0..60 => format!("{s} s"),
        60..3600 => two(s / 60, "min", s % 60, "s"),
        3600..86_400 => two(s / 3600, "h", s % 3600 / 60, "min"),
        _ => two(s / 86_400, "d", s % 86_400 / 3600, "h"),
    }
}

/// `12,345`.
pub(super) fn number(n: i64) -> String {
    let digits = n.unsigned_abs().to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    if n < 0 { format!("-{text}") } else { text }
}

/// `1 build`, `2 builds`.
pub(super) fn count(n: usize, what: &str) -> String {
    format!("{} {what}{}", number(i64::try_from(n).unwrap_or(i64::MAX)), if n == 1 { "" } else { "s" })
}

/// The first line of a message, cut to about `chars` characters.
pub(super) fn headline(text: &str, chars: usize) -> String {
    let line = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default().trim();
    match line.char_indices().nth(chars) {
        Some((at, _)) => format!("{}…", line[..at].trim_end()),
        None => line.to_owned(),
    }
}

/// A revision as people quote it: a long hash loses its end.
pub(super) fn revision(revision: &str) -> &str {
    let is_hash = revision.len() >= 32 && revision.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_hash { &revision[..10] } else { revision }
}

/// The name in `Name <address>`.
pub(super) fn person(author: &str) -> &str {
    match author.split_once('<') {
        Some((name, _)) if !name.trim().is_empty() => name.trim(),
        _ => author,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_said_roughly() {
        let now = Wall::from_seconds(100_000_000);
        for (before_s, said) in [
            (0, "now"),
            (4, "now"),
            (5, "5 s ago"),
            (61, "1 min ago"),
            (7199, "1 h ago"),
            (90_000, "1 day ago"),
            (86_400 * 12, "12 days ago"),
            (86_400 * 70, "2 months ago"),
            (86_400 * 800, "2 years ago"),
            (-90, "in 1 min"),
            (-2, "now"),
        ] {
            let at = Wall::from_seconds(now.seconds() - before_s);
            assert_eq!(ago(at, now), said, "{before_s}");
        }
    }

    #[test]
    fn what_is_left_is_said_until_it_is_late() {
        let now = Wall::from_seconds(1000);
        assert_eq!(left(Wall(1_185_900_000), now), "3 min 5 s left");
        assert_eq!(left(now, now), "0 s late");
        assert_eq!(left(Wall::from_seconds(880), now), "2 min late");
    }

    #[test]
    fn durations_have_two_units() {
        for (ms, said) in [
            (0, "0 s"),
            (320, "0.3 s"),
            (9_960, "10.0 s"),
            (42_900, "42 s"),
            (185_000, "3 min 5 s"),
            (180_000, "3 min"),
            (7_800_000, "2 h 10 min"),
            (356_400_000, "4 d 3 h"),
        ] {
            assert_eq!(duration(Duration::from_millis(ms)), said, "{ms}");
        }
    }

    #[test]
    fn numbers_names_and_messages() {
        assert_eq!([number(7), number(1234), number(-1_234_567)], ["7", "1,234", "-1,234,567"]);
        assert_eq!(count(1, "build"), "1 build");
        assert_eq!(headline("\n  Fix the ünïcode  \nbody", 12), "Fix the ünïc…");
        assert_eq!(revision("0123456789abcdef0123456789abcdef01234567"), "0123456789");
        assert_eq!(revision("r1234"), "r1234");
        assert_eq!([person("Ann B <a@b>"), person("<a@b>"), person("a@b")], ["Ann B", "<a@b>", "a@b"]);
    }
}
