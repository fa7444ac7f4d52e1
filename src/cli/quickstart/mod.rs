//! `bellwether quickstart`: the main job, running, with nothing to set up.

mod scratch;

use super::run::cannot_start;
use super::{NO, fail, logging};
use crate::kernel::thread;
use crate::master::{End, Master, Root, RootEvent};
use crate::model::{BuildsetId, Event, Results};
use crate::schedulers::{self, ForceRequest};
use crate::status::{self, Heard, Subscription};
use crossbeam_channel::Sender;
use scratch::Scratch;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

/// Try it: a master with a local worker builds a small repository, with pages to look at
///
/// Everything is made in a scratch directory; nothing else on the machine is touched.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Where to make it; kept and used again if it is there. A new directory for temporary files if not given
    #[arg(long)]
    dir: Option<PathBuf>,
    /// Where the pages are served
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8010")]
    listen: SocketAddr,
    /// Build once, print the log and the result, and end: exit code 0 for a success, 1 for anything else
    #[arg(long)]
    once: bool,
    /// Build this repository in place of a made-up one
    #[arg(long, value_name = "URL|PATH")]
    repository: Option<String>,
    /// What to run in it
    #[arg(long, value_name = "COMMAND", requires = "repository")]
    command: Option<String>,
}

/// How many events may wait for the one who looks for the end of the build.
const EVENTS: usize = 4096;

/// How often it looks whether the hub is still there.
const LOOK: Duration = Duration::from_secs(1);

/// Does it.
pub fn run(args: &Args) -> ExitCode {
    let scratch = match Scratch::make(args) {
        Ok(scratch) => scratch,
        Err(why) => return fail(NO, &why),
    };
    println!("The whole configuration, {}:\n", scratch.config.display());
    println!("{}", indented(&scratch.text));
    let log = logging::to_stderr(logging::Format::Plain);
    let (master, to_root) = match Master::start(&scratch.config, log) {
        Ok(started) => started,
        Err(error) => return cannot_start(&error),
    };
    let status: status::Handle<Root> = master.tree().status.clone();
    let subscription = status.subscribe(EVENTS, None);
    let forced = force(&master.tree().schedulers);
    let (subscription, buildset) = match (subscription, forced) {
        (Ok(subscription), Ok(buildset)) => (subscription, buildset),
        (Err(gone), _) => return fail(NO, &gone.to_string()),
        (_, Err(why)) => return fail(NO, &why),
    };
    let address = status.web_address().ok().flatten().unwrap_or(args.listen);
    if args.once {
        return once(args, master, to_root, subscription, buildset);
    }
    println!("{}", what_next(&scratch, address));
    match master.run() {
        End::Ordered => ExitCode::SUCCESS,
        End::Failed => ExitCode::from(NO),
    }
}

/// Asks for the first build, of the repository's head.
fn force(schedulers: &schedulers::Handle<Root>) -> Result<BuildsetId, String> {
    let request = ForceRequest {
        scheduler: "force".to_owned(),
        owner: "quickstart".to_owned(),
        fields: [("reason".to_owned(), "the first build".into())].into(),
        ..ForceRequest::default()
    };
    let added = schedulers.force(request).map_err(|error| error.to_string())?;
    Ok(added.id)
}

/// Runs the master until this buildset is complete.
fn once(
    args: &Args,
    master: Master,
    to_root: Sender<RootEvent>,
    subscription: Subscription,
    buildset: BuildsetId,
) -> ExitCode {
    let db = master.tree().db.clone();
    let waiting = thread::spawn("quickstart", move || {
        let results = completion(&subscription, buildset, &db);
        let told = scratch::story(&db, buildset);
        // The master may have ended by itself; then there is nobody to tell.
        let _ = to_root.send(RootEvent::Stop);
        (results, told)
    });
    let waiting = match waiting {
        Ok(waiting) => waiting,
        Err(error) => return fail(NO, &format!("cannot start a thread: {error}")),
    };
    let end = master.run();
    match waiting.join() {
        Ok((Some(results), told)) => {
            println!("{told}");
            println!("{}: {results}", args.repository.as_deref().unwrap_or("quickstart"));
            ExitCode::from(if results.is_good() && end == End::Ordered { 0 } else { NO })
        }
        Ok((None, _)) => fail(NO, "the master ended before the build"),
        Err(panic) => fail(NO, &panic),
    }
}

/// Waits for the end of the buildset. `None`: the master ended first.
fn completion(
    subscription: &Subscription,
    wanted: BuildsetId,
    db: &crate::db::Handle<Root>,
) -> Option<Results> {
    let from_rows = || db.buildsets().get(wanted).ok().flatten().and_then(|buildset| buildset.results);
    let mut results = from_rows();
    while results.is_none() {
        match subscription.wait(LOOK) {
            Some(Heard::Event(event)) => {
                if let Event::BuildsetComplete { buildset, results: told } = *event
                    && buildset == wanted
                {
                    results = Some(told);
                }
            }
            Some(Heard::Missed) => results = from_rows(),
            None if subscription.has_ended() => return None,
            None => {}
        }
    }
    results
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("    {line}\n")).collect()
}

fn what_next(scratch: &Scratch, address: SocketAddr) -> String {
    let config = scratch.config.display();
    let commit = scratch.own_repository.as_ref().map_or_else(String::new, |repository| {
        format!(
            "  * Commit something, and it is built within seconds:\n      git -C {} commit --allow-empty -m 'Try it'\n",
            repository.display()
        )
    });
    format!(
        "Open http://{address}/ - the first build is running.\n\nTry next:\n{commit}  \
         * Press the force button, or: bellwether force check --config {config}\n  \
         * Edit {config}, then see what it would do, and do it:\n      \
         bellwether reload --plan --config {config}\n      bellwether reload --config {config}\n  \
         * bellwether status --config {config}\n\nControl-C ends it.\n"
    )
}
