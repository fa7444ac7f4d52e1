//! `steps`: what a build does, one after another.

use crate::config::{Condition, Template, duration};
use crate::model::Results;
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::Duration;

/// One step: what all kinds have in common (`ST`).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Step {
    /// Its name; the build makes equal ones unique (`BU-03`).
    pub name: Template,
    /// What it is doing, for people; `None` for the kind's own words (`SH-02`).
    pub description: Option<Template>,
    /// What it has done, for people.
    pub description_done: Option<Template>,
    /// Whether a failure ends the build, except for steps that always run.
    pub halt_on_failure: bool,
    /// Whether a failure makes the build a failure.
    pub flunk_on_failure: bool,
    /// Whether warnings make the build a failure.
    pub flunk_on_warnings: bool,
    /// Whether a failure makes the build one with warnings.
    pub warn_on_failure: bool,
    /// Whether warnings make the build one with warnings.
    pub warn_on_warnings: bool,
    /// Whether it runs even after the build was ended.
    pub always_run: bool,
    /// Whether it runs; if not, it is skipped (`ST-04`). `None`: it does.
    pub do_step_if: Option<Condition>,
    /// Whether pages leave it out once it is finished (`ST-05`). `None`: they do not.
    pub hide_step_if: Option<Condition>,
    /// What it does.
    #[serde(flatten)]
    pub kind: StepKind,
}

/// What a step does.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StepKind {
    /// Runs a program on the worker.
    Shell(Shell),
    /// Brings a git working tree to the source stamp.
    Git(Git),
    /// Sets a property.
    SetProperty(SetProperty),
}

impl StepKind {
    /// Its `type` in the file.
    pub fn type_name(&self) -> &'static str {
        match self {
            StepKind::Shell(_) => "shell",
            StepKind::Git(_) => "git",
            StepKind::SetProperty(_) => "set_property",
        }
    }
}

/// A program on the worker (`SH-01`, `RC-05`, `N-ST-01`).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Shell {
    /// What to run.
    pub command: Command,
    /// Where, below the build directory; `None` for the builder's.
    pub workdir: Option<Template>,
    /// Variables over the builder's.
    pub env: BTreeMap<String, EnvValue>,
    /// How long it may be silent; `None` for any time.
    #[serde(serialize_with = "duration::serialize_option")]
    pub timeout: Option<Duration>,
    /// How long it may take; `None` for any time.
    #[serde(serialize_with = "duration::serialize_option")]
    pub max_time: Option<Duration>,
    /// How long to wait after `TERM` before it is killed; `None` to kill at once.
    #[serde(serialize_with = "duration::serialize_option")]
    pub sigterm_time: Option<Duration>,
    /// The signal that stops it: `KILL`, `TERM`, `INT`, ...
    pub interrupt_signal: String,
    /// How many lines it may say before it is stopped; `None` for any number.
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

/// A git working tree (`SRC-10` to `SRC-15`).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Git {
    /// The repository's address, as the worker's git takes it.
    pub repository: Template,
    /// The branch, where the source stamp has none; `None` for the remote's HEAD.
    pub branch: Option<Template>,
    /// Which of the build's source stamps; empty for the only one.
    pub codebase: String,
    /// What becomes of files that an earlier build left.
    pub mode: GitMode,
    /// How many commits to fetch; `None` for all.
    pub shallow: Option<u32>,
    /// Whether submodules are brought along.
    pub submodules: bool,
    /// Whether git shows its progress.
    pub progress: bool,
    /// Whether the source stamp's branch, revision and patch are left aside (`SRC-05`).
    pub always_use_latest: bool,
    /// Whether a fetch that fails is tried once more (`SRC-13`).
    pub retry_fetch: bool,
    /// Whether a fetch that fails is followed by a fresh clone (`SRC-13`).
    pub clobber_on_failure: bool,
    /// Trying the whole step again (`SRC-02`); `None` for not.
    pub retry: Option<Retry>,
    /// Where, below the build directory; `None` for the builder's.
    pub workdir: Option<Template>,
    /// Variables over the builder's.
    pub env: BTreeMap<String, EnvValue>,
    /// How long each command may be silent; `None` for any time.
    #[serde(serialize_with = "duration::serialize_option")]
    pub timeout: Option<Duration>,
    /// Whether the log shows the environment.
    pub log_environ: bool,
}

/// What becomes of files that an earlier build left (`SRC-08`, `SRC-09`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum GitMode {
    /// They stay.
    Incremental,
    /// They go.
    Full(GitMethod),
}

/// How a full checkout is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum GitMethod {
    /// Untracked files are removed, ignored ones stay.
    Clean,
    /// Untracked and ignored files are removed.
    Fresh,
    /// Everything is removed and cloned.
    Clobber,
    /// A directory beside is updated and copied.
    Copy,
}

/// Trying again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Retry {
    /// How many more times.
    pub count: u32,
    /// How long to wait before each.
    #[serde(serialize_with = "duration::serialize")]
    pub delay: Duration,
}

/// Setting a property (`SH-11`).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SetProperty {
    /// Its name.
    pub property: Template,
    /// Where its value comes from.
    pub from: SetPropertyFrom,
}

/// Where a property's value comes from.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SetPropertyFrom {
    /// The file: any JSON; every text in it is a template whose syntax was checked.
    Value(Value),
    /// What a program says.
    Output {
        /// The program.
        shell: Box<Shell>,
        /// Whether white space around what it says is dropped.
        strip: bool,
    },
}
