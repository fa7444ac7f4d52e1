//! The command line, one file per command.
//!
//! Exit codes: 0 done; 1 the answer is no (a configuration with faults, a refused reload, a failed build);
//! 2 the question could not be asked (unknown option, no master at the socket).

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "commands speak on the standard streams")]

mod check;
mod explain;
mod force;
mod init;
mod logging;
mod options;
mod pb_client;
mod quickstart;
mod reload;
mod run;
mod sendchange;
mod simulate;
mod socket;
mod status;
mod stop;
mod try_job;
mod tryserver;
mod user;
mod worker;

use crate::worker::RunArgs;
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;
use std::process::ExitCode;

/// The answer is no.
const NO: u8 = 1;
/// The question could not be asked.
const UNASKED: u8 = 2;

/// A continuous-integration master that Buildbot workers and tools talk to unchanged
#[derive(Debug, Parser)]
#[command(name = "bellwether", version)]
struct CommandLine {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Run(run::Args),
    Check(check::Args),
    Reload(reload::Args),
    Stop(stop::Args),
    Status(status::Args),
    Explain(explain::Args),
    Init(init::Args),
    Simulate(simulate::Args),
    Sendchange(sendchange::Args),
    Force(force::Args),
    Try(Box<try_job::Args>),
    Tryserver(tryserver::Args),
    User(user::Args),
    Worker(worker::Args),
    Quickstart(quickstart::Args),
    /// Be the worker agent: how the master runs a worker of type `local`
    #[command(hide = true)]
    Agent(Box<RunArgs>),
}

/// Where the configuration is.
#[derive(Clone, Debug, clap::Args)]
struct ConfigArg {
    /// The configuration file; `conf.d/*.yaml` beside it is read too
    #[arg(
        short,
        long,
        value_name = "FILE",
        env = "BELLWETHER_CONFIG",
        default_value = "/etc/bellwether/master.yaml"
    )]
    config: PathBuf,
}

/// How an answer is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    #[default]
    Text,
    /// As a JSON document
    Json,
}

/// Runs the command that the arguments name; what it says goes to the standard streams.
pub fn main() -> ExitCode {
    let command = match options::with_own(CommandLine::command()) {
        Ok(command) => command,
        Err(why) => return fail(UNASKED, &why),
    };
    let parsed = CommandLine::from_arg_matches(&command.get_matches());
    match parsed.unwrap_or_else(|error| error.exit()).command {
        Command::Run(args) => run::run(&args),
        Command::Check(args) => check::run(&args),
        Command::Reload(args) => reload::run(&args),
        Command::Stop(args) => stop::run(&args),
        Command::Status(args) => status::run(&args),
        Command::Explain(args) => explain::run(&args),
        Command::Init(args) => init::run(&args),
        Command::Simulate(args) => simulate::run(&args),
        Command::Sendchange(args) => sendchange::run(args),
        Command::Force(args) => force::run(args),
        Command::Try(args) => try_job::run(&args),
        Command::Tryserver(args) => tryserver::run(&args),
        Command::User(args) => user::run(&args),
        Command::Worker(args) => worker::run(args),
        Command::Quickstart(args) => quickstart::run(&args),
        Command::Agent(args) => agent(args),
    }
}

fn agent(args: Box<RunArgs>) -> ExitCode {
    let log = logging::to_stderr(logging::Format::Plain);
    let outcome = args.options(log).and_then(crate::worker::run);
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(NO, &error.to_string()),
    }
}

/// Says on standard error why it did not go well.
fn fail(code: u8, why: &str) -> ExitCode {
    eprintln!("bellwether: {why}");
    ExitCode::from(code)
}
