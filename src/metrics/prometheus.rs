//! All figures as text in Prometheus' exposition format, version 0.0.4.

use super::Snapshot;
use std::fmt::Write;

/// What the `Content-Type` of the text is.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Writes all figures. Counters get `_total`; timers become summaries in seconds.
pub fn text(snapshot: &Snapshot) -> String {
    let mut text = String::new();
    for (name, value) in &snapshot.counters {
        family(&mut text, &format!("{name}_total"), "counter", &[("", value.to_string())]);
    }
    for (name, value) in &snapshot.gauges {
        family(&mut text, name, "gauge", &[("", value.to_string())]);
    }
    for (name, timing) in &snapshot.timers {
        let samples =
            [("_sum", timing.total.as_secs_f64().to_string()), ("_count", timing.count.to_string())];
        family(&mut text, &format!("{name}_seconds"), "summary", &samples);
    }
    text
}

/// One family: its type, then its samples, each with its suffix. Writing to a text cannot fail.
fn family(text: &mut String, name: &str, kind: &str, samples: &[(&str, String)]) {
    let allowed = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
    let name: String = name.chars().map(allowed).collect();
    let _ = writeln!(text, "# TYPE bellwether_{name} {kind}");
    for (suffix, value) in samples {
        let _ = writeln!(text, "bellwether_{name}{suffix} {value}");
    }
}
