//! The scratch directory: a small repository, a configuration, room for the state.

use super::Args;
use crate::db;
use crate::master::Root;
use crate::model::BuildsetId;
use std::fmt::Write;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What was made.
pub struct Scratch {
    /// The configuration's file.
    pub config: PathBuf,
    /// Its text.
    pub text: String,
    /// The made-up repository, unless another is built.
    pub own_repository: Option<PathBuf>,
}

/// What the made-up repository checks itself with.
const CHECK: &str = r#"#!/bin/sh
# A build that takes a moment, so that there is something to watch.
set -e
printf '\033[1mchecking %s\033[0m\n' "$(git rev-parse --short HEAD)"
for part in model wire engine pages; do
    printf 'check %-8s ' "$part"
    sleep 0.4
    printf '\033[32mok\033[0m\n'
done
echo "4 checks, none failed"
"#;

impl Scratch {
    /// Makes it, or takes over what an earlier quickstart made in the same directory.
    ///
    /// # Errors
    /// What could not be made, for people.
    pub fn make(args: &Args) -> Result<Scratch, String> {
        let dir = directory(args)?;
        let (repository, own_repository) = match &args.repository {
            Some(repository) => (absolute(repository), None),
            None => {
                let made = dir.join("repository");
                make_repository(&made)?;
                (made.display().to_string(), Some(made))
            }
        };
        let command = args.command.as_deref().unwrap_or(if own_repository.is_some() {
            "./check.sh"
        } else {
            "make check"
        });
        let text = configuration(&dir, args, &repository, command);
        let config = dir.join("master.yaml");
        let failed = |error: std::io::Error| format!("{}: {error}", config.display());
        fs::create_dir_all(dir.join("state")).map_err(failed)?;
        fs::write(&config, &text).map_err(failed)?;
        Ok(Scratch { config, text, own_repository })
    }
}

fn directory(args: &Args) -> Result<PathBuf, String> {
    let dir = match &args.dir {
        Some(dir) => dir.clone(),
        None => std::env::temp_dir().join(format!("bellwether-quickstart-{}", std::process::id())),
    };
    let failed = |error: std::io::Error| format!("{}: {error}", dir.display());
    fs::create_dir_all(&dir).map_err(failed)?;
    dir.canonicalize().map_err(failed)
}

/// A path becomes absolute, since builds run elsewhere; an address stays as it is.
fn absolute(repository: &str) -> String {
    Path::new(repository)
        .canonicalize()
        .map_or_else(|_| repository.to_owned(), |path| path.display().to_string())
}

fn make_repository(dir: &Path) -> Result<(), String> {
    if dir.join(".git").exists() {
        return Ok(());
    }
    let failed = |error: std::io::Error| format!("{}: {error}", dir.display());
    fs::create_dir_all(dir).map_err(failed)?;
    let check = dir.join("check.sh");
    fs::write(&check, CHECK).map_err(failed)?;
    fs::set_permissions(&check, fs::Permissions::from_mode(0o755)).map_err(failed)?;
    fs::write(dir.join("README"), "A repository to try Bellwether with.\n").map_err(failed)?;
    git(dir, &["init", "--quiet", "--initial-branch=main"])?;
    git(dir, &["config", "user.name", "Quickstart"])?;
    git(dir, &["config", "user.email", "quickstart@localhost"])?;
    git(dir, &["add", "."])?;
    git(dir, &["commit", "--quiet", "--message=Check ourselves"])
}

fn git(dir: &Path, arguments: &[&str]) -> Result<(), String> {
    let output = Command::new("git").arg("-C").arg(dir).args(arguments).output().map_err(|error| {
        format!("cannot run git: {error}; install it, for example with: apt-get install git")
    })?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("git {}: {}", arguments.join(" "), String::from_utf8_lossy(&output.stderr).trim()))
}

/// The configuration, as short as it can be.
fn configuration(dir: &Path, args: &Args, repository: &str, command: &str) -> String {
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    let (repository, command) = (quoted(repository), quoted(command));
    let state = quoted(&dir.join("state").display().to_string());
    let listen = args.listen;
    format!(
        "title: Quickstart
url: http://{listen}/
state_dir: {state}
www: {{listen: \"{listen}\"}}

workers:
  - {{name: local, type: local}}

change_sources:
  - {{type: git_poller, name: repository, repository: {repository}, branches: [\"*\"], poll_interval: 2s}}

schedulers:
  - {{type: any_branch, name: commits, builders: [check]}}
  - {{type: force, name: force, builders: [check]}}

builders:
  - name: check
    workers: [local]
    steps:
      - git: {repository}
      - shell: {command}
        name: check
"
    )
}

/// What the builds of a buildset said: each step's output, for who wanted one build and no pages.
pub fn story(db: &db::Handle<Root>, buildset: BuildsetId) -> String {
    let mut story = String::new();
    for build in db.builds().of_buildset(buildset).unwrap_or_default() {
        for step in db.steps().of_build(build.id).unwrap_or_default() {
            // Writing to a String cannot fail.
            let _ = writeln!(story, "== {}: {}", step.name, step.state);
            for log in db.logs().of_step(step.id).unwrap_or_default() {
                let lines = db.logs().read_lines(log.id, 0, log.line_count).unwrap_or_default();
                for line in String::from_utf8_lossy(&lines.text).lines() {
                    // The first letter is the channel; what the worker and the master said is left out.
                    if let Some(said) = line.strip_prefix(['o', 'e']) {
                        let _ = writeln!(story, "   {said}");
                    }
                }
            }
        }
    }
    story
}
