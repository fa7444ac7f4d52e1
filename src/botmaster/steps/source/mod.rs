//! Checkouts: bring a directory to the source stamp, by single commands that the master drives (`SRC-01` to
//! `SRC-09`).
//!
//! The way there is a list of operations. What is the same for every tool is here: whether there is a tree at all,
//! what the modes keep of it, the copy, the patch, trying again. What a tool's own operations are, and what comes of
//! each, is behind [`Tool`]: one that fails may put others before those that follow.

pub(super) mod git;
pub(super) mod hg;
pub(super) mod svn;
mod target;

use super::program::set;
use super::{End, Next, Site};
use crate::botmaster::command::{Command, Outcome};
use crate::config::{Checkout, SourceMethod, SourceMode};
use crate::model::{Properties, Results};
use crate::pb::Value;
use std::borrow::Cow;
use std::collections::VecDeque;
use std::fmt::Debug;
use target::Target;

/// What makes the trees.
pub trait Tool: Debug {
    /// What it does.
    type Op: Clone + Debug;

    /// Its name: of the program, and of who sets the properties.
    const NAME: &'static str;

    /// What is in the top directory of each of its trees.
    const MARK: &'static str;

    /// From a tree that is there to the source stamp. `untracked` says what goes: `None` nothing, otherwise what is
    /// not under control, with what is ignored or without.
    fn update(&self, untracked: Option<bool>) -> Vec<Self::Op>;

    /// From nothing to the source stamp.
    fn make(&self) -> Vec<Self::Op>;

    /// What is asked in the end.
    fn ask(&self) -> Vec<Self::Op>;

    /// The command of an operation.
    fn command(&self, op: &Self::Op, target: &Target) -> Command;

    /// What an operation came to.
    fn done(&mut self, op: &Self::Op, outcome: &Outcome, succeeded: bool) -> Turn<Self::Op>;

    /// Copies the tree to the step's directory; `None` for everything that is in it.
    fn copy(&self, _target: &Target) -> Option<Command> {
        None
    }

    /// Lays the patch, which comes from the standard input, over the tree.
    fn patch(&self, level: &str, subdir: Option<&str>) -> Vec<String>;
}

/// Which way it goes on.
#[derive(Debug)]
pub enum Turn<Op> {
    /// As was meant.
    On,
    /// These come first.
    First(Vec<Op>),
    /// Without the tree, from nothing; not more than once a try.
    Clobber,
    /// This try has failed.
    Fail,
    /// As was meant; and a property is known. Several codebases have a table of it.
    Known(&'static str, String),
    /// The answer cannot be true.
    Absurd(String),
}

/// One thing to do.
#[derive(Clone, Debug)]
enum Op<T> {
    /// Is the tool there at all?
    Version,
    /// Is there a tree, something else, or nothing?
    Probe,
    /// Remove the tree, or whatever is in its place.
    Remove,
    /// Remove the directory that the copy goes to.
    RemoveCopy,
    Copy,
    Patch,
    /// One of the tool's own.
    Own(T),
}

/// A working tree on its way.
#[derive(Debug)]
pub struct Source<T: Tool> {
    tool: T,
    target: Target,
    mode: SourceMode,
    todo: VecDeque<Op<T::Op>>,
    now: Op<T::Op>,
    clobbered: bool,
    /// What the steps before know of other codebases, and what this one finds out.
    known: Properties,
    detail: Option<String>,
}

impl<T: Tool> Source<T> {
    fn begin(tool: T, target: Target, config: &Checkout, site: &Site<'_>) -> (Source<T>, Next) {
        let mut known = Properties::default();
        for name in ["got_revision", "commit-description"] {
            if let Some(table @ serde_json::Value::Object(_)) = site.scene.properties.value(name) {
                known.set(name, table.clone(), T::NAME);
            }
        }
        let mut source = Source {
            tool,
            target,
            mode: config.mode,
            todo: VecDeque::new(),
            now: Op::Version,
            clobbered: false,
            known,
            detail: None,
        };
        let next = source.start();
        (source, next)
    }

    /// The patch that goes over the tree, in a log of its own (`SRC-04`).
    pub fn exhibit(&self) -> Option<(Cow<'static, str>, &str)> {
        self.target.patch.as_ref().map(|patch| ("patch".into(), patch.body.as_str()))
    }

    fn start(&mut self) -> Next {
        let way = match self.mode {
            SourceMode::Full(SourceMethod::Clobber) => vec![Op::Version, Op::Remove],
            SourceMode::Full(SourceMethod::Copy | SourceMethod::Export) => {
                vec![Op::Version, Op::RemoveCopy, Op::Probe]
            }
            SourceMode::Full(SourceMethod::Clean | SourceMethod::Fresh) | SourceMode::Incremental => {
                vec![Op::Version, Op::Probe]
            }
        };
        self.todo = way.into();
        if self.mode == SourceMode::Full(SourceMethod::Clobber) {
            self.then(self.tool.make());
        }
        self.advance()
    }

    pub fn go_on(&mut self, outcome: Outcome) -> Next {
        let succeeded = outcome.rc == Some(0);
        let turn = match &self.now {
            Op::Version if succeeded => Turn::On,
            Op::Version => {
                return Next::Done(End::exception(format!("{} is not installed on the worker\n", T::NAME)));
            }
            Op::Probe => {
                self.probed(&outcome, succeeded);
                Turn::On
            }
            Op::Own(op) => self.tool.done(&op.clone(), &outcome, succeeded),
            Op::Remove | Op::RemoveCopy | Op::Copy | Op::Patch if succeeded => Turn::On,
            Op::Remove | Op::RemoveCopy | Op::Copy | Op::Patch => Turn::Fail,
        };
        if matches!(self.now, Op::Copy) {
            self.target.enter_copy();
        }
        match turn {
            Turn::On => {}
            Turn::First(ops) => ops.into_iter().rev().for_each(|op| self.todo.push_front(Op::Own(op))),
            Turn::Clobber if !self.clobbered => {
                self.clobbered = true;
                self.todo = [Op::Remove].into();
                self.then(self.tool.make());
            }
            Turn::Clobber | Turn::Fail => return failed(&outcome),
            Turn::Known(name, value) => self.learn(name, value),
            Turn::Absurd(why) => {
                let end = End { complaint: Some(why), ..End::plain(Results::Failure) };
                return Next::Done(end);
            }
        }
        self.advance()
    }

    /// A tree is updated; where there is none, one is made; what is not one makes way.
    fn probed(&mut self, outcome: &Outcome, succeeded: bool) {
        let files = outcome.others.get("files").and_then(|files| files.first()).and_then(Value::as_items);
        let is_tree = match files {
            Some(files) => files.iter().any(|file| file.as_str() == Some(T::MARK)),
            None => !self.target.can_list && succeeded,
        };
        self.todo.clear();
        if is_tree {
            let untracked = match self.mode {
                SourceMode::Full(SourceMethod::Clean) => Some(false),
                SourceMode::Full(SourceMethod::Fresh) => Some(true),
                SourceMode::Full(SourceMethod::Clobber | SourceMethod::Copy | SourceMethod::Export)
                | SourceMode::Incremental => None,
            };
            return self.then(self.tool.update(untracked));
        }
        if files.is_some_and(|files| !files.is_empty()) {
            self.todo.push_back(Op::Remove);
        }
        self.then(self.tool.make());
    }

    /// Does these last, but for what every way ends with.
    fn then(&mut self, ops: Vec<T::Op>) {
        self.todo.extend(ops.into_iter().map(Op::Own));
        if matches!(self.mode, SourceMode::Full(SourceMethod::Copy | SourceMethod::Export)) {
            self.todo.push_back(Op::Copy);
        }
        if self.target.patch.is_some() {
            self.todo.push_back(Op::Patch);
        }
        self.todo.extend(self.tool.ask().into_iter().map(Op::Own));
    }

    fn learn(&mut self, name: &'static str, value: String) {
        if name == "got_revision" {
            self.detail = Some(value.chars().take(12).collect());
        }
        let codebase = &self.target.codebase;
        let value = if codebase.is_empty() {
            serde_json::Value::from(value)
        } else {
            let mut table = match self.known.value(name) {
                Some(serde_json::Value::Object(table)) => table.clone(),
                _ => serde_json::Map::new(),
            };
            table.insert(codebase.clone(), value.into());
            serde_json::Value::Object(table)
        };
        self.known.set(name, value, T::NAME);
    }

    /// The next command, or the end.
    fn advance(&mut self) -> Next {
        let Some(op) = self.todo.pop_front() else {
            let end = End { detail: self.detail.take(), ..End::plain(Results::Success) };
            return Next::Done(End { properties: std::mem::take(&mut self.known), ..end });
        };
        self.now = op;
        Next::Run(self.command())
    }

    fn command(&self) -> Command {
        let target = &self.target;
        match &self.now {
            Op::Version => target.run([T::NAME, "--version"]),
            Op::Probe if target.can_list => target.directory("listdir", &[("dir", &target.tree)]),
            Op::Probe => {
                let mark = format!("{}/{}", target.tree, T::MARK);
                Command::new("stat", vec![("file", Value::from(mark))])
            }
            Op::Remove => target.directory("rmdir", &[("dir", &target.tree)]),
            Op::RemoveCopy => target.directory("rmdir", &[("dir", &target.around.workdir)]),
            Op::Copy => self.tool.copy(target).unwrap_or_else(|| {
                target.directory("cpdir", &[("fromdir", &target.tree), ("todir", &target.around.workdir)])
            }),
            Op::Patch => {
                let (level, subdir) = target.patch_place();
                let words = self.tool.patch(&level, subdir);
                let mut command = target.run(words.iter().map(String::as_str));
                set(
                    &mut command,
                    "initial_stdin",
                    target.patch.as_ref().map_or("", |patch| patch.body.as_str()),
                );
                command
            }
            Op::Own(op) => self.tool.command(op, target),
        }
    }
}

fn failed(outcome: &Outcome) -> Next {
    let rc = outcome.rc.map_or_else(|| "no exit code".to_owned(), |rc| rc.to_string());
    Next::Done(End { detail: Some(rc), ..End::plain(Results::Failure) })
}

/// The words of the program that lays a patch over a tree, where the tool has none of its own.
fn patch_program(level: &str, subdir: Option<&str>) -> Vec<String> {
    let below = subdir.into_iter().flat_map(|dir| ["-d", dir]);
    let words = ["patch", "-p", level, "--batch", "--remove-empty-files"].into_iter().chain(below);
    words.map(str::to_owned).collect()
}
