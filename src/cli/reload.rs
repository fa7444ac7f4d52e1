//! `bellwether reload`: put the changed configuration in force, or show what that would do.

use super::socket::SocketArg;
use super::{NO, UNASKED, fail};
use crate::debug::protocol::{ReloadOutcome, Request, Response};
use std::process::ExitCode;

/// Have the running master read its configuration again
///
/// All or nothing: if anything is refused, the old configuration stays in force, whole. Running builds go on.
/// Exit code 0: in force (or planned); 1: refused; 2: no master answers.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    master: SocketArg,
    /// Only show what would be stopped, reconfigured and started
    #[arg(long)]
    plan: bool,
}

/// Does it.
pub fn run(args: &Args) -> ExitCode {
    let report = match args.master.ask(&Request::Reload { plan: args.plan }) {
        Ok(Response::Reload(report)) => report,
        Ok(Response::Refused { complaints }) => return fail(NO, &complaints.join("\n")),
        Ok(other) => return fail(UNASKED, &format!("unexpected answer: {other:?}")),
        Err(error) => return fail(UNASKED, &error.to_string()),
    };
    for warning in &report.warnings {
        eprintln!("warning: {warning}");
    }
    for complaint in &report.complaints {
        eprintln!("{complaint}");
    }
    for line in &report.plan {
        println!("{line}");
    }
    match report.outcome {
        ReloadOutcome::Applied => println!("The new configuration is in force."),
        ReloadOutcome::Unchanged => println!("Nothing has changed."),
        ReloadOutcome::Planned => println!("Only planned: nothing was done."),
        ReloadOutcome::Refused => return fail(NO, "refused; the old configuration stays in force"),
    }
    ExitCode::SUCCESS
}
