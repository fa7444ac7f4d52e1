//! `bellwether run`: be the master, in the foreground.

use super::{ConfigArg, NO, fail, logging};
use crate::master::{End, Master, StartError};
use std::process::ExitCode;

/// Run the master in the foreground
///
/// Signals: HUP reads the configuration again; TERM and INT stop; USR1 stops once the running builds have ended.
/// Exit code 0: stopped as told; 1: it could not start, or failed and should be started again.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    config: ConfigArg,
    /// How the log on standard error looks
    #[arg(long, value_enum, default_value_t)]
    log_format: logging::Format,
}

/// Does it.
pub fn run(args: &Args) -> ExitCode {
    let log = logging::to_stderr(args.log_format);
    match Master::start(&args.config.config, log) {
        Ok((master, _)) => match master.run() {
            End::Ordered => ExitCode::SUCCESS,
            End::Failed => ExitCode::from(NO),
        },
        Err(error) => cannot_start(&error),
    }
}

/// Says everything that stands in the way.
pub fn cannot_start(error: &StartError) -> ExitCode {
    if let StartError::Config(complaints) = error {
        for complaint in complaints {
            eprintln!("{complaint}");
        }
    }
    fail(NO, &error.to_string())
}
