//! Where the master's log goes: standard error, in lines for people or for programs.

use slog::{Drain, Logger, o};
use std::io::{IsTerminal, LineWriter};
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

/// The longest line of the log that reaches the system in one piece, in bytes.
const LINE_BYTES: usize = 4096;

/// A log on standard error. Debug lines only if `BELLWETHER_DEBUG` is set.
///
/// The drains write each word by itself; where no person watches, a whole line is one write.
pub fn to_stderr(format: Format) -> Logger {
    let least =
        if std::env::var_os("BELLWETHER_DEBUG").is_some() { slog::Level::Debug } else { slog::Level::Info };
    let lines = || LineWriter::with_capacity(LINE_BYTES, std::io::stderr());
    match format {
        Format::Plain if std::io::stderr().is_terminal() => {
            plain(slog_term::TermDecorator::new().stderr().build(), least)
        }
        Format::Plain => plain(slog_term::PlainDecorator::new(lines()), least),
        Format::Json => {
            let drain = slog_json::Json::default(lines()).filter_level(least);
            Logger::root(Mutex::new(drain).fuse(), o!())
        }
    }
}

fn plain(decorator: impl slog_term::Decorator + Send + 'static, least: slog::Level) -> Logger {
    let drain = slog_term::FullFormat::new(decorator).use_utc_timestamp().build();
    Logger::root(Mutex::new(drain.filter_level(least)).fuse(), o!())
}
