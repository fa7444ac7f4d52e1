//! `shell_sequence`: several programs, one after another (`N-ST-02`).

use super::{End, Next, Site, shell};
use crate::botmaster::command::{Command, Outcome};
use crate::botmaster::step::fold;
use crate::config::{self, Flags};
use crate::model::Results;
use crate::pb::Value;
use std::collections::{BTreeMap, VecDeque};

/// Programs at work.
#[derive(Debug)]
pub struct Sequence {
    description: String,
    further: VecDeque<Part>,
    flags: Flags,
    decode_rc: BTreeMap<i32, Results>,
    results: Results,
    detail: Option<String>,
}

#[derive(Debug)]
struct Part {
    command: Command,
    description: String,
    flags: Flags,
}

impl Sequence {
    pub(super) fn begin(config: &config::ShellSequence, site: &Site<'_>) -> Result<(Sequence, Next), String> {
        let mut further = VecDeque::new();
        let mut decode_rc = BTreeMap::new();
        for part in &config.parts {
            let (mut command, description) = shell::command(&part.shell, site)?;
            command.log.clone_from(&part.log);
            decode_rc.clone_from(&part.shell.decode_rc);
            if !is_empty(&command) {
                further.push_back(Part { command, description, flags: part.flags });
            }
        }
        let (description, flags) = ("nothing to run".to_owned(), Flags::default());
        let results = if further.is_empty() { Results::Skipped } else { Results::Success };
        let mut sequence = Sequence { description, further, flags, decode_rc, results, detail: None };
        let next = sequence.advance();
        Ok((sequence, next))
    }

    pub(super) fn go_on(&mut self, outcome: &Outcome) -> Next {
        let end = shell::evaluate(&self.decode_rc, outcome);
        let effect = fold(self.flags, end.results, self.results);
        if effect.results != self.results {
            (self.results, self.detail) = (effect.results, end.detail.clone());
        }
        if effect.halts {
            let complaint = end.complaint;
            return Next::Done(End { detail: self.detail.take(), complaint, ..End::plain(self.results) });
        }
        self.advance()
    }

    fn advance(&mut self) -> Next {
        let Some(Part { command, description, flags }) = self.further.pop_front() else {
            return Next::Done(End { detail: self.detail.take(), ..End::plain(self.results) });
        };
        // A step is known by the program that it came to.
        (self.description, self.flags) = (description, flags);
        Next::Run(command)
    }

    pub(super) fn description(&self) -> &str {
        &self.description
    }
}

/// Whether filling in has left nothing to run.
fn is_empty(command: &Command) -> bool {
    let line = command.args.iter().find(|(name, _)| *name == "command").map(|(_, value)| value);
    line.is_none_or(|line| match line {
        Value::List(words) => words.iter().all(|word| word.as_str().is_some_and(str::is_empty)),
        line => line.as_str().is_some_and(|line| line.trim().is_empty()),
    })
}
