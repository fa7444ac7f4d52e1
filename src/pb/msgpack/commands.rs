//! Commands in the words of PB, and the same in those of msgpack (`msgpack.md` §6): other names, and paths that are
//! absolute, because a msgpack worker knows no builders.

use crate::pb::failure::Failure;
use crate::pb::value::{Target, Value};
use bytestring::ByteString;

/// The arguments of a command, by name.
pub(super) type Args = Vec<(Value, Value)>;

/// A command in the words of msgpack.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Command {
    pub name: ByteString,
    pub args: Args,
    /// The object of ours that takes a transfer's blocks, or gives them.
    pub file: Option<Target>,
}

/// How a worker's system writes paths.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Paths {
    #[default]
    Posix,
    Windows,
}

impl Paths {
    /// By what a worker says of its system.
    pub fn of_system(system: &str) -> Paths {
        if system == "nt" { Paths::Windows } else { Paths::Posix }
    }

    fn is_absolute(self, path: &str) -> bool {
        match self {
            Paths::Posix => path.starts_with('/'),
            Paths::Windows => path.starts_with(['/', '\\']) || path.as_bytes().get(1) == Some(&b':'),
        }
    }

    /// `path` as seen from the directory `base`.
    pub fn join(self, base: &str, path: &str) -> String {
        let separator = if self == Paths::Windows { '\\' } else { '/' };
        match path {
            "" | "." => base.to_owned(),
            path if self.is_absolute(path) => path.to_owned(),
            path if base.ends_with(separator) => format!("{base}{path}"),
            path => format!("{base}{separator}{path}"),
        }
    }
}

/// The directory that a builder's commands start from.
pub(super) struct Site<'a> {
    pub paths: Paths,
    pub dir: &'a str,
}

impl Site<'_> {
    fn absolute(&self, path: Option<&Value>) -> Value {
        let path = path.and_then(Value::to_str_lossy).unwrap_or_default();
        Value::from(self.paths.join(self.dir, &path))
    }

    /// A file that is named within a working directory.
    fn within(&self, workdir: Option<&Value>, file: Option<&Value>) -> Value {
        let workdir = self.absolute(workdir);
        let dir = workdir.as_str().unwrap_or(self.dir);
        Site { paths: self.paths, dir }.absolute(file)
    }

    /// Translates a command.
    ///
    /// # Errors
    /// Its arguments are no dict, or what it needs is missing.
    pub fn translate(&self, name: &str, args: &Value) -> Result<Command, Failure> {
        let Some(pairs) = args.as_dict() else {
            return Err(Failure::type_error("the arguments of a command are a dict"));
        };
        let keep = |names: &[&str]| -> Args {
            let wanted = |key: &Value| key.as_str().is_some_and(|key| names.contains(&key));
            pairs.iter().filter(|(key, _)| wanted(key)).cloned().collect()
        };
        let with = |mut args: Args, more: &[(&'static str, Value)]| -> Args {
            args.extend(more.iter().map(|(key, value)| (Value::from(*key), value.clone())));
            args
        };
        let place = |key: &str| self.within(args.get("workdir"), args.get(key));
        let path = |key: &str| vec![(Value::from("path"), self.absolute(args.get(key)))];
        let runs = ["logEnviron", "timeout", "maxTime"];
        let (name, args, file) = match name {
            "shell" => {
                let others =
                    pairs.iter().filter(|(key, _)| !matches!(key.as_str(), Some("workdir" | "command")));
                let changed = [
                    ("workdir", self.absolute(args.get("workdir"))),
                    ("command", args.get("command").map_or(Value::None, plain_command)),
                ];
                ("shell", with(others.cloned().collect(), &changed), None)
            }
            "mkdir" | "rmdir" => {
                let dirs = args.get("dir");
                let paths = match dirs.and_then(Value::as_items) {
                    Some(dirs) => dirs.iter().map(|dir| self.absolute(Some(dir))).collect(),
                    None => vec![self.absolute(dirs)],
                };
                let name = if name == "mkdir" { "mkdir" } else { "rmdir" };
                (name, with(keep(&runs), &[("paths", Value::List(paths))]), None)
            }
            "cpdir" => {
                let (from, to) = (self.absolute(args.get("fromdir")), self.absolute(args.get("todir")));
                ("cpdir", with(keep(&runs), &[("from_path", from), ("to_path", to)]), None)
            }
            "stat" => ("stat", with(Args::new(), &[("path", place("file"))]), None),
            "listdir" => ("listdir", path("dir"), None),
            "glob" => ("glob", path("path"), None),
            "rmfile" => ("rmfile", path("path"), None),
            "uploadFile" => {
                let kept = keep(&["maxsize", "blocksize", "keepstamp"]);
                ("upload_file", with(kept, &[("path", place(source(args)))]), args.get("writer"))
            }
            "uploadDirectory" => {
                let kept = keep(&["maxsize", "blocksize", "compress"]);
                ("upload_directory", with(kept, &[("path", place(source(args)))]), args.get("writer"))
            }
            "downloadFile" => {
                let key = if args.get("workerdest").is_some() { "workerdest" } else { "slavedest" };
                let kept = keep(&["maxsize", "blocksize", "mode"]);
                ("download_file", with(kept, &[("path", place(key))]), args.get("reader"))
            }
            other => {
                return Err(Failure::builtin(
                    "KeyError",
                    format!("no worker of this protocol knows {other}"),
                ));
            }
        };
        Ok(Command { name: name.into(), args, file: file.and_then(Value::as_local) })
    }
}

fn source(args: &Value) -> &'static str {
    if args.get("workersrc").is_some() { "workersrc" } else { "slavesrc" }
}

/// A command line without the covers of its secret words, which msgpack cannot carry: the master hides them in the log.
fn plain_command(command: &Value) -> Value {
    let Value::List(words) = command else { return command.clone() };
    let plain = |word: &Value| match word {
        Value::Tuple(parts) => match parts.as_slice() {
            [word, real, _] if word.as_str() == Some("obfuscated") => real.clone(),
            _ => word.clone(),
        },
        other => other.clone(),
    };
    Value::List(words.iter().map(plain).collect())
}

/// The argument of an `update` in the words of PB: of lines with their positions and times, the text.
pub(super) fn updates(pairs: &Value) -> Value {
    let pairs = pairs.as_items().unwrap_or_default().iter().filter_map(|pair| match pair.as_items()? {
        [key, value] => Some((key, value)),
        _ => None,
    });
    let told = pairs.map(|(key, value)| {
        let value = match key.as_str() {
            Some("stdout" | "stderr" | "header") => text(value),
            Some("log") => match value.as_items() {
                Some([name, lines]) => Value::tuple([name.clone(), text(lines)]),
                _ => value.clone(),
            },
            _ => value.clone(),
        };
        Value::List(vec![Value::Dict(vec![(key.clone(), value)]), Value::Int(0)])
    });
    Value::List(told.collect())
}

fn text(lines: &Value) -> Value {
    lines.as_items().and_then(|lines| lines.first()).unwrap_or(lines).clone()
}
