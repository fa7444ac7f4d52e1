//! What the user of a PB change source may call: `addChange` (`clients.md` §2, `CS-01`).

use crate::model::{NewChange, Properties, Wall};
use crate::pb::{Call, Failure, Value};

/// The name of the original's class, in what is said of calls that it does not know.
const AVATAR: &str = "ChangePerspective";

/// Reads a call. `prefix` is the change source's: files not below it are dropped, the others lose it; a change
/// without any file left is a change still.
///
/// # Errors
/// What the caller is told: no such method, a key that nobody knows, a value that is none.
pub fn read(call: &Call, prefix: Option<&str>) -> Result<NewChange, Failure> {
    if call.method != "addChange" {
        return Err(Failure::no_such_perspective_method(AVATAR, &call.method));
    }
    let dict = match (call.args.as_slice(), call.kwargs.as_slice()) {
        ([dict], []) => dict.as_dict(),
        _ => None,
    };
    let dict = dict.ok_or_else(|| Failure::type_error("addChange takes one dictionary"))?;
    let mut change = NewChange::default();
    let mut author = None;
    for (key, value) in dict {
        let key = key.to_str_lossy().unwrap_or_default();
        match &*key {
            "who" | "author" => author = optional(&key, value)?.or(author),
            "committer" => change.committer = optional(&key, value)?,
            "files" => change.files = files(value)?,
            "comments" => change.comments = optional(&key, value)?.unwrap_or_default(),
            "revision" => change.revision = optional(&key, value)?,
            "branch" => change.branch = optional(&key, value)?,
            "category" => change.category = optional(&key, value)?,
            "when" | "when_timestamp" => change.when = time(&key, value)?.or(change.when),
            "properties" => change.properties = properties(value)?,
            "repository" => change.repository = optional(&key, value)?.unwrap_or_default(),
            "project" => change.project = optional(&key, value)?.unwrap_or_default(),
            "codebase" => change.codebase = optional(&key, value)?.unwrap_or_default(),
            "revlink" => change.revlink = optional(&key, value)?.unwrap_or_default(),
            "src" => change.vc = optional(&key, value)?,
            // Said by old hooks; nothing here asks for it.
            "isdir" | "is_dir" | "links" => {}
            _ => {
                let what = format!("addChange() got an unexpected keyword argument '{key}'");
                return Err(Failure::type_error(what));
            }
        }
    }
    change.author = author.ok_or_else(|| Failure::type_error("addChange() needs 'who'"))?;
    if let Some(prefix) = prefix {
        let below = |file: String| file.strip_prefix(prefix).map(str::to_owned);
        change.files = change.files.into_iter().filter_map(below).collect();
    }
    Ok(change)
}

/// Text, a number (a revision is text in any case, `CM-04`), or nothing.
fn optional(key: &str, value: &Value) -> Result<Option<String>, Failure> {
    match value {
        Value::None => Ok(None),
        Value::Int(number) => Ok(Some(number.to_string())),
        other => {
            let text = other.to_str_lossy().ok_or_else(|| wrong(key, "text"))?;
            Ok(Some(text.into_owned()))
        }
    }
}

fn files(value: &Value) -> Result<Vec<String>, Failure> {
    let items = if value.is_none() { Some(&[][..]) } else { value.as_items() };
    let items = items.ok_or_else(|| wrong("files", "a list of text"))?;
    let text = |item: &Value| item.to_str_lossy().map(std::borrow::Cow::into_owned);
    items.iter().map(|item| text(item).ok_or_else(|| wrong("files", "a list of text"))).collect()
}

/// Seconds since 1970, with a fraction.
fn time(key: &str, value: &Value) -> Result<Option<Wall>, Failure> {
    if value.is_none() {
        return Ok(None);
    }
    let seconds = value.as_f64().filter(|seconds| seconds.is_finite());
    // A number too large becomes the last moment that there is.
    seconds.map(|seconds| Some(Wall((seconds * 1e6) as i64))).ok_or_else(|| wrong(key, "a time in seconds"))
}

fn properties(value: &Value) -> Result<Properties, Failure> {
    let mut properties = Properties::default();
    if value.is_none() {
        return Ok(properties);
    }
    for (name, value) in value.as_dict().ok_or_else(|| wrong("properties", "a dictionary"))? {
        let name = name.to_str_lossy().ok_or_else(|| wrong("properties", "a dictionary by text"))?;
        let value = value.to_json().ok_or_else(|| wrong("properties", "a dictionary of plain values"))?;
        properties.set(name, value, "Change");
    }
    Ok(properties)
}

fn wrong(key: &str, wanted: &str) -> Failure {
    Failure::type_error(format!("addChange() wants {wanted} as '{key}'"))
}
