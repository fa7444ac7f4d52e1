//! The main job, on the real worker by either protocol and on ours: the same story for all.

use crate::harness::{Build, Make, Repository, Site, eventually};

/// One builder; `steps` are its steps, indented by six.
pub fn site_of(steps: &str) -> Site {
    Site::running(&config_of(steps))
}

pub fn config_of(steps: &str) -> String {
    format!(
        "workers: [{{name: w1, password: sesame}}]\n\
         change_sources: [{{type: pb, user: change, password: changepw}}]\n\
         schedulers:\n  - {{type: force, name: force, builders: [b]}}\n\
         builders:\n  - name: b\n    workers: [w1]\n    steps:\n{steps}"
    )
}

/// A step that says that it has begun and waits for a gate of the test's. The command itself, which the log begins
/// with, must not hold the words.
pub const WAITING: &str =
    "      - {shell: 'echo be\\gun; @DIR@/wait-for @DIR@/go; echo let\\ go', name: wait}\n";

fn builds_a_commit_of_a_repository(make: Make) {
    let mut site = Site::new("");
    let repository = Repository::new(site.path("repository"));
    site.configure(
        "workers: [{name: w1, password: sesame, properties: {os: debian}}]\n\
         change_sources:\n\
         \x20 - {type: git_poller, name: app, repository: \"@DIR@/repository\", branches: [main], poll_interval: 1s}\n\
         schedulers:\n  - {type: single_branch, name: main, change_filter: {branch: main}, builders: [b]}\n\
         builders:\n  - name: b\n    workers: [w1]\n    steps:\n\
         \x20     - git: \"@DIR@/repository\"\n\
         \x20     - {set_property: greeted, command: cat greeting}\n\
         \x20     - {shell: 'echo %(prop:greeted)s on %(prop:os)s for %(prop:branch)s; printf \"caf\\303\\251\\n\" >&2'}\n",
    );
    site.start();
    let _worker = make.start(&site, "w1", "sesame");
    site.master().says("commits from now on become changes");
    let revision = repository.commit("greeting", "good morning\n", "Greet the early ones");
    let build = site.build_ends(1, Build::SUCCESS);
    let rows = site.rows();
    assert_eq!(rows.changes(), ["Greet the early ones"]);
    let log = rows.logs(build.id);
    assert!(log.contains("good morning on debian for main"), "{log}");
    assert!(log.contains("café"), "{log}");
    assert_eq!(rows.property(build.id, "got_revision"), Some(format!("\"{revision}\"")));
}

fn a_failed_step_halts_the_build_but_for_what_always_runs(make: Make) {
    let site = site_of(
        "      - {shell: 'exit 3', name: one, halt_on_failure: true}\n\
         \x20     - {shell: echo never said, name: two}\n\
         \x20     - {shell: echo cleaned up, name: three, always_run: true}\n",
    );
    let _worker = make.start(&site, "w1", "sesame");
    site.force();
    let build = site.build_ends(1, Build::FAILURE);
    let log = site.rows().logs(build.id);
    assert!(log.contains("cleaned up"), "{log}");
    assert!(!log.contains("never said"), "{log}");
}

fn a_log_is_stored_while_its_step_runs(make: Make) {
    let site = site_of(WAITING);
    let _worker = make.start(&site, "w1", "sesame");
    site.force();
    let build = site.build_says(1, "begun");
    assert!(!site.rows().logs(build.id).contains("let go"));
    site.open("go");
    site.build_ends(1, Build::SUCCESS);
    assert!(site.rows().logs(build.id).contains("let go"));
}

fn a_stopped_build_ends_and_leaves_the_worker_to_the_next(make: Make) {
    let site = site_of(WAITING);
    let _worker = make.start(&site, "w1", "sesame");
    site.force();
    site.build_says(1, "begun");
    let answer = site.page("POST", "/builders/b/builds/1/stop");
    assert!(answer.status < 400, "{answer:?}");
    site.build_ends(1, Build::CANCELLED);
    assert_eq!(site.rows().open_requests(), [0_i64; 0]);
    site.open("go");
    site.force();
    site.build_ends(2, Build::SUCCESS);
}

fn a_lost_worker_ends_the_build_as_retry_and_builds_it_again_when_back(make: Make) {
    let site = site_of(WAITING);
    let mut worker = make.start(&site, "w1", "sesame");
    site.force();
    site.build_says(1, "begun");
    worker.crash();
    let lost = site.build_ends(1, Build::RETRY);
    assert!(site.rows().logs(lost.id).contains("begun"), "the log is gone");
    assert_eq!(site.rows().open_requests(), [lost.request]);
    site.open("go");
    worker.start_again(&site);
    let again = site.build_ends(2, Build::SUCCESS);
    assert_eq!(again.request, lost.request);
    assert_eq!(site.rows().open_requests(), [0_i64; 0]);
}

fn a_master_that_crashed_builds_again_what_was_running(make: Make) {
    let mut site = site_of(WAITING);
    let _worker = make.start(&site, "w1", "sesame");
    site.force();
    site.build_says(1, "begun");
    site.force();
    eventually("two requests", || site.rows().open_requests().len() == 2);
    site.crash_and_start();
    let lost = site.build_ends(1, Build::RETRY);
    assert!(site.rows().logs(lost.id).contains("begun"), "the log is gone");
    site.open("go");
    let again = site.build_ends(2, Build::SUCCESS);
    assert_eq!(again.request, lost.request);
    eventually("no open request", || site.rows().open_requests().is_empty());
}

/// Each story as a test of each make.
macro_rules! on_all {
    ($($story:ident)*) => {
        mod real {
            $(#[test] fn $story() { super::$story(super::Make::Real) })*
        }
        mod msgpack {
            $(#[test] fn $story() { super::$story(super::Make::Msgpack) })*
        }
        mod ours {
            $(#[test] fn $story() { super::$story(super::Make::Ours) })*
        }
    };
}

on_all! {
    builds_a_commit_of_a_repository
    a_failed_step_halts_the_build_but_for_what_always_runs
    a_log_is_stored_while_its_step_runs
    a_stopped_build_ends_and_leaves_the_worker_to_the_next
    a_lost_worker_ends_the_build_as_retry_and_builds_it_again_when_back
    a_master_that_crashed_builds_again_what_was_running
}
