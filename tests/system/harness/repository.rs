//! A git repository to build.

use std::path::{Path, PathBuf};
use std::process::Command;

/// A repository with the one branch `main`.
pub struct Repository {
    pub path: PathBuf,
}

impl Repository {
    /// Makes it, with one commit.
    pub fn new(path: PathBuf) -> Repository {
        std::fs::create_dir_all(&path).expect("a folder");
        let repository = Repository { path };
        repository.git(&["init", "--quiet", "--initial-branch=main"]);
        repository.commit("greeting", "hello\n", "Greet");
        repository
    }

    /// Writes a file and commits it; the revision.
    pub fn commit(&self, file: &str, text: &str, message: &str) -> String {
        std::fs::write(self.path.join(file), text).expect("a file");
        self.git(&["add", file]);
        self.git(&["commit", "--quiet", "--message", message]);
        self.git(&["rev-parse", "HEAD"])
    }

    fn git(&self, arguments: &[&str]) -> String {
        let none = Path::new("/dev/null");
        let output = Command::new("git")
            .current_dir(&self.path)
            .env("GIT_CONFIG_GLOBAL", none)
            .env("GIT_CONFIG_SYSTEM", none)
            .args(["-c", "user.name=Ada", "-c", "user.email=ada@example.org"])
            .args(arguments)
            .output()
            .expect("git runs");
        assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("text").trim().to_owned()
    }
}
