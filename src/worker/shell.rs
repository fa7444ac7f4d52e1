//! The `shell` command: its arguments, and what is said before it runs (`worker-api.md` §9).

use super::arguments::{Arguments, below};
use super::environment::{self, Environment};
use super::limits::LOGFILES_MAX;
use super::process::{Logfile, Program};
use super::run::{Bounds, Plan};
use super::signal;
use crate::pb::{Failure, Value};
use std::ffi::{OsStr, OsString};
use std::fmt::Write;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;
use std::sync::Arc;

/// What to start, and what to make of it.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// For the process's side.
    pub program: Program,
    /// For the master's side.
    pub plan: Plan,
}

/// Reads the arguments of `shell` for a builder in `dir`.
///
/// # Errors
/// An argument is missing or wrong.
pub fn prepare(args: &Arguments, dir: &Path, own: &Environment) -> Result<Prepared, Failure> {
    let CommandLine { argv, title } = command_line(args)?;
    let workdir = below(dir, args.path("workdir")?);
    let environment = environment::for_command(own, args.optional("env"), &workdir)?;
    let logfiles = logfiles(args, &workdir)?;
    let stdin = match args.optional("initial_stdin") {
        Some(value) => Some(value.as_bytes().ok_or_else(|| args.wrong("initial_stdin", "a string"))?.clone()),
        None => None,
    };
    // What masters of 0.8 say where they do not mind.
    let undecided = args.optional("usePTY").and_then(Value::as_str) == Some("slave-config");
    let pty = !undecided && args.flag("usePTY", false)?;
    let (names, logfiles): (Vec<Arc<str>>, Vec<Logfile>) = logfiles.into_iter().unzip();
    let program = Program { argv, workdir, environment, pty: pty && stdin.is_none(), stdin, logfiles };
    let bounds = bounds(args)?;
    let mut header = header(&title, &program, &bounds, &names, args.flag("logEnviron", true)?);
    if pty && !program.pty {
        header.push_str("WARNING: not using a PTY, because there is something to write to stdin\n");
    }
    let want_stdout = args.flag("want_stdout", true)?;
    let want_stderr = args.flag("want_stderr", true)?;
    let plan = Plan { title, header, bounds, want_stdout, want_stderr, logfiles: names };
    Ok(Prepared { program, plan })
}

/// A program of our own choice, such as `rm`, under the arguments `timeout` (default: 120 seconds), `maxTime`, `logEnviron`.
///
/// # Errors
/// An argument is wrong.
pub fn prepare_own(
    args: &Arguments,
    argv: Vec<OsString>,
    dir: &Path,
    own: &Environment,
) -> Result<Prepared, Failure> {
    const DEFAULT_TIMEOUT_S: u64 = 120;
    let title = line_of(argv.iter().map(OsString::as_os_str));
    let environment = environment::for_command(own, None, dir)?;
    let (stdin, pty, logfiles) = (None, false, Vec::new());
    let program = Program { argv, workdir: dir.to_owned(), environment, stdin, pty, logfiles };
    let mut bounds = bounds(args)?;
    bounds.timeout = bounds.timeout.or(Some(std::time::Duration::from_secs(DEFAULT_TIMEOUT_S)));
    let header = header(&title, &program, &bounds, &[], args.flag("logEnviron", true)?);
    let plan = Plan { title, header, bounds, want_stdout: true, want_stderr: true, logfiles: Vec::new() };
    Ok(Prepared { program, plan })
}

struct CommandLine {
    argv: Vec<OsString>,
    /// The same for people, without what is obfuscated.
    title: String,
}

fn command_line(args: &Arguments) -> Result<CommandLine, Failure> {
    let wrong = || args.wrong("command", "a string or a list of strings");
    let value = args.present("command")?;
    let Value::List(items) = value else {
        let line = argument(value).ok_or_else(wrong)?;
        let title = line.to_string_lossy().into_owned();
        return Ok(CommandLine { argv: vec!["/bin/sh".into(), "-c".into(), line], title });
    };
    let mut argv = Vec::with_capacity(items.len());
    let mut shown = Vec::with_capacity(items.len());
    for item in items {
        let (real, show) = match item {
            Value::Tuple(parts) => match &parts[..] {
                [mark, real, show] if mark.as_str() == Some("obfuscated") => (real, show),
                _ => return Err(wrong()),
            },
            plain => (plain, plain),
        };
        argv.push(argument(real).ok_or_else(wrong)?);
        shown.push(argument(show).ok_or_else(wrong)?);
    }
    if argv.is_empty() {
        return Err(args.wrong("command", "more than an empty list"));
    }
    Ok(CommandLine { argv, title: line_of(shown.iter().map(OsString::as_os_str)) })
}

fn argument(value: &Value) -> Option<OsString> {
    let bytes = value.as_bytes().filter(|bytes| !bytes.contains(&0))?;
    Some(OsString::from_vec(bytes.to_vec()))
}

fn bounds(args: &Arguments) -> Result<Bounds, Failure> {
    let name = args.text("interruptSignal")?.unwrap_or("KILL");
    let unknown = || Failure::value_error(format!("interruptSignal '{name}' is no signal that can be sent"));
    Ok(Bounds {
        timeout: args.seconds("timeout")?,
        max_time: args.seconds("maxTime")?,
        max_lines: args.count("max_lines")?,
        sigterm_time: args.seconds("sigtermTime")?,
        interrupt_signal: signal::by_name(name).ok_or_else(unknown)?,
    })
}

fn logfiles(args: &Arguments, workdir: &Path) -> Result<Vec<(Arc<str>, Logfile)>, Failure> {
    let wrong = || args.wrong("logfiles", "a dict of paths, or of dicts with a filename");
    let Some(value) = args.optional("logfiles") else { return Ok(Vec::new()) };
    let pairs = value.as_dict().ok_or_else(wrong)?;
    if pairs.len() > LOGFILES_MAX {
        return Err(args.wrong("logfiles", &format!("at most {LOGFILES_MAX}")));
    }
    let read = |(name, file): &(Value, Value)| {
        let (path, follow) = match file {
            Value::Dict(_) => {
                (file.get("filename")?, file.get("follow").and_then(Value::as_bool).unwrap_or(false))
            }
            path => (path, false),
        };
        let path = below(workdir, Path::new(OsStr::from_bytes(path.as_bytes()?)));
        Some((Arc::from(name.as_str()?), Logfile { path, follow }))
    };
    pairs.iter().map(|pair| read(pair).ok_or_else(wrong)).collect()
}

/// What people see before the output. Free text.
fn header(
    title: &str,
    program: &Program,
    bounds: &Bounds,
    logfiles: &[Arc<str>],
    show_environment: bool,
) -> String {
    let mut text = format!("{title}\n in dir {}", program.workdir.display());
    // Writing to a string can't fail.
    let mut say = |line: std::fmt::Arguments| text.write_fmt(line).unwrap_or_default();
    if let Some(timeout) = bounds.timeout {
        say(format_args!(" (timeout {} secs)", timeout.as_secs_f64()));
    }
    if let Some(max_time) = bounds.max_time {
        say(format_args!(" (maxTime {} secs)", max_time.as_secs_f64()));
    }
    say(format_args!("\n"));
    for (name, file) in logfiles.iter().zip(&program.logfiles) {
        say(format_args!(" watching logfile {name}: {}\n", file.path.display()));
    }
    if show_environment {
        say(format_args!(" environment:\n"));
        for (name, value) in &program.environment {
            say(format_args!("  {}={}\n", name.display(), value.display()));
        }
    }
    if let Some(stdin) = &program.stdin {
        say(format_args!(" writing {} bytes to stdin\n", stdin.len()));
    }
    say(format_args!(" using PTY: {}\n", if program.pty { "True" } else { "False" }));
    text
}

/// Words as one would type them.
fn line_of<'a>(words: impl Iterator<Item = &'a OsStr>) -> String {
    let words: Vec<String> = words.map(|word| quoted(&word.to_string_lossy())).collect();
    words.join(" ")
}

fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "@%+=:,./-_".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r#"'"'"'"#))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::process::Signal;
    use std::time::Duration;

    fn prepared(pairs: &[(&str, Value)]) -> Result<Prepared, Failure> {
        let dict = Value::dict(pairs.iter().cloned());
        let args = Arguments::new("shell", &dict).expect("a dict");
        prepare(&args, Path::new("/w/b"), &[("A".into(), "1".into())].into())
    }

    fn good(pairs: &[(&str, Value)]) -> Prepared {
        let mut all = vec![("workdir", Value::from("build")), ("command", "make all".into())];
        all.retain(|(key, _)| pairs.iter().all(|(other, _)| other != key));
        all.extend(pairs.iter().cloned());
        prepared(&all).expect("is right")
    }

    #[test]
    fn a_string_goes_to_the_shell_and_a_list_does_not() {
        let shell = good(&[]);
        assert_eq!(shell.program.argv, ["/bin/sh", "-c", "make all"]);
        assert_eq!(shell.plan.title, "make all");
        assert_eq!(shell.program.workdir, Path::new("/w/b/build"));
        let secret = Value::tuple(["obfuscated", "s3cret", "*****"]);
        let list = Value::List(vec!["echo".into(), "it's".into(), secret, "".into()]);
        let list = good(&[("command", list)]);
        assert_eq!(list.program.argv, ["echo", "it's", "s3cret", ""]);
        assert_eq!(list.plan.title, r#"echo 'it'"'"'s' '*****' ''"#);
        assert!(!format!("{:?}", list.plan).contains("s3cret"));
    }

    #[test]
    fn the_header_says_what_runs_and_how() {
        let header = good(&[
            ("timeout", Value::Int(60)),
            ("maxTime", Value::from(1.5)),
            ("initial_stdin", "data".into()),
            ("usePTY", true.into()),
            ("logfiles", Value::dict([("x", "x.log")])),
        ])
        .plan
        .header;
        let expected = "make all\n in dir /w/b/build (timeout 60 secs) (maxTime 1.5 secs)\n \
                        watching logfile x: /w/b/build/x.log\n environment:\n  A=1\n  PWD=/w/b/build\n \
                        writing 4 bytes to stdin\n using PTY: False\n\
                        WARNING: not using a PTY, because there is something to write to stdin\n";
        assert_eq!(header, expected);
        let silent = good(&[("logEnviron", false.into())]).plan.header;
        assert_eq!(silent, "make all\n in dir /w/b/build\n using PTY: False\n");
    }

    #[test]
    fn logfiles_and_bounds() {
        let log = Value::dict([("filename", Value::from("a/b.log")), ("follow", true.into())]);
        let both = good(&[
            ("logfiles", Value::dict([("long", log), ("short", "/abs.log".into())])),
            ("max_lines", Value::Int(7)),
            ("interruptSignal", "TERM".into()),
            ("sigtermTime", Value::Int(2)),
        ]);
        let followed = Logfile { path: "/w/b/build/a/b.log".into(), follow: true };
        assert_eq!(both.program.logfiles, [followed, Logfile { path: "/abs.log".into(), follow: false }]);
        assert_eq!(both.plan.logfiles, [Arc::from("long"), Arc::from("short")]);
        let bounds = both.plan.bounds;
        assert_eq!((bounds.max_lines, bounds.interrupt_signal), (Some(7), Signal::TERM));
        assert_eq!((bounds.timeout, bounds.sigterm_time), (None, Some(Duration::from_secs(2))));
    }

    #[test]
    fn refusals() {
        let refused = |key: &str, value: Option<Value>| {
            let mut pairs = vec![("workdir", Value::from("b")), ("command", "x".into())];
            pairs.retain(|(other, _)| *other != key);
            pairs.extend(value.map(|value| (key, value)));
            prepared(&pairs).expect_err("refused").to_string()
        };
        assert_eq!(refused("workdir", None), "builtins.KeyError: shell is missing args: workdir");
        assert_eq!(refused("command", None), "builtins.KeyError: shell is missing args: command");
        for (key, value, class) in [
            ("command", Value::List(Vec::new()), "TypeError"),
            ("command", Value::list([Value::tuple(["obfuscated", "x"])]), "TypeError"),
            ("command", Value::Int(1), "TypeError"),
            ("usePTY", "perhaps".into(), "TypeError"),
            ("interruptSignal", "NOPE".into(), "ValueError"),
            ("timeout", "long".into(), "TypeError"),
            ("logfiles", Value::dict([("x", Value::Int(1))]), "TypeError"),
            ("env", Value::dict([("X", Value::Int(1))]), "RuntimeError"),
        ] {
            let refusal = refused(key, Some(value));
            assert!(refusal.starts_with(&format!("builtins.{class}: ")), "{refusal}");
        }
    }
}
