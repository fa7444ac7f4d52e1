//! `set_property`, `set_properties`, `set_properties_from_env`: from values, from what a program says, from the worker's
//! environment (`SH-11`, `SH-24`, `N-ST-03`, `N-ST-04`).

use super::{End, Next, Site, shell};
use crate::botmaster::command::Outcome;
use crate::config::{self, SetPropertyFrom, Template};
use crate::model::{Properties, Results};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// Who set the property, as its page says.
const SOURCE: &str = "SetProperty Step";

/// A property about to be set.
#[derive(Debug)]
pub struct SetProperty {
    property: String,
    description: String,
    program: Option<Program>,
    exhibit: String,
}

#[derive(Debug)]
struct Program {
    decode_rc: BTreeMap<i32, Results>,
    strip: bool,
}

impl SetProperty {
    /// Begins.
    pub(super) fn begin(
        config: &config::SetProperty,
        site: &Site<'_>,
    ) -> Result<(SetProperty, Next), String> {
        let property = site.scene.text(&config.property)?;
        let exhibit = String::new();
        match &config.from {
            SetPropertyFrom::Value(value) => {
                let value = site.scene.json(value)?;
                let description = format!("set {property}");
                let mut set = SetProperty { property, description, program: None, exhibit };
                let end = set.end(value);
                Ok((set, Next::Done(end)))
            }
            SetPropertyFrom::Output { shell, strip, output } => {
                let (mut command, description) = shell::command(shell, site)?;
                (command.capture, command.capture_errors) = (output.include_stdout, output.include_stderr);
                let program = Some(Program { decode_rc: shell.decode_rc.clone(), strip: *strip });
                Ok((SetProperty { property, description, program, exhibit }, Next::Run(command)))
            }
        }
    }

    pub(super) fn go_on(&mut self, outcome: &Outcome) -> Next {
        let Some(program) = &self.program else { return Next::Done(End::plain(Results::Success)) };
        let end = shell::evaluate(&program.decode_rc, outcome);
        if !end.results.is_good() {
            return Next::Done(end);
        }
        let text = said(outcome);
        let text = if program.strip { text.trim() } else { &text };
        let set = self.end(text.into());
        Next::Done(End { results: end.results, detail: end.detail, ..set })
    }

    fn end(&mut self, value: serde_json::Value) -> End {
        self.exhibit = format!("{}: {value}\n", self.property);
        let mut end = End::plain(Results::Success);
        end.properties = Properties::default();
        end.properties.set(&self.property, value, SOURCE);
        end
    }

    pub(super) fn description(&self) -> &str {
        &self.description
    }

    /// What was changed, for the log of that name.
    pub(super) fn exhibit(&self) -> Option<(Cow<'static, str>, &str)> {
        (!self.exhibit.is_empty()).then_some(("property changes".into(), &self.exhibit))
    }
}

/// What was kept of what a program says.
pub(super) fn said(outcome: &Outcome) -> String {
    let whole = [&outcome.stdout[..], &outcome.stderr[..]].concat();
    String::from_utf8_lossy(&whole).replace('\0', "\u{fffd}")
}

/// Sets several properties.
pub(super) fn several(config: &config::SetProperties, site: &Site<'_>) -> Result<End, String> {
    let mut end = End::plain(Results::Success);
    for (name, value) in &config.0 {
        let name = site.scene.text(&Template::new(name)?)?;
        end.properties.set(name, site.scene.json(value)?, "SetProperties Step");
    }
    Ok(end)
}

/// Takes properties from the worker's environment. A variable that is not there sets none.
pub(super) fn from_env(config: &config::SetPropertiesFromEnv, site: &Site<'_>) -> End {
    let is_windows = site.scene.worker.get("system").is_some_and(|system| system == "nt");
    let mut end = End::plain(Results::Success);
    for name in &config.variables {
        let same = |known: &str| known == name || (is_windows && known.eq_ignore_ascii_case(name));
        if let Some((_, value)) = site.environ.iter().find(|(known, _)| same(known)) {
            end.properties.set(name, value.as_str(), &config.source);
        }
    }
    end
}
