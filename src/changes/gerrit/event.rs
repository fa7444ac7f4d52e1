//! An event of Gerrit's as a change (`CS-14`). Pure.

use crate::config::Gerrit;
use crate::model::{NewChange, Properties, Wall};
use serde_json::Value;

/// The event `type` that a patch set makes.
const PATCHSET_CREATED: &str = "patchset-created";
/// The source that properties of a change have.
const SOURCE: &str = "Change";
/// What a change touches that nobody knows of.
pub const UNKNOWN_FILES: &str = "unknown";

/// What a line of the stream comes to.
#[derive(Clone, Debug, PartialEq)]
pub enum Heard {
    /// A change, and of one that is under review which patch set it is.
    Change(Box<NewChange>, Option<PatchSet>),
    /// Nothing to build: why, for the log.
    Nothing(String),
}

/// A patch set under review.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PatchSet {
    /// The number of its change.
    pub change: u64,
    /// Its own number in it.
    pub number: u64,
}

/// Reads one line of the stream.
pub fn read(line: &str, gerrit: &Gerrit) -> Heard {
    let nothing = |why: String| Heard::Nothing(why);
    let event: Value = match serde_json::from_str(line) {
        Ok(event) => event,
        Err(error) => return nothing(format!("an event that is no JSON: {error}")),
    };
    let Some(kind) = event["type"].as_str() else {
        return nothing("an event without a type".to_owned());
    };
    if !gerrit.handled_events.iter().any(|handled| handled == kind) {
        return nothing(format!("event {kind} is not among the handled ones"));
    }
    let read = if kind == "ref-updated" { ref_updated(&event, gerrit) } else { of_change(&event, gerrit) };
    match read {
        Ok((mut change, patch_set)) => {
            change.category = Some(kind.to_owned());
            change.when = event["eventCreatedOn"].as_i64().map(Wall::from_seconds);
            flatten("event", &event, &mut change.properties);
            Heard::Change(Box::new(change), patch_set)
        }
        Err(why) => nothing(format!("event {kind}: {why}")),
    }
}

type Told = (NewChange, Option<PatchSet>);

/// An event of a change under review.
fn of_change(event: &Value, gerrit: &Gerrit) -> Result<Told, String> {
    let (change, patch_set) = (&event["change"], &event["patchSet"]);
    let number = number(&change["number"]).ok_or("no change number")?;
    let branch = change["branch"].as_str().ok_or("no branch")?;
    let revision = patch_set["revision"].as_str().ok_or("no revision")?;
    let project = change["project"].as_str().ok_or("no project")?;
    let author =
        [&patch_set["author"], &patch_set["uploader"], &change["owner"]].into_iter().find_map(account);
    let new = NewChange {
        author: author.unwrap_or_else(|| "gerrit".to_owned()),
        branch: Some(format!("{branch}/{number}")),
        revision: Some(revision.to_owned()),
        revlink: change["url"].as_str().unwrap_or_default().to_owned(),
        comments: change["subject"].as_str().unwrap_or_default().to_owned(),
        ..of_project(project, gerrit)
    };
    let patch_set = self::number(&patch_set["number"]).map(|own| PatchSet { change: number, number: own });
    Ok((new, patch_set))
}

/// An event of a branch or a tag that moved.
fn ref_updated(event: &Value, gerrit: &Gerrit) -> Result<Told, String> {
    let update = &event["refUpdate"];
    let name = update["refName"].as_str().ok_or("no ref")?;
    let revision = update["newRev"].as_str().ok_or("no revision")?;
    let project = update["project"].as_str().ok_or("no project")?;
    if revision.bytes().all(|byte| byte == b'0') {
        return Err(format!("{name} is gone"));
    }
    let is_review = name.starts_with("refs/changes/");
    if is_review && gerrit.handled_events.iter().any(|handled| handled == PATCHSET_CREATED) {
        return Err(format!("{name} is told by {PATCHSET_CREATED}"));
    }
    let new = NewChange {
        author: account(&event["submitter"]).unwrap_or_else(|| "gerrit".to_owned()),
        branch: Some(name.to_owned()),
        revision: Some(revision.to_owned()),
        comments: format!("{name} moved"),
        ..of_project(project, gerrit)
    };
    Ok((new, None))
}

/// What all changes of a project have.
fn of_project(project: &str, gerrit: &Gerrit) -> NewChange {
    let Gerrit { server, port, user, .. } = gerrit;
    NewChange {
        repository: format!("ssh://{user}@{server}:{port}/{project}"),
        project: project.to_owned(),
        files: vec![UNKNOWN_FILES.to_owned()],
        vc: Some("git".to_owned()),
        ..NewChange::default()
    }
}

/// Numbers were text once.
fn number(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}

/// `Name <address>`, or what there is of it.
fn account(value: &Value) -> Option<String> {
    let text = |key: &str| value[key].as_str().filter(|text| !text.is_empty());
    match (text("name").or(text("username")), text("email")) {
        (Some(name), Some(email)) => Some(format!("{name} <{email}>")),
        (name, email) => name.or(email).map(str::to_owned),
    }
}

/// Every field of an event as a property `event.a.b`.
fn flatten(name: &str, value: &Value, properties: &mut Properties) {
    match value {
        Value::Object(fields) => {
            fields.iter().for_each(|(key, value)| flatten(&format!("{name}.{key}"), value, properties));
        }
        value => properties.set(name, value.clone(), SOURCE),
    }
}

/// The files that a patch set touches, from what `gerrit query --files --patch-sets` prints.
pub fn files(output: &str, patch_set: &PatchSet) -> Option<Vec<String>> {
    let answer: Value = serde_json::from_str(output.lines().next()?).ok()?;
    let sets = answer["patchSets"].as_array()?;
    let set = sets.iter().find(|set| number(&set["number"]) == Some(patch_set.number))?;
    // What it says of the commit itself stands under names with a slash at the beginning.
    let names = set["files"].as_array()?.iter().filter_map(|file| file["file"].as_str());
    Some(names.filter(|name| !name.starts_with('/')).map(str::to_owned).collect())
}
