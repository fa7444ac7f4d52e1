//! Times of a calendar, as `cron` writes them, and when the next one is: local time, with the days on which clocks
//! are changed (`SC-12`, `traps.md` 8). Pure: the time is told.

use crate::model::Wall;
use cronexpr::{Crontab, MakeTimestamp};
use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{Span, Timestamp};
use serde::{Serialize, Serializer};
use std::fmt;

/// How far a change of the clocks can move a time, in hours.
const SHIFT_HOURS: i64 = 3;

/// How many times of a calendar are looked for in another one.
const TIMES_COMPARED: u32 = 400;

/// Minute, hour, day of the month, month and day of the week, in the syntax of `cron`.
#[derive(Clone)]
pub struct Calendar {
    source: String,
    /// In UTC, whose clocks are never changed: it stands for whatever the local clock shows.
    crontab: Crontab,
}

impl Calendar {
    /// Reads it.
    ///
    /// # Errors
    /// What is wrong with it, in one line: its syntax, or that there is no such day.
    pub fn new(source: &str) -> Result<Calendar, String> {
        let fields: Vec<&str> = source.split_whitespace().collect();
        if fields.len() != 5 {
            return Err(format!("it has {} fields, not five", fields.len()));
        }
        let crontab = cronexpr::parse_crontab(&format!("{} UTC", fields.join(" ")));
        let crontab = crontab.map_err(|error| {
            let told = error.to_string();
            told.lines().last().unwrap_or_default().trim_matches([' ', '^', ':']).to_owned()
        })?;
        let calendar = Calendar { source: fields.join(" "), crontab };
        calendar
            .next(Wall::default(), &TimeZone::UTC)
            .map(|_| calendar)
            .ok_or_else(|| "there is no such day".into())
    }

    /// The first of its times after a moment. Where the hour is `*`, it is a time of the real hours: none in an hour
    /// that is skipped, two in one that comes twice. Otherwise it comes once on each day: in a skipped hour, as much
    /// later as the clocks were put forward; in one that comes twice, the first time.
    pub fn next(&self, after: Wall, zone: &TimeZone) -> Option<Wall> {
        let after = Timestamp::from_microsecond(after.0).ok()?;
        let shift = Span::new().hours(SHIFT_HOURS);
        let mut shown = zone.to_datetime(after).checked_sub(shift).ok()?;
        let mut best: Option<(Timestamp, DateTime)> = None;
        loop {
            shown = self.next_shown(shown)?;
            if let Some((best, until)) = best
                && shown > until
            {
                return Some(Wall(best.as_microsecond()));
            }
            for moment in self.moments(shown, zone).into_iter().flatten().filter(|moment| *moment > after) {
                if best.is_none_or(|(best, _)| moment < best) {
                    best = Some((moment, shown.checked_add(shift).ok()?));
                }
            }
        }
    }

    /// Whether each of its times is one of these too, as far as a year's worth of its times shows.
    pub fn is_part_of(&self, whole: &Calendar) -> bool {
        let mut at = Wall::default();
        for _ in 0..TIMES_COMPARED {
            let before = at;
            let Some(next) = self.next(before, &TimeZone::UTC) else { return true };
            let just_before = Wall(next.0 - 1);
            if whole.next(just_before, &TimeZone::UTC) != Some(next) {
                return false;
            }
            at = next;
        }
        true
    }

    /// The next time after `shown` by a clock that nobody changes.
    fn next_shown(&self, shown: DateTime) -> Option<DateTime> {
        let shown = TimeZone::UTC.to_timestamp(shown).ok()?;
        Some(self.crontab.find_next(MakeTimestamp(shown)).ok()?.datetime())
    }

    /// When clocks show this, as far as it counts.
    fn moments(&self, shown: DateTime, zone: &TimeZone) -> [Option<Timestamp>; 2] {
        let each_hour = self.source.split(' ').nth(1).is_some_and(|hour| hour.starts_with('*'));
        let ambiguous = zone.to_ambiguous_timestamp(shown);
        match ambiguous.offset() {
            AmbiguousOffset::Unambiguous { .. } => [ambiguous.unambiguous().ok(), None],
            AmbiguousOffset::Gap { .. } if each_hour => [None, None],
            AmbiguousOffset::Fold { .. } if each_hour => [ambiguous.earlier().ok(), ambiguous.later().ok()],
            AmbiguousOffset::Gap { .. } | AmbiguousOffset::Fold { .. } => [ambiguous.compatible().ok(), None],
        }
    }
}

impl PartialEq for Calendar {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source
    }
}

impl fmt::Debug for Calendar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.source, f)
    }
}

impl fmt::Display for Calendar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.source)
    }
}

impl Serialize for Calendar {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.source)
    }
}

#[cfg(test)]
mod tests {
    use super::{Calendar, Wall};
    use jiff::Timestamp;
    use jiff::tz::TimeZone;

    /// The next `count` times in Berlin after a moment, as clocks there show them.
    fn times(source: &str, after: &str, count: usize) -> Vec<String> {
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        let calendar = Calendar::new(source).unwrap();
        let mut at = Wall(after.parse::<Timestamp>().unwrap().as_microsecond());
        let mut next = || {
            at = calendar.next(at, &zone).unwrap();
            let shown = Timestamp::from_microsecond(at.0).unwrap().to_zoned(zone.clone());
            shown.strftime("%a %d %b %H:%M %Z").to_string()
        };
        (0..count).map(|_| next()).collect()
    }

    #[test]
    fn days_of_the_month_and_of_the_week_are_one_or_the_other() {
        assert_eq!(
            times("0 3 1 * mon", "2026-01-28T00:00:00Z", 3),
            ["Sun 01 Feb 03:00 CET", "Mon 02 Feb 03:00 CET", "Mon 09 Feb 03:00 CET"]
        );
        assert_eq!(times("30 22 L feb *", "2027-12-01T00:00:00Z", 1), ["Tue 29 Feb 22:30 CET"]);
        assert_eq!(
            times("0,30 4-5 * * mon-fri", "2026-01-02T03:40:00Z", 3),
            ["Fri 02 Jan 05:00 CET", "Fri 02 Jan 05:30 CET", "Mon 05 Jan 04:00 CET"]
        );
    }

    #[test]
    fn a_time_is_strictly_after() {
        assert_eq!(times("0 3 * * *", "2026-01-01T02:00:00Z", 1), ["Fri 02 Jan 03:00 CET"]);
        assert_eq!(times("0 3 * * *", "2026-01-01T01:59:59Z", 1), ["Thu 01 Jan 03:00 CET"]);
    }

    #[test]
    fn a_skipped_hour_does_not_skip_the_day() {
        assert_eq!(
            times("30 2 * * *", "2026-03-28T00:00:00Z", 3),
            ["Sat 28 Mar 02:30 CET", "Sun 29 Mar 03:30 CEST", "Mon 30 Mar 02:30 CEST"]
        );
        // Two times that become one are one.
        assert_eq!(
            times("30 2,3 * * *", "2026-03-29T00:00:00Z", 2),
            ["Sun 29 Mar 03:30 CEST", "Mon 30 Mar 02:30 CEST"]
        );
    }

    #[test]
    fn an_hour_that_comes_twice_builds_once() {
        assert_eq!(
            times("30 2 * * *", "2026-10-24T12:00:00Z", 2),
            ["Sun 25 Oct 02:30 CEST", "Mon 26 Oct 02:30 CET"]
        );
        // Also for a master that looks between the two.
        assert_eq!(times("30 2 * * *", "2026-10-25T01:00:00Z", 1), ["Mon 26 Oct 02:30 CET"]);
    }

    #[test]
    fn every_hour_is_every_real_hour() {
        assert_eq!(
            times("30 * * * *", "2026-10-24T23:00:00Z", 4),
            [
                "Sun 25 Oct 01:30 CEST",
                "Sun 25 Oct 02:30 CEST",
                "Sun 25 Oct 02:30 CET",
                "Sun 25 Oct 03:30 CET"
            ]
        );
        assert_eq!(
            times("30 * * * *", "2026-03-29T00:00:00Z", 3),
            ["Sun 29 Mar 01:30 CET", "Sun 29 Mar 03:30 CEST", "Sun 29 Mar 04:30 CEST"]
        );
        assert_eq!(
            times("*/30 * * * *", "2026-10-25T00:30:00Z", 4),
            ["Sun 25 Oct 02:00 CET", "Sun 25 Oct 02:30 CET", "Sun 25 Oct 03:00 CET", "Sun 25 Oct 03:30 CET"]
        );
    }

    #[test]
    fn what_is_wrong_is_told() {
        assert_eq!(Calendar::new("0 3 * *").unwrap_err(), "it has 4 fields, not five");
        assert_eq!(Calendar::new("0 3 30 feb *").unwrap_err(), "there is no such day");
        assert!(Calendar::new("60 3 * * *").is_err());
        assert!(Calendar::new("0 3 * * 8").is_err());
    }
}
