//! Keys and passwords: what git and ssh get, and what nobody else does.

use super::Place;
use crate::changes::git_poller::access::Access;
use crate::changes::git_poller::command::Git;
use crate::changes::programs::Programs;
use crate::config::{Branches, Login, RemoteAccess, Secret, SecretProvider, SecretText};
use crate::kernel::World;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::process::Command;
use std::time::Duration;
use tempfile::TempDir;

fn secret(text: &str) -> Secret {
    Secret::Literal(SecretText::new(text))
}

fn login(password: &str) -> RemoteAccess {
    let login = Login { user: "robot".into(), password: secret(password) };
    RemoteAccess { auth_credentials: Some(login), ..RemoteAccess::default() }
}

#[test]
fn a_password_reaches_git_in_a_file_that_goes_with_the_look() {
    let folder = TempDir::new().unwrap();
    // A name that a shell would take apart.
    let directory = folder.path().join("it's a $place");
    std::fs::create_dir(&directory).unwrap();
    let access = Access::new(&login("hunter 2$x"), &[], &directory).unwrap();
    let mode = std::fs::metadata(directory.join("credentials")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert!(!format!("{access:?}").contains("hunter"), "{access:?}");

    let (_running, stop) = UnixStream::pair().unwrap();
    let git = Git::new("git", Programs::new(World::real(), stop));
    let question = folder.path().join("question");
    std::fs::write(&question, "protocol=https\nhost=example.org\n\n").unwrap();
    let told = git.run(&["credential", "fill"], Some(&question), &access, Duration::from_secs(60)).unwrap();
    let told = String::from_utf8(told).unwrap();
    assert!(told.contains("username=robot\npassword=hunter 2$x\n"), "{told}");

    drop(access);
    assert_eq!(std::fs::read_dir(&directory).unwrap().count(), 0);
}

#[test]
fn a_password_of_two_lines_is_refused() {
    let folder = TempDir::new().unwrap();
    let refused = Access::new(&login("a\nurl=https://evil.example.org"), &[], folder.path()).unwrap_err();
    assert_eq!(refused.to_string(), "git takes no user and no password of several lines");
}

#[test]
fn ssh_gets_its_key_and_the_host_that_it_may_trust() {
    let folder = TempDir::new().unwrap();
    let wanted = RemoteAccess {
        ssh_private_key: Some(secret("THE KEY")),
        ssh_host_key: Some("ssh-ed25519 AAAA".into()),
        ..RemoteAccess::default()
    };
    let access = Access::new(&wanted, &[], folder.path()).unwrap();
    let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
    assert_eq!(read("ssh-key"), "THE KEY\n");
    assert_eq!(read("ssh-known-hosts"), "* ssh-ed25519 AAAA\n");
    // As git does: the shell takes it apart.
    let ssh_command = access.ssh_command.as_deref().unwrap();
    let words = Command::new("sh").args(["-c", &format!("printf '%s\\n' {ssh_command}")]).output().unwrap();
    let words = String::from_utf8(words.stdout).unwrap();
    let folder = folder.path().display().to_string();
    assert_eq!(
        words.replace(&folder, "DIR").lines().collect::<Vec<_>>(),
        [
            "ssh",
            "-o",
            "BatchMode=yes",
            "-i",
            "DIR/ssh-key",
            "-o",
            "IdentitiesOnly=yes",
            "-o",
            "UserKnownHostsFile=\"DIR/ssh-known-hosts\"",
            "-o",
            "StrictHostKeyChecking=yes",
        ]
    );
}

#[test]
fn a_secret_is_read_again_for_each_look() {
    let mut place = Place::new(Branches::Default);
    place.commit("one");
    let path = place.folder.path().join("robot");
    place.settings.secrets = vec![SecretProvider::File { name: "robot".into(), path: path.clone() }];
    place.settings.poller.access.ssh_private_key = Some(Secret::Named("robot".into()));
    let error = place.found().unwrap_err().to_string();
    assert_eq!(error, "secret \"robot\": no provider knows it");
    std::fs::write(&path, "THE KEY").unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    place.look();
    assert!(place.kept.is_some());
}
