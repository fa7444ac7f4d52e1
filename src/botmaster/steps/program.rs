//! The arguments of the worker's `shell` command (`worker-api.md` §9), for every step that runs programs.

use super::Site;
use crate::botmaster::command::Command;
use crate::botmaster::files::{Reading, Transfer};
use crate::config::{self, EnvValue, Template};
use crate::pb::Value;
use std::collections::BTreeMap;
use std::time::Duration;

/// What several programs of one step share.
#[derive(Clone, Debug)]
pub struct Surroundings {
    /// The directory, below the builder's.
    pub workdir: String,
    /// The environment.
    pub env: Value,
    /// How long a program may be silent.
    pub timeout: Option<Duration>,
    /// Whether the log shows the environment.
    pub log_environ: bool,
}

impl Surroundings {
    /// Fills them in.
    ///
    /// # Errors
    /// What cannot be filled in.
    pub fn new(
        workdir: Option<&Template>,
        env: &BTreeMap<String, EnvValue>,
        log_environ: bool,
        site: &Site<'_>,
    ) -> Result<Surroundings, String> {
        let workdir = site.scene.text(workdir.unwrap_or(&site.builder.workdir))?;
        let env = environment(&site.builder.env, env, site)?;
        Ok(Surroundings { workdir, env, timeout: site.patience.timeout, log_environ })
    }

    /// A program with these arguments.
    pub fn run(&self, command: Value) -> Command {
        Command::new(
            "shell",
            vec![
                ("command", command),
                ("workdir", Value::from(self.workdir.as_str())),
                ("env", self.env.clone()),
                ("timeout", seconds(self.timeout)),
                ("logEnviron", Value::Bool(self.log_environ)),
                ("want_stdout", Value::Bool(true)),
                ("want_stderr", Value::Bool(true)),
                ("usePTY", Value::Bool(false)),
            ],
        )
    }
}

/// Brings a file of the worker's, below the working directory, for the step to look into.
pub(super) fn fetch(workdir: &str, file: &str, reading: Reading, max_bytes: u64, site: &Site<'_>) -> Command {
    let source = if site.is_slave("uploadFile") { "slavesrc" } else { "workersrc" };
    fetch_as(source, workdir, file, reading, max_bytes)
}

/// The same, where the name of the argument for the file is known.
pub(super) fn fetch_as(
    source: &'static str,
    workdir: &str,
    file: &str,
    reading: Reading,
    max_bytes: u64,
) -> Command {
    let args = vec![
        ("workdir", Value::from(workdir)),
        (source, Value::from(file)),
        ("maxsize", Value::Int(i64::try_from(max_bytes).unwrap_or(i64::MAX))),
        ("blocksize", Value::Int(64 << 10)),
        ("keepstamp", Value::Bool(false)),
    ];
    Command { transfer: Some(Transfer::Fetch { reading, max_bytes }), ..Command::new("uploadFile", args) }
}

/// Puts an argument in the place of the one that is there, or beside the others.
pub fn set(command: &mut Command, name: &'static str, value: impl Into<Value>) {
    command.args.retain(|(there, _)| *there != name);
    command.args.push((name, value.into()));
}

/// Seconds, whole where they are; none for no limit.
pub fn seconds(duration: Option<Duration>) -> Value {
    match duration {
        None => Value::None,
        Some(duration) if duration.subsec_nanos() == 0 => {
            Value::Int(i64::try_from(duration.as_secs()).unwrap_or(i64::MAX))
        }
        Some(duration) => Value::from(duration.as_secs_f64()),
    }
}

/// A command line or its words, filled in, with the words for people (`SH-02`).
pub fn command_line(command: &config::Command, site: &Site<'_>) -> Result<(Value, String), String> {
    match command {
        config::Command::Line(line) => {
            let shown = site.scene.shown(line)?;
            let words: Vec<&str> = shown.split_whitespace().collect();
            let description = describe(&words);
            Ok((Value::from(site.scene.text(line)?), description))
        }
        config::Command::Words(words) => {
            let (words, shown): (Vec<String>, Vec<String>) = site.scene.words(words)?.into_iter().unzip();
            let shown: Vec<&str> = shown.iter().map(String::as_str).collect();
            Ok((Value::list(words.iter().map(String::as_str)), describe(&shown)))
        }
    }
}

/// The first two words of a command.
pub(super) fn describe(words: &[&str]) -> String {
    match words {
        [] => "???".to_owned(),
        [one] => format!("'{one}'"),
        [one, two] => format!("'{one} {two}'"),
        [one, two, ..] => format!("'{one} {two} ...'"),
    }
}

/// The builder's environment with the step's over it (`SH-03`).
fn environment(
    below: &BTreeMap<String, EnvValue>,
    above: &BTreeMap<String, EnvValue>,
    site: &Site<'_>,
) -> Result<Value, String> {
    let mut all = below.clone();
    all.extend(above.clone());
    let value = |value: &EnvValue| -> Result<Value, String> {
        Ok(match value {
            EnvValue::Unset => Value::None,
            EnvValue::Text(text) => Value::from(site.scene.text(text)?),
            EnvValue::Path(parts) => Value::List(
                parts.iter().map(|part| site.scene.text(part).map(Value::from)).collect::<Result<_, _>>()?,
            ),
        })
    };
    let entry = |(name, text): (&String, &EnvValue)| Ok((Value::from(name.as_str()), value(text)?));
    Ok(Value::Dict(all.iter().map(entry).collect::<Result<_, String>>()?))
}
