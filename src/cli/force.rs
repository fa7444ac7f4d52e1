//! `bellwether force`: ask for a build by hand.

use super::socket::SocketArg;
use super::{NO, UNASKED, fail};
use crate::debug::protocol::{self, Request, Response};
use std::process::ExitCode;

/// Start builds by a force scheduler of the running master
///
/// Answered once the request is stored: it will be built, whatever happens to the master.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    master: SocketArg,
    /// The builders; all of the scheduler's if none is named
    builders: Vec<String>,
    /// The force scheduler; may be left out where there is only one
    #[arg(long, value_name = "NAME", default_value = "")]
    scheduler: String,
    /// The branch
    #[arg(long)]
    branch: Option<String>,
    /// The revision
    #[arg(long)]
    revision: Option<String>,
    /// Why
    #[arg(long)]
    reason: Option<String>,
    /// Who asks
    #[arg(long, env = "USER", default_value = "")]
    owner: String,
    /// A parameter of the scheduler; `NAME=@FILE` takes what the file holds, `NAME=@@TEXT` a text that begins with `@`
    #[arg(short, long = "parameter", visible_alias = "param", value_name = "NAME=VALUE", value_parser = name_and_value)]
    parameters: Vec<(String, String)>,
}

fn name_and_value(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("it takes NAME=VALUE")?;
    let value = match value.strip_prefix('@') {
        None => value.to_owned(),
        Some(text) if text.starts_with('@') => text.to_owned(),
        Some(path) => std::fs::read_to_string(path).map_err(|error| format!("{path}: {error}"))?,
    };
    Ok((name.to_owned(), value))
}

/// Does it.
pub fn run(args: Args) -> ExitCode {
    let force = protocol::Force {
        scheduler: args.scheduler,
        builders: args.builders,
        owner: args.owner,
        reason: args.reason,
        branch: args.branch,
        revision: args.revision,
        parameters: args.parameters.into_iter().collect(),
    };
    match args.master.ask(&Request::Force(force)) {
        Ok(Response::Forced { buildset, requests }) => {
            println!("buildset {buildset}");
            for (builder, request) in requests {
                println!("request {request} for {builder}");
            }
            ExitCode::SUCCESS
        }
        Ok(Response::Refused { complaints }) => fail(NO, &complaints.join("\n")),
        Ok(other) => fail(UNASKED, &format!("unexpected answer: {other:?}")),
        Err(error) => fail(UNASKED, &error.to_string()),
    }
}
