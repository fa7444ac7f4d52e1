//! The files that `buildbot tryserver` leaves in a job directory (`clients.md` §6): netstrings, the first of which
//! says what the others are. Pure.

use super::TryJob;
use crate::model::Properties;
use serde::Deserialize;
use std::collections::BTreeMap;

/// The source of the properties that a job brings, as Buildbot calls it.
pub(super) const SOURCE: &str = "try build";

/// Reads a job.
///
/// # Errors
/// What is wrong with the file, in one line.
pub fn read(file: &[u8]) -> Result<TryJob, String> {
    let strings = netstrings(file)?;
    let (version, strings) = strings.split_first().ok_or("it is empty")?;
    match *version {
        b"1" | b"2" | b"3" | b"4" => {
            let texts: Vec<&str> = strings
                .iter()
                .map(|string| std::str::from_utf8(string).map_err(|_| "it is not UTF-8".to_owned()))
                .collect::<Result<_, _>>()?;
            by_position(version[0] - b'0', &texts)
        }
        b"5" | b"6" => match strings {
            [json] => by_name(json),
            _ => Err("one string must follow the version".to_owned()),
        },
        other => Err(format!("its version {:?} is not known", String::from_utf8_lossy(other))),
    }
}

fn netstrings(mut file: &[u8]) -> Result<Vec<&[u8]>, String> {
    let mut strings = Vec::new();
    while !file.is_empty() {
        let colon = memchr::memchr(b':', file).ok_or("it ends within a netstring's length")?;
        let (length, rest) = (&file[..colon], &file[colon + 1..]);
        let digits = std::str::from_utf8(length).ok().filter(|text| text.bytes().all(|c| c.is_ascii_digit()));
        let length: usize = digits.and_then(|text| text.parse().ok()).ok_or("a netstring has no length")?;
        let (string, rest) = rest.split_at_checked(length).ok_or("it ends within a netstring")?;
        file = rest.strip_prefix(b",").ok_or("a netstring does not end with a comma")?;
        strings.push(string);
    }
    Ok(strings)
}

/// Versions 1 to 4: each has one or two strings more before the builders.
fn by_position(version: u8, strings: &[&str]) -> Result<TryJob, String> {
    let mut strings = strings.iter().copied();
    let mut next = |what: &str| strings.next().map(str::to_owned).ok_or_else(|| format!("it has no {what}"));
    let mut job = TryJob { id: next("job id")?, ..TryJob::default() };
    job.branch = given(next("branch")?);
    job.revision = given(next("base revision")?);
    let level = next("patch level")?;
    let level = level.parse().map_err(|_| format!("its patch level {level:?} is no number"))?;
    job.patch = Some((level, next("patch")?));
    if version >= 2 {
        (job.repository, job.project) = (next("repository")?, next("project")?);
    }
    if version >= 3 {
        job.who = next("author")?;
    }
    if version >= 4 {
        job.comment = next("comment")?;
    }
    job.builders = strings.map(str::to_owned).collect();
    Ok(job)
}

fn given(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}

/// Versions 5 and 6.
#[derive(Deserialize)]
struct Named {
    #[serde(default)]
    jobid: String,
    branch: Option<String>,
    baserev: Option<String>,
    #[serde(default)]
    patch_level: u32,
    patch_body: Option<String>,
    patch_body_base64: Option<String>,
    repository: Option<String>,
    project: Option<String>,
    who: Option<String>,
    comment: Option<String>,
    #[serde(default, rename = "builderNames")]
    builder_names: Vec<String>,
    properties: Option<BTreeMap<String, serde_json::Value>>,
}

fn by_name(json: &[u8]) -> Result<TryJob, String> {
    let named: Named = serde_json::from_slice(json).map_err(|error| error.to_string())?;
    if named.patch_body_base64.is_some() {
        // What is not text has no place in a source stamp.
        return Err("its patch is not UTF-8".to_owned());
    }
    let mut properties = Properties::default();
    for (name, value) in named.properties.unwrap_or_default() {
        properties.set(name, value, SOURCE);
    }
    Ok(TryJob {
        id: named.jobid,
        branch: named.branch.and_then(given),
        revision: named.baserev.and_then(given),
        patch: named.patch_body.map(|body| (named.patch_level, body)),
        repository: named.repository.unwrap_or_default(),
        project: named.project.unwrap_or_default(),
        builders: named.builder_names,
        who: named.who.unwrap_or_default(),
        comment: named.comment.unwrap_or_default(),
        properties,
    })
}
