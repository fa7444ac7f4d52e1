//! What the master is told about this worker (`worker-api.md` §5).

use super::command::COMMANDS;
use super::environment::Environment;
use super::limits::INFO_FILE_BYTES;
use crate::kernel::thread;
use crate::pb::{Secret, Value};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The version of Buildbot's worker that this agent behaves like.
pub const VERSION: &str = "4.3.0";

/// The version of every command: what its arguments and updates mean.
const COMMAND_VERSION: &str = "3.3";

/// Who the worker is and where it lives.
#[derive(Debug)]
pub struct About {
    /// Its name at the master.
    pub name: String,
    /// Its password.
    pub password: Secret,
    /// Its directory, absolute.
    pub basedir: PathBuf,
    /// Its environment, without the password.
    pub environment: Environment,
    /// How often it asks the master for a sign of life.
    pub keepalive: Option<Duration>,
    /// The number of processors to tell the master, other than what is there.
    pub numcpus: Option<u32>,
    /// Whether directories that belong to no builder are removed.
    pub delete_leftover_dirs: bool,
}

/// Command names and their versions.
pub fn commands() -> Value {
    Value::dict(COMMANDS.map(|name| (name, COMMAND_VERSION)))
}

/// The whole dict.
pub fn collect(about: &About) -> Value {
    let mut pairs: Vec<(Value, Value)> = Vec::new();
    let fixed = [
        ("environ", environ(&about.environment)),
        ("system", "posix".into()),
        ("basedir", about.basedir.to_string_lossy().into_owned().into()),
        ("numcpus", about.numcpus.map_or_else(cpus, Value::from)),
        ("version", VERSION.into()),
        ("worker_commands", commands()),
        ("delete_leftover_dirs", about.delete_leftover_dirs.into()),
    ];
    for (name, value) in info_files(&about.basedir.join("info")).into_iter().chain(os_release()) {
        if fixed.iter().all(|(key, _)| *key != name)
            && pairs.iter().all(|(key, _)| key.as_str() != Some(&name))
        {
            pairs.push((name.into(), value.into()));
        }
    }
    pairs.extend(fixed.map(|(key, value)| (key.into(), value)));
    Value::Dict(pairs)
}

fn environ(environment: &Environment) -> Value {
    let text = |part: &std::ffi::OsStr| Value::text(part.to_string_lossy().into_owned());
    // Two names that differ only in what is not UTF-8 would become one: a dict holds each key once.
    let mut pairs: Vec<(Value, Value)> =
        environment.iter().map(|(name, value)| (text(name), text(value))).collect();
    pairs.dedup_by(|one, other| one.0 == other.0);
    Value::Dict(pairs)
}

fn cpus() -> Value {
    Value::Int(i64::try_from(thread::parallelism()).unwrap_or(i64::MAX))
}

/// Each regular file with its content; one that can't be read is left out.
fn info_files(dir: &Path) -> Vec<(String, String)> {
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    let mut files: Vec<(String, String)> = entries
        .filter(|entry| entry.path().is_file())
        .filter_map(|entry| Some((entry.file_name().into_string().ok()?, content(&entry.path())?)))
        .collect();
    files.sort();
    files
}

fn content(path: &Path) -> Option<String> {
    let mut bytes = Vec::new();
    File::open(path).ok()?.take(INFO_FILE_BYTES).read_to_end(&mut bytes).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

fn os_release() -> Vec<(String, String)> {
    let text = ["/etc/os-release", "/usr/lib/os-release"].iter().find_map(|path| content(Path::new(path)));
    text.map(|text| os_values(&text)).unwrap_or_default()
}

fn os_values(text: &str) -> Vec<(String, String)> {
    let pairs = text
        .lines()
        .filter(|line| !line.trim_start().starts_with('#'))
        .filter_map(|line| line.split_once('='));
    let unquoted = |value: &str| value.trim().trim_matches(['"', '\'']).to_owned();
    pairs.map(|(key, value)| (format!("os_{}", key.trim().to_lowercase()), unquoted(value))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_dict_of_a_worker() {
        let base = tempfile::tempdir().expect("a directory");
        let info = base.path().join("info");
        std::fs::create_dir_all(info.join("dir")).expect("makes");
        for (name, text) in [("admin", "Ann <ann@example.org>\n"), ("host", "box\n"), ("version", "fake")] {
            std::fs::write(info.join(name), text).expect("writes");
        }
        let about = About {
            name: "w".into(),
            password: "p".into(),
            basedir: base.path().to_owned(),
            environment: [("LANG".into(), "C".into())].into(),
            keepalive: None,
            numcpus: None,
            delete_leftover_dirs: false,
        };
        let dict = collect(&about);
        let text = |key: &str| dict.get(key).and_then(Value::as_str).unwrap_or("-");
        assert_eq!([text("admin"), text("host"), text("dir")], ["Ann <ann@example.org>\n", "box\n", "-"]);
        assert_eq!([text("version"), text("system")], [VERSION, "posix"]);
        assert_eq!(text("basedir"), base.path().to_string_lossy());
        assert_eq!(dict.get("environ"), Some(&Value::dict([("LANG", "C")])));
        assert!(dict.get("numcpus").and_then(Value::as_int) >= Some(1));
        let shell = dict.get("worker_commands").and_then(|commands| commands.get("shell"));
        assert_eq!(shell, Some(&COMMAND_VERSION.into()));
        let keys: Vec<_> = dict.as_dict().expect("a dict").iter().map(|(key, _)| key.as_str()).collect();
        assert_eq!(keys.iter().filter(|key| **key == Some("version")).count(), 1);
    }

    #[test]
    fn os_release_without_quotes_and_comments() {
        let text = "# a comment\nNAME=\"Debian GNU/Linux\"\nVERSION_ID='12'\nID=debian\nnonsense\n";
        let pairs = os_values(text);
        let pairs: Vec<_> = pairs.iter().map(|(key, value)| (&**key, &**value)).collect();
        assert_eq!(pairs, [("os_name", "Debian GNU/Linux"), ("os_version_id", "12"), ("os_id", "debian")]);
    }
}
