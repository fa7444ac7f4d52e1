//! Latent workers: real processes that the master has started and stopped by an operator's commands.

use crate::harness::{Build, Make, Site, eventually_or, real};
use std::os::unix::fs::PermissionsExt;

/// Starts a worker in the background; the file `pid` says that it runs. `@WORKER@` makes and starts it.
const START: &str = r#"#!/bin/sh
set -e
cd @DIR@
echo started >> instances
test ! -e pid || { echo "two at once" >> instances; exit 1; }
test ! -e code || { cat code; exit "$(cat code)"; }
rm -rf home
if test -e silent; then sleep 1000 > output 2>&1 & else
@WORKER@
fi
echo $! > pid
"#;

/// Removes it, if it is there.
const STOP: &str = r#"#!/bin/sh
cd @DIR@
test ! -e pid || { kill -9 "$(cat pid)"; rm pid; echo stopped >> instances; }
"#;

const OURS: &str = r#"@PROGRAM@ create home --master "$BUILDMASTER:$BUILDMASTER_PORT" --name "$WORKERNAME" --password "$WORKERPASS" > made 2>&1
@PROGRAM@ run home > output 2>&1 &"#;

const REAL: &str = r#"@PROGRAM@ create-worker --maxdelay=1 home "$BUILDMASTER:$BUILDMASTER_PORT" "$WORKERNAME" "$WORKERPASS" > made 2>&1
@PROGRAM@ start --nodaemon home > output 2>&1 &"#;

fn site(make: Make, wait: &str) -> Site {
    patient_site(make, wait, "20m")
}

fn patient_site(make: Make, wait: &str, missing: &str) -> Site {
    let mut site = Site::new("");
    let (worker, program) = match make {
        Make::Ours => (OURS, env!("CARGO_BIN_EXE_bellwether-worker").into()),
        Make::Real | Make::Msgpack => (REAL, real("buildbot-worker")),
    };
    let dir = site.path("").display().to_string();
    for (name, text) in [("start", START), ("stop", STOP)] {
        let text = text.replace("@WORKER@", worker).replace("@DIR@", &dir);
        let text = text.replace("@PROGRAM@", &program.display().to_string());
        std::fs::write(site.path(name), text).expect("a file");
        std::fs::set_permissions(site.path(name), PermissionsExt::from_mode(0o755)).expect("a program");
    }
    site.configure(&format!(
        "workers:\n  - {{name: w1, type: command, start: ['@DIR@/start'], stop: ['@DIR@/stop'], build_wait_timeout: {wait}, \
         missing_timeout: {missing}}}\n\
         schedulers:\n  - {{type: force, name: force, builders: [b]}}\n\
         builders:\n  - name: b\n    workers: [w1]\n    steps:\n\
         \x20     - {{shell: 'echo be\\gun; test ! -e @DIR@/hold || @DIR@/wait-for @DIR@/go', name: work}}\n"
    ));
    site.start();
    site
}

/// Waits until the instances have had this history.
fn history(site: &Site, wanted: &str) {
    let read = || std::fs::read_to_string(site.path("instances")).unwrap_or_default().replace('\n', " ");
    eventually_or(
        wanted,
        || (read().trim() == wanted).then_some(()),
        || format!("{}\n{}", read(), site.log()),
    );
}

fn is_started_for_a_build_and_stopped_when_idle(make: Make) {
    let site = site(make, "0");
    site.force();
    let build = site.build_ends(1, Build::SUCCESS);
    assert!(site.rows().logs(build.id).contains("begun"));
    history(&site, "started stopped");
    site.force();
    site.build_ends(2, Build::SUCCESS);
    history(&site, "started stopped started stopped");
}

#[test]
fn our_worker_is_started_for_a_build_and_stopped_when_idle() {
    is_started_for_a_build_and_stopped_when_idle(Make::Ours);
}

#[test]
fn a_real_worker_is_started_for_a_build_and_stopped_when_idle() {
    is_started_for_a_build_and_stopped_when_idle(Make::Real);
}

#[test]
fn an_instance_that_a_crash_leaves_behind_is_removed_before_the_next_is_started() {
    let mut site = site(Make::Ours, "never");
    site.open("hold");
    site.force();
    site.build_says(1, "begun");
    site.crash_and_start();
    site.build_says(2, "begun");
    history(&site, "started stopped started");
    site.open("go");
    site.build_ends(2, Build::SUCCESS);
    // Kept for ever, but not beyond the master's end.
    site.master().signal("TERM");
    site.master().ends();
    history(&site, "started stopped started stopped");
}

#[test]
fn a_start_that_can_never_work_fails_the_build_and_one_for_which_there_is_no_room_is_tried_again() {
    let site = site(Make::Ours, "0");
    std::fs::write(site.path("code"), "78").expect("a file");
    site.force();
    let build = site.build_ends(1, Build::EXCEPTION);
    assert!(site.rows().logs(build.id).contains("can never be started"));
    std::fs::write(site.path("code"), "75").expect("a file");
    site.force();
    // After the pause that the first one has earned.
    site.build_ends(2, Build::RETRY);
    std::fs::remove_file(site.path("code")).expect("a file");
    site.build_ends(3, Build::SUCCESS);
}

/// What the API says of the worker's instance.
fn instance(site: &Site) -> serde_json::Value {
    let answer = site.page("GET", "/api/v2/workers/w1");
    let rows: serde_json::Value = serde_json::from_str(&answer.body).expect("JSON");
    rows["workers"][0]["instance"].clone()
}

#[test]
fn an_instance_whose_worker_never_comes_is_removed_and_told() {
    let site = patient_site(Make::Ours, "0", "2s");
    assert_eq!(instance(&site)["state"], "not_started");
    site.open("silent");
    site.force();
    let build = site.build_ends(1, Build::RETRY);
    assert!(site.rows().logs(build.id).contains("its worker did not come within 2 s"));
    let failed = instance(&site);
    assert_eq!(failed["failure"], "its worker did not come within 2 s", "{failed}");
    let said = site.command(&["status"]);
    assert!(
        said.text.contains("missing since") && said.text.contains("in quarantine until"),
        "{}",
        said.text
    );
    let said = site.command(&["explain", "worker", "w1"]);
    assert!(said.text.contains("its worker did not come within 2 s"), "{}", said.text);
    let page = site.page("GET", "/workers/w1").body;
    assert!(page.contains("its worker did not come within 2 s"), "{page}");
    std::fs::remove_file(site.path("silent")).expect("a file");
    site.build_ends(2, Build::SUCCESS);
    history(&site, "started stopped started stopped");
    assert_eq!(instance(&site)["failure"], serde_json::Value::Null);
}

#[test]
fn a_build_that_waits_for_its_instance_can_be_stopped() {
    let site = site(Make::Ours, "0");
    site.open("silent");
    site.force();
    history(&site, "started");
    assert_eq!(instance(&site)["state"], "substantiating");
    let said = site.command(&["status"]);
    assert!(said.text.contains("being started since"), "{}", said.text);
    let answer = site.page("POST", "/builders/b/builds/1/stop");
    assert!(answer.status < 400, "{answer:?}");
    site.build_ends(1, Build::CANCELLED);
    history(&site, "started stopped");
}

#[test]
fn a_reload_that_takes_a_worker_away_removes_its_instance() {
    let mut site = site(Make::Ours, "0");
    site.open("silent");
    site.force();
    history(&site, "started");
    site.configure(
        "workers:\n  - {name: w2, password: pw}\n\
         schedulers:\n  - {type: force, name: force, builders: [b]}\n\
         builders:\n  - {name: b, workers: [w2], steps: [{shell: 'true'}]}\n",
    );
    site.hang_up();
    history(&site, "started stopped");
    site.build_ends(1, Build::RETRY);
}
