//! `bellwether simulate`: what would the schedulers of a configuration have done with past changes?

use super::{ConfigArg, Format, NO, UNASKED, fail};
use crate::config::{self, Config};
use crate::master::rehearsal::{self, Outcome, Script};
use crate::model::{Change, NewChange, Properties, Verdict, Wall};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

/// Say what each scheduler would start and when, without running anything
///
/// Takes the changes of a file, or the newest ones of the configured database, and lets the schedulers of the configuration
/// live through them in virtual time. Try the configuration that you are about to put in force.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    config: ConfigArg,
    /// Changes as JSON, as the API tells of them (`/api/v2/changes`), or one on each line; instead of the database's
    #[arg(long, value_name = "FILE")]
    changes: Option<PathBuf>,
    /// How many changes of the database to take
    #[arg(long, value_name = "NUMBER", default_value_t = 100, conflicts_with = "changes")]
    newest: u32,
    /// How long to go on after the last change
    #[arg(long, value_name = "DURATION", default_value = "1d", value_parser = duration)]
    after: Duration,
    /// How long each buildset takes; it then succeeds
    #[arg(long, value_name = "DURATION", default_value = "10m", value_parser = duration)]
    build_time: Duration,
    /// Say for every change what each scheduler has made of it
    #[arg(long)]
    verdicts: bool,
    /// How to say it
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

fn duration(text: &str) -> Result<Duration, String> {
    config::parse_duration(text).ok_or_else(|| "it takes a duration such as 90s, 10m or 1d".to_owned())
}

/// Does it.
pub fn run(args: &Args) -> ExitCode {
    let config = match config::load(&args.config.config) {
        Ok(loaded) => loaded.config,
        Err(faults) => {
            let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
            return fail(NO, &faults.join("\n"));
        }
    };
    match simulate(args, &config) {
        Ok(outcome) => {
            match args.format {
                Format::Text => say(&outcome, &config, args.verdicts),
                Format::Json => println!("{}", document(&outcome)),
            }
            ExitCode::SUCCESS
        }
        Err(why) => fail(UNASKED, &why),
    }
}

fn simulate(args: &Args, config: &Config) -> Result<Outcome, String> {
    let changes = match &args.changes {
        Some(file) => read(file, config).map_err(|why| format!("{}: {why}", file.display()))?,
        None => {
            let past = rehearsal::past_changes(&config.database.url, args.newest);
            let past = past.map_err(|error| format!("{}: {error}", config.database.url))?;
            past.into_iter().map(|Change { when, told, .. }| (when, told)).collect()
        }
    };
    let (Some(from), Some(last)) =
        (changes.iter().map(|(when, _)| *when).min(), changes.iter().map(|(when, _)| *when).max())
    else {
        return Err("there are no changes to go by; --changes takes some from a file".to_owned());
    };
    let script = Script { from, until: last + args.after, build_time: args.build_time, changes };
    let scratch = tempfile::tempdir().map_err(|error| error.to_string())?;
    rehearsal::rehearse(config, script, scratch.path()).map_err(|error| error.to_string())
}

/// A change as the API tells of it, as far as schedulers look at it.
#[derive(Debug, Deserialize)]
#[serde(default)]
struct Told {
    author: String,
    comments: String,
    files: Vec<String>,
    branch: Option<String>,
    revision: Option<String>,
    repository: String,
    project: String,
    codebase: Option<String>,
    category: Option<String>,
    when_timestamp: Option<i64>,
    properties: BTreeMap<String, (Value, String)>,
}

impl Default for Told {
    fn default() -> Told {
        Told {
            author: "somebody".to_owned(),
            comments: String::new(),
            files: Vec::new(),
            branch: None,
            revision: None,
            repository: String::new(),
            project: String::new(),
            codebase: None,
            category: None,
            when_timestamp: None,
            properties: BTreeMap::new(),
        }
    }
}

/// Reads a file of changes: `{"changes": [...]}`, a list, or one on each line; the API's newest come first.
fn read(file: &Path, config: &Config) -> Result<Vec<(Wall, NewChange)>, String> {
    let text = std::fs::read_to_string(file).map_err(|error| error.to_string())?;
    let mut told = Vec::new();
    for document in serde_json::Deserializer::from_str(&text).into_iter::<Value>() {
        match document.map_err(|error| error.to_string())? {
            Value::Array(changes) => told.extend(changes),
            Value::Object(mut answer) if answer.get("changes").is_some_and(Value::is_array) => {
                if let Some(Value::Array(changes)) = answer.remove("changes") {
                    told.extend(changes);
                }
            }
            change => told.push(change),
        }
    }
    let read = |change: Value| serde_json::from_value(change).map_err(|error| error.to_string());
    let told = told.into_iter().map(read).collect::<Result<Vec<Told>, _>>()?;
    let mut at = Wall::from_seconds(0);
    let mut changes = Vec::new();
    for change in told {
        // One without a time came with the one before.
        at = change.when_timestamp.map_or(at, Wall::from_seconds);
        changes.push((at, new_change(change, at, config)));
    }
    changes.sort_by_key(|(when, _)| *when);
    Ok(changes)
}

fn new_change(told: Told, when: Wall, config: &Config) -> NewChange {
    let mut properties = Properties::default();
    for (name, (value, source)) in told.properties {
        properties.set(name, value, source);
    }
    NewChange {
        codebase: told.codebase.unwrap_or_else(|| config.codebase_of(&told.repository).to_owned()),
        author: told.author,
        comments: told.comments,
        files: told.files,
        branch: told.branch,
        revision: told.revision,
        repository: told.repository,
        project: told.project,
        category: told.category,
        when: Some(when),
        properties,
        ..NewChange::default()
    }
}

/// `2026-11-22 20:04:39 CET`.
fn shown(at: Wall, zone: &TimeZone) -> String {
    let at = Timestamp::from_microsecond(at.0).unwrap_or_default();
    at.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S %Z").to_string()
}

fn say(outcome: &Outcome, config: &Config, verdicts: bool) {
    let zone = config.timezone.as_deref().and_then(|name| TimeZone::get(name).ok());
    let zone = zone.unwrap_or_else(TimeZone::system);
    for (buildset, builders) in &outcome.buildsets {
        let changes: Vec<String> = buildset.changes.iter().map(ToString::to_string).collect();
        let of = match changes.len() {
            0 => String::new(),
            1 => format!(" for change {}", changes[0]),
            _ => format!(" for changes {}", changes.join(", ")),
        };
        let time = shown(buildset.submitted_at, &zone);
        println!("{time}  {}: {}{of}", buildset.scheduler, builders.join(", "));
    }
    let count = |count: usize, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
    let (changes, buildsets) = (outcome.changes.len(), outcome.buildsets.len());
    println!("{}, {}", count(changes, "change"), count(buildsets, "buildset"));
    let built = |change: &Change| outcome.buildsets.iter().any(|(set, _)| set.changes.contains(&change.id));
    for (change, made) in &outcome.changes {
        if verdicts || !built(change) {
            println!("change {}: {}", change.id, what_became(built(change), made));
        }
    }
}

fn what_became(is_built: bool, verdicts: &[Verdict]) -> String {
    let told: Vec<String> =
        verdicts.iter().map(|verdict| format!("{}: {}", verdict.scheduler, verdict.reason)).collect();
    match (is_built, told.is_empty()) {
        (_, false) => told.join("; "),
        (true, true) => "built".to_owned(),
        (false, true) => "nothing is built of it".to_owned(),
    }
}

fn document(outcome: &Outcome) -> Value {
    let buildset = |(buildset, builders): &(crate::model::Buildset, Vec<String>)| {
        json!({
            "submitted_at": buildset.submitted_at.seconds(),
            "scheduler": buildset.scheduler,
            "reason": buildset.reason,
            "builders": builders,
            "changes": buildset.changes.iter().map(|id| id.0).collect::<Vec<_>>(),
        })
    };
    let change = |(change, verdicts): &(Change, Vec<Verdict>)| {
        let verdicts: BTreeMap<&str, &str> =
            verdicts.iter().map(|verdict| (verdict.scheduler.as_str(), verdict.reason.as_str())).collect();
        json!({"id": change.id.0, "when_timestamp": change.when.seconds(), "branch": change.told.branch,
               "revision": change.told.revision, "verdicts": verdicts})
    };
    json!({
        "buildsets": outcome.buildsets.iter().map(buildset).collect::<Vec<_>>(),
        "changes": outcome.changes.iter().map(change).collect::<Vec<_>>(),
    })
}
