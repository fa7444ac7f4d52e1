//! `bellwether user`: manage the people that a master knows, over PB, as Buildbot's own command does (`CLI-26`, `CLI-27`).

use super::pb_client::Client;
use super::{UNASKED, fail};
use crate::kernel::World;
use crate::pb::Value;
use clap::ValueEnum;
use data_encoding::HEXLOWER;
use sha1::{Digest, Sha1};
use std::process::ExitCode;

/// What can be known of a person.
const TYPES: &[&str] = &["bzr", "cvs", "darcs", "email", "git", "hg", "identifier", "svn"];

/// Add, change, remove or show the people that a master knows
///
/// The master, this one or Buildbot's, needs a command-line user manager. Exit code 0: it is done.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Where the master listens for clients
    #[arg(short, long, value_name = "HOST:PORT", env = "BELLWETHER_MASTER")]
    master: String,
    /// Whom to log in as
    #[arg(short, long)]
    username: String,
    /// The password of that login
    #[arg(short, long, value_name = "PASSWORD", env = "BELLWETHER_PASSWORD", hide_env_values = true)]
    passwd: String,
    /// What to do
    #[arg(long, value_enum)]
    op: Op,
    /// What the person logs in as; only to update, with --bb-password
    #[arg(long, alias = "bb_username", value_name = "NAME", requires = "bb_password")]
    bb_username: Option<String>,
    /// What the person logs in with; only to update, with --bb-username
    #[arg(long, alias = "bb_password", value_name = "PASSWORD", requires = "bb_username")]
    bb_password: Option<String>,
    /// Identifiers of people; to remove and to get
    #[arg(long, value_name = "ID,ID...", value_delimiter = ',', conflicts_with = "info")]
    ids: Vec<String>,
    /// A person; to add, and to update with the identifier before a colon. Types: bzr, cvs, darcs, email, git, hg,
    /// identifier, svn
    #[arg(long, value_name = "[ID:]TYPE=VALUE,...")]
    info: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Op {
    /// Make them
    Add,
    /// Note what is known of them
    Update,
    /// Forget them
    Remove,
    /// Show them
    Get,
}

/// Does it.
pub fn run(args: &Args) -> ExitCode {
    let question = match question(args) {
        Ok(question) => question,
        Err(why) => return fail(UNASKED, &why),
    };
    let answered = Client::log_in(&args.master, &args.username, &args.passwd)
        .and_then(|mut client| client.call(client.avatar(), "commandline", &question));
    match answered {
        Ok(text) => {
            print!("{}", text.to_str_lossy().unwrap_or_default());
            ExitCode::SUCCESS
        }
        Err(error) => fail(error.exit_code(), &error.to_string()),
    }
}

/// What the master's user manager is called with: operation, login, password, identifiers, people.
fn question(args: &Args) -> Result<[Value; 5], String> {
    let text = |text: &str| Value::text(text.to_owned());
    let (name, ids, info) = match args.op {
        Op::Remove | Op::Get if args.ids.is_empty() => return Err("name the people with --ids".to_owned()),
        Op::Add | Op::Update if args.info.is_empty() => {
            return Err("tell of the people with --info".to_owned());
        }
        Op::Remove => ("remove", true, false),
        Op::Get => ("get", true, false),
        Op::Add => ("add", false, true),
        Op::Update => ("update", false, true),
    };
    if args.bb_username.is_some() && args.op != Op::Update {
        return Err("--bb-username and --bb-password go with --op=update only".to_owned());
    }
    let ids = if ids { Value::list(args.ids.iter().map(|id| text(id))) } else { Value::None };
    let people = args.info.iter().map(|told| person(told, args.op)).collect::<Result<Vec<_>, _>>()?;
    let info = if info { Value::list(people) } else { Value::None };
    let login = args.bb_username.as_deref().map_or(Value::None, text);
    let password = args.bb_password.as_deref().map_or(Value::None, |password| text(&hashed(password)));
    Ok([text(name), login, password, ids, info])
}

/// `[ID:]TYPE=VALUE,...` as a dictionary.
fn person(told: &str, op: Op) -> Result<Value, String> {
    let before_equals = told.split('=').next().unwrap_or_default();
    let (id, told) = match told.split_once(':') {
        Some((id, rest)) if id.len() < before_equals.len() || !told.contains('=') => (Some(id), rest),
        _ => (None, told),
    };
    let mut entries = Vec::new();
    for pair in told.split(',').filter(|pair| !pair.is_empty()) {
        let (kind, value) = pair.split_once('=').ok_or_else(|| format!("{pair:?}: it takes TYPE=VALUE"))?;
        if !TYPES.contains(&kind) {
            return Err(format!("{kind:?} is not known of people; known: {}", TYPES.join(", ")));
        }
        entries.push((kind.to_owned(), value.to_owned()));
    }
    match (id, op) {
        (Some(id), Op::Update) => entries.insert(0, ("identifier".to_owned(), id.to_owned())),
        (Some(_), _) => return Err("the identifier of one who is added comes from the master".to_owned()),
        (None, Op::Update) => return Err(format!("{told:?}: say whom, with ID: before it")),
        // One who is added is called what is said first.
        (None, _) => {
            let first =
                entries.first().map(|(_, value)| value.clone()).ok_or("nothing is told of a person")?;
            if !entries.iter().any(|(kind, _)| kind == "identifier") {
                entries.insert(0, ("identifier".to_owned(), first));
            }
        }
    }
    Ok(Value::dict(entries))
}

/// The only form of a password that all masters take: salt and SHA-1. Ours keeps it no longer than the first login.
fn hashed(password: &str) -> String {
    let mut salt = [0; 8];
    World::real().entropy(&mut salt);
    let salt = HEXLOWER.encode(&salt);
    format!("{salt}{}", HEXLOWER.encode(&Sha1::digest(format!("{password}{salt}"))))
}

#[cfg(test)]
mod tests {
    use super::{Op, person};

    #[track_caller]
    fn check(told: &str, op: Op, expected: Result<&str, &str>) {
        let read = person(told, op).map(|value| {
            let pairs = value.as_dict().unwrap_or_default().iter();
            let pairs =
                pairs.map(|(kind, value)| format!("{}={}", kind.as_str().unwrap(), value.as_str().unwrap()));
            pairs.collect::<Vec<_>>().join(" ")
        });
        assert_eq!(read.as_deref().map_err(String::as_str), expected, "{told}");
    }

    #[test]
    fn people_are_read_as_the_original_tool_does() {
        check(
            "git=Ada <ada@x>,email=ada@x",
            Op::Add,
            Ok("identifier=Ada <ada@x> git=Ada <ada@x> email=ada@x"),
        );
        check("git=a:b", Op::Add, Ok("identifier=a:b git=a:b"));
        check("identifier=ada,git=Ada", Op::Add, Ok("identifier=ada git=Ada"));
        check("ada:hg=Ada", Op::Update, Ok("identifier=ada hg=Ada"));
        check("ada:", Op::Update, Ok("identifier=ada"));
        check("ada:hg=Ada", Op::Add, Err("the identifier of one who is added comes from the master"));
        check("hg=Ada", Op::Update, Err("\"hg=Ada\": say whom, with ID: before it"));
        check(
            "shoe=42",
            Op::Add,
            Err("\"shoe\" is not known of people; known: bzr, cvs, darcs, email, git, hg, identifier, svn"),
        );
        check("", Op::Add, Err("nothing is told of a person"));
        check("ada", Op::Add, Err("\"ada\": it takes TYPE=VALUE"));
    }
}
