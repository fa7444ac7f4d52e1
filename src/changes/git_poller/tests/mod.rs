//! The texts of git, and git itself on repositories made for the test.

mod access;
mod refs;
mod running;

use super::access::Access;
use super::command::Git;
use super::plan::{Kept, NewCommits, Remote, Tips};
use super::{GitLook, Settings};
use crate::changes::poller::{Found, Look, LookError};
use crate::changes::programs::Programs;
use crate::changes::settings::{directory_name, flat_name};
use crate::config::{Branches, GitPoller, Glob, Labels, RemoteAccess, Rhythm};
use crate::kernel::World;
use expect_test::{Expect, expect};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::rc::Rc;
use std::time::Duration;
use tempfile::TempDir;

const LS_REMOTE: &str = "ref: refs/heads/main\tHEAD\naaa\tHEAD\naaa\trefs/heads/main\nbbb\trefs/heads/release/1\n\
                         ccc\trefs/heads/x\n";

fn globs(patterns: &[&str]) -> Branches {
    Branches::Matching(patterns.iter().map(|pattern| Glob::new(pattern).unwrap()).collect())
}

/// A poller with the defaults of the file.
fn poller(repository: &str, branches: Branches) -> GitPoller {
    GitPoller {
        repository: repository.to_owned(),
        branches,
        tags: Vec::new(),
        refs: Vec::new(),
        rhythm: Rhythm {
            poll_interval: Duration::from_secs(3600),
            poll_at_launch: false,
            poll_random_delay_min: Duration::ZERO,
            poll_random_delay_max: Duration::ZERO,
        },
        build_pushes_with_no_commits: false,
        labels: Labels {
            use_timestamps: true,
            revlink: Some("https://example.org/commit/%s".to_owned()),
            project: "app".to_owned(),
            category: None,
        },
        access: RemoteAccess::default(),
        git_bin: "git".to_owned(),
    }
}

fn tips(pairs: &[(&str, &str)]) -> Tips {
    pairs.iter().map(|(name, tip)| ((*name).to_owned(), (*tip).to_owned())).collect()
}

#[test]
fn the_branches_of_a_remote_are_chosen() {
    let remote = Remote::read(LS_REMOTE);
    let names = |branches| remote.watched(&poller("r", branches)).into_keys().collect::<Vec<_>>().join(" ");
    assert_eq!(names(Branches::Default), "main");
    assert_eq!(names(Branches::All), "main release/1 x");
    assert_eq!(names(globs(&["release/*", "y"])), "release/1");
    // An empty repository.
    assert_eq!(
        Remote::read("ref: refs/heads/main\tHEAD\n").watched(&poller("r", Branches::Default)),
        Tips::new()
    );
    assert_eq!(Remote::read("").watched(&poller("r", Branches::All)), Tips::new());
}

#[test]
fn news_are_what_moved_or_came_under_the_same_rule() {
    let kept = |repository: &str, branches: &Branches, pairs: &[(&str, &str)]| {
        Kept::new(&poller(repository, branches.clone()), tips(pairs))
    };
    let before = kept("r", &Branches::All, &[("main", "1"), ("old", "2"), ("same", "3")]);
    let now = [("main", "4"), ("same", "3"), ("new", "5")];
    assert_eq!(before.news(&kept("r", &Branches::All, &now)), tips(&[("main", "4"), ("new", "5")]));
    // A branch that a new rule lets in has a place to begin from, not news.
    assert_eq!(before.news(&kept("r", &globs(&["*"]), &now)), tips(&[("main", "4")]));
    // Another repository is looked at for the first time.
    assert_eq!(before.news(&kept("other", &Branches::All, &now)), tips(&[]));
}

#[test]
fn new_commits_end_at_what_is_known() {
    let check = |text: &str, told: &[&str], left_out: usize| {
        let told = told.iter().map(|commit| (*commit).to_owned()).collect();
        assert_eq!(NewCommits::read(text, "tip", 3), NewCommits { told, left_out }, "{text:?}");
    };
    check("", &[], 0);
    check("-base\na\ntip\n", &["a", "tip"], 0);
    check("-base\na\nb\nc\nd\ntip\n", &["c", "d", "tip"], 2);
    check("a\nb\ntip\n", &["tip"], 2);
    check("tip\n", &["tip"], 0);
}

#[test]
fn names_become_flat() {
    assert_eq!(flat_name("release/1.0"), "release%2F1.0");
    assert_eq!(flat_name("../é%"), "%2E.%2F%C3%A9%25");
    assert_eq!(directory_name("https://example.org/a/app.git/"), "app.git-70e0d781392d09a9");
    assert_ne!(directory_name("one/app.git"), directory_name("two/app.git"));
}

/// A real repository and a poller's mirror of it.
struct Place {
    folder: Rc<TempDir>,
    settings: Settings,
    kept: Option<serde_json::Value>,
}

impl Place {
    fn new(branches: Branches) -> Place {
        let folder = Rc::new(TempDir::new().unwrap());
        let repository = folder.path().join("repository");
        let poller = poller(&repository.to_string_lossy(), branches);
        let directory = folder.path().join("mirrors").join("app");
        let settings = Settings { poller, codebase: "code".into(), directory, secrets: Vec::new() };
        let place = Place { folder, settings, kept: None };
        git(place.folder.path(), &["init", "--quiet", "--initial-branch=main", "repository"]);
        place
    }

    /// Another poller of the repository.
    fn clone_of(&self) -> Place {
        Place { folder: Rc::clone(&self.folder), settings: self.settings.clone(), kept: None }
    }

    fn repository(&self) -> PathBuf {
        self.folder.path().join("repository")
    }

    fn git(&self, args: &[&str]) {
        git(&self.repository(), args);
    }

    /// Writes a file and commits it, with its name as the message.
    fn commit(&self, file: &str) {
        std::fs::write(self.repository().join(file), file).unwrap();
        self.git(&["add", "."]);
        self.git(&["commit", "--quiet", "-m", file]);
    }

    fn found(&self) -> Result<Found, LookError> {
        let (_running, stop) = UnixStream::pair().unwrap();
        GitLook::new(Git::new("git", Programs::new(World::real(), stop)), self.settings.clone())
            .look(self.kept.as_ref())
    }

    /// Looks, keeps what is to be kept, and returns the changes a line each.
    fn look(&mut self) -> String {
        let Found { changes, kept, warnings, .. } = self.found().unwrap();
        self.kept = kept.or(self.kept.take());
        let lines = changes.iter().map(|change| {
            let branch = change.branch.as_deref().unwrap_or_default();
            format!("{branch}: {} [{}] by {}\n", change.comments, change.files.join(", "), change.author)
        });
        lines.chain(warnings.iter().map(|warning| format!("warning: {warning}\n"))).collect()
    }

    fn check(&mut self, expected: Expect) {
        expected.assert_eq(&self.look());
    }
}

/// Runs git for the test itself.
fn git(directory: &Path, args: &[&str]) {
    let mut command = Command::new("git");
    command.current_dir(directory).args(args).env("GIT_CONFIG_GLOBAL", "/dev/null");
    for (role, name) in [("AUTHOR", "Ann"), ("COMMITTER", "Cem")] {
        command.env(format!("GIT_{role}_NAME"), name).env(format!("GIT_{role}_EMAIL"), "x@example.org");
        command.env(format!("GIT_{role}_DATE"), "2026-01-01T00:00:00Z");
    }
    let output = command.output().expect("git runs: apt-get install git");
    assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn commits_of_a_real_repository_become_changes() {
    let mut place = Place::new(globs(&["main", "release/*"]));
    // An empty repository, and then its history: both are only a place to begin from.
    place.check(expect![""]);
    place.kept = None;
    place.commit("one");
    place.check(expect![""]);
    place.check(expect![""]);

    place.commit("two");
    place.commit("smörgås bord");
    place.git(&["checkout", "--quiet", "-b", "topic"]);
    place.commit("unwatched");
    place.git(&["checkout", "--quiet", "main"]);
    place.git(&["merge", "--quiet", "--no-ff", "-m", "merge\n\nof topic\n", "topic"]);
    place.git(&["commit", "--quiet", "--allow-empty", "-m", "empty"]);
    place.check(expect![[r#"
        main: two [two] by Ann <x@example.org>
        main: smörgås bord [smörgås bord] by Ann <x@example.org>
        main: unwatched [unwatched] by Ann <x@example.org>
        main: merge

        of topic [unwatched] by Ann <x@example.org>
        main: empty [] by Ann <x@example.org>
    "#]]);

    // A new branch tells only what is new in it.
    place.git(&["checkout", "--quiet", "-b", "release/1", "HEAD~2"]);
    place.check(expect![""]);
    place.commit("fix");
    place.check(expect![[r#"
        release/1: fix [fix] by Ann <x@example.org>
    "#]]);

    // A forced push tells what replaces what it drops.
    place.git(&["reset", "--quiet", "--hard", "HEAD~1"]);
    place.commit("better fix");
    place.check(expect![[r#"
        release/1: better fix [better fix] by Ann <x@example.org>
    "#]]);

    // A branch goes, and another comes whose name begins like a folder of it.
    place.git(&["checkout", "--quiet", "main"]);
    place.git(&["branch", "--quiet", "-D", "release/1"]);
    place.git(&["checkout", "--quiet", "-b", "release/1/lts"]);
    place.commit("long");
    place.check(expect![[r#"
        release/1/lts: long [long] by Ann <x@example.org>
    "#]]);

    // A history that has nothing in common with what is known is told by its tip alone.
    place.git(&["checkout", "--quiet", "--orphan", "release/2"]);
    place.commit("root");
    place.commit("tip");
    place.check(expect![[r#"
        release/2: tip [tip] by Ann <x@example.org>
        warning: branch release/2: 1 older new commits are left out
    "#]]);
}

#[test]
fn a_change_says_all_that_its_commit_does() {
    let mut place = Place::new(Branches::Default);
    place.commit("one");
    place.look();
    place.commit("two");
    let found = place.found().unwrap();
    let [change] = &found.changes[..] else { panic!("{found:?}") };
    assert_eq!(change.committer.as_deref(), Some("Cem <x@example.org>"));
    let revision = change.revision.as_deref().unwrap();
    assert_eq!(found.kept.unwrap()["tips"]["main"], revision);
    assert_eq!(change.revlink, format!("https://example.org/commit/{revision}"));
    assert_eq!(change.when.map(|when| when.seconds()), Some(1_767_225_600));
    assert_eq!((change.codebase.as_str(), change.project.as_str()), ("code", "app"));
    assert_eq!(change.repository, place.settings.poller.repository);
}

#[test]
fn a_lost_mirror_is_made_again_and_nothing_is_told_twice() {
    let mut place = Place::new(Branches::All);
    place.commit("one");
    place.look();
    std::fs::remove_dir_all(&place.settings.directory).unwrap();
    place.commit("two");
    place.check(expect![[r#"
        main: two [two] by Ann <x@example.org>
    "#]]);
}

#[test]
fn what_a_killed_git_has_locked_is_unlocked() {
    let mut place = Place::new(Branches::All);
    place.commit("one");
    place.look();
    for file in ["packed-refs.lock", "refs/tips/main.lock"] {
        std::fs::write(place.settings.directory.join(file), "").unwrap();
    }
    place.commit("two");
    place.check(expect![[r#"
        main: two [two] by Ann <x@example.org>
    "#]]);
}

#[test]
fn a_repository_that_does_not_exist_is_told_in_gits_words() {
    let place = Place::new(Branches::All);
    std::fs::remove_dir_all(place.repository()).unwrap();
    let error = place.found().unwrap_err().to_string();
    assert!(error.starts_with("git ls-remote: fatal: '"), "{error}");
    assert!(error.contains("does not appear to be a git repository"), "{error}");
}

#[test]
fn a_command_that_takes_too_long_is_ended() {
    let (_running, stop) = UnixStream::pair().unwrap();
    let git = Git::new("git", Programs::new(World::real(), stop));
    let args = ["-c", "alias.wait=!sleep 3600", "wait"];
    let ended = git.run(&args, None, &Access::default(), Duration::ZERO);
    assert_eq!(ended, Err(LookError::Failed("git wait: it took longer than 0 s".to_owned())));
}

#[test]
fn a_command_ends_with_its_poller() {
    let (running, stop) = UnixStream::pair().unwrap();
    drop(running);
    let git = Git::new("git", Programs::new(World::real(), stop));
    let args = ["-c", "alias.wait=!sleep 3600", "wait"];
    assert_eq!(git.run(&args, None, &Access::default(), Duration::from_secs(3600)), Err(LookError::Stopped));
}

#[test]
fn what_git_leaves_running_does_not_hold_a_poller_up() {
    let (_running, stop) = UnixStream::pair().unwrap();
    let git = Git::new("git", Programs::new(World::real(), stop));
    // The shell ends at once; what it leaves behind keeps both pipes open until the test ends.
    let folder = TempDir::new().unwrap();
    let fifo = folder.path().join("fifo");
    rustix::fs::mknodat(rustix::fs::CWD, &fifo, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
    let alias = format!("alias.leave=!cat <{} & echo done", fifo.display());
    let _open = std::fs::OpenOptions::new().read(true).write(true).open(&fifo).unwrap();
    let output =
        git.run(&["-c", &alias, "leave"], None, &Access::default(), Duration::from_secs(60)).unwrap();
    assert_eq!(output, b"done\n");
}
