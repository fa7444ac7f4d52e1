//! `set_property_from_command` with `extract`: properties out of what a program says (`SH-11`).

use super::set_property::said;
use super::{End, Next, Site, shell};
use crate::botmaster::command::Outcome;
use crate::botmaster::limits::EXTRACTED;
use crate::config::{self, Extract};
use crate::model::{Properties, Results};

/// Who set the properties, as their page says.
const SOURCE: &str = "SetPropertyFromCommand Step";

/// A program whose output is read.
#[derive(Debug)]
pub struct Extracting {
    config: config::SetPropertiesFromCommand,
    description: String,
}

impl Extracting {
    pub(super) fn begin(
        config: &config::SetPropertiesFromCommand,
        site: &Site<'_>,
    ) -> Result<(Extracting, Next), String> {
        let (mut command, description) = shell::command(&config.shell, site)?;
        let output = config.output;
        (command.capture, command.capture_errors) = (output.include_stdout, output.include_stderr);
        Ok((Extracting { config: config.clone(), description }, Next::Run(command)))
    }

    pub(super) fn go_on(&mut self, outcome: &Outcome) -> Next {
        let end = shell::evaluate(&self.config.shell.decode_rc, outcome);
        if !end.results.is_good() {
            return Next::Done(end);
        }
        let text = said(outcome);
        Next::Done(match extract(&self.config.extract, &text) {
            Ok(properties) => End { properties, ..end },
            Err(why) => {
                let detail = Some("its output cannot be read".to_owned());
                End { detail, complaint: Some(format!("{why}\n")), ..End::plain(Results::Failure) }
            }
        })
    }

    pub(super) fn description(&self) -> &str {
        &self.description
    }
}

/// Reads properties out of a text.
fn extract(how: &Extract, text: &str) -> Result<Properties, String> {
    let mut properties = Properties::default();
    match how {
        Extract::Json => {
            let entries: serde_json::Map<String, serde_json::Value> =
                serde_json::from_str(text).map_err(|error| format!("it is no JSON object: {error}"))?;
            if entries.len() > EXTRACTED {
                return Err(format!("it has more than {EXTRACTED} entries"));
            }
            for (name, value) in entries {
                properties.set(name, value, SOURCE);
            }
        }
        Extract::Lines => {
            let lines = text.lines().filter_map(|line| line.split_once('='));
            for (name, value) in lines.take(EXTRACTED) {
                properties.set(name.trim(), value.trim(), SOURCE);
            }
        }
        Extract::Regex(regex) => {
            let found = regex.captures(text).ok_or("the expression is not found in it")?;
            for name in regex.groups() {
                if let Some(value) = found.name(name) {
                    properties.set(name, value.as_str(), SOURCE);
                }
            }
        }
    }
    Ok(properties)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Search;

    fn told(how: &Extract, text: &str) -> Result<String, String> {
        let properties = extract(how, text)?;
        let shown = properties.iter().map(|(name, property)| format!("{name}={}", property.value));
        Ok(shown.collect::<Vec<_>>().join(" "))
    }

    #[test]
    fn properties_are_read_out_of_texts() {
        let regex = Extract::Regex(
            Search::new("(?m)^v(?P<major>[0-9]+)\\.(?P<minor>[0-9]+)(?P<rest>-.*)?$").unwrap(),
        );
        assert_eq!(told(&regex, "tags:\nv3.14\n"), Ok("major=\"3\" minor=\"14\"".to_owned()));
        assert_eq!(told(&regex, "none"), Err("the expression is not found in it".to_owned()));
        assert_eq!(told(&Extract::Lines, "a=1\n\nb = x=y \nno\n"), Ok("a=\"1\" b=\"x=y\"".to_owned()));
        assert_eq!(told(&Extract::Json, "{\"a\": [1], \"b\": null}"), Ok("a=[1] b=null".to_owned()));
        assert!(told(&Extract::Json, "[1]").unwrap_err().starts_with("it is no JSON object"));
        assert!(told(&Extract::Json, "{\"a\": 1").unwrap_err().starts_with("it is no JSON object"));
    }
}
