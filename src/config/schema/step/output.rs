//! What is read out of a program's output: warnings, test results, lines that mean something.

use super::Shell;
use crate::config::{Pattern, Search, Template};
use crate::model::Results;
use serde::Serialize;

/// A program whose warnings are counted (`SH-05` to `SH-07`). Any warning makes the step one with warnings.
///
/// The property `warnings-count` is their number in the whole build, and the log `warnings (N)` shows them.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Compile {
    /// The program; `make all` if nothing else is said.
    #[serde(flatten)]
    pub shell: Shell,
    /// What a line with a warning begins with: `.*warning[: ].*` if nothing else is said.
    pub warning_pattern: Pattern,
    /// Takes a warning apart for the suppressions: groups named `file`, `line` and `text`. Without it, the whole
    /// line is the text.
    pub warning_extractor: Option<Pattern>,
    /// A line that says that a directory is entered, whose name is the first group: those of GNU make.
    pub directory_enter_pattern: Pattern,
    /// A line that says that the directory is left again: those of GNU make.
    pub directory_leave_pattern: Pattern,
    /// A file on the worker, below the working directory, with a suppression in each line:
    /// `FILE-PATTERN : TEXT-PATTERN [: LINE or FIRST-LAST]`; empty lines and those with `#` say nothing.
    pub suppression_file: Option<Template>,
    /// Warnings that do not count.
    pub suppression_list: Vec<Suppression>,
    /// How many warnings there may be; more is a failure. `None` for any number.
    pub max_warn_count: Option<u64>,
}

/// Warnings that do not count: those to which all that is said here applies (`SH-06`).
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Suppression {
    /// Found in the name of their file.
    pub file: Option<Search>,
    /// Found in their text.
    pub text: Option<Search>,
    /// The first and the last line that they are about.
    pub lines: Option<(u64, u64)>,
}

/// A program that runs tests (`SH-08`). A failed test makes the step a failure, even if the program says nothing of
/// it by its exit code.
///
/// The properties `tests-total`, `tests-failed`, `tests-skipped`, `tests-passed` and `tests-warnings` count those of
/// the whole build, and the log `problems` names those that failed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Test {
    /// The program; `make test` if nothing else is said.
    #[serde(flatten)]
    pub shell: Shell,
    /// Files in the form of JUnit that the program writes, below the working directory; also patterns of names.
    pub junit: Vec<Template>,
    /// Found in a line of the output, it counts tests: by the numbers in groups named `total`, `passed`, `failed`,
    /// `skipped` and `warnings`.
    pub test_patterns: Vec<Search>,
}

/// What to do with certain lines of a step's output, while it runs (`N-ST-12`).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Observer {
    /// Found in a line of the main log, or of another.
    pub pattern: Search,
    /// The log of a followed file to look at; `None` for the main one.
    pub log: Option<String>,
    /// The property that is set to the group named `value`, else to the first group, else to all that was found;
    /// the last line wins.
    pub property: Option<String>,
    /// The property that is set to the number of such lines.
    pub count: Option<String>,
    /// What the step says that it is doing: a text in which `$1` or `${name}` is a group.
    pub state: Option<String>,
    /// The step ends no better than so.
    pub result: Option<Results>,
}
