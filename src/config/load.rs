//! From files to a configuration, or to everything that is wrong with them.

use super::findings::Findings;
use super::yaml::{Node, Sources};
use super::{Complaint, Config, check, merge, read};
use std::path::{Path, PathBuf};

/// What was loaded.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The configuration.
    pub config: Config,
    /// What could be better.
    pub warnings: Vec<Complaint>,
}

/// Loads the file, and every `*.yaml` of the directory `conf.d` beside it, in the order of their names. It
/// contacts nobody and reads no secret (`CFG-20`).
///
/// # Errors
/// All that is wrong, in the order of the files.
pub fn load(path: &Path) -> Result<Loaded, Vec<Complaint>> {
    let mut texts = Vec::new();
    let mut complaints = Vec::new();
    for file in files(path)? {
        match std::fs::read_to_string(&file) {
            Ok(text) => texts.push((file.display().to_string(), text)),
            Err(error) => complaints.push(unreadable(&file, &error)),
        }
    }
    if !complaints.is_empty() {
        return Err(complaints);
    }
    let texts: Vec<(&str, &str)> = texts.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    load_texts(&texts)
}

/// Loads one text; the name stands for the file's.
///
/// # Errors
/// As [`load`].
pub fn load_text(name: &str, text: &str) -> Result<Loaded, Vec<Complaint>> {
    load_texts(&[(name, text)])
}

/// Loads several texts as one configuration, each with the name that stands for its file's.
///
/// # Errors
/// As [`load`].
pub fn load_texts(texts: &[(&str, &str)]) -> Result<Loaded, Vec<Complaint>> {
    let mut sources = Sources::default();
    let mut findings = Findings::default();
    let mut root: Option<Node> = None;
    let mut complaints = Vec::new();
    for (name, text) in texts {
        match (sources.parse(name, text), &mut root) {
            (Ok(node), Some(root)) => merge::merge(root, node, &sources, &mut findings),
            (Ok(node), None) => root = Some(node),
            (Err(more), _) => complaints.extend(more),
        }
    }
    let read = root.filter(|_| complaints.is_empty()).and_then(|root| read::top::read(&root, &mut findings));
    let config = read.map(|read| check::resolve(read, &sources, &mut findings));
    let (found, warnings) = findings.located(&sources);
    complaints.extend(found);
    match config {
        Some(config) if complaints.is_empty() => Ok(Loaded { config, warnings }),
        _ => Err(complaints),
    }
}

/// The file, and those of its `conf.d`.
fn files(path: &Path) -> Result<Vec<PathBuf>, Vec<Complaint>> {
    let directory = path.with_file_name("conf.d");
    let entries = match std::fs::read_dir(&directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(vec![path.to_owned()]),
        Err(error) => return Err(vec![unreadable(&directory, &error)]),
    };
    let mut more = Vec::new();
    for entry in entries {
        let file = entry.map_err(|error| vec![unreadable(&directory, &error)])?.path();
        let hidden = file.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        if file.extension().is_some_and(|extension| extension == "yaml") && !hidden {
            more.push(file);
        }
    }
    more.sort();
    Ok([path.to_owned()].into_iter().chain(more).collect())
}

fn unreadable(path: &Path, error: &std::io::Error) -> Complaint {
    Complaint::without_line(&path.display().to_string(), "", format!("it cannot be read: {error}"), "")
}
