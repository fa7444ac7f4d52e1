//! The worker agent at a real Buildbot master.

use serde_json::Value;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// After this time the master counts as stuck.
const MASTER_LIMIT_S: &str = "240";

fn buildbot() -> PathBuf {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/test-env/bin/buildbot");
    assert!(path.exists(), "{} is missing: run tests/run --install", path.display());
    path
}

fn free_port() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
    listener.local_addr().expect("it is bound").port().to_string()
}

/// Lets the master run its one build on the agent; what it wrote down.
fn report(dir: &Path) -> Value {
    let made = Command::new(buildbot()).args(["create-master", "--force"]).arg(dir).output().expect("runs");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    std::fs::write(dir.join("master.cfg"), include_str!("master_for_agent.cfg")).expect("writes");
    let port = free_port();
    let mut agent = Command::new(env!("CARGO_BIN_EXE_bellwether-worker"))
        .args(["run", "--name", "w1", "--password-env", "INTEROP_PASSWORD", "--exit-with-parent", "--master"])
        .arg(format!("127.0.0.1:{port}"))
        .arg("--dir")
        .arg(dir.join("worker"))
        .env("INTEROP_PASSWORD", "secret")
        .stdin(Stdio::piped())
        .stderr(std::fs::File::create(dir.join("worker.log")).expect("opens"))
        .spawn()
        .expect("the agent starts");
    let master = Command::new("timeout")
        .args(["--kill-after=10", MASTER_LIMIT_S])
        .arg(buildbot())
        .args(["start", "--nodaemon"])
        .arg(dir)
        .env("INTEROP_DIR", dir)
        .env("INTEROP_PORT", port)
        .stdin(Stdio::null())
        .output()
        .expect("the master runs");
    drop(agent.stdin.take());
    let ended = agent.wait().expect("the agent ends");
    let worker_log = std::fs::read_to_string(dir.join("worker.log")).expect("is there");
    assert!(ended.success(), "{ended}: {worker_log}");
    let report = std::fs::read(dir.join("report.json")).unwrap_or_else(|error| {
        panic!("no report: {error}\n{}\n{worker_log}", String::from_utf8_lossy(&master.stdout))
    });
    serde_json::from_slice(&report).expect("the report is JSON")
}

const SUCCESS: i64 = 0;
const FAILURE: i64 = 2;
const CANCELLED: i64 = 6;

/// The lines of one kind, such as `o` for standard output, in a log as the master keeps it.
fn lines(report: &Value, step: &str, log: &str, kind: char) -> Vec<String> {
    let text = report[step]["logs"][log].as_str().unwrap_or_else(|| panic!("{step} has no log {log}"));
    text.lines().filter_map(|line| line.strip_prefix(kind)).map(str::to_owned).collect()
}

#[test]
fn every_command_at_a_real_master() {
    let dir = tempfile::tempdir().expect("a directory");
    let report = report(dir.path());
    let check = |step: &str, results: i64, stdout: &[&str]| {
        assert_eq!(report[step]["results"].as_i64(), Some(results), "{step}: {}", report[step]);
        assert_eq!(lines(&report, step, "stdio", 'o'), stdout, "{step}");
    };
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

fn numbers() -> String {
    (1..=200_000).map(|n| format!("{n}\n")).collect()
}
