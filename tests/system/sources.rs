//! Checkouts of real repositories, made by the tools themselves, on our worker and on the real one.

use crate::harness::{Build, Make, Repository, Site};
use std::path::Path;
use std::process::Command;

/// A program that must succeed; what it says.
fn run(dir: &Path, program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program)
        .current_dir(dir)
        .env("HGUSER", "ada")
        .env("HGRCPATH", "")
        .args(arguments)
        .output()
        .unwrap_or_else(|error| panic!("{program}: {error}"));
    assert!(output.status.success(), "{program} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text").trim().to_owned()
}

/// A site whose builder checks out by this step, shows what it got and leaves a file behind.
fn site_of(step: &str) -> Site {
    Site::new(&format!(
        "workers: [{{name: w1, password: sesame}}]\n\
         schedulers:\n  - {{type: force, name: force, builders: [b]}}\n\
         builders:\n  - name: b\n    workers: [w1]\n    steps:\n      - {step}\n\
         \x20     - {{shell: 'ls; cat greeting; touch left-over', name: show}}\n"
    ))
}

/// Builds twice, with a commit between the builds. `commit` writes the greeting and tells the revision.
fn follows_the_repository(make: Make, step: &str, commit: impl Fn(&Site, &str) -> String, keeps: bool) {
    let mut site = site_of(step);
    let first = commit(&site, "hello\n");
    site.start();
    let _worker = make.start(&site, "w1", "sesame");
    for (number, greeting, revision) in [(1, "hello", Some(first)), (2, "good morning", None)] {
        let revision = revision.unwrap_or_else(|| commit(&site, "good morning\n"));
        site.force();
        let build = site.build_ends(number, Build::SUCCESS);
        let log = site.rows().logs(build.id);
        assert!(log.contains(&format!("{greeting}\n")), "{log}");
        let left_over = log.lines().any(|line| line.trim_start_matches('o') == "left-over");
        assert_eq!(left_over, keeps && number == 2, "{log}");
        assert_eq!(site.rows().property(build.id, "got_revision"), Some(format!("\"{revision}\"")));
    }
}

fn git_commit(site: &Site, text: &str) -> String {
    let path = site.path("repository");
    let repository = if path.exists() { Repository { path } } else { Repository::new(path) };
    let _ = repository.commit("other", text, "Another");
    repository.commit("greeting", &format!("{text}\n"), "Greet")
}

fn hg_commit(site: &Site, text: &str) -> String {
    let dir = site.path("repository");
    if !dir.exists() {
        std::fs::create_dir(&dir).expect("a folder");
        run(&dir, "hg", &["init"]);
    }
    std::fs::write(dir.join("greeting"), text).expect("a file");
    run(&dir, "hg", &["commit", "--addremove", "--message", "Greet"]);
    run(&dir, "hg", &["log", "--rev", ".", "--template", "{node}"])
}

fn svn_commit(site: &Site, text: &str) -> String {
    let (here, repository, work) = (site.path(""), site.path("repository"), site.path("work"));
    let address = format!("file://{}/trunk", repository.display());
    if !repository.exists() {
        run(&here, "svnadmin", &["create", "repository"]);
        run(&here, "svn", &["mkdir", "--quiet", "--message", "Begin", &address]);
        run(&here, "svn", &["checkout", "--quiet", &address, "work"]);
    }
    std::fs::write(work.join("greeting"), text).expect("a file");
    run(&work, "svn", &["add", "--quiet", "--force", "greeting"]);
    run(&work, "svn", &["commit", "--quiet", "--message", "Greet"]);
    run(&here, "svn", &["info", "--show-item", "revision", &address])
}

#[test]
fn git_keeps_what_an_incremental_build_left() {
    follows_the_repository(Make::Ours, "git: '@DIR@/repository'", git_commit, true);
}

#[test]
fn git_brings_a_pull_request_and_describes_it() {
    let step =
        "{git: '@DIR@/repository', branch: refs/pull/7/head, tags: true, get_description: {always: true}}";
    let mut site = site_of(step);
    let revision = git_commit(&site, "requested");
    let dir = site.path("repository");
    run(&dir, "git", &["update-ref", "refs/pull/7/head", "HEAD"]);
    run(&dir, "git", &["tag", "v1"]);
    git_commit(&site, "later");
    site.start();
    let _worker = Make::Ours.start(&site, "w1", "sesame");
    site.force();
    let build = site.build_ends(1, Build::SUCCESS);
    let rows = site.rows();
    assert!(rows.logs(build.id).contains("requested\n"), "{}", rows.logs(build.id));
    assert_eq!(rows.property(build.id, "got_revision"), Some(format!("\"{revision}\"")));
    let described = rows.property(build.id, "commit-description").expect("a description");
    assert!(revision.starts_with(described.trim_matches('"')), "{described}");
}

#[test]
fn mercurial_keeps_what_an_incremental_build_left() {
    follows_the_repository(Make::Ours, "hg: '@DIR@/repository'", hg_commit, true);
}

#[test]
fn mercurial_purges_on_the_real_worker() {
    follows_the_repository(Make::Real, "{hg: '@DIR@/repository', mode: full}", hg_commit, false);
}

#[test]
fn subversion_keeps_what_an_incremental_build_left() {
    follows_the_repository(Make::Ours, "svn: 'file://@DIR@/repository/trunk'", svn_commit, true);
}

#[test]
fn subversion_purges_on_the_real_worker() {
    let step = "{type: svn, base_url: 'file://@DIR@/repository', branch: trunk, mode: full, method: clean}";
    follows_the_repository(Make::Real, step, svn_commit, false);
}

#[test]
fn subversion_exports() {
    let step = "{svn: 'file://@DIR@/repository/trunk', mode: full, method: export}";
    follows_the_repository(Make::Ours, step, svn_commit, false);
}
