//! `file_download`, `string_download`, `json_string_download`, `json_properties_download`: a file to the worker
//! (`SH-27`, `SH-28`).

use super::files::failed;
use super::{End, Next, Site};
use crate::botmaster::command::{Command, Outcome};
use crate::botmaster::files::{self, Source, Transfer};
use crate::config::{self, Content};
use crate::model::Results;
use crate::pb::Value;
use serde_json::json;
use std::collections::BTreeMap;

/// A file on its way.
#[derive(Debug)]
pub struct Download {
    description: String,
    /// What is to be run once the file is known to be there.
    command: Option<Command>,
}

impl Download {
    pub(super) fn begin(config: &config::Download, site: &Site<'_>) -> Result<(Download, Next), String> {
        let to = site.scene.text(&config.to)?;
        let source = match &config.content {
            Content::File(path) => {
                Source::File(files::place(site.base_dir, path.as_str(), &site.scene.text(path)?)?)
            }
            Content::Text(text) => Source::Text(site.scene.text(text)?.into()),
            Content::Json(value) => Source::Text(site.scene.json(value)?.to_string().into()),
            Content::Properties => Source::Text(about(site).into()),
        };
        let description = format!("download to {to}");
        let max_size = config.transfer.max_size.map(|bytes| i64::try_from(bytes).unwrap_or(i64::MAX));
        let args = vec![
            ("workdir", Value::from(site.workdir(config.transfer.workdir.as_ref())?)),
            (if site.is_slave("downloadFile") { "slavedest" } else { "workerdest" }, Value::from(to)),
            ("maxsize", max_size.map_or(Value::None, Value::Int)),
            ("blocksize", Value::Int(config.transfer.block_size.into())),
            ("mode", config.mode.map_or(Value::None, |mode| Value::Int(mode.into()))),
        ];
        let look = match &source {
            Source::File(path) => Some(path.clone()),
            Source::Text(_) => None,
        };
        let command =
            Command { transfer: Some(Transfer::Send(source)), ..Command::new("downloadFile", args) };
        Ok(match look {
            Some(path) => (Download { description, command: Some(command) }, Next::Look(path)),
            None => (Download { description, command: None }, Next::Run(command)),
        })
    }

    /// The file is there, or is not.
    pub(super) fn looked(&mut self, result: Result<(), String>) -> Next {
        match (result, self.command.take()) {
            (Ok(()), Some(command)) => Next::Run(command),
            (Ok(()), None) => Next::Done(End::plain(Results::Success)),
            (Err(why), _) => {
                let detail = Some("the master has no such file".to_owned());
                let complaint = Some(format!("{why}\n"));
                Next::Done(End { detail, complaint, ..End::plain(Results::Failure) })
            }
        }
    }

    pub(super) fn go_on(&mut self, outcome: &Outcome) -> Next {
        Next::Done(match (outcome.rc, &outcome.trouble) {
            (Some(0), None) => End::plain(Results::Success),
            _ => failed(outcome),
        })
    }

    pub(super) fn description(&self) -> &str {
        &self.description
    }
}

/// The build's properties and source stamps.
fn about(site: &Site<'_>) -> String {
    let properties: BTreeMap<&str, &serde_json::Value> =
        site.scene.properties.iter().map(|(name, property)| (name, &property.value)).collect();
    let stamps = site.scene.stamps;
    match stamps {
        [stamp] => json!({"properties": properties, "sourcestamp": stamp, "sourcestamps": stamps}),
        _ => json!({"properties": properties, "sourcestamps": stamps}),
    }
    .to_string()
}
