//! The life of our agent at a real master of today: TLS, a restart of the master, and the end in order.

use crate::agent_master::{Agent, Make, free_port};
use rcgen::CertifiedKey;
use std::path::Path;
use std::process::Command;

const CONFIG: &str = include_str!("master_for_life.cfg");

/// `bellwether-worker create`, and `run` of what it makes.
fn worker(dir: &Path, master: &str, more: &[&str]) -> Command {
    let dir = dir.join("worker");
    let mut create = Agent::command();
    create.arg("create").arg(&dir).args(["--master", master, "--name", "w1", "--password", "secret"]);
    let made = create.args(more).output().expect("runs");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let mut run = Agent::command();
    run.arg("run").arg(dir);
    run
}

#[test]
fn a_restarted_master_is_found_again_over_tls_and_left_when_its_build_is_done() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path();
    let CertifiedKey { cert, signing_key } =
        rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("makes a certificate");
    let (cert_file, key_file) = (path.join("master.pem"), path.join("master.key"));
    std::fs::write(&cert_file, cert.pem()).expect("writes");
    std::fs::write(&key_file, signing_key.serialize_pem()).expect("writes");
    Make::Today.create(path, CONFIG);
    let port = free_port();
    let files = (key_file.display(), cert_file.display());
    let endpoint = format!("ssl:{port}:interface=127.0.0.1:privateKey={}:certKey={}", files.0, files.1);
    let address = format!("tls:localhost:{port}:trustRoots={}", cert_file.display());
    let mut agent = Agent::start(&mut worker(path, &address, &["--allow-shutdown", "signal"]));

    let first = Make::Today.start(path, &endpoint);
    agent.says("attached to the master");
    agent.says("name: shell");
    first.stop();
    agent.says("no connection");

    let _second = Make::Today.start(path, &endpoint);
    agent.says("attached to the master");
    agent.says("name: shell");
    agent.hang_up();
    agent.says("asking the master for a graceful shutdown");
    std::fs::write(path.join("go"), "").expect("writes");
    let (ended, said) = agent.ended();
    assert!(ended.success(), "{ended}: {said}");
    assert!(said.contains("stopping, why: the master asked for it"), "{said}");
    assert!(path.join("worker/b/build/done").exists(), "the build was not cut off");
}

#[test]
fn a_master_lets_the_agent_go_when_its_build_is_done() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path();
    Make::Today.create(path, CONFIG);
    std::fs::write(path.join("go"), "").expect("writes");
    std::fs::write(path.join("ask-for-stop"), "").expect("writes");
    let port = free_port();
    let agent = Agent::start(&mut worker(path, &format!("127.0.0.1:{port}"), &[]));
    let _master = Make::Today.start(path, &format!("tcp:{port}:interface=127.0.0.1"));
    let (ended, said) = agent.ended();
    assert!(ended.success(), "{ended}: {said}");
    assert!(said.contains("stopping, why: the master asked for it"), "{said}");
    assert!(path.join("worker/b/build/done").exists(), "the build was not cut off");
}

#[test]
fn an_agent_that_may_try_only_so_often_says_why_it_ends() {
    let dir = tempfile::tempdir().expect("a directory");
    let port = free_port();
    let mut run =
        worker(dir.path(), &format!("127.0.0.1:{port}"), &["--max-retries", "1", "--max-delay-s", "0"]);
    let (ended, said) = Agent::start(&mut run).ended();
    assert_eq!(ended.code(), Some(1));
    assert!(said.contains("bellwether-worker: giving up after 2 tries: Connection refused"), "{said}");
}
