//! The worker agent as a program of its own.

use bellwether::worker::WorkerCommand;
use clap::Parser;
use slog::Drain;
use std::process::ExitCode;
use std::sync::Mutex;

/// Run a Buildbot master's commands on this machine
#[derive(Debug, Parser)]
#[command(name = "bellwether-worker", version)]
struct CommandLine {
    #[command(subcommand)]
    command: WorkerCommand,
}

#[expect(clippy::print_stderr, reason = "a program says why it ends")]
fn main() -> ExitCode {
    let command = CommandLine::parse().command;
    let decorator = slog_term::TermDecorator::new().stderr().build();
    let drain = Mutex::new(slog_term::FullFormat::new(decorator).build()).fuse();
    match command.execute(slog::Logger::root(drain, slog::o!())) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bellwether-worker: {error}");
            ExitCode::FAILURE
        }
    }
}
