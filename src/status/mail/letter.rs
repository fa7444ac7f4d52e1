//! What letters say. Pure.

use crate::botmaster::WorkerStatus;
use crate::config::Config;
use crate::model::Wall;

/// A letter to one address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    /// The address.
    pub to: String,
    /// Its subject.
    pub subject: String,
    /// Its text.
    pub body: String,
}

/// The letters that a missing worker's configuration asks for: one for each address (`SL-03`, `SL-04`).
pub(super) fn missing(config: &Config, worker: &WorkerStatus, since: Wall) -> Vec<Letter> {
    let addresses = config.worker(&worker.name).map(|worker| worker.notify_on_missing.as_slice());
    let waiting = worker.builders.iter().map(|slot| format!("  {}\n", slot.builder)).collect::<String>();
    let builders = match waiting.as_str() {
        "" => String::new(),
        _ => format!("\nIt serves these builders:\n\n{waiting}"),
    };
    let since = time(since, config.timezone.as_deref());
    let what = match (worker.instance, worker.trouble.as_deref()) {
        (None, _) => {
            format!(
                "The worker {} is not connected to {}, and was not since {since}.",
                worker.name, config.title
            )
        }
        // It was never there, so it was not lost either (`LT-10`).
        (Some(_), why) => format!(
            "{} wanted to start the worker {} at {since} for a build, and it did not come: {}.",
            config.title,
            worker.name,
            why.unwrap_or("nobody knows why")
        ),
    };
    let letter = |to: &String| Letter {
        to: to.clone(),
        subject: format!("[{}] worker {} is missing", config.title, worker.name),
        body: format!(
            "{what}\n{builders}\nIts page: {url}workers/{path}\n",
            url = config.url,
            path = percent_encoding::utf8_percent_encode(&worker.name, percent_encoding::NON_ALPHANUMERIC),
        ),
    };
    addresses.unwrap_or_default().iter().map(letter).collect()
}

/// A moment for people, in the site's time zone.
fn time(at: Wall, zone: Option<&str>) -> String {
    let zone =
        zone.and_then(|name| jiff::tz::TimeZone::get(name).ok()).unwrap_or_else(jiff::tz::TimeZone::system);
    match jiff::Timestamp::from_microsecond(at.0) {
        Ok(time) => time.to_zoned(zone).strftime("%Y-%m-%d %H:%M:%S %Z").to_string(),
        Err(_) => "an unknown time".to_owned(),
    }
}
