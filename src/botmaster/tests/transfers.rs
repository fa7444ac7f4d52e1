//! Files from played workers onto the disk.

use super::peer::Kind;
use super::rig::Rig;
use super::{builder, config, step, template};
use crate::config::{Config, FileUpload, StepKind, Transfer, Upload};
use crate::model::Results;
use std::path::Path;

fn uploads(dir: &Path, from: &str, max_size: Option<u64>) -> Config {
    let transfer = Transfer { workdir: None, max_size, block_size: 1024 };
    let upload = Upload { to: template("out/%(prop:buildername)s"), url: None, url_text: None, transfer };
    let file = FileUpload { from: template(from), upload, mode: None, keep_stamp: false };
    Config { state_dir: dir.to_owned(), ..config(vec![builder("b", vec![step(StepKind::FileUpload(file))])]) }
}

fn built(config: &Config) -> (Rig, Option<Results>) {
    let mut rig = Rig::new(config);
    rig.connect("w", Kind::Worker);
    let (_, request) = rig.ask("b", "r1");
    let results = rig.build(request).results;
    (rig, results)
}

fn names(dir: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(dir) else { return Vec::new() };
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn a_file_comes_to_its_place() {
    let dir = tempfile::tempdir().unwrap();
    let (mut rig, results) = built(&uploads(dir.path(), "some text", None));
    assert_eq!(results, Some(Results::Success));
    assert_eq!(std::fs::read_to_string(dir.path().join("out/b")).unwrap(), "some text");
    assert_eq!(names(&dir.path().join("out")), ["b"]);
    let step = rig.db.steps().of_build(crate::model::BuildId(1)).unwrap().remove(0).id;
    assert_eq!(rig.log(step, "stdio"), "hprogram finished with exit code 0\n");
}

#[test]
fn a_worker_that_sends_more_than_it_may_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (mut rig, results) = built(&uploads(dir.path(), "some text", Some(3)));
    assert_eq!(results, Some(Results::Failure));
    assert_eq!(names(&dir.path().join("out")), [] as [&str; 0]);
    let step = rig.db.steps().of_build(crate::model::BuildId(1)).unwrap().remove(0).id;
    assert_eq!(rig.log(step, "err.text"), "more than 3 bytes were sent\n");
    // None of its calls failed: it would not know how to tell of that.
    let interrupts = rig.calls.iter().filter(|call| call.starts_with("b.interruptCommand"));
    assert_eq!(interrupts.count(), 1, "{:#?}", rig.calls);
}

#[test]
fn a_worker_that_does_not_wait_for_the_disk_is_dropped() {
    let dir = tempfile::tempdir().unwrap();
    let (rig, results) = built(&uploads(dir.path(), "flood", None));
    assert_eq!(results, Some(Results::Failure));
    assert!(rig.calls.iter().any(|call| call == "close: it does not wait for the answers of a transfer"));
    assert_eq!(names(&dir.path().join("out")), [] as [&str; 0]);
}
