//! `worker.yaml`: which master the worker serves, and under which name. It holds the password: mode 0600.

use super::AgentError;
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// Its name in the worker's directory.
pub const FILE: &str = "worker.yaml";

const DEFAULT_KEEPALIVE_S: u64 = 600;

/// What the file holds.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WorkerConfig {
    /// `HOST:PORT` of the master.
    pub master: String,
    /// The worker's name there.
    pub name: String,
    /// Its password.
    pub password: String,
    /// How often the master is asked for a sign of life; 0: never.
    #[serde(default = "default_keepalive_s")]
    pub keepalive_s: u64,
}

/// See [`WorkerConfig::keepalive_s`].
pub fn default_keepalive_s() -> u64 {
    DEFAULT_KEEPALIVE_S
}

impl WorkerConfig {
    /// Reads the file in `dir`.
    ///
    /// # Errors
    /// It is not there, or is not right: the text says where.
    pub fn load(dir: &Path) -> Result<WorkerConfig, AgentError> {
        let path = dir.join(FILE);
        let failed = |why: String| AgentError::Config { path: path.clone(), why };
        let text = std::fs::read_to_string(&path).map_err(|error| failed(error.to_string()))?;
        serde_yaml::from_str(&text).map_err(|error| failed(error.to_string()))
    }

    /// Makes the directory of a new worker: this file, and `info/admin` and `info/host` to be edited.
    ///
    /// # Errors
    /// There is a worker already, or the files can't be written.
    pub fn create(&self, dir: &Path) -> Result<(), AgentError> {
        let path = dir.join(FILE);
        let failed =
            |error: std::io::Error| AgentError::Config { path: path.clone(), why: error.to_string() };
        let text = serde_yaml::to_string(self)
            .map_err(|error| AgentError::Config { path: path.clone(), why: error.to_string() })?;
        let info = dir.join("info");
        std::fs::create_dir_all(&info).map_err(failed)?;
        let mut file =
            File::options().write(true).create_new(true).mode(0o600).open(&path).map_err(failed)?;
        file.write_all(text.as_bytes()).map_err(failed)?;
        let host = rustix::system::uname().nodename().to_string_lossy().into_owned() + "\n";
        let admin = "Your Name Here <admin@example.org>\n".to_owned();
        for (name, text) in [("admin", admin), ("host", host)] {
            let path = info.join(name);
            if !path.exists() {
                std::fs::write(path, text).map_err(failed)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn config() -> WorkerConfig {
        WorkerConfig {
            master: "ci.example.org:9989".into(),
            name: "w1".into(),
            password: "it's: \"odd\" # \\".into(),
            keepalive_s: 60,
        }
    }

    #[test]
    fn what_is_created_is_loaded_and_private() {
        let base = tempfile::tempdir().expect("a directory");
        let dir = base.path().join("new/w1");
        config().create(&dir).expect("creates");
        assert_eq!(WorkerConfig::load(&dir).expect("loads"), config());
        let mode = std::fs::metadata(dir.join(FILE)).expect("is there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert!(std::fs::read_to_string(dir.join("info/host")).is_ok_and(|host| host.len() > 1));
        let again = config().create(&dir).expect_err("is there");
        assert!(again.to_string().contains("exists"), "{again}");
    }

    #[test]
    fn a_wrong_file_is_told_with_its_place() {
        let dir = tempfile::tempdir().expect("a directory");
        assert!(WorkerConfig::load(dir.path()).expect_err("missing").to_string().contains(FILE));
        let path = dir.path().join(FILE);
        std::fs::write(&path, "master: a:1\nname: w\npasword: p\n").expect("writes");
        let told = WorkerConfig::load(dir.path()).expect_err("wrong").to_string();
        assert!(told.contains("pasword") && told.contains("line 3"), "{told}");
        std::fs::write(&path, "master: a:1\nname: w\npassword: p\n").expect("writes");
        assert_eq!(WorkerConfig::load(dir.path()).expect("right").keepalive_s, 600);
    }
}
