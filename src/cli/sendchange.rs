//! `bellwether sendchange`: tell a master of a change, over PB, as Buildbot's own command does.

use super::pb_client::Client;
use super::{UNASKED, fail};
use crate::pb::Value;
use std::process::ExitCode;

/// Tell a master of a change
///
/// It may be a Bellwether or a Buildbot master with a `pb` change source. Exit code 0: the master has stored it.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Where the master listens for workers and clients
    #[arg(short, long, value_name = "HOST:PORT", env = "BELLWETHER_MASTER")]
    master: String,
    /// User and password of the change source
    #[arg(
        short,
        long,
        value_name = "USER:PASSWORD",
        env = "BELLWETHER_AUTH",
        hide_env_values = true,
        default_value = "change:changepw"
    )]
    auth: String,
    /// The author
    #[arg(short = 'W', long)]
    who: String,
    /// The repository's address
    #[arg(short = 'R', long, default_value = "")]
    repository: String,
    /// The project
    #[arg(short = 'P', long, default_value = "")]
    project: String,
    /// The codebase
    #[arg(long)]
    codebase: Option<String>,
    /// The branch
    #[arg(short, long)]
    branch: Option<String>,
    /// The revision
    #[arg(short, long)]
    revision: Option<String>,
    /// A word that change filters look at
    #[arg(short = 'C', long)]
    category: Option<String>,
    /// The message
    #[arg(short, long, default_value = "")]
    comments: String,
    /// A page that shows the change
    #[arg(short = 'l', long, default_value = "")]
    revlink: String,
    /// A property of the builds
    #[arg(short, long = "property", value_name = "NAME:VALUE", value_parser = name_and_value)]
    properties: Vec<(String, String)>,
    /// When it was made, in seconds since 1970; now if not given
    #[arg(short, long, value_name = "SECONDS")]
    when: Option<f64>,
    /// The version control system
    #[arg(long)]
    vc: Option<String>,
    /// The files that it touches
    files: Vec<String>,
}

fn name_and_value(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once(':').ok_or("it takes NAME:VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

/// Does it.
pub fn run(args: Args) -> ExitCode {
    let Some((user, password)) = args.auth.split_once(':') else {
        return fail(UNASKED, "--auth takes USER:PASSWORD");
    };
    let change = change(&args);
    let sent = Client::log_in(&args.master, user, password)
        .and_then(|mut client| client.call(client.avatar(), "addChange", &[change]));
    match sent {
        Ok(_) => {
            println!("change sent");
            ExitCode::SUCCESS
        }
        Err(error) => fail(error.exit_code(), &error.to_string()),
    }
}

/// The dictionary of `clients.md` §2. The codebase goes only if it is given: old masters do not know the word.
fn change(args: &Args) -> Value {
    let text = |text: &str| Value::text(text.to_owned());
    let optional = |value: &Option<String>| value.as_deref().map_or(Value::None, text);
    let properties = args.properties.iter().map(|(name, value)| (text(name), text(value)));
    let mut entries = vec![
        ("who", text(&args.who)),
        ("files", Value::list(args.files.iter().map(|file| text(file)))),
        ("comments", text(&args.comments)),
        ("branch", optional(&args.branch)),
        ("revision", optional(&args.revision)),
        ("category", optional(&args.category)),
        ("when", args.when.map_or(Value::None, Value::from)),
        ("properties", Value::dict(properties)),
        ("repository", text(&args.repository)),
        ("project", text(&args.project)),
        ("revlink", text(&args.revlink)),
        ("src", optional(&args.vc)),
    ];
    if let Some(codebase) = &args.codebase {
        entries.push(("codebase", text(codebase)));
    }
    Value::dict(entries.into_iter().map(|(key, value)| (Value::text(key), value)))
}
