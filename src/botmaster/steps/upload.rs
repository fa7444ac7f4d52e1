//! `file_upload`, `directory_upload`, `multiple_file_upload`: files from the worker to the master (`SH-25`, `SH-26`).

use super::files::{Kind, failed, stated};
use super::{End, Next, Site};
use crate::botmaster::command::{Command, Outcome};
use crate::botmaster::files::{self, Packing, Transfer};
use crate::config;
use crate::model::{Link, Results};
use crate::pb::Value;
use std::collections::VecDeque;
use std::path::{Path, PathBuf};

/// What is to be done next, and what a command that runs is about.
#[derive(Clone, Debug)]
enum Op {
    /// Look a pattern up.
    Glob(String),
    /// See what a path is.
    Probe(String),
    File {
        from: String,
        to: PathBuf,
    },
    Directory {
        from: String,
        to: PathBuf,
    },
}

/// Files on their way.
#[derive(Debug)]
pub struct Upload {
    description: String,
    workdir: String,
    max_bytes: Option<u64>,
    block_bytes: u32,
    compress: config::Compress,
    mode: Option<u32>,
    keep_stamp: bool,
    /// Where what was carried can be looked at.
    link: Option<Link>,
    /// Where those go that were looked up.
    below: PathBuf,
    /// The name of the argument for a path of the worker's.
    source: &'static str,
    is_windows: bool,
    current: Option<Op>,
    further: VecDeque<Op>,
    carried: usize,
}

impl Upload {
    fn new(upload: &config::Upload, what: &str, site: &Site<'_>) -> Result<Upload, String> {
        let config::Upload { to, url, url_text, transfer } = upload;
        let below = files::place(site.base_dir, to.as_str(), &site.scene.text(to)?)?;
        let name = match url_text {
            Some(text) => site.scene.text(text)?,
            None => below.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        };
        let url = url.as_ref().map(|url| site.scene.text(url)).transpose()?;
        Ok(Upload {
            description: format!("upload {what}"),
            workdir: site.workdir(transfer.workdir.as_ref())?,
            max_bytes: transfer.max_size,
            block_bytes: transfer.block_size,
            compress: config::Compress::None,
            mode: None,
            keep_stamp: false,
            link: url.map(|url| Link { name, url }),
            below,
            source: if site.is_slave("uploadFile") { "slavesrc" } else { "workersrc" },
            is_windows: site.scene.worker.get("system").is_some_and(|system| system == "nt"),
            current: None,
            further: VecDeque::new(),
            carried: 0,
        })
    }

    pub(super) fn file(config: &config::FileUpload, site: &Site<'_>) -> Result<(Upload, Next), String> {
        let from = site.scene.text(&config.from)?;
        let mut upload = Upload::new(&config.upload, &from, site)?;
        (upload.mode, upload.keep_stamp) = (config.mode, config.keep_stamp);
        upload.further.push_back(Op::File { from, to: upload.below.clone() });
        Ok(upload.begin())
    }

    pub(super) fn directory(
        config: &config::DirectoryUpload,
        site: &Site<'_>,
    ) -> Result<(Upload, Next), String> {
        let from = site.scene.text(&config.from)?;
        let mut upload = Upload::new(&config.upload, &from, site)?;
        upload.compress = config.compress;
        upload.further.push_back(Op::Directory { from, to: upload.below.clone() });
        Ok(upload.begin())
    }

    pub(super) fn several(
        config: &config::MultipleFileUpload,
        site: &Site<'_>,
    ) -> Result<(Upload, Next), String> {
        let from = config.from.iter().map(|from| site.scene.text(from)).collect::<Result<Vec<_>, _>>()?;
        let mut upload = Upload::new(&config.upload, &from.join(", "), site)?;
        upload.compress = config.compress;
        (upload.mode, upload.keep_stamp) = (config.mode, config.keep_stamp);
        upload.further.extend(from.into_iter().map(if config.glob { Op::Glob } else { Op::Probe }));
        Ok(upload.begin())
    }

    fn begin(mut self) -> (Upload, Next) {
        let next = self.next();
        (self, next)
    }

    fn next(&mut self) -> Next {
        self.current = self.further.pop_front();
        match &self.current {
            Some(op) => Next::Run(self.command(op)),
            // A pattern that finds nothing.
            None if self.carried == 0 => Next::Done(End::plain(Results::Skipped)),
            None => Next::Done(End {
                links: self.link.take().into_iter().collect(),
                ..End::plain(Results::Success)
            }),
        }
    }

    fn command(&self, op: &Op) -> Command {
        match op {
            Op::Glob(pattern) => Command::new("glob", vec![("path", Value::from(self.in_workdir(pattern)))]),
            Op::Probe(path) => Command::new("stat", vec![("file", Value::from(self.in_workdir(path)))]),
            Op::File { from, to } => {
                let mut command = self.transfer("uploadFile", from, to, files::Kind::File(self.mode));
                command.args.push(("keepstamp", Value::Bool(self.keep_stamp)));
                command
            }
            Op::Directory { from, to } => {
                let (packing, compress) = match self.compress {
                    config::Compress::None => (Packing::Tar, Value::None),
                    config::Compress::Gz => (Packing::Gz, Value::from("gz")),
                    config::Compress::Bz2 => (Packing::Bz2, Value::from("bz2")),
                };
                let mut command = self.transfer("uploadDirectory", from, to, files::Kind::Directory(packing));
                command.args.push(("compress", compress));
                command
            }
        }
    }

    fn transfer(&self, name: &'static str, from: &str, to: &Path, kind: files::Kind) -> Command {
        let max_size =
            self.max_bytes.map_or(Value::None, |bytes| i64::try_from(bytes).unwrap_or(i64::MAX).into());
        let args = vec![
            ("workdir", Value::from(self.workdir.as_str())),
            (self.source, Value::from(from)),
            ("maxsize", max_size),
            ("blocksize", Value::Int(self.block_bytes.into())),
        ];
        let transfer = Transfer::Receive { to: to.to_owned(), kind, max_bytes: self.max_bytes };
        Command { transfer: Some(transfer), ..Command::new(name, args) }
    }

    pub(super) fn go_on(&mut self, outcome: &Outcome) -> Next {
        if outcome.rc != Some(0) || outcome.trouble.is_some() {
            return Next::Done(failed(outcome));
        }
        match self.current.take() {
            Some(Op::Glob(_)) => {
                let found = outcome.others.get("files").and_then(|files| files.last());
                let found = found.and_then(Value::as_items).unwrap_or_default();
                let mut found: Vec<String> =
                    found.iter().filter_map(|path| path.as_str().map(str::to_owned)).collect();
                found.sort_unstable();
                found.into_iter().rev().for_each(|path| self.further.push_front(Op::Probe(path)));
            }
            Some(Op::Probe(from)) => {
                let Some(name) = self.name_of(&from) else {
                    return Next::Done(End::exception(format!("the worker's path {from:?} has no name\n")));
                };
                let to = self.below.join(name);
                self.further.push_front(match stated(outcome) {
                    Some(Kind::Directory) => Op::Directory { from, to },
                    _ => Op::File { from, to },
                });
            }
            Some(Op::File { .. } | Op::Directory { .. }) => self.carried += 1,
            None => {}
        }
        self.next()
    }

    /// The last part of a path of the worker's.
    fn name_of(&self, path: &str) -> Option<String> {
        let separates = |c| c == '/' || (self.is_windows && c == '\\');
        let name = path.trim_end_matches(separates).rsplit(separates).next()?;
        let is_name = !matches!(name, "" | "." | "..") && !name.contains(['/', '\0']);
        is_name.then(|| name.to_owned())
    }

    fn in_workdir(&self, path: &str) -> String {
        let is_absolute = path.starts_with('/') || (self.is_windows && path.get(1..2) == Some(":"));
        if is_absolute { path.to_owned() } else { format!("{}/{path}", self.workdir) }
    }

    pub(super) fn description(&self) -> &str {
        &self.description
    }
}
