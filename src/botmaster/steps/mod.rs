//! What each kind of step does: machines that say which command comes next, and how the step ends.

mod compile;
mod download;
mod extract;
mod files;
mod http;
mod lines;
mod master_shell;
mod program;
mod sequence;
mod set_property;
mod shell;
mod source;
mod test;
mod trigger;
mod upload;

pub use lines::LineCutter;

use super::command::{Command, Outcome};
use super::http::Request;
use super::programs::Program;
use super::render::{Moment, Scene, ask};
use crate::config::{Builder, Patience, StepKind, Template};
use crate::db::buildsets::{Added, Completed};
use crate::model::{ChangeId, Channel, Link, Properties, Results};
use crate::schedulers::{self, TriggerError};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What a worker can do, as far as a step has to know.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Abilities(pub BTreeMap<String, String>);

impl Abilities {
    /// Whether it knows this command. One that did not tell its commands is believed to know all.
    pub fn has(&self, command: &str) -> bool {
        self.0.is_empty() || self.0.contains_key(command)
    }

    /// The same of this version of the command, or a newer one.
    pub fn may_know(&self, command: &str, wanted: &str) -> bool {
        self.0.is_empty() || self.has_version(command, wanted)
    }

    /// Whether its version of this command is `wanted` or newer.
    pub fn has_version(&self, command: &str, wanted: &str) -> bool {
        let numbers = |version: &str| -> Vec<u64> {
            version.split('.').map(|part| part.parse().unwrap_or(0)).collect()
        };
        self.0.get(command).is_some_and(|version| numbers(version) >= numbers(wanted))
    }
}

/// What a step has around it.
pub struct Site<'a> {
    /// What can be filled into templates.
    pub scene: &'a Scene<'a>,
    /// What conditions know.
    pub moment: Moment<'a>,
    /// The builder.
    pub builder: &'a Builder,
    /// How long the step may take.
    pub patience: &'a Patience,
    /// What the worker can do.
    pub abilities: &'a Abilities,
    /// The worker's environment.
    pub environ: &'a BTreeMap<String, String>,
    /// Where the master keeps files that are not placed elsewhere.
    pub base_dir: &'a Path,
    /// The changes that it builds.
    pub changes: &'a [ChangeId],
}

impl Site<'_> {
    /// The directory of a step that may name its own.
    fn workdir(&self, own: Option<&Template>) -> Result<String, String> {
        self.scene.text(own.unwrap_or(&self.builder.workdir))
    }

    /// Whether the arguments of this command have the names that they had before version 3.0.
    fn is_slave(&self, command: &str) -> bool {
        self.abilities.0.contains_key(command) && !self.abilities.has_version(command, "3.0")
    }
}

/// What a step does next.
#[derive(Clone, Debug, PartialEq)]
pub enum Next {
    /// Run this command; [`Machine::go_on`] gets what it came to.
    Run(Command),
    /// See whether this file of the master's can be sent; [`Machine::looked`] gets the answer.
    Look(PathBuf),
    /// Run this program on the master; [`Machine::exited`] gets its end.
    Program(Program),
    /// Trigger these, waited for or not; [`Machine::triggered`] gets what was made.
    Trigger(Vec<schedulers::Trigger>, bool),
    /// Wait for these; [`Machine::completed`] gets each end.
    Await(Vec<Added>),
    /// Wait that long; [`Machine::go_on`] then gets an outcome that says nothing.
    Postpone(Duration),
    /// Ask a server for this; [`Machine::exited`] gets the status of its answer.
    Ask(Box<Request>),
    /// It is done.
    Done(End),
}

/// How a step ended.
#[derive(Clone, Debug, PartialEq)]
pub struct End {
    /// Its result.
    pub results: Results,
    /// More about it, in a word or two: the exit code, "timed out".
    pub detail: Option<String>,
    /// The properties that it sets.
    pub properties: Properties,
    /// What it leads to.
    pub links: Vec<Link>,
    /// What it says of its own trouble, for a log.
    pub complaint: Option<String>,
}

impl End {
    /// With nothing more to say.
    pub fn plain(results: Results) -> End {
        End { results, detail: None, properties: Properties::default(), links: Vec::new(), complaint: None }
    }

    /// The machinery is broken.
    pub fn exception(complaint: impl Into<String>) -> End {
        End { complaint: Some(complaint.into()), ..End::plain(Results::Exception) }
    }
}

/// One step at work.
#[derive(Debug)]
pub enum Machine {
    /// A program.
    Shell(shell::Shell),
    /// A program whose warnings are counted.
    Compile(Box<compile::Compile>),
    /// Tests.
    Test(Box<test::Test>),
    /// A program on the master.
    MasterShell(master_shell::MasterShell),
    /// A git working tree.
    Git(Box<source::Source<source::git::Git>>),
    /// A Mercurial working tree.
    Hg(Box<source::Source<source::hg::Hg>>),
    /// A Subversion working copy.
    Svn(Box<source::Source<source::svn::Svn>>),
    /// A property.
    SetProperty(set_property::SetProperty),
    /// A program whose output is read.
    Extracting(Box<extract::Extracting>),
    /// Several programs.
    Sequence(Box<sequence::Sequence>),
    /// A request.
    Http(http::Http),
    /// A text for a log.
    Log(String),
    /// Nothing that takes time: what it does, in its own words.
    Instant(Cow<'static, str>),
    /// Work on files.
    Files(files::Files),
    /// Files to the master.
    Upload(Box<upload::Upload>),
    /// A file to the worker.
    Download(Box<download::Download>),
    /// Other builds.
    Trigger(Box<trigger::Trigger>),
}

impl Machine {
    /// Begins: fills the templates in.
    ///
    /// # Errors
    /// What cannot be filled in, in one line.
    pub fn begin(kind: &StepKind, site: &Site<'_>) -> Result<(Machine, Next), String> {
        let uploading = |(upload, next)| (Machine::Upload(Box::new(upload)), next);
        Ok(match kind {
            StepKind::Shell(config) => {
                let (shell, next) = shell::Shell::begin(config, site)?;
                (Machine::Shell(shell), next)
            }
            StepKind::Compile(config) => {
                let (compile, next) = compile::Compile::begin(config, site)?;
                (Machine::Compile(Box::new(compile)), next)
            }
            StepKind::Test(config) => {
                let (test, next) = test::Test::begin(config, site)?;
                (Machine::Test(Box::new(test)), next)
            }
            StepKind::MasterShell(config) => {
                let (shell, next) = master_shell::MasterShell::begin(config, site)?;
                (Machine::MasterShell(shell), next)
            }
            StepKind::Git(config) => {
                let (git, next) = source::Source::git(config, site)?;
                (Machine::Git(Box::new(git)), next)
            }
            StepKind::Hg(config) => {
                let (hg, next) = source::Source::hg(config, site)?;
                (Machine::Hg(Box::new(hg)), next)
            }
            StepKind::Svn(config) => {
                let (svn, next) = source::Source::svn(config, site)?;
                (Machine::Svn(Box::new(svn)), next)
            }
            StepKind::SetProperty(config) => {
                let (set, next) = set_property::SetProperty::begin(config, site)?;
                (Machine::SetProperty(set), next)
            }
            StepKind::SetPropertiesFromCommand(config) => {
                let (extracting, next) = extract::Extracting::begin(config, site)?;
                (Machine::Extracting(Box::new(extracting)), next)
            }
            StepKind::SetProperties(config) => {
                (Machine::Instant("set properties".into()), Next::Done(set_property::several(config, site)?))
            }
            StepKind::SetPropertiesFromEnv(config) => {
                let end = set_property::from_env(config, site);
                (Machine::Instant("set properties from the environment".into()), Next::Done(end))
            }
            StepKind::ShellSequence(config) => {
                let (sequence, next) = sequence::Sequence::begin(config, site)?;
                (Machine::Sequence(Box::new(sequence)), next)
            }
            StepKind::Http(config) => {
                let (http, next) = http::Http::begin(config, site)?;
                (Machine::Http(http), next)
            }
            StepKind::Assert(condition) => {
                let holds = ask(condition, site.scene, &site.moment)?;
                let end = End::plain(if holds { Results::Success } else { Results::Failure });
                (Machine::Instant(format!("check {}", condition.as_str()).into()), Next::Done(end))
            }
            StepKind::Log(value) => {
                let text = match site.scene.json(value)? {
                    serde_json::Value::String(text) => text + "\n",
                    other => format!("{other:#}\n"),
                };
                (Machine::Log(text), Next::Done(End::plain(Results::Success)))
            }
            StepKind::Files(work) => {
                let (files, next) = files::Files::begin(work, site)?;
                (Machine::Files(files), next)
            }
            StepKind::FileUpload(config) => uploading(upload::Upload::file(config, site)?),
            StepKind::DirectoryUpload(config) => uploading(upload::Upload::directory(config, site)?),
            StepKind::MultipleFileUpload(config) => uploading(upload::Upload::several(config, site)?),
            StepKind::Download(config) => {
                let (download, next) = download::Download::begin(config, site)?;
                (Machine::Download(Box::new(download)), next)
            }
            StepKind::Trigger(config) => {
                let (trigger, next) = trigger::Trigger::begin(config, site)?;
                (Machine::Trigger(Box::new(trigger)), next)
            }
        })
    }

    /// Goes on after a command.
    pub fn go_on(&mut self, outcome: Outcome) -> Next {
        match self {
            Machine::Shell(shell) => shell.go_on(&outcome),
            Machine::Compile(compile) => compile.go_on(outcome),
            Machine::Test(test) => test.go_on(outcome),
            Machine::Git(git) => git.go_on(outcome),
            Machine::Hg(hg) => hg.go_on(outcome),
            Machine::Svn(svn) => svn.go_on(outcome),
            Machine::SetProperty(set) => set.go_on(&outcome),
            Machine::Sequence(sequence) => sequence.go_on(&outcome),
            Machine::MasterShell(_) | Machine::Http(_) | Machine::Log(_) | Machine::Instant(_) => {
                Next::Done(End::plain(Results::Success))
            }
            Machine::Extracting(extracting) => extracting.go_on(&outcome),
            Machine::Files(files) => files.go_on(&outcome),
            Machine::Upload(upload) => upload.go_on(&outcome),
            Machine::Download(download) => download.go_on(&outcome),
            Machine::Trigger(trigger) => trigger.ask(),
        }
    }

    /// Goes on after [`Next::Look`].
    pub fn looked(&mut self, result: Result<(), String>) -> Next {
        match self {
            Machine::Download(download) => download.looked(result),
            _ => Next::Done(End::exception("nobody looked for a file\n")),
        }
    }

    /// Goes on after [`Next::Trigger`].
    pub fn triggered(&mut self, result: Result<Vec<Added>, TriggerError>) -> Next {
        match self {
            Machine::Trigger(trigger) => trigger.triggered(result),
            _ => Next::Done(End::exception("nobody triggered anything\n")),
        }
    }

    /// One of those of [`Next::Await`] is complete: how the step ends, or how far it is.
    pub fn completed(&mut self, done: Completed) -> Result<End, String> {
        match self {
            Machine::Trigger(trigger) => trigger.completed(done).ok_or_else(|| trigger.progress()),
            _ => Ok(End::exception("nobody waited for a build\n")),
        }
    }

    /// Goes on after [`Next::Program`] and [`Next::Ask`].
    pub fn exited(&mut self, result: Result<Option<i32>, String>) -> Next {
        Next::Done(match self {
            Machine::MasterShell(shell) => shell.exited(result),
            Machine::Http(http) => http.answered(result),
            _ => End::exception("nobody ran a program\n"),
        })
    }

    /// A piece of the main log.
    pub fn hear(&mut self, channel: Channel, text: &[u8]) {
        match self {
            Machine::Compile(compile) => compile.hear(channel, text),
            Machine::Test(test) => test.hear(channel, text),
            _ => {}
        }
    }

    /// What it does, in its own words.
    pub fn description(&self) -> &str {
        match self {
            Machine::Shell(shell) => shell.description(),
            Machine::Compile(compile) => compile.description(),
            Machine::Test(test) => test.description(),
            Machine::MasterShell(shell) => shell.description(),
            Machine::Git(_) | Machine::Hg(_) | Machine::Svn(_) => "update",
            Machine::SetProperty(set) => set.description(),
            Machine::Sequence(sequence) => sequence.description(),
            Machine::Http(http) => http.description(),
            Machine::Log(_) => "log",
            Machine::Instant(what) => what,
            Machine::Extracting(extracting) => extracting.description(),
            Machine::Files(files) => files.description(),
            Machine::Upload(upload) => upload.description(),
            Machine::Download(download) => download.description(),
            Machine::Trigger(trigger) => trigger.description(),
        }
    }

    /// The logs that it has from its first moment, beside the main one.
    pub fn files(&self) -> &[String] {
        match self {
            Machine::Shell(shell) => shell.files(),
            Machine::Compile(compile) => compile.files(),
            Machine::Test(test) => test.files(),
            _ => &[],
        }
    }

    /// A text that it shows in a log of its own: name and content.
    pub fn exhibit(&self) -> Option<(Cow<'static, str>, &str)> {
        match self {
            Machine::Git(git) => git.exhibit(),
            Machine::Hg(hg) => hg.exhibit(),
            Machine::Svn(svn) => svn.exhibit(),
            Machine::SetProperty(set) => set.exhibit(),
            Machine::Compile(compile) => compile.exhibit(),
            Machine::Test(test) => test.exhibit(),
            Machine::Log(text) => Some(("output".into(), text)),
            _ => None,
        }
    }
}
