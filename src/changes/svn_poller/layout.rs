//! Which branch a path is in. Pure.

use super::printed::{Entry, Touched};
use crate::config::{BranchPath, SvnPoller};
use std::collections::BTreeMap;

/// The files of a revision, by the branch that they are in; `None` is the trunk. `prefix` is where in the repository the
/// poller looks.
pub fn by_branch(entry: &Entry, prefix: &str, poller: &SvnPoller) -> BTreeMap<Option<String>, Vec<String>> {
    let mut branches: BTreeMap<Option<String>, Vec<String>> = BTreeMap::new();
    let mut gone = Vec::new();
    for touched in &entry.touched {
        let Some(path) = below(&touched.path, prefix) else { continue };
        let Some((branch, file)) = split(path, poller) else { continue };
        // A branch that is taken away as a whole is nothing to build.
        if file.is_empty() && touched.is_deleted {
            gone.push(branch.clone());
        }
        branches.entry(branch).or_default().push(named(file, touched));
    }
    gone.iter().for_each(|branch| drop(branches.remove(branch)));
    branches
}

/// A file as changes name it: a directory with a slash at its end.
fn named(file: &str, touched: &Touched) -> String {
    if touched.is_directory && !file.is_empty() { format!("{file}/") } else { file.to_owned() }
}

/// What of a path comes after these directories; `None` if it is not below them.
fn below<'p>(path: &'p str, directories: &str) -> Option<&'p str> {
    let rest = path.trim_start_matches('/').strip_prefix(directories.trim_matches('/'))?;
    if rest.is_empty() || directories.trim_matches('/').is_empty() {
        Some(rest)
    } else {
        rest.strip_prefix('/')
    }
}

/// The branch of a path, and the rest of it; `None` if it is in none.
fn split<'p>(path: &'p str, poller: &SvnPoller) -> Option<(Option<String>, &'p str)> {
    if poller.trunk.is_none() && poller.branches.is_empty() {
        return Some((None, path));
    }
    if let Some(file) = poller.trunk.as_ref().and_then(|trunk| below(path, trunk)) {
        return Some((None, file));
    }
    poller
        .branches
        .iter()
        .find_map(|branch| begins_with(path, branch))
        .map(|(branch, file)| (Some(branch), file))
}

/// The part of a path that this branch path fits, and the rest.
fn begins_with<'p>(path: &'p str, BranchPath(names): &BranchPath) -> Option<(String, &'p str)> {
    let mut length = 0;
    for (at, glob) in names.iter().enumerate() {
        let rest = &path[length..];
        let rest = if at == 0 { rest } else { rest.strip_prefix('/')? };
        let name = rest.split('/').next().filter(|name| !name.is_empty() && glob.is_match(name))?;
        length = path.len() - rest.len() + name.len();
    }
    Some((path[..length].to_owned(), path[length..].trim_start_matches('/')))
}
