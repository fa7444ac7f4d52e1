//! `bellwether try`: have a patch built before it is committed (`CLI-16` to `CLI-24`, `clients.md` §5, §6).
//!
//! What is sent comes from a working tree ([`tree`]) or a ready diff; it goes over PB, where the builds can be waited for
//! ([`watch`]), or over ssh into a job directory ([`ssh`]). The master may be this one or Buildbot's.

mod ssh;
mod tree;
mod watch;

use super::pb_client::{Client, ClientError};
use super::{NO, UNASKED, fail};
use crate::pb::Value;
use clap::ValueEnum;
use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use tree::{Change, Vc};

/// Have your patch built before you commit it
///
/// Sends the difference between a working tree and what it is based on, or a ready diff, to a master's try scheduler.
/// Exit code 0: it is sent, and with --wait every build has succeeded.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// How to reach the master: pb logs in at a `try_userpass` scheduler, ssh leaves a job for a `try_jobdir` one
    #[arg(short, long, value_enum, default_value = "pb")]
    connect: Connect,
    /// Where the master listens for clients
    #[arg(short, long, value_name = "HOST:PORT", env = "BELLWETHER_MASTER", required_if_eq("connect", "pb"))]
    master: Option<String>,
    /// Whom to log in as
    #[arg(short, long, required_if_eq("connect", "pb"))]
    username: Option<String>,
    /// The password of that login
    #[arg(
        long,
        value_name = "PASSWORD",
        env = "BELLWETHER_PASSWORD",
        hide_env_values = true,
        default_value = ""
    )]
    passwd: String,
    /// The master's machine, for ssh
    #[arg(long, required_if_eq("connect", "ssh"))]
    host: Option<String>,
    /// The job directory there
    #[arg(long, value_name = "DIR", required_if_eq("connect", "ssh"))]
    jobdir: Option<String>,
    /// What ssh runs there; `buildbot` for a master of Buildbot's
    #[arg(long, value_name = "PROGRAM", default_value = "bellwether")]
    tryserver: String,
    /// Builders to run; all of the scheduler's if none is named
    #[arg(short, long = "builder", value_name = "NAME")]
    builders: Vec<String>,
    /// Properties of the builds
    #[arg(long, value_name = "NAME=VALUE,...", value_delimiter = ',')]
    properties: Vec<String>,
    /// Who you are
    #[arg(short, long)]
    who: Option<String>,
    /// Why
    #[arg(short = 'C', long)]
    comment: Option<String>,
    /// The branch that the patch is for
    #[arg(long)]
    branch: Option<String>,
    /// The repository's address
    #[arg(long, default_value = "")]
    repository: String,
    /// The project
    #[arg(long, default_value = "")]
    project: String,
    /// A ready diff instead of a working tree; `-` reads standard input
    #[arg(long, value_name = "FILE")]
    diff: Option<PathBuf>,
    /// How many leading directories of that diff's names to leave out
    #[arg(short = 'p', long, value_name = "NUMBER", default_value_t = 0)]
    patchlevel: u32,
    /// The revision that diff is for
    #[arg(long, value_name = "REVISION")]
    baserev: Option<String>,
    /// What the working tree is under; found if not given
    #[arg(long, value_enum)]
    vc: Option<Vc>,
    /// The working tree's directory; the current one if not given
    #[arg(long, value_name = "DIR")]
    topdir: Option<PathBuf>,
    /// Wait for the builds, and tell how they end
    #[arg(long)]
    wait: bool,
    /// Say only how the builds end
    #[arg(short, long)]
    quiet: bool,
    /// Say what would be sent, and send nothing
    #[arg(short = 'n', long)]
    dryrun: bool,
    /// Say which builders may be tried
    #[arg(long)]
    get_builder_names: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Connect {
    /// Perspective Broker
    Pb,
    /// ssh
    Ssh,
}

/// What is sent.
#[derive(Debug)]
struct Job<'a> {
    args: &'a Args,
    change: Change,
    properties: BTreeMap<String, String>,
}

/// Why it was not sent.
#[derive(Debug, thiserror::Error)]
enum TryError {
    #[error("{0}")]
    Unasked(String),
    #[error("{0}")]
    No(String),
    #[error(transparent)]
    Client(#[from] ClientError),
}

/// Does it.
pub fn run(args: &Args) -> ExitCode {
    match ask(args) {
        Ok(code) => code,
        Err(TryError::Client(error)) => fail(error.exit_code(), &error.to_string()),
        Err(error @ TryError::Unasked(_)) => fail(UNASKED, &error.to_string()),
        Err(error @ TryError::No(_)) => fail(NO, &error.to_string()),
    }
}

fn ask(args: &Args) -> Result<ExitCode, TryError> {
    if args.connect == Connect::Ssh && (args.wait || args.get_builder_names) {
        let why = "only --connect=pb can wait for builds and ask for builders";
        return Err(TryError::Unasked(why.to_owned()));
    }
    if args.get_builder_names {
        return builder_names(args);
    }
    let job = job(args)?;
    if args.dryrun {
        job.say();
        return Ok(ExitCode::SUCCESS);
    }
    match args.connect {
        Connect::Pb => over_pb(&job),
        Connect::Ssh => {
            ssh::send(&job)?;
            println!("the job is sent");
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn log_in(args: &Args) -> Result<Client, TryError> {
    let (master, user) = (args.master.as_deref(), args.username.as_deref());
    Ok(Client::log_in(master.unwrap_or_default(), user.unwrap_or_default(), &args.passwd)?)
}

fn builder_names(args: &Args) -> Result<ExitCode, TryError> {
    let mut client = log_in(args)?;
    let names = client.call(client.avatar(), "getAvailableBuilderNames", &[])?;
    for name in names.as_items().unwrap_or_default() {
        println!("{}", name.to_str_lossy().unwrap_or_default());
    }
    Ok(ExitCode::SUCCESS)
}

/// Gathers what is to be sent.
fn job(args: &Args) -> Result<Job<'_>, TryError> {
    let change = match &args.diff {
        Some(file) => Change {
            branch: args.branch.clone(),
            base: args.baserev.clone(),
            level: args.patchlevel,
            diff: read(file).map_err(|error| TryError::Unasked(format!("{}: {error}", file.display())))?,
        },
        None => {
            let here = args.topdir.as_deref().unwrap_or(Path::new("."));
            tree::change(here, args.vc, args.branch.as_deref()).map_err(TryError::Unasked)?
        }
    };
    let pair = |pair: &String| {
        let split = pair.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
        split.ok_or_else(|| TryError::Unasked(format!("--properties takes NAME=VALUE, not {pair:?}")))
    };
    let properties = args.properties.iter().map(pair).collect::<Result<_, _>>()?;
    Ok(Job { args, change, properties })
}

fn read(file: &Path) -> std::io::Result<Vec<u8>> {
    let mut diff = Vec::new();
    if file == Path::new("-") {
        std::io::stdin().lock().read_to_end(&mut diff)?;
    } else {
        diff = std::fs::read(file)?;
    }
    Ok(diff)
}

fn over_pb(job: &Job<'_>) -> Result<ExitCode, TryError> {
    let mut client = log_in(job.args)?;
    let buildset = client.call(client.avatar(), "try", &job.question())?;
    let Some(buildset) = buildset.as_remote() else {
        return Err(TryError::No(
            "the master does not take it: one of the builders may not be tried".to_owned(),
        ));
    };
    if !job.args.wait {
        println!("the job is sent");
        return Ok(ExitCode::SUCCESS);
    }
    let told = ctrlc::set_handler(|| {
        eprintln!("bellwether: the builds go on; nobody waits for them any more");
        std::process::exit(INTERRUPTED);
    });
    told.map_err(|error| TryError::Unasked(error.to_string()))?;
    let outcomes = watch::watch(&mut client, buildset, job.args.quiet)?;
    for (builder, outcome) in &outcomes {
        println!("{builder}: {outcome}");
    }
    Ok(if outcomes.values().all(watch::Outcome::is_success) { ExitCode::SUCCESS } else { ExitCode::from(NO) })
}

/// The exit code of a program that was interrupted, as shells have it.
const INTERRUPTED: i32 = 130;

impl Job<'_> {
    /// What the avatar's `try` is called with.
    fn question(&self) -> [Value; 9] {
        let (args, change) = (self.args, &self.change);
        let text = |text: &str| Value::text(text.to_owned());
        let optional = |value: &Option<String>| value.as_deref().map_or(Value::None, text);
        let diff = if change.diff.is_empty() { Value::None } else { Value::bytes(change.diff.clone()) };
        let patch = Value::tuple([Value::from(i64::from(change.level)), diff]);
        let properties = self.properties.iter().map(|(name, value)| (text(name), text(value)));
        [
            optional(&change.branch),
            optional(&change.base),
            patch,
            text(&args.repository),
            text(&args.project),
            Value::list(args.builders.iter().map(|name| text(name))),
            text(args.who.as_deref().unwrap_or_default()),
            text(args.comment.as_deref().unwrap_or_default()),
            Value::dict(properties),
        ]
    }

    fn say(&self) {
        let (args, change) = (self.args, &self.change);
        let or_none = |text: &Option<String>| text.clone().unwrap_or_else(|| "(none)".to_owned());
        let builders = if args.builders.is_empty() {
            "all of the scheduler's".to_owned()
        } else {
            args.builders.join(", ")
        };
        println!("branch: {}", or_none(&change.branch));
        println!("base revision: {}", or_none(&change.base));
        println!("builders: {builders}");
        println!("who: {}", or_none(&args.who));
        println!("comment: {}", or_none(&args.comment));
        self.properties.iter().for_each(|(name, value)| println!("property {name}: {value}"));
        println!("patch, level {}:\n{}", change.level, String::from_utf8_lossy(&change.diff));
    }
}
