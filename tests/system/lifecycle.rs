//! The master's life: checked, started, asked, stopped in each way, cut off and started again.

use crate::harness::{Build, Make, Process, Site, eventually};
use crate::jobs::{WAITING, config_of, site_of};

#[test]
fn check_says_all_that_is_wrong_with_file_line_and_path() {
    let site = Site::new("workers: [{name: w1}]\nbuilders:\n  - name: b\n    workers: [w2]\n    stepz: []\n");
    let said = site.command(&["check"]);
    assert_eq!(said.code, Some(1), "{}", said.text);
    for what in ["master.yaml:6:", "workers[0]", "builders[0].workers", "\"w2\"", "stepz", "steps"] {
        assert!(said.text.contains(what), "no {what} in {}", said.text);
    }
}

#[test]
fn a_broken_configuration_does_not_start_and_says_why() {
    let site = Site::new("builders: {\n");
    let said = site.command(&["run"]);
    assert_eq!(said.code, Some(1), "{}", said.text);
    assert!(said.text.contains("master.yaml:"), "{}", said.text);
}

#[test]
fn a_port_in_use_does_not_start_and_says_which() {
    let site = Site::running(&config_of(WAITING));
    let second = Site::new(&config_of(WAITING));
    let text = std::fs::read_to_string(second.path("master.yaml")).expect("a file");
    let taken = text.replace(&second.pb_port.to_string(), &site.pb_port.to_string());
    std::fs::write(second.path("master.yaml"), taken).expect("a file");
    let said = second.command(&["run"]);
    assert_eq!(said.code, Some(1), "{}", said.text);
    assert!(said.text.contains(&site.pb_port.to_string()), "{}", said.text);
}

#[test]
fn init_makes_what_check_and_run_take() {
    let site = Site::new("");
    let dir = site.path("made").display().to_string();
    assert_eq!(site.command(&["init", &dir]).code, Some(0));
    let config = format!("{dir}/master.yaml");
    let said = site.command(&["check", "--config", &config]);
    assert_eq!(said.code, Some(0), "{}", said.text);
    let said = site.command(&["init", &dir]);
    assert_eq!(said.code, Some(1), "made over what was there: {}", said.text);
}

#[test]
fn status_tells_of_the_running_master_and_of_none() {
    let mut site = site_of(WAITING);
    let _worker = Make::Ours.start(&site, "w1", "sesame");
    site.force();
    site.build_says(1, "begun");
    let said = site.command(&["status"]);
    assert_eq!(said.code, Some(0), "{}", said.text);
    assert!(said.text.contains("w1: building 1"), "{}", said.text);
    site.master().crash();
    assert_eq!(site.command(&["status"]).code, Some(2));
}

#[test]
fn explain_tells_why_nothing_is_built_before_and_after_a_crash() {
    let mut site = site_of(WAITING);
    site.force();
    for _ in 0..2 {
        let said = site.command(&["explain", "request", "1"]);
        assert_eq!(said.code, Some(0), "{}", said.text);
        for what in ["waits for builder", "worker w1: not connected, never seen", "a connection of worker w1"]
        {
            assert!(said.text.contains(what), "no {what} in {}", said.text);
        }
        site.crash_and_start();
    }
    let said = site.command(&["explain", "worker", "w1", "--format", "json"]);
    assert!(said.text.contains("{\"worker\":\"w1\"}"), "{}", said.text);
    assert_eq!(site.command(&["explain", "change", "7"]).code, Some(1));
    assert_eq!(site.command(&["explain", "change", "x"]).code, Some(2));
}

#[test]
fn term_and_int_stop_at_once_and_the_next_start_builds_again() {
    for signal in ["TERM", "INT"] {
        let mut site = site_of(WAITING);
        let _worker = Make::Ours.start(&site, "w1", "sesame");
        site.force();
        let first = site.build_says(1, "begun");
        site.master().signal(signal);
        let ended = site.master().ends();
        assert!(ended.success(), "{signal}: {ended}");
        site.open("go");
        site.start();
        site.build_ends(1, Build::RETRY);
        let again = site.build_ends(2, Build::SUCCESS);
        assert_eq!(again.request, first.request, "{signal}");
    }
}

/// Ends in order once the running build has: nothing new is started meanwhile.
fn stops_cleanly(tell: impl Fn(&mut Site)) {
    let mut site = site_of(WAITING);
    let _worker = Make::Ours.start(&site, "w1", "sesame");
    site.force();
    site.build_says(1, "begun");
    site.force();
    tell(&mut site);
    site.master().says("no more builds are started");
    assert!(site.master().runs());
    site.open("go");
    let ended = site.master().ends();
    assert!(ended.success(), "{ended}");
    site.build_ends(1, Build::SUCCESS);
    assert_eq!(site.rows().builds().len(), 1);
    assert_eq!(site.rows().open_requests().len(), 1);
}

#[test]
fn usr1_lets_the_running_build_end() {
    stops_cleanly(|site| site.master().signal("USR1"));
}

#[test]
fn stop_clean_lets_the_running_build_end() {
    stops_cleanly(|site| assert_eq!(site.command(&["stop", "--clean"]).code, Some(0)));
}

#[test]
fn what_was_acknowledged_survives_crashes_while_builds_run() {
    let mut site = Site::running(
        "workers: [{name: w1, password: sesame, max_builds: 4}]\n\
         change_sources: [{type: pb, user: change, password: changepw}]\n\
         schedulers:\n  - {type: any_branch, name: all, builders: [a, b]}\n\
         builders:\n\
         \x20 - {name: a, workers: [w1], collapse_requests: false, steps: [{shell: sleep 0.2; echo a}]}\n\
         \x20 - {name: b, workers: [w1], collapse_requests: false, steps: [{shell: sleep 0.1; echo b}]}\n",
    );
    let _real = Make::Real.start(&site, "w1", "sesame");
    let master = format!("--master=127.0.0.1:{}", site.pb_port);
    let mut acknowledged = Vec::new();
    for round in 0..3 {
        for change in 0..5 {
            let comments = format!("change {round}.{change}");
            let say = format!("--comments={comments}");
            let said = site.command(&["sendchange", &master, "--who=ada", "--branch=main", &say, "a"]);
            assert_eq!(said.code, Some(0), "{}", said.text);
            acknowledged.push(comments);
        }
        site.build("a running build", |build| build.results.is_none());
        site.crash_and_start();
    }
    assert_eq!(site.rows().changes(), acknowledged);
    eventually("no open request", || {
        let good = |build: &&Build| build.results == Some(Build::SUCCESS);
        site.rows().builds().iter().filter(good).count() == 2 * acknowledged.len()
    });
    assert_eq!(site.rows().open_requests(), [0_i64; 0]);
}

#[test]
fn quickstart_builds_its_repository_once() {
    let site = Site::new("");
    let listen = format!("127.0.0.1:{}", site.www_port);
    let dir = site.path("scratch").display().to_string();
    let said = site.command(&["quickstart", "--once", "--dir", &dir, "--listen", &listen]);
    assert_eq!(said.code, Some(0), "{}", said.text);
    assert!(said.text.contains("4 checks, none failed"), "{}", said.text);
}

#[test]
fn quickstart_of_a_command_that_fails_says_so() {
    let site = Site::new("");
    let repository = crate::harness::Repository::new(site.path("repository"));
    let path = repository.path.display().to_string();
    let listen = format!("127.0.0.1:{}", site.www_port);
    let once = ["quickstart", "--once", "--listen", &listen, "--repository", &path, "--command"];
    let said = site.command(&[&once[..], &["cat greeting; exit 1"]].concat());
    assert_eq!(said.code, Some(1), "{}", said.text);
    assert!(said.text.contains("hello"), "{}", said.text);
}

#[test]
fn quickstart_serves_its_pages_until_it_is_ended() {
    let site = Site::new("");
    let listen = format!("127.0.0.1:{}", site.www_port);
    let mut command = site.program(env!("CARGO_BIN_EXE_bellwether"));
    command.args(["quickstart", "--listen", &listen, "--dir"]).arg(site.path("scratch"));
    let mut quickstart = Process::start(&mut command, site.path("quickstart.log"));
    quickstart.says("Control-C ends it.");
    let answer = site.page("GET", "/");
    assert!(answer.status == 200 && answer.body.contains("<html"), "{answer:?}");
    quickstart.signal("INT");
    let ended = quickstart.ends();
    assert!(ended.success(), "{ended}");
}
