//! Events as Gerrit prints them, and a program in the place of ssh that prints them.

use super::event::{self, Heard, PatchSet};
use super::{GerritLook, Settings};
use crate::changes::poller::{Look, LookError};
use crate::changes::programs::Programs;
use crate::config::{Gerrit, RemoteAccess, Secret, SecretText};
use crate::kernel::World;
use expect_test::{Expect, expect};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::time::Duration;
use tempfile::TempDir;

const PATCH_SET: &str = r#"{"type":"patchset-created","change":{"project":"app","branch":"main","id":"I1","number":4242,"subject":"Mend it","owner":{"name":"Ann","email":"ann@example.org"},"url":"https://review.example.org/c/app/+/4242"},"patchSet":{"number":2,"revision":"abcdef","ref":"refs/changes/42/4242/2","uploader":{"name":"Bob"}},"eventCreatedOn":1700000000}"#;
const MOVED: &str = r#"{"type":"ref-updated","submitter":{"name":"Ann","email":"ann@example.org"},"refUpdate":{"oldRev":"0123","newRev":"4567","refName":"refs/heads/main","project":"app"}}"#;

fn gerrit() -> Gerrit {
    Gerrit {
        server: "review.example.org".into(),
        port: 29418,
        user: "ci".into(),
        access: RemoteAccess::default(),
        handled_events: vec!["patchset-created".into(), "ref-updated".into()],
        get_files: false,
        ssh_bin: "ssh".into(),
    }
}

fn check(line: &str, expected: Expect) {
    let told = match event::read(line, &gerrit()) {
        Heard::Nothing(why) => format!("nothing: {why}\n"),
        Heard::Change(change, _) => {
            let properties: Vec<String> = change
                .properties
                .iter()
                .map(|(name, property)| format!("{name}={}\n", property.value))
                .collect();
            format!(
                "{} | {} {} | {} {} | {} {}\n{} {:?} {:?}\n{}",
                change.author,
                change.branch.as_deref().unwrap_or("-"),
                change.revision.as_deref().unwrap_or("-"),
                change.repository,
                change.project,
                change.comments,
                change.revlink,
                change.files.join(" "),
                change.category,
                change.when.is_some(),
                properties.concat()
            )
        }
    };
    expected.assert_eq(&told);
}

#[test]
fn a_patch_set_is_a_change() {
    check(
        PATCH_SET,
        expect![[r#"
        Bob | main/4242 abcdef | ssh://ci@review.example.org:29418/app app | Mend it https://review.example.org/c/app/+/4242
        unknown Some("patchset-created") true
        event.change.branch="main"
        event.change.id="I1"
        event.change.number=4242
        event.change.owner.email="ann@example.org"
        event.change.owner.name="Ann"
        event.change.project="app"
        event.change.subject="Mend it"
        event.change.url="https://review.example.org/c/app/+/4242"
        event.eventCreatedOn=1700000000
        event.patchSet.number=2
        event.patchSet.ref="refs/changes/42/4242/2"
        event.patchSet.revision="abcdef"
        event.patchSet.uploader.name="Bob"
        event.type="patchset-created"
    "#]],
    );
}

#[test]
fn a_ref_that_moves_is_a_change_unless_it_goes() {
    check(
        MOVED,
        expect![[r#"
        Ann <ann@example.org> | refs/heads/main 4567 | ssh://ci@review.example.org:29418/app app | refs/heads/main moved 
        unknown Some("ref-updated") false
        event.refUpdate.newRev="4567"
        event.refUpdate.oldRev="0123"
        event.refUpdate.project="app"
        event.refUpdate.refName="refs/heads/main"
        event.submitter.email="ann@example.org"
        event.submitter.name="Ann"
        event.type="ref-updated"
    "#]],
    );
    check(
        &MOVED.replace("4567", "0000"),
        expect![[r#"
        nothing: event ref-updated: refs/heads/main is gone
    "#]],
    );
    check(
        &MOVED.replace("refs/heads/main", "refs/changes/42/4242/2"),
        expect![[r#"
        nothing: event ref-updated: refs/changes/42/4242/2 is told by patchset-created
    "#]],
    );
}

#[test]
fn other_lines_say_what_they_are() {
    for (line, expected) in [
        (
            "",
            expect![[r#"
            nothing: an event that is no JSON: EOF while parsing a value at line 1 column 0
        "#]],
        ),
        (
            "[]",
            expect![[r#"
            nothing: an event without a type
        "#]],
        ),
        (
            r#"{"type":"comment-added"}"#,
            expect![[r#"
            nothing: event comment-added is not among the handled ones
        "#]],
        ),
        (
            r#"{"type":"patchset-created","change":{"number":"1"}}"#,
            expect![[r#"
            nothing: event patchset-created: no branch
        "#]],
        ),
    ] {
        check(line, expected);
    }
}

#[test]
fn the_files_of_a_patch_set_are_read() {
    let answer = r#"{"number":4242,"patchSets":[{"number":1,"files":[{"file":"old"}]},{"number":"2","files":[{"file":"/COMMIT_MSG"},{"file":"src/a.c"}]}]}
{"type":"stats","rowCount":1}"#;
    let of = |number| event::files(answer, &PatchSet { change: 4242, number });
    assert_eq!(of(2), Some(vec!["src/a.c".to_owned()]));
    assert_eq!(of(3), None);
    assert_eq!(event::files("", &PatchSet { change: 1, number: 1 }), None);
}

/// A place with a program in the place of ssh, which writes down how it was called.
struct Place {
    folder: TempDir,
    settings: Settings,
    stop: Option<UnixStream>,
    look: GerritLook,
}

impl Place {
    fn new(ssh: &str, change: impl FnOnce(&mut Gerrit)) -> Place {
        let folder = TempDir::new().unwrap();
        let program = folder.path().join("ssh it's");
        std::fs::write(
            &program,
            format!("#!/bin/sh\necho \"$@\" >> '{}'/calls\n{ssh}\n", folder.path().display()),
        )
        .unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
        let mut gerrit = Gerrit { ssh_bin: program.to_string_lossy().into_owned(), ..gerrit() };
        change(&mut gerrit);
        let directory = folder.path().join("gerrit");
        let settings = Settings { gerrit, codebases: Vec::new(), directory, secrets: Vec::new() };
        let (stop, stopped) = UnixStream::pair().unwrap();
        let look = GerritLook::new(Programs::new(World::real(), stopped), settings.clone());
        Place { folder, settings, stop: Some(stop), look }
    }

    /// Looks until there are changes.
    fn next(&mut self) -> Vec<String> {
        loop {
            let found = self.look.look(Some(&serde_json::json!({}))).unwrap();
            if !found.changes.is_empty() {
                return found
                    .changes
                    .iter()
                    .map(|change| format!("{} {}", change.comments, change.files.join(" ")))
                    .collect();
            }
        }
    }
}

#[test]
fn events_become_changes_as_they_come() {
    let script = format!("echo '{PATCH_SET}'\necho '{MOVED}'\nexec sleep 1000");
    let mut place = Place::new(&script, |gerrit| {
        gerrit.access.ssh_private_key = Some(Secret::Literal(SecretText::new("KEY")));
    });
    // The first look connects: it finds the place to begin from.
    let first = place.look.look(None).unwrap();
    assert!(first.changes.is_empty() && first.kept.is_some());
    let mut told = place.next();
    if told.len() < 2 {
        told.extend(place.next());
    }
    assert_eq!(told, ["Mend it unknown", "refs/heads/main moved unknown"]);
    let calls = std::fs::read_to_string(place.folder.path().join("calls")).unwrap();
    let key = place.settings.directory.join("ssh-key");
    assert_eq!(
        calls.trim(),
        format!(
            "-o BatchMode=yes -i {} -o IdentitiesOnly=yes -o ServerAliveInterval=15 -o ServerAliveCountMax=3 -p 29418 ci@review.example.org -- gerrit stream-events",
            key.display()
        )
    );
    assert_eq!(std::fs::read_to_string(key).unwrap(), "KEY\n");
    // It ends at once when it is told to, although the server says nothing.
    drop(place.stop.take());
    assert_eq!(place.look.look(Some(&serde_json::json!({}))).unwrap_err(), LookError::Stopped);
}

#[test]
fn the_files_of_a_patch_set_are_asked_for() {
    let answer = r#"{"number":4242,"patchSets":[{"number":2,"files":[{"file":"a.c"},{"file":"b.c"}]}]}"#;
    let script =
        format!("case \"$*\" in *query*) echo '{answer}';; *) echo '{PATCH_SET}'; exec sleep 1000;; esac");
    let mut place = Place::new(&script, |gerrit| gerrit.get_files = true);
    assert_eq!(place.next(), ["Mend it a.c b.c"]);
}

#[test]
fn a_connection_that_ends_is_told_and_made_again() {
    let mut place = Place::new("echo 'Permission denied (publickey).' >&2; exit 255", |_| {});
    for _ in 0..2 {
        let error = place.look.look(Some(&serde_json::json!({}))).unwrap_err().to_string();
        assert_eq!(error, "the connection to the server has ended: Permission denied (publickey).");
    }
    let calls = std::fs::read_to_string(place.folder.path().join("calls")).unwrap();
    assert_eq!(calls.lines().count(), 2);
}

#[test]
fn a_line_without_an_end_ends_the_connection() {
    let mut place = Place::new("exec yes | tr -d '\\n'", |_| {});
    let error = place.look.look(Some(&serde_json::json!({}))).unwrap_err().to_string();
    assert_eq!(error, "the connection to the server has ended: a line of more than 4194304 bytes");
}

#[test]
fn pauses_grow_after_failures() {
    let place = Place::new("", |_| {});
    let pause = |failures| place.look.pause(Duration::from_secs(600), failures).as_millis();
    assert_eq!([0, 1, 2, 3, 9, 12, 13, 9999].map(pause), [0, 500, 750, 1125, 12_814, 43_248, 60_000, 60_000]);
}
