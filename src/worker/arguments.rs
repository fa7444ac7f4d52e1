//! The arguments of a command, read once and refused with what is wrong (`worker-api.md` §9).

use crate::pb::{Failure, Luid, Value};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The dict that came with `startCommand`. Required keys that are missing are `KeyError`s, wrong types `TypeError`s:
/// the master gets them as the answer of `startCommand` and nothing runs.
#[derive(Clone, Copy, Debug)]
pub struct Arguments<'a> {
    command: &'a str,
    dict: &'a Value,
}

impl<'a> Arguments<'a> {
    /// # Errors
    /// `dict` is none.
    pub fn new(command: &'a str, dict: &'a Value) -> Result<Arguments<'a>, Failure> {
        match dict {
            Value::Dict(_) => Ok(Arguments { command, dict }),
            _ => Err(Failure::type_error(format!("the arguments of {command} are no dict"))),
        }
    }

    /// A value that is there and not None.
    pub fn optional(&self, key: &str) -> Option<&'a Value> {
        self.dict.get(key).filter(|value| !value.is_none())
    }

    /// A value that must be there, though it may be None.
    pub fn present(&self, key: &str) -> Result<&'a Value, Failure> {
        self.dict
            .get(key)
            .ok_or_else(|| Failure::key_error(format!("{} is missing args: {key}", self.command)))
    }

    /// The refusal of a value.
    pub fn wrong(&self, key: &str, wanted: &str) -> Failure {
        Failure::type_error(format!("'{key}' of {} must be {wanted}", self.command))
    }

    /// Text.
    pub fn text(&self, key: &str) -> Result<Option<&'a str>, Failure> {
        let text = |value: &'a Value| value.as_str().ok_or_else(|| self.wrong(key, "a string"));
        self.optional(key).map(text).transpose()
    }

    /// A path that must be there.
    pub fn path(&self, key: &str) -> Result<&'a Path, Failure> {
        path(self.present(key)?).ok_or_else(|| self.wrong(key, "a path"))
    }

    /// One path, or a list of them, that must be there.
    pub fn paths(&self, key: &str) -> Result<Vec<&'a Path>, Failure> {
        let value = self.present(key)?;
        let all: Option<Vec<&Path>> = match value {
            Value::List(items) => items.iter().map(path).collect(),
            one => path(one).map(|one| vec![one]),
        };
        all.ok_or_else(|| self.wrong(key, "a path or a list of paths"))
    }

    /// A truth value; Python's and old masters' numbers count.
    pub fn flag(&self, key: &str, default: bool) -> Result<bool, Failure> {
        let flag = |value: &Value| value.as_bool().ok_or_else(|| self.wrong(key, "true or false"));
        self.optional(key).map_or(Ok(default), flag)
    }

    /// A number of something that can't be negative.
    pub fn count(&self, key: &str) -> Result<Option<u64>, Failure> {
        let count = |value: &Value| {
            let number = value.as_int().and_then(|n| u64::try_from(n).ok());
            number.ok_or_else(|| self.wrong(key, "a number, not below 0"))
        };
        self.optional(key).map(count).transpose()
    }

    /// A time span in seconds.
    pub fn seconds(&self, key: &str) -> Result<Option<Duration>, Failure> {
        let seconds = |value: &Value| {
            let span = value.as_f64().and_then(|n| Duration::try_from_secs_f64(n).ok());
            span.ok_or_else(|| self.wrong(key, "a number of seconds, not below 0"))
        };
        self.optional(key).map(seconds).transpose()
    }

    /// `blocksize`, which must be there.
    pub fn block_bytes(&self) -> Result<usize, Failure> {
        self.present("blocksize")?;
        let bytes = self.count("blocksize")?.and_then(|bytes| usize::try_from(bytes).ok());
        bytes.filter(|&bytes| bytes > 0).ok_or_else(|| self.wrong("blocksize", "above 0"))
    }

    /// An object of the master that must be there.
    pub fn remote(&self, key: &str) -> Result<Luid, Failure> {
        self.present(key)?.as_remote().ok_or_else(|| self.wrong(key, "a remote object"))
    }
}

fn path(value: &Value) -> Option<&Path> {
    let bytes = value.as_bytes().filter(|bytes| !bytes.contains(&0))?;
    Some(Path::new(OsStr::from_bytes(bytes)))
}

/// `path` as seen from `base`, without its `.` and empty parts; an absolute path stays as it is.
pub fn below(base: &Path, path: &Path) -> PathBuf {
    base.join(path).components().filter(|part| !matches!(part, std::path::Component::CurDir)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_wrong_and_lenient() {
        let dict = Value::dict([
            ("none", Value::None),
            ("one", Value::Int(1)),
            ("half", Value::from(0.5)),
            ("negative", Value::Int(-1)),
            ("raw", Value::bytes("dir")),
            ("tuple", Value::tuple(["a"])),
            ("list", Value::list(["a", "b"])),
        ]);
        let args = Arguments::new("shell", &dict).expect("a dict");
        assert_eq!(args.flag("one", false), Ok(true));
        assert_eq!(args.flag("none", true), Ok(true));
        assert_eq!(args.seconds("half"), Ok(Some(Duration::from_millis(500))));
        assert_eq!(args.seconds("none"), Ok(None));
        assert_eq!(args.path("raw"), Ok(Path::new("dir")));
        assert_eq!(args.paths("raw"), Ok(vec![Path::new("dir")]));
        assert_eq!(args.paths("list"), Ok(vec![Path::new("a"), Path::new("b")]));
        assert_eq!(args.present("none"), Ok(&Value::None));
        let refused = |result: Result<(), Failure>| result.expect_err("refused").to_string();
        assert_eq!(refused(args.path("x").map(drop)), "builtins.KeyError: shell is missing args: x");
        assert_eq!(
            refused(args.path("none").map(drop)),
            "builtins.TypeError: 'none' of shell must be a path"
        );
        assert!(refused(args.paths("tuple").map(drop)).starts_with("builtins.TypeError"));
        assert!(refused(args.seconds("negative").map(drop)).starts_with("builtins.TypeError"));
        assert!(refused(args.count("negative").map(drop)).starts_with("builtins.TypeError"));
        assert!(refused(args.text("one").map(drop)).starts_with("builtins.TypeError"));
        assert!(refused(args.remote("one").map(drop)).starts_with("builtins.TypeError"));
        assert!(Arguments::new("shell", &Value::None).is_err());
    }

    #[test]
    fn paths_are_seen_from_the_base() {
        let check =
            |path: &str, seen: &str| assert_eq!(below(Path::new("/b"), Path::new(path)), Path::new(seen));
        check("build", "/b/build");
        check("", "/b");
        check("./x/./y/", "/b/x/y");
        check("/abs", "/abs");
    }
}
