//! `bellwether check`: is the configuration right?

use super::{ConfigArg, Format, NO};
use crate::config::{self, Complaint};
use std::io::IsTerminal;
use std::process::ExitCode;

/// Check the configuration and say everything that is wrong with it
///
/// Contacts nobody and changes nothing. Exit code 0: it can be loaded; 1: it has faults.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    config: ConfigArg,
    /// How to say it
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Does it.
pub fn run(args: &Args) -> ExitCode {
    let outcome = config::load(&args.config.config);
    let (config, faults, warnings) = match outcome {
        Ok(loaded) => (Some(loaded.config), Vec::new(), loaded.warnings),
        Err(faults) => (None, faults, Vec::new()),
    };
    match args.format {
        Format::Json => {
            println!(
                "{}",
                serde_json::json!({ "ok": faults.is_empty(), "faults": faults, "warnings": warnings })
            );
        }
        Format::Text => {
            say("warning: ", &warnings);
            say("", &faults);
            match &config {
                Some(config) => println!(
                    "{}: {}, {}, {}, {}",
                    args.config.config.display(),
                    counted(config.workers.len(), "worker"),
                    counted(config.builders.len(), "builder"),
                    counted(config.schedulers.len(), "scheduler"),
                    counted(config.change_sources.len(), "change source"),
                ),
                None => eprintln!("bellwether: {}", counted(faults.len(), "fault")),
            }
        }
    }
    if faults.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(NO) }
}

fn say(prefix: &str, complaints: &[Complaint]) {
    let on_terminal = std::io::stderr().is_terminal();
    for complaint in complaints {
        let text = if on_terminal { complaint.with_source_line() } else { complaint.to_string() };
        eprintln!("{prefix}{text}");
    }
}

fn counted(count: usize, word: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {word}{plural}")
}
