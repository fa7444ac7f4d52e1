//! The builders that the master has put on this worker, and their directories.

use super::arguments::below;
use crate::pb::{Failure, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::{Component, Path, PathBuf};

#[derive(Debug)]
struct Builder {
    name: Vec<u8>,
    dir: PathBuf,
}

/// Every builder under the key of the object that stands for it.
#[derive(Debug)]
pub struct Builders {
    next_key: u64,
    by_key: BTreeMap<u64, Builder>,
}

/// What a new list of builders changed.
#[derive(Debug)]
pub struct Change {
    /// For the master: name to object, for all builders.
    pub answer: Value,
    /// Keys of builders that are no longer.
    pub removed: Vec<u64>,
    /// Directories that belong to no builder; hidden ones are none of ours.
    pub leftovers: Vec<OsString>,
}

/// The directory of the agent itself.
const OWN_DIR: &str = "info";

impl Builders {
    /// None yet; keys begin at `first_key`.
    pub fn new(first_key: u64) -> Builders {
        Builders { next_key: first_key, by_key: BTreeMap::new() }
    }

    /// The directory of a builder.
    pub fn dir(&self, key: u64) -> Option<&Path> {
        self.by_key.get(&key).map(|builder| &*builder.dir)
    }

    /// The name of a builder, for people.
    pub fn name(&self, key: u64) -> String {
        self.by_key
            .get(&key)
            .map(|builder| String::from_utf8_lossy(&builder.name).into_owned())
            .unwrap_or_default()
    }

    /// Takes the list of pairs of name and directory, and makes the directories.
    ///
    /// # Errors
    /// The list is none, or a directory lies outside `basedir` or can't be made. The old list then stays.
    pub fn set(&mut self, list: &Value, basedir: &Path) -> Result<Change, Failure> {
        let wrong = || Failure::type_error("setBuilderList() takes a list of pairs of name and directory");
        let mut wanted = Vec::new();
        for pair in list.as_items().ok_or_else(wrong)? {
            let [name, dir] = pair.as_items().unwrap_or_default() else { return Err(wrong()) };
            let (Some(bytes), Some(dir)) = (name.as_bytes(), dir.as_str()) else { return Err(wrong()) };
            let dir = safe_dir(basedir, dir)?;
            std::fs::create_dir_all(&dir).map_err(|error| {
                Failure::builtin("OSError", format!("can't make {}: {error}", dir.display()))
            })?;
            wanted.push((name, bytes.to_vec(), dir));
        }
        let mut before: BTreeMap<Vec<u8>, u64> =
            std::mem::take(&mut self.by_key).into_iter().map(|(key, builder)| (builder.name, key)).collect();
        let mut answer = Vec::with_capacity(wanted.len());
        for (shown, name, dir) in wanted {
            let key = before.remove(&name).unwrap_or(self.next_key);
            self.next_key = self.next_key.max(key + 1);
            self.by_key.insert(key, Builder { name, dir });
            answer.push((shown.clone(), Value::local(key)));
        }
        let leftovers = self.leftovers(basedir);
        Ok(Change { answer: Value::Dict(answer), removed: before.into_values().collect(), leftovers })
    }

    fn leftovers(&self, basedir: &Path) -> Vec<OsString> {
        let top = |builder: &Builder| Some(builder.dir.strip_prefix(basedir).ok()?.iter().next()?.to_owned());
        let used: BTreeSet<OsString> = self.by_key.values().filter_map(top).collect();
        // A directory that can't be read has no leftovers to tell of.
        let entries = std::fs::read_dir(basedir).into_iter().flatten().flatten();
        let dirs = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
        let mut names: Vec<OsString> = dirs.map(|entry| entry.file_name()).collect();
        names.retain(|name| {
            !used.contains(name) && *name != *OWN_DIR && !name.as_encoded_bytes().starts_with(b".")
        });
        names.sort();
        names
    }
}

/// The builder's directory, which must lie below `basedir`.
fn safe_dir(basedir: &Path, dir: &str) -> Result<PathBuf, Failure> {
    let path = Path::new(dir);
    let inside = path.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    let somewhere = path.components().any(|part| matches!(part, Component::Normal(_)));
    if !inside || !somewhere || dir.contains('\0') {
        return Err(Failure::value_error(format!(
            "builder directory '{dir}' is not below the worker's directory"
        )));
    }
    Ok(below(basedir, path))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(pairs: &[(&str, &str)]) -> Value {
        Value::List(pairs.iter().map(|(name, dir)| Value::tuple([*name, *dir])).collect())
    }

    #[test]
    fn builders_keep_their_keys_and_the_gone_are_told() {
        let base = tempfile::tempdir().expect("a directory");
        let mut builders = Builders::new(1);
        let first =
            builders.set(&list(&[("a", "dir-a"), ("b", "deep/dir-b")]), base.path()).expect("is right");
        assert_eq!(first.answer, Value::dict([("a", Value::local(1)), ("b", Value::local(2))]));
        assert!(base.path().join("deep/dir-b").is_dir());
        let raw = Value::List(vec![Value::Tuple(vec![Value::bytes("b"), Value::bytes("new-b")])]);
        for own in ["info", ".ssh"] {
            std::fs::create_dir(base.path().join(own)).expect("makes");
        }
        let second = builders.set(&raw, base.path()).expect("is right");
        assert_eq!(second.answer, Value::Dict(vec![(Value::bytes("b"), Value::local(2))]));
        assert_eq!((second.removed, second.leftovers), (vec![1], vec!["deep".into(), "dir-a".into()]));
        assert_eq!(builders.dir(2), Some(&*base.path().join("new-b")));
        assert_eq!(builders.dir(1), None);
        let third = builders.set(&list(&[("c", "c"), ("b", "b")]), base.path()).expect("is right");
        assert_eq!(third.answer, Value::dict([("c", Value::local(3)), ("b", Value::local(2))]));
    }

    #[test]
    fn no_directory_outside() {
        let base = tempfile::tempdir().expect("a directory");
        let mut builders = Builders::new(1);
        for dir in ["", ".", "/etc", "../x", "a/../../x", "a\0b"] {
            let refused = builders.set(&list(&[("a", "fine"), ("b", dir)]), base.path());
            assert!(refused.expect_err(dir).is_a("builtins.ValueError"), "{dir}");
            assert_eq!(builders.dir(1), None);
        }
        for wrong in [Value::None, Value::list(["a"]), Value::List(vec![Value::tuple(["a"])])] {
            assert!(builders.set(&wrong, base.path()).expect_err("refused").is_a("builtins.TypeError"));
        }
    }
}
