//! Schedulers that ask when their time has come.

use super::ChangeDriven;
use crate::config::{Calendar, duration};
use crate::model::Wall;
use jiff::tz::TimeZone;
use serde::Serialize;
use std::time::Duration;

/// What schedulers that ask by the clock have in common (`SC-10` to `SC-15`).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Timed {
    /// When.
    pub times: Times,
    /// The branch whose newest revision is built; `None` for each codebase's own.
    pub branch: Option<String>,
    /// Whether it asks only if an important change has come since it asked last; then the build has all changes since.
    pub only_if_changed: bool,
    /// Times at which it asks even if nothing has changed; they are among the others (`N-SC-08`).
    pub force_at: Option<Times>,
    /// Which changes count, and which of them are important, if `only_if_changed`.
    #[serde(flatten)]
    pub changes: ChangeDriven,
}

/// The times of a scheduler.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Times {
    /// Always so long after the last time; the first time at once.
    Every(#[serde(serialize_with = "duration::serialize")] Duration),
    /// At times of the calendar.
    At {
        /// Which.
        calendar: Calendar,
        /// Where clocks show them; `None` for the zone of the site.
        timezone: Option<String>,
    },
}

impl Times {
    /// The time after `since`, which is when it was last so far, or when the scheduler came to be.
    /// `site` is the time zone of the site; the check of the configuration knows every zone that it lets through.
    pub fn next(&self, since: Wall, site: Option<&str>) -> Option<Wall> {
        match self {
            Times::Every(period) => Some(since + *period),
            Times::At { calendar, timezone } => {
                let zone = timezone.as_deref().or(site).and_then(|name| TimeZone::get(name).ok());
                calendar.next(since, &zone.unwrap_or_else(TimeZone::system))
            }
        }
    }
}
