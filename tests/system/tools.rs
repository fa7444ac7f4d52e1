//! Tools that tell the master of changes.

use crate::harness::{Build, Make, Site, real};

const SITE: &str = "workers: [{name: w1, password: sesame}]\n\
    change_sources: [{type: pb, user: teller, password: changepw}]\n\
    schedulers:\n  - {type: any_branch, name: all, builders: [b]}\n\
    builders:\n  - name: b\n    workers: [w1]\n    steps:\n      - {shell: echo %(prop:branch)s for %(prop:owner:-nobody)s}\n";

#[test]
fn the_real_sendchange_starts_a_build() {
    let site = Site::running(SITE);
    let _worker = Make::Real.start(&site, "w1", "sesame");
    let master = format!("--master=127.0.0.1:{}", site.pb_port);
    let mut tell = site.program(real("buildbot"));
    tell.args(["sendchange", &master, "--auth=teller:changepw", "--who=ada", "--branch=release/1"]);
    tell.args(["--comments=Say caf\u{e9}", "--revision=42", "--property=owner:ada", "a/b", "c d"]);
    let said = site.run(&mut tell);
    assert_eq!(said.code, Some(0), "{}", said.text);
    assert_eq!(site.rows().changes(), ["Say caf\u{e9}"]);
    let build = site.build_ends(1, Build::SUCCESS);
    let log = site.rows().logs(build.id);
    assert!(log.contains("release/1 for ada"), "{log}");
}

#[test]
fn the_real_sendchange_with_a_wrong_password_is_told() {
    let site = Site::running(SITE);
    let master = format!("--master=127.0.0.1:{}", site.pb_port);
    let mut tell = site.program(real("buildbot"));
    tell.args(["sendchange", &master, "--auth=teller:guessed", "--who=ada", "a"]);
    let said = site.run(&mut tell);
    assert_ne!(said.code, Some(0), "{}", said.text);
    assert_eq!(site.rows().changes(), [""; 0]);
}

#[test]
fn our_sendchange_does_the_same() {
    let site = Site::running(SITE);
    let _worker = Make::Ours.start(&site, "w1", "sesame");
    let master = format!("--master=127.0.0.1:{}", site.pb_port);
    let said =
        site.command(&["sendchange", &master, "--auth=teller:changepw", "--who=ada", "--branch=main", "a"]);
    assert_eq!(said.code, Some(0), "{}", said.text);
    site.build_ends(1, Build::SUCCESS);
    let said = site.command(&["sendchange", &master, "--auth=teller:guessed", "--who=ada", "a"]);
    assert_eq!(said.code, Some(1), "{}", said.text);
    assert!(said.text.contains("wrong user or password"), "{}", said.text);
    assert_eq!(site.rows().changes().len(), 1);
}
