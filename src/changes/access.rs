//! Who a poller is to the remote: keys and passwords, which reach its programs in files that only the master can read,
//! never on a command line.

use super::poller::LookError;
use crate::config::{RemoteAccess, SecretProvider};
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Files that only the master can read. They are removed with it.
#[derive(Debug)]
pub struct PrivateFiles {
    directory: PathBuf,
    written: Vec<PathBuf>,
}

impl PrivateFiles {
    /// None so far, in this directory.
    pub fn new(directory: &Path) -> PrivateFiles {
        PrivateFiles { directory: directory.to_owned(), written: Vec::new() }
    }

    /// Writes one.
    ///
    /// # Errors
    /// The operating system can't.
    pub fn write(&mut self, name: &str, text: &str) -> Result<PathBuf, LookError> {
        let path = self.directory.join(name);
        let write = || {
            // One of a master that was killed.
            if path.exists() {
                std::fs::remove_file(&path)?;
            }
            let mut file: File = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
            file.write_all(text.as_bytes())
        };
        self.written.push(path.clone());
        write().map_err(|error| LookError::Failed(format!("{}: {error}", path.display())))?;
        Ok(path)
    }
}

impl Drop for PrivateFiles {
    fn drop(&mut self) {
        for file in &self.written {
            // One that was never written is as good as removed.
            let _ = std::fs::remove_file(file);
        }
    }
}

/// What ssh is called with, as a shell is to read it; `None` for what its user has configured.
///
/// # Errors
/// Which secret cannot be had, or which file cannot be written.
pub fn ssh_command(
    wanted: &RemoteAccess,
    secrets: &[SecretProvider],
    files: &mut PrivateFiles,
) -> Result<Option<String>, LookError> {
    let mut ssh = Vec::new();
    if let Some(key) = &wanted.ssh_private_key {
        let key = key.resolve(secrets).map_err(LookError::Failed)?;
        // ssh refuses a key without a line end.
        let file = files.write("ssh-key", &format!("{}\n", key.reveal().trim_end()))?;
        ssh.push(format!("-i {} -o IdentitiesOnly=yes", quoted(&file)));
    }
    let hosts = wanted.ssh_known_hosts.clone();
    if let Some(hosts) = hosts.or(wanted.ssh_host_key.as_ref().map(|key| format!("* {key}"))) {
        let file = files.write("ssh-known-hosts", &format!("{}\n", hosts.trim_end()))?;
        // The option's value is a list of words to ssh.
        let value = format!("UserKnownHostsFile=\"{}\"", file.display());
        ssh.push(format!("-o {} -o StrictHostKeyChecking=yes", quoted(Path::new(&value))));
    }
    Ok((!ssh.is_empty()).then(|| format!("ssh -o BatchMode=yes {}", ssh.join(" "))))
}

/// A path as a word of the shell.
pub fn quoted(path: &Path) -> String {
    format!("'{}'", path.to_string_lossy().replace('\'', r"'\''"))
}
