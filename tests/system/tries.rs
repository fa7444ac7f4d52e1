//! Developers' patches, sent by the real tools of both ages.

use crate::harness::{Build, Make, Repository, Said, Site, free_port, old, real};
use std::path::{Path, PathBuf};

const SITE: &str = "workers: [{name: w1, password: sesame}]\n\
    schedulers:\n  - type: try_userpass\n    name: try\n    users: [{user: ada, password: lovelace}]\n    builders: [b, other]\n\
    \x20   properties: {level: scheduler}\n  - {type: force, name: force, builders: hidden}\n\
    codebases: [{name: '', repository: @DIR@/repository}]\n\
    builders:\n  - name: b\n    workers: [w1]\n    steps:\n      - git: @DIR@/repository\n      \
    - {shell: cat greeting; echo %(prop:level)s for %(prop:owner:-nobody)s, name: show}\n  \
    - {name: other, workers: [w1], steps: [shell: 'true']}\n  - {name: hidden, workers: [w1], steps: [shell: 'true']}\n";

const DIFF: &str = "--- a/greeting\n+++ b/greeting\n@@ -1 +1 @@\n-hello\n+goodbye\n";

/// Runs `buildbot try` as ada, who has the patch in a file.
fn try_it(site: &Site, buildbot: &Path, arguments: &[&str]) -> Said {
    try_at(site, site.pb_port, buildbot, arguments)
}

/// The same on this port.
fn try_at(site: &Site, port: u16, buildbot: &Path, arguments: &[&str]) -> Said {
    let diff = site.path("change.diff");
    std::fs::write(&diff, DIFF).expect("a file");
    let mut tool = site.program(buildbot);
    tool.current_dir(site.path("")).args(["try", "--connect=pb", "--username=ada", "--vc=git"]);
    tool.arg(format!("--master=127.0.0.1:{port}")).arg(format!("--diff={}", diff.display()));
    site.run(tool.args(arguments))
}

fn a_patch_is_built(buildbot: PathBuf) {
    let site = Site::running(SITE);
    let repository = Repository::new(site.path("repository"));
    let _worker = Make::Real.start(&site, "w1", "sesame");
    let address = format!("--repository={}", repository.path.display());
    let said = try_it(
        &site,
        &buildbot,
        &[
            "--passwd=lovelace",
            "--builder=b",
            "--wait",
            "--who=ada",
            "--patchlevel=1",
            &address,
            "--branch=main",
            "--properties=level=tool,owner=ada",
            "--baserev=HEAD",
        ],
    );
    assert_eq!(said.code, Some(0), "{}\n{}", said.text, site.log());
    assert!(said.text.contains("b: success"), "{}", said.text);
    let build = site.build_ends(1, Build::SUCCESS);
    assert_eq!(build.builder, "b");
    let log = site.rows().logs(build.id);
    assert!(log.contains("\nogoodbye\n"), "{log}");
    assert!(log.contains("scheduler for ada"), "{log}");
    let page = site.page("GET", "/builders/b/builds/1");
    assert!(
        page.body.contains("&#39;try&#39; job by user ada") || page.body.contains("'try' job by user ada")
    );
}

#[test]
fn todays_tool_sends_a_patch_and_waits() {
    a_patch_is_built(real("buildbot"));
}

#[test]
fn a_scheduler_with_a_port_of_its_own_has_users_of_its_own() {
    let port = free_port();
    let own = format!(
        "  - {{type: try_userpass, name: own, listen: 127.0.0.1:{port}, \
        users: [{{user: ada, password: countess}}], builders: [other]}}\ncodebases"
    );
    let site = Site::running(&SITE.replace("codebases", &own));
    let _worker = Make::Real.start(&site, "w1", "sesame");
    for (number, buildbot) in (1..).zip([real("buildbot"), old("buildbot")]) {
        let said =
            try_at(&site, port, &buildbot, &["--passwd=countess", "--builder=other", "--baserev=HEAD"]);
        assert_eq!(said.code, Some(0), "{}\n{}", said.text, site.log());
        assert_eq!(site.build_ends(number, Build::SUCCESS).builder, "other");
    }
    // On the shared port the same name is somebody else.
    let said = try_it(&site, &old("buildbot"), &["--passwd=countess", "--get-builder-names"]);
    assert!(!said.text.contains("other"), "{}", said.text);
}

#[test]
fn the_old_tool_sends_a_patch_and_waits() {
    a_patch_is_built(old("buildbot"));
}

#[test]
fn jobs_that_the_real_tryserver_leaves_are_built() {
    let jobdir = "  - {type: try_jobdir, name: jobs, jobdir: @DIR@/jobs, poll_interval: 100ms, builders: [other]}\ncodebases";
    let site = Site::running(&SITE.replace("codebases", jobdir));
    let _worker = Make::Real.start(&site, "w1", "sesame");
    let json = r#"{"jobid": "j2", "branch": null, "baserev": null, "patch_level": 0, "patch_body": "",
        "repository": "", "project": "", "who": "ada", "comment": "", "builderNames": [], "properties": {}}"#;
    let jobs = [
        (old("buildbot"), "1:1,2:j1,0:,0:,1:0,0:,5:other,".to_owned()),
        (real("buildbot"), format!("1:5,{}:{json},", json.len())),
    ];
    for (number, (buildbot, job)) in (1..).zip(jobs) {
        std::fs::write(site.path("job"), job).expect("a file");
        let mut tool = site.program(buildbot);
        tool.arg("tryserver").arg(format!("--jobdir={}", site.path("jobs").display()));
        tool.stdin(std::fs::File::open(site.path("job")).expect("a file"));
        let said = site.run(&mut tool);
        assert_eq!(said.code, Some(0), "{}", said.text);
        site.build_ends(number, Build::SUCCESS);
    }
}

#[test]
fn both_tools_are_told_the_builders_and_refused_others() {
    let site = Site::running(SITE);
    for buildbot in [real("buildbot"), old("buildbot")] {
        let said = try_it(&site, &buildbot, &["--passwd=lovelace", "--get-builder-names"]);
        assert_eq!(said.code, Some(0), "{}", said.text);
        let names: Vec<&str> =
            said.text.lines().map(str::trim).filter(|line| *line == "b" || *line == "other").collect();
        assert_eq!(names, ["b", "other"], "{}", said.text);
        assert!(!said.text.contains("hidden"), "{}", said.text);
        try_it(&site, &buildbot, &["--passwd=lovelace", "--builder=hidden"]);
    }
    // Today's tool does not end after a wrong password.
    let said = try_it(&site, &old("buildbot"), &["--passwd=guessed", "--get-builder-names"]);
    assert!(!said.text.contains("other"), "{}", said.text);
    assert_eq!(site.rows().builds(), []);
    assert_eq!(site.rows().open_requests(), [0; 0]);
}

fn ours() -> PathBuf {
    PathBuf::from(env!("CARGO_BIN_EXE_bellwether"))
}

#[test]
fn our_tool_sends_a_patch_and_waits() {
    a_patch_is_built(ours());
}

#[test]
fn our_tool_tells_the_builders_and_what_is_refused() {
    let site = Site::running(SITE);
    let names = try_it(&site, &ours(), &["--passwd=lovelace", "--get-builder-names"]);
    assert_eq!((names.code, names.text.as_str()), (Some(0), "b\nother\n"));
    for (arguments, code, why) in [
        (["--passwd=lovelace", "--builder=hidden"], 1, "one of the builders may not be tried"),
        (["--passwd=guessed", "--builder=b"], 1, "wrong user or password"),
        (["--passwd=lovelace", "--properties=level"], 2, "--properties takes NAME=VALUE"),
    ] {
        let said = try_it(&site, &ours(), &arguments);
        assert_eq!(said.code, Some(code), "{}", said.text);
        assert!(said.text.contains(why), "{}", said.text);
    }
    assert_eq!(site.rows().open_requests(), [0; 0]);
}

#[test]
fn our_tool_takes_a_working_tree_and_an_option_file() {
    let site = Site::running(SITE);
    let repository = Repository::new(site.path("repository"));
    let _worker = Make::Ours.start(&site, "w1", "sesame");
    std::fs::write(repository.path.join("greeting"), "goodbye\n").expect("a file");
    std::fs::create_dir(repository.path.join(".bellwether")).expect("a directory");
    let options = repository.path.join(".bellwether/options.yaml");
    let address = format!("127.0.0.1:{}", site.pb_port);
    let own =
        format!("try: {{master: '{address}', username: ada, passwd: lovelace, builder: [b], wait: true}}\n");
    std::fs::write(&options, own).expect("a file");
    let mut tool = site.program(ours());
    let said = site.run(tool.current_dir(&repository.path).args(["try", "--who=ada", "--comment=for fun"]));
    assert_eq!(said.code, Some(0), "{}\n{}", said.text, site.log());
    assert!(said.text.contains("b: a build begins\n") && said.text.contains("b: success"), "{}", said.text);
    let log = site.rows().logs(site.build_ends(1, Build::SUCCESS).id);
    assert!(log.contains("\nogoodbye\n"), "{log}");

    std::fs::write(&options, "try: {mister: x}\n").expect("a file");
    let said = site.run(site.program(ours()).current_dir(&repository.path).args(["try", "--wait"]));
    assert_eq!(said.code, Some(2), "{}", said.text);
    assert!(said.text.contains("options.yaml: try has no option \"mister\"; known: "), "{}", said.text);
}

#[test]
fn our_tool_leaves_a_job_through_ssh() {
    let jobdir = "  - {type: try_jobdir, name: jobs, jobdir: '@DIR@/the jobs', poll_interval: 100ms, builders: [b]}\ncodebases";
    let site = Site::running(&SITE.replace("codebases", jobdir));
    let _repository = Repository::new(site.path("repository"));
    let _worker = Make::Ours.start(&site, "w1", "sesame");
    // In the place of ssh: what the shell on the other machine does with the last word.
    std::fs::create_dir(site.path("bin")).expect("a directory");
    let ssh = site.path("bin/ssh");
    std::fs::write(
        &ssh,
        "#!/bin/sh\necho \"$@\" > \"$0.called\"\nfor last; do :; done\nexec sh -c \"$last\"\n",
    )
    .expect("a file");
    std::fs::set_permissions(&ssh, std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("a file");
    let path = format!("{}:{}", site.path("bin").display(), std::env::var("PATH").unwrap_or_default());
    std::fs::write(site.path("change.diff"), DIFF).expect("a file");
    let mut tool = site.program(ours());
    tool.env("PATH", path).args([
        "try",
        "--connect=ssh",
        "--host=ci",
        "--username=ada",
        "--patchlevel=1",
        "--who=ada",
    ]);
    tool.arg(format!("--jobdir={}", site.path("the jobs").display()));
    tool.arg(format!("--diff={}", site.path("change.diff").display()));
    tool.arg(format!("--tryserver={}", ours().display()));
    let said = site.run(&mut tool);
    assert_eq!(said.code, Some(0), "{}", said.text);
    let called = std::fs::read_to_string(site.path("bin/ssh.called")).expect("it was called");
    assert!(called.starts_with("-l ada -- ci "), "{called}");
    let log = site.rows().logs(site.build_ends(1, Build::SUCCESS).id);
    assert!(log.contains("\nogoodbye\n"), "{log}");
}
