//! The steps that carry files and that work on them: what they ask of the worker, and what becomes of the answers.

use super::player::{COMMANDS, Played, play_with};
use super::{step, template};
use crate::config::{
    Compress, Content, DirectoryUpload, Download, FileUpload, FileWork, MultipleFileUpload,
    SetPropertiesFromEnv, StepKind, Transfer, Upload,
};
use crate::pb::Value;
use expect_test::{Expect, expect};
use serde_json::json;

fn transfer() -> Transfer {
    Transfer { workdir: None, max_size: Some(1000), block_size: 64 }
}

fn upload(to: &str) -> Upload {
    Upload { to: template(to), url: None, url_text: None, transfer: transfer() }
}

fn download(content: Content) -> StepKind {
    StepKind::Download(Download { content, to: template("d/f"), mode: Some(0o644), transfer: transfer() })
}

fn check(kind: StepKind, version: &'static str, inputs: &str, expected: Expect) {
    expected.assert_eq(&play_with(
        &Played { commands: COMMANDS, version, arguments: true },
        vec![step(kind)],
        inputs,
    ));
}

#[test]
fn a_file_is_uploaded() {
    let config = FileUpload {
        from: template("dist/a.tgz"),
        upload: Upload {
            url: Some(template("https://files.example.org/%(prop:os)s/")),
            ..upload("artifacts/%(prop:os)s/a.tgz")
        },
        mode: Some(0o600),
        keep_stamp: true,
    };
    check(
        StepKind::FileUpload(config.clone()),
        "3.3",
        "ready; rc 0; settled",
        expect![[r#"
        > ready
        step file_upload: running
          log stdio s
          run uploadFile workdir="build" workersrc="dist/a.tgz" maxsize=1000 blocksize=64 keepstamp=true
            Receive { to: "/m/artifacts/debian/a.tgz", kind: File(Some(384)), max_bytes: Some(1000) }
        > rc 0
          0 Header b"program finished with exit code 0\n"
          keep
        > settled
          leads to a.tgz https://files.example.org/debian/
          success: upload dist/a.tgz
        success: build successful
    "#]],
    );
    check(
        StepKind::FileUpload(config.clone()),
        "2.16",
        "ready; rc 1; settled",
        expect![[r#"
        > ready
        step file_upload: running
          log stdio s
          run uploadFile workdir="build" slavesrc="dist/a.tgz" maxsize=1000 blocksize=64 keepstamp=true
            Receive { to: "/m/artifacts/debian/a.tgz", kind: File(Some(384)), max_bytes: Some(1000) }
        > rc 1
          0 Header b"program finished with exit code 1\n"
          throw away
        > settled
          failure: upload dist/a.tgz failed (1)
        failure: failed file_upload
    "#]],
    );
    let hostile = FileUpload { upload: upload("artifacts/%(prop:evil)s"), ..config.clone() };
    check(
        StepKind::FileUpload(hostile),
        "3.3",
        "ready",
        expect![[r#"
        > ready
        step file_upload: running
          log err.text t
          0 Stdout b"the path \"artifacts/../../etc/passwd\" leads to a place that \"artifacts/%(prop:evil)s\" does not name\n"
          exception: file_upload exception
        exception: exception file_upload
    "#]],
    );
    check(
        StepKind::FileUpload(config),
        "3.3",
        "ready; rc 0; settled the disk is full",
        expect![[r#"
        > ready
        step file_upload: running
          log stdio s
          run uploadFile workdir="build" workersrc="dist/a.tgz" maxsize=1000 blocksize=64 keepstamp=true
            Receive { to: "/m/artifacts/debian/a.tgz", kind: File(Some(384)), max_bytes: Some(1000) }
        > rc 0
          0 Header b"program finished with exit code 0\n"
          keep
        > settled the disk is full
          log err.text t
          1 Stdout b"the disk is full\n"
          failure: upload dist/a.tgz failed (on the master)
        failure: failed file_upload
    "#]],
    );
}

#[test]
fn a_stop_or_a_loss_while_the_disk_is_slow_does_not_wait_for_it() {
    let config = FileUpload { from: template("f"), upload: upload("f"), mode: None, keep_stamp: false };
    check(
        StepKind::FileUpload(config.clone()),
        "3.3",
        "ready; rc 0; stop; settled",
        expect![[r#"
        > ready
        step file_upload: running
          log stdio s
          run uploadFile workdir="build" workersrc="f" maxsize=1000 blocksize=64 keepstamp=false
            Receive { to: "/m/f", kind: File(None), max_bytes: Some(1000) }
        > rc 0
          0 Header b"program finished with exit code 0\n"
          keep
        > stop
          log interrupt t
          1 Stdout b"enough (by alice)\n"
          cancelled: upload f cancelled
        cancelled: cancelled: enough (by alice)
        > settled
    "#]],
    );
    check(
        StepKind::FileUpload(config),
        "3.3",
        "ready; rc 0; lost; settled",
        expect![[r#"
        > ready
        step file_upload: running
          log stdio s
          run uploadFile workdir="build" workersrc="f" maxsize=1000 blocksize=64 keepstamp=false
            Receive { to: "/m/f", kind: File(None), max_bytes: Some(1000) }
        > rc 0
          0 Header b"program finished with exit code 0\n"
          keep
        > lost
          retry: upload f interrupted (worker lost)
        retry: worker lost; to be built again
        > settled
    "#]],
    );
}

#[test]
fn a_directory_is_uploaded() {
    let config =
        DirectoryUpload { from: template("docs"), upload: upload("/srv/docs"), compress: Compress::Bz2 };
    check(
        StepKind::DirectoryUpload(config),
        "3.3",
        "ready; rc 0; settled",
        expect![[r#"
        > ready
        step directory_upload: running
          log stdio s
          run uploadDirectory workdir="build" workersrc="docs" maxsize=1000 blocksize=64 compress="bz2"
            Receive { to: "/srv/docs", kind: Directory(Bz2), max_bytes: Some(1000) }
        > rc 0
          0 Header b"program finished with exit code 0\n"
          keep
        > settled
          success: upload docs
        success: build successful
    "#]],
    );
}

#[test]
fn what_patterns_find_is_uploaded() {
    let config = MultipleFileUpload {
        from: vec![template("*.log")],
        glob: true,
        upload: upload("logs"),
        compress: Compress::None,
        mode: None,
        keep_stamp: false,
    };
    let inputs = "ready; files /w/b/z.log /w/b/a.log; stat 16877; rc 0; settled; stat 33188; rc 0; settled";
    check(
        StepKind::MultipleFileUpload(config.clone()),
        "3.3",
        inputs,
        expect![[r#"
        > ready
        step multiple_file_upload: running
          log stdio s
          run glob path="build/*.log"
        > files /w/b/z.log /w/b/a.log
          0 Header b"program finished with exit code 0\n"
          run stat file="/w/b/a.log"
        > stat 16877
          0 Header b"program finished with exit code 0\n"
          run uploadDirectory workdir="build" workersrc="/w/b/a.log" maxsize=1000 blocksize=64 compress=None
            Receive { to: "/m/logs/a.log", kind: Directory(Tar), max_bytes: Some(1000) }
        > rc 0
          0 Header b"program finished with exit code 0\n"
          keep
        > settled
          run stat file="/w/b/z.log"
        > stat 33188
          0 Header b"program finished with exit code 0\n"
          run uploadFile workdir="build" workersrc="/w/b/z.log" maxsize=1000 blocksize=64 keepstamp=false
            Receive { to: "/m/logs/z.log", kind: File(None), max_bytes: Some(1000) }
        > rc 0
          0 Header b"program finished with exit code 0\n"
          keep
        > settled
          success: upload *.log
        success: build successful
    "#]],
    );
    check(
        StepKind::MultipleFileUpload(config.clone()),
        "3.3",
        "ready; files",
        expect![[r#"
        > ready
        step multiple_file_upload: running
          log stdio s
          run glob path="build/*.log"
        > files
          0 Header b"program finished with exit code 0\n"
          skipped: upload *.log skipped
        success: build successful
    "#]],
    );
    check(
        StepKind::MultipleFileUpload(config),
        "3.3",
        "ready; files /w/..; stat 16877",
        expect![[r#"
        > ready
        step multiple_file_upload: running
          log stdio s
          run glob path="build/*.log"
        > files /w/..
          0 Header b"program finished with exit code 0\n"
          run stat file="/w/.."
        > stat 16877
          0 Header b"program finished with exit code 0\n"
          log err.text t
          1 Stdout b"the worker's path \"/w/..\" has no name\n"
          exception: upload *.log exception
        exception: exception multiple_file_upload
    "#]],
    );
}

#[test]
fn files_and_texts_are_downloaded() {
    let file = || download(Content::File(template("setup/%(prop:os)s.cfg")));
    check(
        file(),
        "3.3",
        "ready; looked; rc 0; settled",
        expect![[r#"
        > ready
        step file_download: running
          look for /m/setup/debian.cfg
        > looked
          log stdio s
          run downloadFile workdir="build" workerdest="d/f" maxsize=1000 blocksize=64 mode=420
            Send(File("/m/setup/debian.cfg"))
        > rc 0
          0 Header b"program finished with exit code 0\n"
          keep
        > settled
          success: download to d/f
        success: build successful
    "#]],
    );
    check(
        file(),
        "3.3",
        "ready; looked cannot open /m/setup/debian.cfg",
        expect![[r#"
        > ready
        step file_download: running
          look for /m/setup/debian.cfg
        > looked cannot open /m/setup/debian.cfg
          log err.text t
          0 Stdout b"cannot open /m/setup/debian.cfg\n"
          failure: download to d/f failed (the master has no such file)
        failure: failed file_download
    "#]],
    );
    check(
        download(Content::Text(template("on %(prop:os)s"))),
        "2.16",
        "ready; rc 0; settled",
        expect![[r#"
        > ready
        step string_download: running
          log stdio s
          run downloadFile workdir="build" slavedest="d/f" maxsize=1000 blocksize=64 mode=420
            Send(Text(b"on debian"))
        > rc 0
          0 Header b"program finished with exit code 0\n"
          keep
        > settled
          success: download to d/f
        success: build successful
    "#]],
    );
    let json = download(Content::Json(json!({"on": ["%(prop:os)s", 1]})));
    check(
        json,
        "3.3",
        "ready; rc 0; settled",
        expect![[r#"
        > ready
        step json_string_download: running
          log stdio s
          run downloadFile workdir="build" workerdest="d/f" maxsize=1000 blocksize=64 mode=420
            Send(Text(b"{\"on\":[\"debian\",1]}"))
        > rc 0
          0 Header b"program finished with exit code 0\n"
          keep
        > settled
          success: download to d/f
        success: build successful
    "#]],
    );
    check(
        download(Content::Properties),
        "3.3",
        "ready; rc 0; settled",
        expect![[r#"
        > ready
        step json_properties_download: running
          log stdio s
          run downloadFile workdir="build" workerdest="d/f" maxsize=1000 blocksize=64 mode=420
            Send(Text(b"{\"properties\":{\"evil\":\"../../etc/passwd\",\"os\":\"debian\"},\"sourcestamp\":{\"branch\":\"main\",\"codebase\":\"\",\"patch\":null,\"project\":\"\",\"repository\":\"\",\"revision\":null},\"sourcestamps\":[{\"branch\":\"main\",\"codebase\":\"\",\"patch\":null,\"project\":\"\",\"repository\":\"\",\"revision\":null}]}"))
        > rc 0
          0 Header b"program finished with exit code 0\n"
          keep
        > settled
          success: download to d/f
        success: build successful
    "#]],
    );
}

#[test]
fn files_are_worked_on() {
    let run = |work, inputs, expected| check(StepKind::Files(work), "3.3", inputs, expected);
    run(
        FileWork::MakeDirectory(template("build/%(prop:os)s")),
        "ready; rc 0",
        expect![[r#"
        > ready
        step make_directory: running
          log stdio s
          run mkdir dir="build/debian"
        > rc 0
          0 Header b"program finished with exit code 0\n"
          success: make directory build/debian
        success: build successful
    "#]],
    );
    let dirs = vec![template("a"), template("b")];
    run(
        FileWork::RemoveDirectory(dirs),
        "ready; rc 0; rc 13",
        expect![[r#"
        > ready
        step remove_directory: running
          log stdio s
          run rmdir dir="a" timeout=120 maxTime=None
        > rc 0
          0 Header b"program finished with exit code 0\n"
          run rmdir dir="b" timeout=120 maxTime=None
        > rc 13
          0 Header b"program finished with exit code 13\n"
          failure: remove a, b failed (13)
        failure: failed remove_directory
    "#]],
    );
    let (from, to) = (template("a"), template("b"));
    run(
        FileWork::CopyDirectory { from, to },
        "ready; rc 0",
        expect![[r#"
        > ready
        step copy_directory: running
          log stdio s
          run cpdir fromdir="a" todir="b" timeout=120 maxTime=None
        > rc 0
          0 Header b"program finished with exit code 0\n"
          success: copy a to b
        success: build successful
    "#]],
    );
    run(
        FileWork::RemoveFile(template("a")),
        "ready; rc 2",
        expect![[r#"
        > ready
        step remove_file: running
          log stdio s
          run rmfile path="a"
        > rc 2
          0 Header b"program finished with exit code 2\n"
          failure: remove a failed (2)
        failure: failed remove_file
    "#]],
    );
    run(
        FileWork::FileExists(template("a")),
        "ready; stat 33188",
        expect![[r#"
        > ready
        step file_exists: running
          log stdio s
          run stat file="a"
        > stat 33188
          0 Header b"program finished with exit code 0\n"
          success: look for a
        success: build successful
    "#]],
    );
    run(
        FileWork::FileExists(template("a")),
        "ready; stat 16877",
        expect![[r#"
        > ready
        step file_exists: running
          log stdio s
          run stat file="a"
        > stat 16877
          0 Header b"program finished with exit code 0\n"
          failure: look for a failed (not a plain file)
        failure: failed file_exists
    "#]],
    );
}

#[test]
fn properties_come_from_the_environment() {
    let config = SetPropertiesFromEnv {
        variables: vec!["PATH".to_owned(), "NONE".to_owned()],
        source: "WorkerEnvironment".to_owned(),
    };
    check(
        StepKind::SetPropertiesFromEnv(config),
        "3.3",
        "ready",
        expect![[r#"
        > ready
        step set_properties_from_env: running
        property PATH = "/bin" (WorkerEnvironment)
          success: set properties from the environment
        success: build successful
    "#]],
    );
}

/// The value of an update as a test writes it.
pub(super) fn stat(mode: i64) -> Value {
    Value::Tuple(std::iter::once(mode).chain([0; 9]).map(Value::Int).collect())
}
