//! Developers' jobs: what is read of a file, what becomes of it, what a crash leaves.

use super::house::House;
use super::scheduler;
use crate::config::{Login, Scheduler, SchedulerKind, Secret, TryJobdir, TryUserpass};
use crate::model::{Patch, Properties};
use crate::schedulers::{TryError, TryJob, job_file};
use expect_test::{Expect, expect};
use std::path::Path;
use std::time::Duration;
use tempfile::TempDir;

/// A file of these strings.
fn netstrings(strings: &[&str]) -> Vec<u8> {
    strings.iter().map(|string| format!("{}:{string},", string.len())).collect::<String>().into_bytes()
}

fn read(strings: &[&str]) -> TryJob {
    job_file::read(&netstrings(strings)).unwrap()
}

#[test]
fn each_version_adds_to_the_one_before() {
    let first = TryJob {
        id: "id".into(),
        branch: Some("br".into()),
        revision: None,
        patch: Some((1, "diff".into())),
        builders: vec!["b1".into(), "b2".into()],
        ..TryJob::default()
    };
    assert_eq!(read(&["1", "id", "br", "", "1", "diff", "b1", "b2"]), first);
    let second = TryJob { repository: "repo".into(), project: "proj".into(), ..first };
    assert_eq!(read(&["2", "id", "br", "", "1", "diff", "repo", "proj", "b1", "b2"]), second);
    let third = TryJob { who: "ada".into(), ..second };
    assert_eq!(read(&["3", "id", "br", "", "1", "diff", "repo", "proj", "ada", "b1", "b2"]), third);
    let fourth = TryJob { comment: "why".into(), ..third };
    assert_eq!(read(&["4", "id", "br", "", "1", "diff", "repo", "proj", "ada", "why", "b1", "b2"]), fourth);
    let mut properties = Properties::default();
    properties.set("a", 1, "try build");
    let json = r#"{"jobid": "id", "branch": "br", "baserev": null, "patch_level": 1, "patch_body": "diff",
        "repository": "repo", "project": "proj", "who": "ada", "comment": "why", "builderNames": ["b1", "b2"],
        "properties": {"a": 1}}"#;
    assert_eq!(read(&["5", json]), TryJob { properties, ..fourth });
}

#[test]
fn what_is_no_job_is_told() {
    let check = |file: &[u8], told: Expect| told.assert_eq(&job_file::read(file).unwrap_err());
    check(b"", expect!["it is empty"]);
    check(b"1:1", expect!["a netstring does not end with a comma"]);
    check(b"9:1,", expect!["it ends within a netstring"]);
    check(b"x:1,", expect!["a netstring has no length"]);
    check(b"-1:1,", expect!["a netstring has no length"]);
    check(b"99999999999999999999:1,", expect!["a netstring has no length"]);
    check(b"1:1,junk", expect!["it ends within a netstring's length"]);
    check(&netstrings(&["10", "id"]), expect![[r#"its version "10" is not known"#]]);
    check(&netstrings(&["1", "id", "", ""]), expect!["it has no patch level"]);
    check(
        &netstrings(&["1", "id", "", "", "one", "diff"]),
        expect![[r#"its patch level "one" is no number"#]],
    );
    check(&netstrings(&["5", "{}", "{}"]), expect!["one string must follow the version"]);
    check(&netstrings(&["6", r#"{"patch_body_base64": "/w=="}"#]), expect!["its patch is not UTF-8"]);
}

fn userpass() -> Scheduler {
    let password = Secret::Named("x".into());
    let login = Login { user: "ada".into(), password };
    let mut wanted =
        scheduler("try", SchedulerKind::TryUserpass(TryUserpass { users: vec![login], listen: Vec::new() }));
    wanted.properties.set("level", "scheduler", "Scheduler");
    wanted
}

#[test]
fn a_job_becomes_a_buildset() {
    let house = House::new(1, vec![userpass()]);
    let mut properties = Properties::default();
    properties.set("level", "tool", "try build");
    properties.set("other", "tool", "try build");
    let job = TryJob {
        branch: Some("br".into()),
        patch: Some((2, "diff".into())),
        who: "ada".into(),
        comment: "why".into(),
        properties,
        ..TryJob::default()
    };
    let added = house.handle().try_job("try", job).unwrap();
    assert_eq!(added.requests.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["one", "two"]);
    let set = house.db().buildsets().get(added.id).unwrap().unwrap();
    assert_eq!(set.reason, "'try' job by user ada (why)");
    let patch = Patch {
        level: 2,
        body: "diff".into(),
        subdir: String::new(),
        author: "ada".into(),
        comment: "why".into(),
    };
    assert_eq!(set.source_stamps[0].patch, Some(patch));
    assert_eq!(set.properties.value("level"), Some(&"scheduler".into()));
    assert_eq!(set.properties.value("other"), Some(&"tool".into()));
}

#[test]
fn a_job_for_a_builder_that_is_not_the_schedulers_is_refused_whole() {
    let house = House::new(1, vec![userpass()]);
    let job = TryJob { builders: vec!["one".into(), "hidden".into()], ..TryJob::default() };
    assert_eq!(house.handle().try_job("try", job).unwrap_err(), TryError::NotAllowed("hidden".into()));
    let nowhere = house.handle().try_job("force", TryJob::default()).unwrap_err();
    assert_eq!(nowhere, TryError::NoSuchScheduler("force".into()));
    assert_eq!(house.buildsets("try"), []);
}

fn leave(jobdir: &Path, name: &str, strings: &[&str]) {
    std::fs::write(jobdir.join("new").join(name), netstrings(strings)).unwrap();
}

fn names(jobdir: &Path, part: &str) -> Vec<String> {
    let entries = std::fs::read_dir(jobdir.join(part)).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn jobs_left_in_a_directory_are_taken_once_even_over_a_crash() {
    let folder = TempDir::new().unwrap();
    let jobdir = folder.path().join("jobs");
    for part in ["new", "cur", "tmp"] {
        std::fs::create_dir_all(jobdir.join(part)).unwrap();
    }
    let kind = TryJobdir { jobdir: jobdir.clone(), poll_interval: Duration::from_secs(10) };
    let mut house = House::new(1, vec![scheduler("try", SchedulerKind::TryJobdir(kind))]);
    leave(&jobdir, "1-a", &["1", "first", "", "", "0", "", "one"]);
    leave(&jobdir, "2-b", &["1", "second", "", "", "0", "", "hidden"]);
    leave(&jobdir, "3-c", &["nonsense"]);
    house.wait(11);
    assert_eq!(names(&jobdir, "new"), [""; 0]);
    assert_eq!(names(&jobdir, "cur"), ["1-a", "2-b", "3-c"]);
    let ids = |house: &House| -> Vec<String> {
        house.buildsets("try").into_iter().map(|set| set.external_id).collect()
    };
    assert_eq!(ids(&house), ["first"]);
    // Committed, and then the process ends before it can put the file away.
    leave(&jobdir, "4-d", &["1", "third", "", "", "0", "", "one"]);
    house.die_after_next_commit(true);
    house.wait(21);
    assert_eq!(names(&jobdir, "new"), [""; 0]);
    assert_eq!(ids(&house), ["first", "third"]);
}
