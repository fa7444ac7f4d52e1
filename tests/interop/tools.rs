//! Our client commands at real masters of Buildbot: whoever has to talk to both needs one tool.

use crate::agent_master::{Agent, Make, free_port};
use crate::harness::eventually;
use std::path::Path;
use std::process::Command;

fn bellwether(dir: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bellwether"));
    let output = command.args(arguments).current_dir(dir).output().expect("runs");
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    (output.status.code(), text.into_owned())
}

fn tools_are_understood(make: Make) {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path();
    make.create(path, include_str!("master_for_tools.cfg"));
    let port = free_port();
    let _master = make.start(path, &format!("tcp:{port}:interface=127.0.0.1"));
    let address = format!("127.0.0.1:{port}");
    let mut agent = Agent::serve(&address, path);
    agent.says("attached to the master");

    let master = format!("--master={address}");
    let try_it = |more: &[&str]| {
        bellwether(path, &[&["try", &master, "--username=ada", "--passwd=lovelace"], more].concat())
    };
    assert_eq!(try_it(&["--get-builder-names"]), (Some(0), "good\nbad\n".to_owned()));
    std::fs::write(path.join("diff"), "--- a\n+++ a\n").expect("writes");
    let (code, text) =
        try_it(&["--diff=diff", "--wait", "--builder=good", "--who=ada", "--comment=caf\u{e9}"]);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("good: a build begins\n") && text.contains("\ngood: success"), "{text}");
    let (code, text) = try_it(&["--diff=diff", "--wait", "--quiet"]);
    assert_eq!(code, Some(1), "{text}");
    assert!(text.starts_with("bad: failure") && text.contains("\ngood: success"), "{text}");
    let (code, text) = try_it(&["--diff=diff", "--wait", "--builder=told"]);
    assert_eq!(code, Some(1), "{text}");

    let told = path.join("told");
    let change = ["sendchange", &master, "--who=ada", "--branch=main", "--comments=caf\u{e9}", "file"];
    let (code, text) = bellwether(path, &change);
    assert_eq!(code, Some(0), "{text}");
    eventually("the change is built", || told.exists());
}

#[test]
fn a_master_of_today_understands_our_tools() {
    tools_are_understood(Make::Today);
}

#[test]
fn the_original_master_understands_our_tools() {
    tools_are_understood(Make::Original);
}
