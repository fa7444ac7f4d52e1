//! A poller and real Subversion repositories, made for the test.

use super::{Settings, SvnLook};
use crate::changes::poller::{Found, Look, LookError};
use crate::changes::programs::Programs;
use crate::config::{BranchPath, Glob, Labels, Rhythm, SvnPoller};
use crate::kernel::World;
use crate::model::NewChange;
use expect_test::{Expect, expect};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::Command;
use tempfile::TempDir;

/// A real repository, a working copy of it, and a poller.
struct Place {
    folder: TempDir,
    settings: Settings,
    kept: Option<serde_json::Value>,
}

fn run(program: &str, args: &[&str], directory: PathBuf) {
    let ended = Command::new(program).args(args).current_dir(directory).env("LC_ALL", "C.UTF-8").output();
    let ended = ended.expect("svn does not run: apt-get install subversion");
    assert!(ended.status.success(), "{program} {args:?}: {}", String::from_utf8_lossy(&ended.stderr));
}

impl Place {
    fn new() -> Place {
        let folder = TempDir::new().unwrap();
        let root = format!("file://{}/repository", folder.path().display());
        run("svnadmin", &["create", "repository"], folder.path().to_owned());
        run("svn", &["checkout", "--quiet", &root, "copy"], folder.path().to_owned());
        let poller = SvnPoller {
            repository: root,
            trunk: None,
            branches: Vec::new(),
            rhythm: Rhythm::default(),
            labels: Labels { use_timestamps: true, ..Labels::default() },
            access: Default::default(),
            svn_bin: "svn".to_owned(),
        };
        let directory = folder.path().join("state");
        let settings = Settings { poller, codebase: "code".into(), directory, secrets: Vec::new() };
        Place { folder, settings, kept: None }
    }

    fn with_layout(below: &str, trunk: Option<&str>, branches: &[&str]) -> Place {
        let mut place = Place::new();
        let names = |path: &&str| BranchPath(path.split('/').map(|name| Glob::new(name).unwrap()).collect());
        let poller = &mut place.settings.poller;
        poller.repository += below;
        poller.trunk = trunk.map(str::to_owned);
        poller.branches = branches.iter().map(names).collect();
        place
    }

    fn svn(&self, args: &[&str]) {
        run("svn", args, self.folder.path().join("copy"));
    }

    /// Writes files and commits them, with the first's name as the message.
    fn commit(&self, files: &[&str]) {
        for file in files {
            let path = self.folder.path().join("copy").join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, files[0]).unwrap();
            self.svn(&["add", "--quiet", "--force", "--parents", file]);
        }
        self.svn(&["commit", "--quiet", "--username", "ann", "--force-log", "-m", files[0]]);
        self.svn(&["update", "--quiet"]);
    }

    fn found(&self) -> Result<Found, LookError> {
        let (_running, stop) = UnixStream::pair().unwrap();
        SvnLook::new(Programs::new(World::real(), stop), self.settings.clone()).look(self.kept.as_ref())
    }

    /// Looks, keeps what is to be kept, and compares the changes, a line each.
    fn check(&mut self, expected: Expect) {
        let found = self.found().unwrap();
        self.kept = found.kept.or(self.kept.take());
        let line = |change: &NewChange| {
            let (branch, revision) = (change.branch.as_deref(), change.revision.as_deref());
            format!("{} {}: {}\n", revision.unwrap(), branch.unwrap_or("-"), change.files.join(" "))
        };
        let lines: String = found.changes.iter().map(line).chain(found.warnings).collect();
        expected.assert_eq(&lines);
    }
}

#[test]
fn each_revision_since_the_last_look_is_told_once() {
    let mut place = Place::new();
    place.commit(&["history"]);
    place.check(expect![""]);
    place.check(expect![""]);
    place.commit(&["one"]);
    place.commit(&["dir/two é", "three"]);
    place.check(expect![[r#"
        2 -: one
        3 -: dir/ dir/two é three
    "#]]);
    place.check(expect![""]);
    place.commit(&["four"]);
    let found = place.found().unwrap();
    let change: &NewChange = &found.changes[0];
    assert_eq!((change.author.as_str(), change.comments.as_str()), ("ann", "four"));
    assert_eq!(change.vc.as_deref(), Some("svn"));
    assert!(change.when.is_some());
}

#[test]
fn a_revision_is_one_change_for_each_branch_that_it_touches() {
    let mut place = Place::with_layout("/app", Some("trunk"), &["branches/*", "users/*/*"]);
    place.commit(&["app/trunk/a", "app/branches/x/a", "app/users/ann/y/a", "other/a"]);
    place.check(expect![""]);
    place.commit(&[
        "app/trunk/b",
        "app/branches/x/b",
        "app/branches/x/c",
        "app/users/ann/y/b",
        "other/b",
        "app/z",
    ]);
    place.check(expect![[r#"
        2 -: b
        2 branches/x: b c
        2 users/ann/y: b
    "#]]);
    // What concerns none of them is no change, nor is the end of a branch.
    place.commit(&["other/c"]);
    place.svn(&["remove", "--quiet", "app/branches/x"]);
    place.svn(&["commit", "--quiet", "-m", "gone"]);
    place.check(expect![""]);
    place.svn(&["update", "--quiet"]);
    place.svn(&["copy", "--quiet", "app/trunk", "app/branches/new"]);
    place.svn(&["commit", "--quiet", "-m", "branch"]);
    place.check(expect![[r#"
        5 branches/new: 
    "#]]);
}

#[test]
fn another_repository_at_the_same_address_is_looked_at_anew() {
    let mut place = Place::new();
    place.commit(&["one"]);
    place.check(expect![""]);
    std::fs::remove_dir_all(place.folder.path().join("repository")).unwrap();
    let error = place.found().unwrap_err().to_string();
    assert!(
        error.starts_with("svn info: ") && error.contains("Unable to connect to a repository"),
        "{error}"
    );
    std::fs::remove_dir_all(place.folder.path().join("copy")).unwrap();
    run("svnadmin", &["create", "repository"], place.folder.path().to_owned());
    run(
        "svn",
        &["checkout", "--quiet", &place.settings.poller.repository, "copy"],
        place.folder.path().to_owned(),
    );
    place.commit(&["one"]);
    place.commit(&["two"]);
    place.check(expect![""]);
    place.commit(&["three"]);
    place.check(expect![[r#"
        3 -: three
    "#]]);
}
