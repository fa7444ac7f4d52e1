//! `bellwether worker`: pause a worker, let it build again, or send it away.

use super::socket::SocketArg;
use super::{NO, UNASKED, fail};
use crate::botmaster::WorkerWish;
use crate::debug::protocol::{Request, Response};
use clap::ValueEnum;
use std::process::ExitCode;

/// Pause a worker of the running master, let it build again, or shut it down
///
/// A pause outlives a restart of the master. A pause and its end also end a quarantine.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    master: SocketArg,
    /// What is to become of it
    #[arg(value_enum)]
    wish: Wish,
    /// The worker
    name: String,
    /// Why, for those who wonder; only for a pause
    #[arg(long, default_value = "")]
    reason: String,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Wish {
    /// It gets no new builds
    Pause,
    /// It gets builds again
    Unpause,
    /// It ends what it builds, then it shuts down
    Shutdown,
    /// It shuts down now; what it builds is built again
    Kill,
}

/// Does it.
pub fn run(args: Args) -> ExitCode {
    let wish = match args.wish {
        Wish::Pause => WorkerWish::Pause(args.reason),
        Wish::Unpause => WorkerWish::Unpause,
        Wish::Shutdown => WorkerWish::Leave,
        Wish::Kill => WorkerWish::Kill,
    };
    match args.master.ask(&Request::Worker { name: args.name, wish }) {
        Ok(Response::Steered) => ExitCode::SUCCESS,
        Ok(Response::Refused { complaints }) => fail(NO, &complaints.join("\n")),
        Ok(other) => fail(UNASKED, &format!("unexpected answer: {other:?}")),
        Err(error) => fail(UNASKED, &error.to_string()),
    }
}
