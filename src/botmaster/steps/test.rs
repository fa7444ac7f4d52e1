//! `test`: a program that runs tests, which are counted (`SH-08`).

use super::lines::LineCutter;
use super::program::{fetch, fetch_as};
use super::{End, Next, Site, shell};
use crate::botmaster::command::{Command, Outcome};
use crate::botmaster::files::{Kept, Reading};
use crate::botmaster::junit::Tests;
use crate::botmaster::limits::{JUNIT_BYTES, JUNIT_FILES};
use crate::config;
use crate::model::{Channel, Properties, Results};
use crate::pb::Value;
use std::borrow::Cow;
use std::collections::VecDeque;

/// What is looked for after the program, and what a command that runs is about.
#[derive(Debug)]
enum Op {
    Program,
    Glob,
    Fetch,
}

/// Tests at work.
#[derive(Debug)]
pub struct Test {
    config: config::Test,
    description: String,
    files: Vec<String>,
    cutters: [LineCutter; 2],
    op: Op,
    further: VecDeque<Command>,
    /// Where files that patterns find are fetched from, and the name of the argument for them.
    workdir: String,
    source: &'static str,
    found: usize,
    tests: Tests,
    before: Properties,
    end: Option<End>,
}

impl Test {
    pub(super) fn begin(config: &config::Test, site: &Site<'_>) -> Result<(Test, Next), String> {
        let (command, description) = shell::command(&config.shell, site)?;
        let workdir = site.workdir(config.shell.workdir.as_ref())?;
        let junit = config.junit.iter().map(|file| site.scene.text(file)).collect::<Result<Vec<_>, _>>()?;
        let commands = junit.iter().map(|file| match file.contains(['*', '?', '[']) {
            true => Command::new("glob", vec![("path", Value::from(format!("{workdir}/{file}")))]),
            false => fetch(&workdir, file, Reading::Junit, JUNIT_BYTES, site),
        });
        let mut before = Properties::default();
        for (name, property) in site.scene.properties.iter().filter(|(name, _)| name.starts_with("tests-")) {
            before.set(name, property.value.clone(), "Test");
        }
        let test = Test {
            description,
            files: shell::eager_files(&config.shell),
            config: config.clone(),
            cutters: Default::default(),
            op: Op::Program,
            further: commands.collect(),
            workdir,
            source: if site.is_slave("uploadFile") { "slavesrc" } else { "workersrc" },
            found: 0,
            tests: Tests::default(),
            before,
            end: None,
        };
        Ok((test, Next::Run(command)))
    }

    pub(super) fn hear(&mut self, channel: Channel, text: &[u8]) {
        let at = match (channel, &self.op) {
            (Channel::Stdout, Op::Program) => 0,
            (Channel::Stderr, Op::Program) => 1,
            _ => return,
        };
        let mut cutter = std::mem::take(&mut self.cutters[at]);
        cutter.push(text, |line| self.line(line));
        self.cutters[at] = cutter;
    }

    fn line(&mut self, line: &str) {
        for pattern in &self.config.test_patterns {
            let Some(found) = pattern.captures(line) else { continue };
            let number = |name| found.name(name).and_then(|number| number.as_str().parse::<u64>().ok());
            self.tests.add(&Tests {
                total: number("total").unwrap_or(0),
                passed: number("passed").unwrap_or(0),
                failed: number("failed").unwrap_or(0),
                skipped: number("skipped").unwrap_or(0),
                warnings: number("warnings").unwrap_or(0),
                problems: String::new(),
            });
        }
    }

    pub(super) fn go_on(&mut self, outcome: Outcome) -> Next {
        match self.op {
            Op::Program => {
                for mut cutter in std::mem::take(&mut self.cutters) {
                    cutter.finish(|line| self.line(line));
                }
                let end = shell::evaluate(&self.config.shell.decode_rc, &outcome);
                if end.results == Results::Exception {
                    return Next::Done(end);
                }
                self.end = Some(end);
            }
            Op::Glob => {
                let files = outcome.others.get("files").and_then(|files| files.last());
                let files = files.and_then(Value::as_items).unwrap_or_default();
                let mut files: Vec<&str> = files.iter().filter_map(Value::as_str).collect();
                files.sort_unstable();
                for file in files.into_iter().take(JUNIT_FILES.saturating_sub(self.found)).rev() {
                    self.found += 1;
                    self.further.push_front(fetch_as(
                        self.source,
                        &self.workdir,
                        file,
                        Reading::Junit,
                        JUNIT_BYTES,
                    ));
                }
            }
            Op::Fetch => match (outcome.trouble, outcome.kept) {
                (None, Kept::Tests(tests)) => self.tests.add(&tests),
                (trouble, _) => {
                    let why = trouble.unwrap_or_else(|| "the worker does not have it".to_owned());
                    self.missed(&format!("a file of test results cannot be read: {why}\n"));
                }
            },
        }
        match self.further.pop_front() {
            Some(command) => {
                self.op = if command.name == "glob" { Op::Glob } else { Op::Fetch };
                Next::Run(command)
            }
            None => Next::Done(self.finish()),
        }
    }

    /// Tests of which nobody knows how they went.
    fn missed(&mut self, why: &str) {
        if let Some(end) = &mut self.end {
            end.results = end.results.worst(Results::Warnings);
            end.complaint.get_or_insert_default().push_str(why);
        }
    }

    fn finish(&mut self) -> End {
        let mut end = self.end.take().unwrap_or_else(|| End::plain(Results::Success));
        self.tests.complete();
        let tests = &self.tests;
        let by_tests = match (tests.failed, tests.warnings) {
            (0, 0) => Results::Success,
            (0, _) => Results::Warnings,
            _ => Results::Failure,
        };
        end.results = end.results.worst(by_tests);
        if tests.is_any() {
            end.detail = Some(tests.to_string());
        }
        let counts = [
            ("tests-total", tests.total),
            ("tests-passed", tests.passed),
            ("tests-failed", tests.failed),
            ("tests-skipped", tests.skipped),
            ("tests-warnings", tests.warnings),
        ];
        for (name, count) in counts.into_iter().filter(|_| tests.is_any()) {
            let before = self.before.value(name).and_then(serde_json::Value::as_u64).unwrap_or(0);
            end.properties.set(name, before.saturating_add(count), "Test");
        }
        end
    }

    pub(super) fn description(&self) -> &str {
        &self.description
    }

    pub(super) fn files(&self) -> &[String] {
        &self.files
    }

    pub(super) fn exhibit(&self) -> Option<(Cow<'static, str>, &str)> {
        (!self.tests.problems.is_empty()).then(|| ("problems".into(), self.tests.problems.as_str()))
    }
}
