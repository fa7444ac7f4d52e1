//! `make_directory`, `remove_directory`, `copy_directory`, `remove_file`, `file_exists`: one command of the worker's,
//! and what its exit code means (`SH-23`, `N-ST-09`).

use super::program::seconds;
use super::{End, Next, Site};
use crate::botmaster::command::{Command, Outcome};
use crate::config::{FileWork, Patience, Template};
use crate::model::Results;
use crate::pb::Value;
use std::collections::VecDeque;

/// The part of a file's mode that says what it is, and what it is for a plain file and for a directory.
const KIND: i64 = 0o170_000;
const PLAIN: i64 = 0o100_000;
const DIRECTORY: i64 = 0o040_000;

/// Work on files, under way.
#[derive(Debug)]
pub struct Files {
    description: String,
    further: VecDeque<Command>,
    must_be_plain: bool,
}

impl Files {
    pub(super) fn begin(work: &FileWork, site: &Site<'_>) -> Result<(Files, Next), String> {
        let text = |template: &Template| site.scene.text(template);
        let one =
            |name, arg, path: &str| VecDeque::from([Command::new(name, vec![(arg, Value::from(path))])]);
        let (description, mut further) = match work {
            FileWork::MakeDirectory(dir) => {
                let dir = text(dir)?;
                (format!("make directory {dir}"), one("mkdir", "dir", &dir))
            }
            FileWork::RemoveDirectory(dirs) => {
                let dirs = dirs.iter().map(text).collect::<Result<Vec<_>, _>>()?;
                // Only newer ones take a list.
                let commands = dirs
                    .iter()
                    .map(|dir| limited("rmdir", &[("dir", dir)], site.patience))
                    .collect::<VecDeque<_>>();
                (format!("remove {}", dirs.join(", ")), commands)
            }
            FileWork::CopyDirectory { from, to } => {
                let (from, to) = (text(from)?, text(to)?);
                let command = limited("cpdir", &[("fromdir", &from), ("todir", &to)], site.patience);
                (format!("copy {from} to {to}"), VecDeque::from([command]))
            }
            FileWork::RemoveFile(file) => {
                let file = text(file)?;
                (format!("remove {file}"), one("rmfile", "path", &file))
            }
            FileWork::FileExists(file) => {
                let file = text(file)?;
                (format!("look for {file}"), one("stat", "file", &file))
            }
        };
        let must_be_plain = matches!(work, FileWork::FileExists(_));
        let next = match further.pop_front() {
            Some(command) => Next::Run(command),
            None => Next::Done(End::plain(Results::Success)),
        };
        Ok((Files { description, further, must_be_plain }, next))
    }

    pub(super) fn go_on(&mut self, outcome: &Outcome) -> Next {
        if outcome.rc != Some(0) {
            return Next::Done(failed(outcome));
        }
        if self.must_be_plain && stated(outcome) != Some(Kind::Plain) {
            let end = End { detail: Some("not a plain file".to_owned()), ..End::plain(Results::Failure) };
            return Next::Done(end);
        }
        match self.further.pop_front() {
            Some(command) => Next::Run(command),
            None => Next::Done(End::plain(Results::Success)),
        }
    }

    pub(super) fn description(&self) -> &str {
        &self.description
    }
}

/// What a path is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Plain,
    Directory,
    Other,
}

/// What `stat` said.
pub(super) fn stated(outcome: &Outcome) -> Option<Kind> {
    let mode = outcome.others.get("stat")?.last()?.as_items()?.first()?.as_int()?;
    Some(match mode & KIND {
        PLAIN => Kind::Plain,
        DIRECTORY => Kind::Directory,
        _ => Kind::Other,
    })
}

/// A command whose code is an error of the worker's system, or that the master's own side failed.
pub(super) fn failed(outcome: &Outcome) -> End {
    let detail = match (outcome.rc, &outcome.trouble) {
        (Some(0), Some(_)) => "on the master".to_owned(),
        (Some(code), _) => code.to_string(),
        (None, _) => "no exit code".to_owned(),
    };
    let complaint = outcome.trouble.as_ref().map(|trouble| format!("{trouble}\n"));
    End { detail: Some(detail), complaint, ..End::plain(Results::Failure) }
}

fn limited(name: &'static str, paths: &[(&'static str, &str)], patience: &Patience) -> Command {
    let mut args: Vec<(&'static str, Value)> =
        paths.iter().map(|(name, path)| (*name, Value::from(*path))).collect();
    args.push(("timeout", seconds(patience.timeout)));
    args.push(("maxTime", seconds(patience.max_time)));
    Command::new(name, args)
}
