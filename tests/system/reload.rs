//! The configuration changed while builds run: all of it comes in force, or none.

use crate::harness::{Build, Make, Repository, eventually};
use crate::jobs::{WAITING, config_of, site_of};

#[test]
fn builders_workers_schedulers_and_sources_come_and_go_while_a_build_runs() {
    let mut site = site_of(WAITING);
    let repository = Repository::new(site.path("repository"));
    let _first = Make::Real.start(&site, "w1", "sesame");
    site.force();
    site.build_says(1, "begun");
    site.configure(
        "workers:\n  - {name: w1, password: sesame}\n  - {name: w2, password: open}\n\
         change_sources:\n\
         \x20 - {type: git_poller, name: app, repository: \"@DIR@/repository\", branches: [main], poll_interval: 1s}\n\
         schedulers:\n\
         \x20 - {type: force, name: force, builders: [b]}\n\
         \x20 - {type: single_branch, name: main, change_filter: {branch: main}, builders: [new]}\n\
         builders:\n\
         \x20 - {name: b, workers: [w1], steps: [{shell: echo the new steps}]}\n\
         \x20 - {name: new, workers: [w2], steps: [{shell: echo a new builder}]}\n",
    );
    site.hang_up();
    let _second = Make::Ours.start(&site, "w2", "open");
    site.master().says("commits from now on become changes");
    repository.commit("greeting", "good morning\n", "Greet the early ones");
    let new =
        site.build("a build of the new builder", |build| build.builder == "new" && build.results.is_some());
    assert_eq!(new.results, Some(Build::SUCCESS));
    assert_eq!(new.worker, "w2");
    // What ran is not disturbed, and ends with the steps that it began with.
    site.open("go");
    let build = site.build("the build that ran", |build| build.builder == "b" && build.results.is_some());
    assert_eq!(build.results, Some(Build::SUCCESS));
    assert!(site.rows().logs(build.id).contains("let go"));
    site.force();
    let next = site.build("the next build", |build| build.number == 2 && build.results.is_some());
    assert!(site.rows().logs(next.id).contains("the new steps"));
    // And back again: what was added goes.
    site.configure(&config_of(WAITING));
    site.hang_up();
    repository.commit("greeting", "good night\n", "Greet the late ones");
    let status = site.command(&["status"]);
    assert!(status.text.contains("builders  1") && !status.text.contains("w2"), "{}", status.text);
    site.force();
    site.build_ends(3, Build::SUCCESS);
    assert_eq!(site.rows().changes(), ["Greet the early ones"]);
}

#[test]
fn a_removed_worker_finishes_its_build_and_is_let_go() {
    let mut site = site_of(WAITING);
    let _worker = Make::Real.start(&site, "w1", "sesame");
    site.force();
    site.build_says(1, "begun");
    site.configure(&config_of(WAITING).replace("w1", "w9"));
    site.hang_up();
    site.open("go");
    site.build_ends(1, Build::SUCCESS);
    eventually("the worker let go", || {
        let status = site.command(&["status"]).text;
        status.contains("w9: not connected") && !status.contains("w1")
    });
}

#[test]
fn a_refused_reload_leaves_the_old_configuration_in_force() {
    let mut site = site_of(WAITING);
    let _worker = Make::Ours.start(&site, "w1", "sesame");
    let before = site.command(&["status"]).text;
    site.configure(&config_of(WAITING).replace("workers: [w1]", "workers: [gone]"));
    let said = site.command(&["reload"]);
    assert_eq!(said.code, Some(1), "{}", said.text);
    for what in ["master.yaml:", "gone", "the old configuration stays in force"] {
        assert!(said.text.contains(what), "no {what} in {}", said.text);
    }
    site.hang_up();
    site.master().says("reload refused:");
    let after = site.command(&["status"]).text;
    let lines = |text: &str| text.lines().skip(1).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(lines(&before).len(), lines(&after).len(), "{before}\n{after}");
    site.open("go");
    site.force();
    site.build_ends(1, Build::SUCCESS);
}

#[test]
fn a_port_that_is_taken_is_refused_before_anything_is_touched() {
    let site = site_of(WAITING);
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = taken.local_addr().expect("an address").port();
    let _worker = Make::Ours.start(&site, "w1", "sesame");
    site.configure(
        &config_of(WAITING).replace("name: b", "name: c").replace("builders: [b]", "builders: [c]"),
    );
    let text = std::fs::read_to_string(site.path("master.yaml")).expect("a file");
    let text = text.replace(
        &format!("pb: {{listen: 127.0.0.1:{}", site.pb_port),
        &format!("pb: {{listen: 127.0.0.1:{port}"),
    );
    std::fs::write(site.path("master.yaml"), text).expect("a file");
    let said = site.command(&["reload"]);
    assert_eq!(said.code, Some(1), "{}", said.text);
    assert!(said.text.contains(&port.to_string()), "{}", said.text);
    site.open("go");
    site.force();
    assert_eq!(site.build_ends(1, Build::SUCCESS).builder, "b");
}

#[test]
fn a_plan_is_shown_and_not_done() {
    let site = site_of(WAITING);
    let _worker = Make::Ours.start(&site, "w1", "sesame");
    site.force();
    site.build_says(1, "begun");
    site.force();
    site.configure(
        &config_of(WAITING).replace("name: b", "name: c").replace("builders: [b]", "builders: [c]"),
    );
    let said = site.command(&["reload", "--plan"]);
    assert_eq!(said.code, Some(0), "{}", said.text);
    for told in [
        "builder c",
        "touches build b/1, running on w1",
        "touches 1 waiting request",
        "touches connected worker w1",
        "Only planned",
    ] {
        assert!(said.text.contains(told), "{told}: {}", said.text);
    }
    let said = site.command(&["reload"]);
    assert!(said.code == Some(0) && said.text.contains("is in force"), "{}", said.text);
    let said = site.command(&["reload"]);
    assert!(said.code == Some(0) && said.text.contains("Nothing has changed"), "{}", said.text);
}

#[test]
fn a_file_full_of_faults_is_told_by_the_running_master() {
    let site = site_of(WAITING);
    let config = site.path("master.yaml");
    let text = std::fs::read_to_string(&config).expect("a file");
    std::fs::write(&config, text + "schedulers: [\n").expect("a file");
    let said = site.command(&["reload"]);
    assert_eq!(said.code, Some(1), "{}", said.text);
    assert!(said.text.contains("master.yaml:"), "{}", said.text);
}
