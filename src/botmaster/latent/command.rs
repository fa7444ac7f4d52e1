//! `type: command`: instances by an operator's own commands, which covers every cloud that has a tool (`N-LT-16`).

use super::Order;
use super::instance::{Prospect, Refusal};
use super::thread::Means;
use crate::botmaster::limits::{INSTANCE_GRACE, INSTANCE_OUTPUT_BYTES, INSTANCE_SAID_BYTES};
use crate::config::LatentCommands;
use crate::kernel::program::{self, Bounds, CutShort, Outcome};
use std::process::{Command, Stdio};

/// The exit code for "there is no room now" (`EX_TEMPFAIL` of sysexits.h).
const NOT_NOW: i32 = 75;

/// The exit code for "this can never work" (`EX_CONFIG` of sysexits.h).
const NEVER: i32 = 78;

/// The variables by which a worker's process or container learns who it is and where its master is.
pub(super) fn introduction(worker: &str, order: &Order) -> [(&'static str, String); 5] {
    [
        ("BUILDMASTER", order.reach.0.clone()),
        ("BUILDMASTER_PORT", order.reach.1.to_string()),
        ("BUILDMASTER_PROTOCOL", "pb".to_owned()),
        ("WORKERNAME", worker.to_owned()),
        ("WORKERPASS", order.password.reveal().to_owned()),
    ]
}

/// Starts an instance.
///
/// # Errors
/// The command could not be run, or says by its exit code that nothing was started.
pub(super) fn start(commands: &LatentCommands, order: &Order, means: &Means<'_>) -> Result<(), Refusal> {
    let refuse = |prospect, why| Refusal { prospect, why };
    let mut command = command(commands, &commands.start, means)
        .ok_or_else(|| refuse(Prospect::Never, "the start command is empty".to_owned()))?;
    command.envs(introduction(&means.site.worker, order));
    let outcome = run(&mut command, means);
    let outcome = outcome.map_err(|cut| refuse(Prospect::Perhaps, format!("the start command: {cut}")))?;
    match outcome.status.code() {
        Some(0) => Ok(()),
        Some(NOT_NOW) => Err(refuse(Prospect::Later, told("there is no room now", &outcome))),
        Some(NEVER) => Err(refuse(Prospect::Never, told("it can never be started", &outcome))),
        _ => {
            let what = format!("the start command failed ({})", outcome.status);
            Err(refuse(Prospect::Perhaps, told(&what, &outcome)))
        }
    }
}

/// Looks at the instance; where there is no command for it, it is taken to be well.
///
/// # Errors
/// It is not well; with what the command printed.
pub(super) fn check(commands: &LatentCommands, means: &Means<'_>) -> Result<(), String> {
    follow(commands, &commands.check, "the instance is not well", means)
}

/// Removes the instance.
///
/// # Errors
/// That did not work.
pub(super) fn stop(commands: &LatentCommands, means: &Means<'_>) -> Result<(), String> {
    follow(commands, &commands.stop, "the stop command failed", means)
}

fn follow(
    commands: &LatentCommands,
    words: &[String],
    failed: &str,
    means: &Means<'_>,
) -> Result<(), String> {
    let Some(mut command) = command(commands, words, means) else { return Ok(()) };
    let outcome = run(&mut command, means).map_err(|cut| format!("{failed}: {cut}"))?;
    if outcome.status.success() {
        return Ok(());
    }
    Err(told(&format!("{failed} ({})", outcome.status), &outcome))
}

fn command(commands: &LatentCommands, words: &[String], means: &Means<'_>) -> Option<Command> {
    let (program, arguments) = words.split_first()?;
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null());
    command.envs(&commands.environment).env("WORKERNAME", &means.site.worker);
    Some(command)
}

fn run(command: &mut Command, means: &Means<'_>) -> Result<Outcome, CutShort> {
    let bounds = Bounds {
        time: means.time,
        grace: INSTANCE_GRACE,
        output_bytes: INSTANCE_OUTPUT_BYTES,
        complaint_bytes: INSTANCE_OUTPUT_BYTES,
    };
    program::run(command, bounds, means.world, means.stop)
}

/// What happened, and below it the last of what the command printed.
fn told(what: &str, outcome: &Outcome) -> String {
    let printed = if outcome.complaint.is_empty() { &outcome.output } else { &outcome.complaint };
    with_last_lines(what, printed)
}

/// A text, and below it the last lines of another.
pub(super) fn with_last_lines(what: &str, said: &[u8]) -> String {
    let tail = &said[said.len().saturating_sub(INSTANCE_SAID_BYTES)..];
    let tail = String::from_utf8_lossy(tail).replace('\0', "\u{fffd}");
    match tail.trim() {
        "" => what.to_owned(),
        tail => format!("{what}:\n{tail}"),
    }
}
