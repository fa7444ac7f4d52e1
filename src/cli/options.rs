//! Option files: what the client commands take where the command line is silent (`OPT-01` to `OPT-08`).
//!
//! `.bellwether/options.yaml`, in the current directory or the nearest one above, or at home: for each command a mapping of
//! its long options, `try: {master: ci.example.org:9989, username: ada, builder: [tests]}`. It is data, not code; still, a
//! directory of somebody else's is passed over, since it could send one's password elsewhere.

use clap::{Arg, Command};
use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// The commands that have options of their own in it.
const COMMANDS: &[&str] = &["sendchange", "try", "user"];

/// How many directories above are looked into.
const LEVELS_MAX: usize = 20;

const FILE: &str = ".bellwether/options.yaml";

/// What the file holds: commands, their options, and one or several values.
type Options = BTreeMap<String, BTreeMap<String, serde_yaml::Value>>;

/// The command line with the user's own defaults, if it names a command that has any.
///
/// # Errors
/// What is wrong with the file, with its path.
pub fn with_own(command: Command) -> Result<Command, String> {
    let named = std::env::args().nth(1).filter(|name| COMMANDS.contains(&name.as_str()));
    let (Some(name), Some(file)) = (named, find()) else { return Ok(command) };
    let told = |why: String| format!("{}: {why}", file.display());
    let text = std::fs::read_to_string(&file).map_err(|error| told(error.to_string()))?;
    let mut options: Options = serde_yaml::from_str(&text).map_err(|error| told(error.to_string()))?;
    if let Some(other) = options.keys().find(|name| !COMMANDS.contains(&name.as_str())) {
        return Err(told(format!("{other:?} is none of the commands {}", COMMANDS.join(", "))));
    }
    let own = options.remove(&name).unwrap_or_default();
    let values = own.into_iter().map(|(option, value)| Ok((option, texts(value)?)));
    let values: BTreeMap<String, Vec<String>> = values.collect::<Result<_, String>>().map_err(told)?;
    let known = command.find_subcommand(&name).map(option_ids).unwrap_or_default();
    let mut defaults = BTreeMap::new();
    for (option, values) in values {
        let words = || known.keys().cloned().collect::<Vec<_>>().join(", ");
        let id = known.get(&option.replace('_', "-"));
        let id = id.ok_or_else(|| told(format!("{name} has no option {option:?}; known: {}", words())))?;
        defaults.insert(id.clone(), values);
    }
    let with_default = |arg: Arg| match defaults.get(arg.get_id().as_str()) {
        Some(values) => arg.required(false).default_values(values),
        None => arg,
    };
    Ok(command.mut_subcommand(name, |command| command.mut_args(with_default)))
}

/// The long options of a command, and what it calls their values.
fn option_ids(command: &Command) -> BTreeMap<String, String> {
    let named = |arg: &Arg| Some((arg.get_long()?.to_owned(), arg.get_id().to_string()));
    command.get_arguments().filter_map(named).collect()
}

/// One or several values, as a command line has them.
fn texts(value: serde_yaml::Value) -> Result<Vec<String>, String> {
    match value {
        serde_yaml::Value::Sequence(values) => {
            Ok(values.into_iter().map(texts).collect::<Result<Vec<_>, _>>()?.concat())
        }
        serde_yaml::Value::String(text) => Ok(vec![text]),
        serde_yaml::Value::Bool(value) => Ok(vec![value.to_string()]),
        serde_yaml::Value::Number(number) => Ok(vec![number.to_string()]),
        _ => Err("an option is text, a number, true, false or a list of these".to_owned()),
    }
}

/// The file that counts: the nearest one above, else the one at home.
fn find() -> Option<PathBuf> {
    let here = std::env::current_dir().ok()?;
    let home = std::env::var_os("HOME").map(PathBuf::from);
    let above = here.ancestors().take(LEVELS_MAX).map(Path::to_owned);
    above.chain(home).map(|directory| directory.join(FILE)).find(|file| is_own(file))
}

/// Whether it is there, in a directory of the user's.
fn is_own(file: &Path) -> bool {
    let Some(owner) = file.parent().and_then(|directory| directory.metadata().ok()).map(|found| found.uid())
    else {
        return false;
    };
    let is_own = owner == rustix::process::geteuid().as_raw();
    if !is_own && file.exists() {
        eprintln!("bellwether: {} is passed over: its directory is somebody else's", file.display());
    }
    is_own && file.exists()
}
