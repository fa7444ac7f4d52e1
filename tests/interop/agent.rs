//! Every command of the agent, at real masters of Buildbot.

use crate::agent_master::{Make, lines, report};
use serde_json::Value;

const SUCCESS: i64 = 0;
const FAILURE: i64 = 2;
const CANCELLED: i64 = 6;

const EXCEPTION: i64 = 4;

fn check(report: &Value, step: &str, results: i64, stdout: &[&str]) {
    assert_eq!(report[step]["results"].as_i64(), Some(results), "{step}: {}", report[step]);
    assert_eq!(lines(report, step, "stdio", 'o'), stdout, "{step}");
}

#[test]
fn every_command_at_a_master_of_today() {
    let dir = tempfile::tempdir().expect("a directory");
    let report = report(Make::Today, dir.path(), include_str!("master_for_agent.cfg"));
    let check = |step: &str, results: i64, stdout: &[&str]| check(&report, step, results, stdout);
    check("env", SUCCESS, &["out", "bar"]);
    assert_eq!(lines(&report, "env", "stdio", 'e'), ["err"]);
    check("logfile", SUCCESS, &["last"]);
    assert_eq!(lines(&report, "logfile", "x", 'o'), ["one", "two"]);
    check("stdin", SUCCESS, &["stdin data"]);
    check("missing", FAILURE, &[]);
    check("silence", FAILURE, &[]);
    assert_eq!(report["silence"]["state"], "'sleep 1000' (failure) (timed out)");
    assert_eq!(report["age"]["results"].as_i64(), Some(FAILURE));
    assert_eq!(report["age"]["state"], "'while :; ...' (failure) (timed out)");
    assert_eq!(report["lines"]["state"], "'yes | ...' (failure) (max lines)");
    check("terminal", SUCCESS, &["yes"]);
    let long = lines(&report, "long line", "stdio", 'o');
    // The master cuts long lines by itself.
    assert_eq!(long.concat(), "x".repeat(400_000) + "short");
    assert!(lines(&report, "big", "stdio", 'o').iter().map(String::as_str).eq(numbers().lines()));
    check("not utf-8", SUCCESS, &["caf\u{fffd} é"]);
    check("killed", FAILURE, &[]);
    check("left", FAILURE, &["deep", "made"]);
    check("use property", SUCCESS, &["value"]);
    check("interrupted", CANCELLED, &["started"]);
    for step in
        ["upload", "upload directory", "upload several", "download", "exists", "make", "copy", "remove"]
    {
        assert_eq!(report[step]["results"].as_i64(), Some(SUCCESS), "{step}: {}", report[step]);
    }
    for (path, content) in [("up", "hello\n"), ("up.d/sub/g", "deep\n"), ("up.m/a.txt", "x\n")] {
        assert_eq!(std::fs::read_to_string(dir.path().join(path)).expect(path), content);
    }
}

#[test]
fn every_command_at_the_original_master() {
    let dir = tempfile::tempdir().expect("a directory");
    let report = report(Make::Original, dir.path(), include_str!("master_0_8_6.cfg"));
    let check = |step: &str, results: i64, stdout: &[&str]| check(&report, step, results, stdout);
    check("env", SUCCESS, &["out", "bar"]);
    assert_eq!(lines(&report, "env", "stdio", 'e'), ["err"]);
    check("logfile", SUCCESS, &["last"]);
    assert_eq!(lines(&report, "logfile", "x", 'o'), ["one", "two"]);
    check("missing", FAILURE, &[]);
    check("silence", FAILURE, &[]);
    assert!(lines(&report, "silence", "stdio", 'h').concat().contains("1 seconds without output"));
    assert_eq!(report["age"]["results"].as_i64(), Some(FAILURE));
    assert!(lines(&report, "big", "stdio", 'o').iter().map(String::as_str).eq(numbers().lines()));
    check("not utf-8", SUCCESS, &["caf\u{fffd} é"]);
    check("killed", FAILURE, &[]);
    check("left", FAILURE, &["hello", "down", "made"]);
    check("use property", SUCCESS, &["value"]);
    check("interrupted", EXCEPTION, &["started"]);
    for step in ["upload", "upload directory", "download", "download file", "exists", "make", "remove"] {
        assert_eq!(report[step]["results"].as_i64(), Some(SUCCESS), "{step}: {}", report[step]);
    }
    for (path, content) in [("up", "hello\n"), ("up.d/sub/g", "deep\n")] {
        assert_eq!(std::fs::read_to_string(dir.path().join(path)).expect(path), content);
    }
}

fn numbers() -> String {
    (1..=200_000).map(|n| format!("{n}\n")).collect()
}
