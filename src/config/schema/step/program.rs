//! Programs on the worker, and what is around them.

use crate::config::{Template, duration};
use crate::model::Results;
use serde::Serialize;
use std::collections::BTreeMap;
use std::time::Duration;

/// A program on the worker (`SH-01`, `RC-05`, `N-ST-01`).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Shell {
    /// What to run.
    pub command: Command,
    /// Where, below the build directory; `None` for the builder's.
    pub workdir: Option<Template>,
    /// Variables over the builder's.
    pub env: BTreeMap<String, EnvValue>,
    /// How long to wait after `TERM` before it is killed; `None` to kill at once. Workers know it since 0.8.9.
    #[serde(serialize_with = "duration::serialize_option")]
    pub sigterm_time: Option<Duration>,
    /// The signal that stops it: `KILL`, `TERM`, `INT`, ...
    pub interrupt_signal: String,
    /// How many lines it may say before it is stopped; `None` for any number. Workers know it since 4.1.
    pub max_lines: Option<u64>,
    /// Whether it gets a pseudo-terminal.
    pub use_pty: bool,
    /// What it reads on its standard input; `None` for nothing.
    pub initial_stdin: Option<Template>,
    /// Whether its standard output is sent.
    pub want_stdout: bool,
    /// Whether its standard error is sent.
    pub want_stderr: bool,
    /// Whether the log shows the environment.
    pub log_environ: bool,
    /// Files to follow as logs, by the log's name (`ST-15`).
    pub log_files: BTreeMap<String, LogFile>,
    /// Whether logs of files are made only when something comes.
    pub lazy_log_files: bool,
    /// What its exit codes mean; one that is not here is a failure (`ST-17`).
    pub decode_rc: BTreeMap<i32, Results>,
}

/// What to run.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Command {
    /// A line for the worker's shell.
    Line(Template),
    /// A program and its arguments.
    Words(Vec<Template>),
}

/// The value of one environment variable (`SH-03`).
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum EnvValue {
    /// The variable is taken away.
    Unset,
    /// Its value; the worker expands `${VAR}` in it.
    Text(Template),
    /// Its parts, which the worker joins with its own path separator.
    Path(Vec<Template>),
}

/// A file on the worker that is a log.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LogFile {
    /// Its path below the step's directory.
    pub filename: Template,
    /// Whether what stood in it before the step began is left out.
    pub follow: bool,
}
