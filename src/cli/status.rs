//! `bellwether status`: how is the running master?

use super::socket::SocketArg;
use super::{NO, UNASKED, fail};
use crate::debug::protocol::{Report, Request, Response};
use std::process::ExitCode;

/// Say how the running master is
///
/// Exit code 0: it runs and knows of no trouble; 1: it tells of trouble; 2: no master answers.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    master: SocketArg,
    /// As a JSON document
    #[arg(long)]
    json: bool,
}

/// Does it.
pub fn run(args: &Args) -> ExitCode {
    let report = match args.master.ask(&Request::Status) {
        Ok(Response::Status(report)) => report,
        Ok(other) => return fail(UNASKED, &format!("unexpected answer: {other:?}")),
        Err(error) => return fail(UNASKED, &error.to_string()),
    };
    if args.json {
        println!("{}", serde_json::json!(report));
    } else {
        say(&report);
    }
    if report.troubles.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(NO) }
}

fn say(report: &Report) {
    println!(
        "{} (bellwether {}, process {}, up {})",
        report.title,
        report.version,
        report.pid,
        duration(report.uptime_s)
    );
    if let Some(url) = &report.url {
        println!("pages     {url}");
    }
    println!("builders  {}", report.builders);
    println!("waiting   {}", report.waiting_requests);
    for worker in &report.workers {
        let state = match (worker.connected, worker.running_builds) {
            (false, _) => "not connected".to_owned(),
            (true, 0) => "idle".to_owned(),
            (true, builds) => format!("building {builds}"),
        };
        let told: Vec<&str> =
            std::iter::once(state.as_str()).chain(worker.remarks.iter().map(String::as_str)).collect();
        println!("worker    {}: {}", worker.name, told.join(", "));
    }
    for build in &report.running {
        println!("running   {build}");
    }
    for trouble in &report.troubles {
        println!("trouble   {trouble}");
    }
}

fn duration(seconds: u64) -> String {
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, _) => format!("{minutes} min"),
        (0, ..) => format!("{hours} h {minutes} min"),
        _ => format!("{days} d {hours} h"),
    }
}
