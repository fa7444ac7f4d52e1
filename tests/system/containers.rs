//! Workers in containers: the daemon against a small engine that speaks Docker's API and runs our agent for a container.

use crate::harness::{Build, Process, Site, eventually_or};
use std::path::Path;

/// A site whose worker is a container of `image`, and its engine.
fn site(image: &str, wait: &str) -> (Site, Process) {
    let mut site = Site::new("");
    let engine = engine(&site);
    site.configure(&format!(
        "workers:\n  - {{name: w1, type: docker, docker_host: 'unix://@DIR@/engine/engine.sock', version: '1.41', \
         image: '{image}', autopull: true, master_fqdn: 127.0.0.1, build_wait_timeout: {wait}, \
         check_instance_interval: 1s}}\n\
         schedulers:\n  - type: force\n    name: force\n    builders: [b]\n    \
         parameters: [{{type: string, name: flavour, default: plain}}]\n\
         builders:\n  - name: b\n    workers: [w1]\n    steps:\n\
         \x20     - {{shell: 'echo be\\gun; test ! -e @DIR@/hold || @DIR@/wait-for @DIR@/go', name: work}}\n"
    ));
    site.start();
    (site, engine)
}

fn engine(site: &Site) -> Process {
    let folder = site.path("engine");
    std::fs::create_dir(&folder).expect("a folder");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python/engine.py");
    let mut command = site.program("python3");
    command.arg(script).arg(&folder).arg(env!("CARGO_BIN_EXE_bellwether-worker"));
    let engine = Process::start(&mut command, site.path("engine.log"));
    engine.says("engine is ready");
    engine
}

/// Waits until the engine was asked for this.
fn history(site: &Site, wanted: &[&str]) {
    let read = || std::fs::read_to_string(site.path("engine/history")).unwrap_or_default();
    let said = || format!("{}\n{}", read(), site.log());
    eventually_or(&wanted.join("; "), || read().lines().eq(wanted.iter().copied()).then_some(()), said);
}

fn force(site: &Site, flavour: &str) {
    let said = site.command(&["force", "--parameter", &format!("flavour={flavour}")]);
    assert_eq!(said.code, Some(0), "{}", said.text);
}

#[test]
fn a_container_is_started_for_a_build_and_removed_when_idle() {
    let (site, _engine) = site("worker", "0");
    site.force();
    let build = site.build_ends(1, Build::SUCCESS);
    assert!(site.rows().logs(build.id).contains("begun"));
    history(&site, &["pull worker:latest", "create worker", "remove worker"]);
    site.force();
    site.build_ends(2, Build::SUCCESS);
    history(
        &site,
        &["pull worker:latest", "create worker", "remove worker", "create worker", "remove worker"],
    );
}

#[test]
fn a_container_of_another_image_is_not_reused() {
    let (site, _engine) = site("worker-%(prop:flavour)s", "never");
    force(&site, "plain");
    site.build_ends(1, Build::SUCCESS);
    force(&site, "plain");
    site.build_ends(2, Build::SUCCESS);
    force(&site, "spicy");
    site.build_ends(3, Build::SUCCESS);
    history(
        &site,
        &[
            "pull worker-plain:latest",
            "create worker-plain",
            "remove worker-plain",
            "pull worker-spicy:latest",
            "create worker-spicy",
        ],
    );
}

#[test]
fn a_container_that_ends_at_once_fails_with_its_last_words() {
    let (site, _engine) = site("crashing", "0");
    site.force();
    let build = site.build("an ended build", |build| build.number == 1 && build.results.is_some());
    let logs = site.rows().logs(build.id);
    assert!(logs.contains("ended with code 3") && logs.contains("nothing here knows the way"), "{logs}");
    assert_ne!(build.results, Some(Build::SUCCESS));
}

#[test]
fn an_image_that_is_nowhere_is_told() {
    let (site, _engine) = site("nowhere", "0");
    site.force();
    let build = site.build("an ended build", |build| build.number == 1 && build.results.is_some());
    let logs = site.rows().logs(build.id);
    assert!(logs.contains("no registry has nowhere:latest"), "{logs}");
}

#[test]
fn a_container_that_a_crash_leaves_behind_is_removed_before_the_next_is_started() {
    let (mut site, _engine) = site("worker", "never");
    site.open("hold");
    site.force();
    site.build_says(1, "begun");
    site.crash_and_start();
    site.build_says(2, "begun");
    history(&site, &["pull worker:latest", "create worker", "remove worker", "create worker"]);
    site.open("go");
    site.build_ends(2, Build::SUCCESS);
}

#[test]
fn an_engine_that_talks_nonsense_or_is_not_there_is_told_and_the_daemon_lives() {
    let (mut site, mut engine) = site("worker", "0");
    site.open("engine/garbage");
    site.force();
    let build = site.build("an ended build", |build| build.number == 1 && build.results.is_some());
    assert!(site.rows().logs(build.id).contains("the container engine"), "{}", site.rows().logs(build.id));
    engine.crash();
    assert!(site.master().runs());
}
