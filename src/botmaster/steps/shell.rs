//! `shell`: a program on the worker (`SH-01`, `ST-15`, `ST-17`).

use super::program::{Surroundings, command_line, seconds, set};
use super::{End, Next, Site};
use crate::botmaster::command::{Command, Outcome};
use crate::config;
use crate::model::Results;
use crate::pb::Value;
use std::collections::BTreeMap;

/// A program at work.
#[derive(Debug)]
pub struct Shell {
    description: String,
    files: Vec<String>,
    decode_rc: BTreeMap<i32, Results>,
}

impl Shell {
    /// Begins.
    pub(super) fn begin(config: &config::Shell, site: &Site<'_>) -> Result<(Shell, Next), String> {
        let (command, description) = command(config, site)?;
        let files = eager_files(config);
        Ok((Shell { description, files, decode_rc: config.decode_rc.clone() }, Next::Run(command)))
    }

    pub(super) fn go_on(&mut self, outcome: &Outcome) -> Next {
        Next::Done(evaluate(&self.decode_rc, outcome))
    }

    pub(super) fn description(&self) -> &str {
        &self.description
    }

    pub(super) fn files(&self) -> &[String] {
        &self.files
    }
}

/// The logs of files that are there from the first moment.
pub(super) fn eager_files(config: &config::Shell) -> Vec<String> {
    match config.lazy_log_files {
        true => Vec::new(),
        false => config.log_files.keys().cloned().collect(),
    }
}

/// The worker's command, and its words for people.
pub(super) fn command(config: &config::Shell, site: &Site<'_>) -> Result<(Command, String), String> {
    let around = Surroundings::new(config.workdir.as_ref(), &config.env, config.log_environ, site)?;
    let (line, description) = command_line(&config.command, site)?;
    let mut command = around.run(line);
    set(&mut command, "want_stdout", config.want_stdout);
    set(&mut command, "want_stderr", config.want_stderr);
    set(&mut command, "usePTY", config.use_pty);
    set(&mut command, "maxTime", seconds(site.patience.max_time));
    set(&mut command, "interruptSignal", config.interrupt_signal.as_str());
    let lines = config.max_lines.map(|lines| Value::Int(i64::try_from(lines).unwrap_or(i64::MAX)));
    let time = config.sigterm_time.map(|time| seconds(Some(time)));
    command.grace = config.sigterm_time.unwrap_or_default();
    for (key, since, name, value) in
        [("max_lines", "3.3", "max_lines", lines), ("sigterm_time", "2.16", "sigtermTime", time)]
    {
        match value {
            Some(value) if site.abilities.may_know("shell", since) => set(&mut command, name, value),
            // It would not say that it does not know it.
            Some(_) => command.notes += &format!("the worker is too old for {key}: it has no effect\n"),
            None => {}
        }
    }
    if let Some(stdin) = &config.initial_stdin {
        set(&mut command, "initial_stdin", site.scene.text(stdin)?);
    }
    let file = |(name, file): (&String, &config::LogFile)| {
        let path = site.scene.text(&file.filename)?;
        let follow = Value::dict([("filename", Value::from(path)), ("follow", Value::Bool(file.follow))]);
        Ok((Value::from(name.as_str()), follow))
    };
    let files = config.log_files.iter().map(file).collect::<Result<_, String>>()?;
    set(&mut command, "logfiles", Value::Dict(files));
    Ok((command, description))
}

/// The result of a program that has ended.
pub(super) fn evaluate(decode_rc: &BTreeMap<i32, Results>, outcome: &Outcome) -> End {
    let Some(rc) = outcome.rc else {
        return End::exception("the worker did not tell the program's exit code\n");
    };
    let detail = match outcome.failure_reason.as_deref() {
        None => Some(rc.to_string()),
        Some("timeout") => Some("timed out".to_owned()),
        Some("timeout_without_output") => Some("timed out without output".to_owned()),
        Some("max_lines_failure") => Some("too many lines".to_owned()),
        Some(other) => Some(other.to_owned()),
    };
    let decoded = i32::try_from(rc).ok().and_then(|rc| decode_rc.get(&rc)).copied();
    let results = match &outcome.failure_reason {
        None => decoded.unwrap_or(Results::Failure),
        Some(_) => Results::Failure,
    };
    End { detail: detail.filter(|_| results != Results::Success), ..End::plain(results) }
}
