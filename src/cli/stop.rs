//! `bellwether stop`: end the running master.

use super::socket::SocketArg;
use super::{NO, UNASKED, fail};
use crate::debug::protocol::{Request, Response};
use std::process::ExitCode;

/// Stop the running master
///
/// Builds that run are interrupted and start again with the next master, unless `--clean`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    master: SocketArg,
    /// Start no more builds, and stop once the running ones have ended
    #[arg(long)]
    clean: bool,
}

/// Does it.
pub fn run(args: &Args) -> ExitCode {
    match args.master.ask(&Request::Stop { clean: args.clean }) {
        Ok(Response::Stopping { message }) => {
            println!("{message}");
            ExitCode::SUCCESS
        }
        Ok(Response::Refused { complaints }) => fail(NO, &complaints.join("\n")),
        Ok(other) => fail(UNASKED, &format!("unexpected answer: {other:?}")),
        Err(error) => fail(UNASKED, &error.to_string()),
    }
}
