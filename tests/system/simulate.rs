//! What schedulers would have done with past changes, by the command.

use crate::harness::Site;

const SITE: &str = "timezone: UTC\nworkers: [{name: w1, type: local}]\n\
    change_sources: [{type: pb, user: change, password: changepw}]\n\
    schedulers:\n  - {type: single_branch, name: main, change_filter: {branch: main}, tree_stable_timer: 60s, builders: [b]}\n\
    builders: [{name: b, workers: [w1], steps: [shell: 'true']}]\n";

#[test]
fn changes_of_a_file_are_gone_through() {
    let site = Site::new(SITE);
    let changes = r#"{"changes": [
        {"author": "ada", "branch": "dev", "when_timestamp": 1700000030, "files": ["a"]},
        {"author": "ada", "branch": "main", "when_timestamp": 1700000010, "files": ["a"]},
        {"author": "ada", "branch": "main", "when_timestamp": 1700000000, "files": ["a"], "changeid": 7}], "meta": {"total": 3}}"#;
    std::fs::write(site.path("changes.json"), changes).expect("a file");
    let file = site.path("changes.json").display().to_string();
    let said = site.command(&["simulate", "--changes", &file]);
    assert_eq!(said.code, Some(0), "{}", said.text);
    // The API tells the newest first; here they have the order of their times.
    assert!(
        said.text.starts_with("2023-11-14 22:14:30 UTC  main: b for changes 1, 2\n3 changes, 1 buildset\n"),
        "{}",
        said.text
    );
    assert!(said.text.contains("change 3: main: "), "{}", said.text);
    let said = site.command(&["simulate", "--format=json", "--changes", &file]);
    let document: serde_json::Value = serde_json::from_str(&said.text).expect(&said.text);
    assert_eq!(document["buildsets"][0]["changes"], serde_json::json!([1, 2]));

    std::fs::write(site.path("changes.json"), "{\"branch\": 1}").expect("a file");
    let said = site.command(&["simulate", "--changes", &file]);
    assert_eq!(said.code, Some(2), "{}", said.text);
    assert!(said.text.contains("changes.json: invalid type"), "{}", said.text);
}

#[test]
fn changes_of_a_running_master_are_gone_through_and_left_alone() {
    let site = Site::running(SITE);
    let master = format!("--master=127.0.0.1:{}", site.pb_port);
    for branch in ["main", "dev"] {
        let branch = format!("--branch={branch}");
        let said = site.command(&["sendchange", &master, "--who=ada", &branch, "file"]);
        assert_eq!(said.code, Some(0), "{}", said.text);
    }
    let said = site.command(&["simulate", "--verdicts"]);
    assert_eq!(said.code, Some(0), "{}", said.text);
    assert!(said.text.contains("main: b for change 1\n2 changes, 1 buildset\n"), "{}", said.text);
    assert_eq!(site.rows().changes().len(), 2);

    let none = Site::new(SITE);
    let said = none.command(&["simulate"]);
    assert_eq!(said.code, Some(2), "{}", said.text);
}
