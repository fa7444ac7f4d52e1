//! `bellwether explain`: why is something built, or not?

use super::socket::SocketArg;
use super::{Format, NO, UNASKED, fail};
use crate::debug::protocol::{Request, Response};
use crate::status::explain::Subject;
use clap::ValueEnum;
use std::process::ExitCode;

/// Say why something is built or is not, and what would move it on
///
/// Answers from what is recorded, so also for a change that was never built and after a restart, and from what the
/// running master does now. Exit code 1: there is no such thing.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    master: SocketArg,
    /// What is meant
    #[arg(value_enum)]
    kind: Kind,
    /// Its id or its name; of a build, BUILDER/NUMBER
    name: String,
    /// How to say it
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Kind {
    /// A change, by its id
    Change,
    /// A build request, by its id
    Request,
    /// A build, as BUILDER/NUMBER
    Build,
    /// A builder, by its name
    Builder,
    /// A worker, by its name
    Worker,
}

/// Does it.
pub fn run(args: &Args) -> ExitCode {
    let kind = match args.kind {
        Kind::Change => "change",
        Kind::Request => "request",
        Kind::Build => "build",
        Kind::Builder => "builder",
        Kind::Worker => "worker",
    };
    let subject = match Subject::parse(kind, &args.name) {
        Ok(subject) => subject,
        Err(why) => return fail(UNASKED, &why),
    };
    match args.master.ask(&Request::Explain { subject }) {
        Ok(Response::Explained(explanation)) => {
            match args.format {
                Format::Text => print!("{explanation}"),
                Format::Json => println!("{}", serde_json::json!(explanation)),
            }
            ExitCode::SUCCESS
        }
        Ok(Response::Refused { complaints }) => fail(NO, &complaints.join("\n")),
        Ok(other) => fail(UNASKED, &format!("unexpected answer: {other:?}")),
        Err(error) => fail(UNASKED, &error.to_string()),
    }
}
