//! A poller and real Mercurial repositories, made for the test.

use super::{HgLook, Settings};
use crate::changes::poller::{Found, Look, LookError};
use crate::changes::programs::Programs;
use crate::config::{Glob, HgPoller, Labels, Rhythm};
use crate::kernel::World;
use expect_test::{Expect, expect};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::Command;
use tempfile::TempDir;

/// A real repository and a poller's mirror of it.
struct Place {
    folder: TempDir,
    settings: Settings,
    kept: Option<serde_json::Value>,
}

impl Place {
    fn new(branches: &[&str], bookmarks: &[&str]) -> Place {
        let folder = TempDir::new().unwrap();
        let globs = |names: &[&str]| names.iter().map(|name| Glob::new(name).unwrap()).collect();
        let poller = HgPoller {
            repository: folder.path().join("repository").to_string_lossy().into_owned(),
            branches: globs(branches),
            bookmarks: globs(bookmarks),
            rhythm: Rhythm::default(),
            labels: Labels { revlink: Some("https://example.org/rev/%s".into()), ..Labels::default() },
            access: Default::default(),
            hg_bin: "hg".to_owned(),
        };
        let directory = folder.path().join("mirror");
        let settings = Settings { poller, codebase: "code".into(), directory, secrets: Vec::new() };
        let place = Place { folder, settings, kept: None };
        std::fs::create_dir(place.repository()).unwrap();
        place.hg(&["init"]);
        place
    }

    fn repository(&self) -> PathBuf {
        self.folder.path().join("repository")
    }

    fn hg(&self, args: &[&str]) {
        let mut hg = Command::new("hg");
        let hg = hg.env("HGPLAIN", "1").env("HGRCPATH", "").env("HGUSER", "Ann Other <ann@example.org>");
        let ended = hg.args(args).current_dir(self.repository()).output();
        let ended = ended.expect("hg does not run: apt-get install mercurial");
        assert!(ended.status.success(), "hg {args:?}: {}", String::from_utf8_lossy(&ended.stderr));
    }

    /// Writes a file and commits it, with its name as the message.
    fn commit(&self, file: &str) {
        std::fs::write(self.repository().join(file), file).unwrap();
        self.hg(&["commit", "--addremove", "-m", file, "-d", "1700000000 0"]);
    }

    fn found(&self) -> Result<Found, LookError> {
        let (_running, stop) = UnixStream::pair().unwrap();
        HgLook::new(Programs::new(World::real(), stop), self.settings.clone()).look(self.kept.as_ref())
    }

    /// Looks, keeps what is to be kept, and compares the changes, a line each.
    fn check(&mut self, expected: Expect) {
        let found = self.found().unwrap();
        self.kept = found.kept.or(self.kept.take());
        let line = |change: &crate::model::NewChange| {
            let branch = change.branch.as_deref().unwrap_or("-");
            format!("{branch}: {} {}\n", change.comments.replace('\n', " / "), change.files.join(" "))
        };
        let lines: String = found.changes.iter().map(line).chain(found.warnings).collect();
        expected.assert_eq(&lines);
    }
}

#[test]
fn commits_of_the_watched_branches_are_told_once() {
    let mut place = Place::new(&["default", "stable*"], &[]);
    place.commit("history");
    place.check(expect![""]);
    place.check(expect![""]);

    place.commit("one");
    place.hg(&["branch", "-q", "stable-1"]);
    place.commit("two é");
    place.hg(&["branch", "-q", "other"]);
    place.commit("three");
    place.check(expect![[r#"
        default: one one
        stable-1: two é two é
    "#]]);

    // A second head of a branch, which other pollers are blind to.
    place.hg(&["update", "-q", "default"]);
    place.commit("left");
    place.hg(&["update", "-q", "-r", ".^"]);
    place.commit("right");
    place.check(expect![[r#"
        default: left left
        default: right right
    "#]]);

    // The mirror is a copy only: without it, nothing is told twice or lost.
    std::fs::remove_dir_all(&place.settings.directory).unwrap();
    place.commit("four");
    place.check(expect![[r#"
        default: four four
    "#]]);
    let change = place.found().unwrap();
    assert!(change.changes.is_empty() && change.kept.is_none());
}

#[test]
fn commits_that_a_bookmark_comes_to_are_told_of_it() {
    let mut place = Place::new(&[], &["feature/*"]);
    place.commit("base");
    place.hg(&["bookmark", "feature/a"]);
    place.check(expect![""]);
    place.commit("one");
    place.commit("two");
    place.hg(&["bookmark", "feature/b", "other"]);
    place.check(expect![[r#"
        feature/a: one one
        feature/a: two two
        feature/b: one one
        feature/b: two two
    "#]]);
    // It moves back: nothing is new in that.
    place.hg(&["bookmark", "-f", "-r", "0", "feature/a"]);
    place.check(expect![""]);
}

#[test]
fn a_change_says_what_the_commit_is() {
    let mut place = Place::new(&["*"], &[]);
    place.settings.poller.labels.use_timestamps = true;
    place.check(expect![""]);
    std::fs::write(place.repository().join("file"), "x").unwrap();
    place.hg(&["commit", "--addremove", "-m", "a\nb", "-d", "1700000000 0"]);
    let found = place.found().unwrap();
    let change = &found.changes[0];
    assert_eq!(change.author, "Ann Other <ann@example.org>");
    assert_eq!(change.when, Some(crate::model::Wall::from_seconds(1_700_000_000)));
    assert_eq!(change.comments, "a\nb");
    assert_eq!(change.vc.as_deref(), Some("hg"));
    let revision = change.revision.as_deref().unwrap();
    assert_eq!(revision.len(), 40);
    assert_eq!(change.revlink, format!("https://example.org/rev/{revision}"));
}

#[test]
fn a_repository_that_is_not_there_is_told() {
    let place = Place::new(&["*"], &[]);
    std::fs::remove_dir_all(place.repository()).unwrap();
    let error = place.found().unwrap_err().to_string();
    assert!(error.starts_with("hg pull: abort: repository ") && error.ends_with("not found"), "{error}");
}

#[test]
fn a_program_that_is_not_there_is_told_with_its_package() {
    let mut place = Place::new(&["*"], &[]);
    place.settings.poller.hg_bin = "/nowhere/hg".to_owned();
    let error = place.found().unwrap_err().to_string();
    assert_eq!(error, "/nowhere/hg is not installed: apt-get install mercurial");
}
