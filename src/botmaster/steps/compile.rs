//! `compile`: a program whose warnings are counted (`SH-05` to `SH-07`, `N-ST-11`).

use super::lines::LineCutter;
use super::program::fetch;
use super::{End, Next, Site, shell};
use crate::botmaster::command::{Command, Outcome};
use crate::botmaster::files::{Kept, Reading};
use crate::botmaster::limits::{DIRECTORIES, SUPPRESSIONS, SUPPRESSIONS_BYTES, WARNINGS_LOG_BYTES};
use crate::config::{self, Search, Suppression};
use crate::model::{Channel, Results};
use std::borrow::Cow;

/// The property with the number of warnings of the whole build.
const COUNT: &str = "warnings-count";

/// A compilation at work.
#[derive(Debug)]
pub struct Compile {
    config: config::Compile,
    description: String,
    files: Vec<String>,
    /// What is to be run once the suppressions are there.
    command: Option<Command>,
    suppressions: Vec<Suppression>,
    /// By channel: those of standard output and standard error.
    cutters: [LineCutter; 2],
    /// The directories that were entered.
    directories: Vec<String>,
    count: u64,
    /// The warnings before it, of the whole build.
    before: u64,
    text: String,
}

impl Compile {
    pub(super) fn begin(config: &config::Compile, site: &Site<'_>) -> Result<(Compile, Next), String> {
        let (command, description) = shell::command(&config.shell, site)?;
        let before = site.scene.properties.value(COUNT).and_then(serde_json::Value::as_u64);
        let suppressions = config.suppression_file.as_ref().map(|file| {
            let file = site.scene.text(file)?;
            let workdir = site.workdir(config.shell.workdir.as_ref())?;
            Ok::<_, String>(fetch(&workdir, &file, Reading::Text, SUPPRESSIONS_BYTES, site))
        });
        let mut compile = Compile {
            description,
            files: shell::eager_files(&config.shell),
            command: Some(command),
            suppressions: config.suppression_list.clone(),
            config: config.clone(),
            cutters: Default::default(),
            directories: Vec::new(),
            count: 0,
            before: before.unwrap_or(0),
            text: String::new(),
        };
        let next = match suppressions.transpose()? {
            Some(fetch) => Next::Run(fetch),
            None => compile.run(),
        };
        Ok((compile, next))
    }

    fn run(&mut self) -> Next {
        self.command.take().map_or_else(|| Next::Done(End::plain(Results::Success)), Next::Run)
    }

    pub(super) fn hear(&mut self, channel: Channel, text: &[u8]) {
        let at = match channel {
            Channel::Stdout => 0,
            Channel::Stderr => 1,
            Channel::Header => return,
        };
        // Before it runs, what is heard is not the program.
        if self.command.is_some() {
            return;
        }
        let mut cutter = std::mem::take(&mut self.cutters[at]);
        cutter.push(text, |line| self.line(line));
        self.cutters[at] = cutter;
    }

    fn line(&mut self, line: &str) {
        if let Some(entered) = self.config.directory_enter_pattern.captures(line) {
            if self.directories.len() < DIRECTORIES {
                self.directories.push(entered.get(1).map_or("", |name| name.as_str()).to_owned());
            }
        } else if self.config.directory_leave_pattern.is_match(line) {
            self.directories.pop();
        }
        if !self.config.warning_pattern.is_match(line) || self.is_suppressed(line) {
            return;
        }
        self.count += 1;
        if self.text.len() + line.len() < WARNINGS_LOG_BYTES {
            self.text += line;
            self.text.push('\n');
        }
    }

    fn is_suppressed(&self, line: &str) -> bool {
        let parts = self.config.warning_extractor.as_ref().and_then(|extractor| extractor.captures(line));
        let part = |name: &str| parts.as_ref().and_then(|parts| parts.name(name)).map(|part| part.as_str());
        let file = part("file").map(|file| match self.directories.last() {
            Some(directory) if !file.starts_with('/') => format!("{directory}/{file}"),
            _ => file.to_owned(),
        });
        let number = part("line").and_then(|number| number.parse::<u64>().ok());
        let text = part("text").unwrap_or(line);
        self.suppressions.iter().any(|suppression| {
            let found = |search: &Option<Search>, text: Option<&str>| {
                search.as_ref().is_none_or(|search| text.is_some_and(|text| search.is_match(text)))
            };
            let in_lines = suppression
                .lines
                .is_none_or(|(first, last)| number.is_some_and(|number| (first..=last).contains(&number)));
            found(&suppression.file, file.as_deref()) && found(&suppression.text, Some(text)) && in_lines
        })
    }

    pub(super) fn go_on(&mut self, outcome: Outcome) -> Next {
        if self.command.is_some() {
            return match self.suppress(outcome) {
                Ok(()) => self.run(),
                Err(why) => {
                    let detail = Some("no suppressions".to_owned());
                    let complaint = Some(format!("the suppression file: {why}\n"));
                    Next::Done(End { detail, complaint, ..End::plain(Results::Failure) })
                }
            };
        }
        for mut cutter in std::mem::take(&mut self.cutters) {
            cutter.finish(|line| self.line(line));
        }
        let mut end = shell::evaluate(&self.config.shell.decode_rc, &outcome);
        let too_many = self.config.max_warn_count.is_some_and(|most| self.count > most);
        let by_warnings = match self.count {
            0 => Results::Success,
            _ if too_many => Results::Failure,
            _ => Results::Warnings,
        };
        end.results = end.results.worst(by_warnings);
        if self.count > 0 {
            let count = format!("{} warning{}", self.count, if self.count == 1 { "" } else { "s" });
            end.detail = Some(end.detail.map_or(count.clone(), |detail| format!("{detail}, {count}")));
        }
        end.properties.set(COUNT, self.before.saturating_add(self.count), "WarningCountingShellCommand");
        Next::Done(end)
    }

    /// Takes the lines of the suppression file.
    fn suppress(&mut self, outcome: Outcome) -> Result<(), String> {
        let text = match (outcome.rc, outcome.trouble, outcome.kept) {
            (_, Some(trouble), _) => return Err(trouble),
            (Some(0), None, Kept::Text(text)) => text,
            _ => return Err("the worker does not have it".to_owned()),
        };
        for (number, line) in (1..).zip(text.lines()) {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            if number > SUPPRESSIONS {
                return Err(format!("it has more than {SUPPRESSIONS} lines"));
            }
            self.suppressions.push(suppression(line).map_err(|why| format!("line {number}: {why}"))?);
        }
        Ok(())
    }

    pub(super) fn description(&self) -> &str {
        &self.description
    }

    pub(super) fn files(&self) -> &[String] {
        &self.files
    }

    pub(super) fn exhibit(&self) -> Option<(Cow<'static, str>, &str)> {
        (self.count > 0).then(|| (format!("warnings ({})", self.count).into(), self.text.as_str()))
    }
}

/// One line of a suppression file.
fn suppression(line: &str) -> Result<Suppression, String> {
    let mut parts = line.split(" : ").map(str::trim);
    let search = |part: Option<&str>| match part {
        None | Some("") => Ok(None),
        Some(part) => Search::new(part).map(Some),
    };
    let file = search(parts.next())?;
    let Some(text) = parts.next() else { return Err("it has no ` : `".to_owned()) };
    let text = search(Some(text))?;
    let lines = match parts.next() {
        None => None,
        Some(lines) => {
            let (first, last) = lines.split_once('-').unwrap_or((lines, lines));
            let number = |text: &str| text.trim().parse().map_err(|_| format!("{lines:?} are no lines"));
            Some((number(first)?, number(last)?))
        }
    };
    Ok(Suppression { file, text, lines })
}
