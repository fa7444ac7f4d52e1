//! `master_shell`: a program on the master (`SH-29`, `N-ST-08`).

use super::program::describe;
use super::{End, Next, Site};
use crate::botmaster::files;
use crate::botmaster::programs::Program;
use crate::config::{self, Command, EnvValue};
use crate::model::Results;
use std::collections::BTreeMap;

/// A program on the master.
#[derive(Debug)]
pub struct MasterShell {
    description: String,
    decode_rc: BTreeMap<i32, Results>,
}

impl MasterShell {
    pub(super) fn begin(
        config: &config::MasterShell,
        site: &Site<'_>,
    ) -> Result<(MasterShell, Next), String> {
        let (words, description) = match &config.command {
            Command::Line(line) => {
                let line = site.scene.text(line)?;
                let description = describe(&line.split_whitespace().collect::<Vec<_>>());
                (vec!["/bin/sh".to_owned(), "-c".to_owned(), line], description)
            }
            Command::Words(words) => {
                let words = words.iter().map(|word| site.scene.text(word)).collect::<Result<Vec<_>, _>>()?;
                let description = describe(&words.iter().map(String::as_str).collect::<Vec<_>>());
                (words, description)
            }
        };
        let dir = match &config.workdir {
            Some(dir) => files::place(site.base_dir, dir.as_str(), &site.scene.text(dir)?)?,
            None => site.base_dir.to_owned(),
        };
        let value = |value: &EnvValue| -> Result<Option<String>, String> {
            Ok(match value {
                EnvValue::Unset => None,
                EnvValue::Text(text) => Some(site.scene.text(text)?),
                EnvValue::Path(parts) => {
                    let parts: Vec<_> =
                        parts.iter().map(|part| site.scene.text(part)).collect::<Result<_, _>>()?;
                    Some(parts.join(":"))
                }
            })
        };
        let env = config.env.iter().map(|(name, text)| Ok((name.clone(), value(text)?)));
        let env = env.collect::<Result<_, String>>()?;
        let program = Program { words, dir, env };
        let shell = MasterShell { description, decode_rc: config.decode_rc.clone() };
        Ok((shell, Next::Program(program)))
    }

    /// It ended: with this code, by a signal, or it never began.
    pub(super) fn exited(&self, result: Result<Option<i32>, String>) -> End {
        match result {
            Ok(Some(code)) => {
                let results = self.decode_rc.get(&code).copied().unwrap_or(Results::Failure);
                let detail = (results != Results::Success).then(|| code.to_string());
                End { detail, ..End::plain(results) }
            }
            Ok(None) => End { detail: Some("killed".to_owned()), ..End::plain(Results::Failure) },
            Err(why) => End::exception(format!("{why}\n")),
        }
    }

    pub(super) fn description(&self) -> &str {
        &self.description
    }
}
