//! Where the master's log goes: standard error, in lines for people or for programs.

use slog::{Drain, Logger, o};
use std::sync::Mutex;

/// How a line of the log looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For people.
    #[default]
    Plain,
    /// One JSON object a line.
    Json,
}

/// A log on standard error. Debug lines only if `BELLWETHER_DEBUG` is set.
pub fn to_stderr(format: Format) -> Logger {
    let least =
        if std::env::var_os("BELLWETHER_DEBUG").is_some() { slog::Level::Debug } else { slog::Level::Info };
    match format {
        Format::Plain => {
            let decorator = slog_term::TermDecorator::new().stderr().build();
            let drain = slog_term::FullFormat::new(decorator).use_utc_timestamp().build();
            Logger::root(Mutex::new(drain.filter_level(least)).fuse(), o!())
        }
        Format::Json => {
            let drain = slog_json::Json::default(std::io::stderr()).filter_level(least);
            Logger::root(Mutex::new(drain).fuse(), o!())
        }
    }
}
