//! `steps`: what a build does, one after another.

mod files;
mod git;
mod hg;
mod http;
mod master_shell;
mod output;
mod patience;
mod program;
mod property;
mod sequence;
mod source;
mod svn;
mod transfer;
mod trigger;

pub use files::FileWork;
pub use git::Git;
pub use hg::{Hg, HgBranch};
pub use http::{Http, HttpBody};
pub use master_shell::MasterShell;
pub use output::{Compile, Observer, Suppression, Test};
pub use patience::{Patience, Retry};
pub use program::{Command, EnvValue, LogFile, Shell};
pub use property::{
    Extract, Output, SetProperties, SetPropertiesFromCommand, SetPropertiesFromEnv, SetProperty,
    SetPropertyFrom,
};
pub use sequence::{SequencePart, ShellSequence};
pub use source::{Checkout, SourceMethod, SourceMode};
pub use svn::{Svn, SvnDepth};
pub use transfer::{
    Compress, Content, DirectoryUpload, Download, FileUpload, MultipleFileUpload, Transfer, Upload,
};
pub use trigger::{GivenPatch, GivenStamp, Trigger, TriggerSource, Triggered};

use crate::config::{Condition, LockUse, Template};
use serde::Serialize;

/// One step: what all kinds have in common (`ST`).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Step {
    /// Its name; the build makes equal ones unique (`BU-03`).
    pub name: Template,
    /// What it is doing, for people; `None` for the kind's own words (`SH-02`).
    pub description: Option<Template>,
    /// What it has done, for people.
    pub description_done: Option<Template>,
    /// What is said after either, and after the kind's own words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description_suffix: Option<Template>,
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
    /// What to do with certain lines of its output while it runs.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub observe: Vec<Observer>,
    /// What it holds while it runs (`LK-04`).
    pub locks: Vec<LockUse>,
    /// How long it may take, and whether it is tried again.
    #[serde(flatten)]
    pub patience: Patience,
    /// What it does.
    #[serde(flatten)]
    pub kind: StepKind,
}

/// What a result means for the whole that it is part of (`ST-02`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Flags {
    /// Whether a failure ends the whole.
    pub halt_on_failure: bool,
    /// Whether a failure makes it a failure.
    pub flunk_on_failure: bool,
    /// Whether warnings make it a failure.
    pub flunk_on_warnings: bool,
    /// Whether a failure makes it one with warnings.
    pub warn_on_failure: bool,
    /// Whether warnings make it one with warnings.
    pub warn_on_warnings: bool,
}

impl Step {
    /// What its result means for the build.
    pub fn flags(&self) -> Flags {
        Flags {
            halt_on_failure: self.halt_on_failure,
            flunk_on_failure: self.flunk_on_failure,
            flunk_on_warnings: self.flunk_on_warnings,
            warn_on_failure: self.warn_on_failure,
            warn_on_warnings: self.warn_on_warnings,
        }
    }
}

/// What a step does.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StepKind {
    /// Runs a program on the worker.
    Shell(Shell),
    /// Runs a program on the worker and counts its warnings.
    Compile(Box<Compile>),
    /// Runs tests on the worker and counts them.
    Test(Box<Test>),
    /// Runs a program on the master.
    MasterShell(MasterShell),
    /// Brings a git working tree to the source stamp.
    Git(Box<Git>),
    /// Brings a Mercurial working tree to the source stamp.
    Hg(Box<Hg>),
    /// Brings a Subversion working copy to the source stamp.
    Svn(Box<Svn>),
    /// Sets a property.
    SetProperty(SetProperty),
    /// Sets several properties.
    SetProperties(SetProperties),
    /// Sets properties from what a program on the worker says.
    SetPropertiesFromCommand(Box<SetPropertiesFromCommand>),
    /// Sets properties from the worker's environment.
    SetPropertiesFromEnv(SetPropertiesFromEnv),
    /// Runs several programs on the worker, one after another.
    ShellSequence(ShellSequence),
    /// Asks a server for something.
    Http(Box<Http>),
    /// Fails unless this holds (`N-ST-05`); it knows what `do_step_if` knows.
    Assert(Condition),
    /// Shows this in a log named `output`, filled in: any JSON (`N-ST-05`).
    Log(serde_json::Value),
    /// Does something to files on the worker.
    Files(FileWork),
    /// Brings a file to the master.
    FileUpload(FileUpload),
    /// Brings a directory to the master.
    DirectoryUpload(DirectoryUpload),
    /// Brings files and directories to the master.
    MultipleFileUpload(MultipleFileUpload),
    /// Brings a file to the worker.
    Download(Download),
    /// Starts builds by other schedulers.
    Trigger(Box<Trigger>),
}

impl StepKind {
    /// Its `type` in the file.
    pub fn type_name(&self) -> &'static str {
        match self {
            StepKind::Shell(_) => "shell",
            StepKind::Compile(_) => "compile",
            StepKind::Test(_) => "test",
            StepKind::MasterShell(_) => "master_shell",
            StepKind::Git(_) => "git",
            StepKind::Hg(_) => "hg",
            StepKind::Svn(_) => "svn",
            StepKind::SetProperty(_) => "set_property",
            StepKind::SetProperties(_) => "set_properties",
            StepKind::SetPropertiesFromCommand(_) => "set_property_from_command",
            StepKind::SetPropertiesFromEnv(_) => "set_properties_from_env",
            StepKind::ShellSequence(_) => "shell_sequence",
            StepKind::Http(_) => "http",
            StepKind::Assert(_) => "assert",
            StepKind::Log(_) => "log",
            StepKind::Files(work) => match work {
                FileWork::MakeDirectory(_) => "make_directory",
                FileWork::RemoveDirectory(_) => "remove_directory",
                FileWork::CopyDirectory { .. } => "copy_directory",
                FileWork::RemoveFile(_) => "remove_file",
                FileWork::FileExists(_) => "file_exists",
            },
            StepKind::FileUpload(_) => "file_upload",
            StepKind::DirectoryUpload(_) => "directory_upload",
            StepKind::MultipleFileUpload(_) => "multiple_file_upload",
            StepKind::Trigger(_) => "trigger",
            StepKind::Download(download) => match download.content {
                Content::File(_) => "file_download",
                Content::Text(_) => "string_download",
                Content::Json(_) => "json_string_download",
                Content::Properties => "json_properties_download",
            },
        }
    }
}
