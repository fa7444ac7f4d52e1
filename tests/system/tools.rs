//! Tools that tell the master of changes.

use crate::harness::{Build, Make, Said, Site, free_port, old, real};

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

/// Every option that both tools have, and what is stored of it.
fn every_option_arrives(buildbot: std::path::PathBuf, more: &[&str], codebase: &str) {
    let site = Site::running(
        "workers: [{name: w1, type: local}]\n\
         change_sources: [{type: pb, user: change, password: changepw}, {type: pb, user: lib, password: libpw, prefix: lib/}]\n\
         schedulers: [{type: force, name: force, builders: b}]\n\
         builders: [{name: b, workers: [w1], steps: [shell: 'true']}]\n",
    );
    std::fs::write(site.path("revision"), "r42").expect("a file");
    let tell = |auth: &str, arguments: &[&str]| {
        let mut tell = site.program(buildbot.clone());
        tell.current_dir(site.path("")).arg("sendchange");
        tell.args([&format!("--master=127.0.0.1:{}", site.pb_port), &format!("--auth={auth}")]);
        let said = site.run(tell.args(arguments));
        assert_eq!(said.code, Some(0), "{}", said.text);
    };
    let options = [
        "--who=Ad\u{e4} <ada@x.org>",
        "--branch=release/1",
        "--category=nightly",
        "--project=the app",
        "--repository=https://git.example.org/app.git",
        "--revlink=https://git.example.org/r42",
        "--revision_file=revision",
        "--property=a:b",
        "--property=c:d:e",
        "--when=1234567890.5",
        "--comments=Say caf\u{e9}",
        "--vc=git",
        "--encoding=utf-8",
        "src/\u{e4}.c",
        "b c",
    ];
    tell("change:changepw", &[more, &options].concat());
    tell("lib:libpw", &["--who=ada", "lib/a.c", "src/b.c"]);
    let answer = site.page("GET", "/api/v2/changes?order=changeid").body;
    let answer: serde_json::Value = serde_json::from_str(&answer).expect("JSON");
    let change = &answer["changes"][0];
    let fields = [
        "author",
        "branch",
        "category",
        "project",
        "repository",
        "revlink",
        "revision",
        "comments",
        "codebase",
    ];
    let found: Vec<&str> = fields.iter().map(|field| change[field].as_str().unwrap_or("nothing")).collect();
    let expected = [
        "Ad\u{e4} <ada@x.org>",
        "release/1",
        "nightly",
        "the app",
        "https://git.example.org/app.git",
        "https://git.example.org/r42",
        "r42",
        "Say caf\u{e9}",
        codebase,
    ];
    assert_eq!(found, expected);
    assert_eq!(change["files"], serde_json::json!(["src/\u{e4}.c", "b c"]));
    assert_eq!(change["when_timestamp"].as_f64().map(f64::floor), Some(1_234_567_890.0));
    assert_eq!(change["properties"], serde_json::json!({"a": ["b", "Change"], "c": ["d:e", "Change"]}));
    assert_eq!(answer["changes"][1]["files"], serde_json::json!(["a.c"]));
}

#[test]
fn todays_sendchange_tells_all_it_is_told() {
    every_option_arrives(real("buildbot"), &["--codebase=app"], "app");
}

#[test]
fn the_old_sendchange_tells_all_it_is_told() {
    every_option_arrives(old("buildbot"), &[], "");
}

/// Tells a change on this port.
fn tell(site: &Site, buildbot: std::path::PathBuf, port: u16, comment: &str) -> Said {
    let mut tell = site.program(buildbot);
    tell.args(["sendchange", "--auth=teller:changepw", "--who=ada", &format!("--comments={comment}")]);
    site.run(tell.args([&format!("--master=127.0.0.1:{port}"), "a"]))
}

#[test]
fn a_source_with_a_port_of_its_own_is_told_there_alone() {
    let (first, second, other) = (free_port(), free_port(), free_port());
    let with = |listen: &str| {
        let own = format!(
            "password: changepw, listen: {listen}}}, {{type: pb, user: teller, name: other, password: otherpw, listen: 127.0.0.1:{other}}}"
        );
        SITE.replace("password: changepw}", &own)
    };
    let site = Site::running(&with(&format!("127.0.0.1:{first}")));
    for (number, buildbot) in (1..).zip([real("buildbot"), old("buildbot")]) {
        let said = tell(&site, buildbot.clone(), first, "told");
        assert_eq!(said.code, Some(0), "{}", said.text);
        assert_eq!(site.rows().changes().len(), number);
        for wrong in [site.pb_port, other] {
            let said = tell(&site, buildbot.clone(), wrong, "not told");
            assert_ne!(said.code, Some(0), "{}", said.text);
        }
    }
    // A port that is taken refuses the reload, which says whose it is; the old one is in force.
    site.configure(&with(&format!("[127.0.0.1:{second}, 127.0.0.1:{}]", site.www_port)));
    let said = site.command(&["reload"]);
    assert_eq!(said.code, Some(1), "{}", said.text);
    assert!(
        said.text.contains(&format!("`www` listens on 127.0.0.1:{} too", site.www_port)),
        "{}",
        said.text
    );
    let taken = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let taken_port = taken.local_addr().expect("an address").port();
    site.configure(&with(&format!("[127.0.0.1:{second}, 127.0.0.1:{taken_port}]")));
    let said = site.command(&["reload"]);
    assert_eq!(said.code, Some(1), "{}", said.text);
    let whose = format!("change source pb:teller: cannot listen on 127.0.0.1:{taken_port}");
    assert!(said.text.contains(&whose), "{}", said.text);
    assert_eq!(tell(&site, real("buildbot"), first, "still told").code, Some(0));
    // It moves, and what it leaves is free again.
    site.configure(&with(&format!("127.0.0.1:{second}")));
    let said = site.command(&["reload"]);
    assert_eq!(said.code, Some(0), "{}", said.text);
    assert_eq!(tell(&site, real("buildbot"), second, "told anew").code, Some(0));
    drop(std::net::TcpListener::bind(("127.0.0.1", first)).expect("a port that was let go"));
    assert_eq!(site.rows().changes(), ["told", "told", "still told", "told anew"]);
}
