//! Who a poller is to the remote: keys and passwords, which reach git and ssh in files that only the master can read,
//! never on a command line.

use crate::changes::poller::LookError;
use crate::config::{GitAccess, SecretProvider, SecretText};
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// What git is given to get in. The files are removed with it.
#[derive(Debug, Default)]
pub struct Access {
    /// What ssh is called with, as git's shell is to read it.
    pub ssh_command: Option<String>,
    /// The credential helper.
    pub helper: Option<String>,
    files: Vec<PathBuf>,
}

impl Access {
    /// Reads the secrets, and writes the files into `directory`.
    ///
    /// # Errors
    /// Which secret cannot be had, or which file cannot be written.
    pub fn new(
        wanted: &GitAccess,
        secrets: &[SecretProvider],
        directory: &Path,
    ) -> Result<Access, LookError> {
        let mut access = Access::default();
        let resolve = |secret: &crate::config::Secret| secret.resolve(secrets).map_err(LookError::Failed);
        let mut ssh = Vec::new();
        if let Some(key) = &wanted.ssh_private_key {
            let key = resolve(key)?;
            // ssh refuses a key without a line end.
            let file = access.write(&directory.join("ssh-key"), &format!("{}\n", key.reveal().trim_end()))?;
            ssh.push(format!("-i {} -o IdentitiesOnly=yes", quoted(&file)));
        }
        let hosts = wanted.ssh_known_hosts.clone();
        if let Some(hosts) = hosts.or(wanted.ssh_host_key.as_ref().map(|key| format!("* {key}"))) {
            let file =
                access.write(&directory.join("ssh-known-hosts"), &format!("{}\n", hosts.trim_end()))?;
            // The option's value is a list of words to ssh.
            let value = format!("UserKnownHostsFile=\"{}\"", file.display());
            ssh.push(format!("-o {} -o StrictHostKeyChecking=yes", quoted(Path::new(&value))));
        }
        if !ssh.is_empty() {
            access.ssh_command = Some(format!("ssh -o BatchMode=yes {}", ssh.join(" ")));
        }
        if let Some(login) = &wanted.auth_credentials {
            let told = credentials(&login.user, &resolve(&login.password)?)?;
            let file = access.write(&directory.join("credentials"), &told)?;
            access.helper = Some(format!("!f() {{ test \"$1\" != get || cat {}; }}; f", quoted(&file)));
        }
        Ok(access)
    }

    /// Writes a file that nobody else can read.
    fn write(&mut self, path: &Path, text: &str) -> Result<PathBuf, LookError> {
        let write = || {
            // One of a master that was killed.
            if path.exists() {
                std::fs::remove_file(path)?;
            }
            let mut file: File = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
            file.write_all(text.as_bytes())
        };
        self.files.push(path.to_owned());
        write().map_err(|error| LookError::Failed(format!("{}: {error}", path.display())))?;
        Ok(path.to_owned())
    }
}

impl Drop for Access {
    fn drop(&mut self) {
        for file in &self.files {
            // One that was never written is as good as removed.
            let _ = std::fs::remove_file(file);
        }
    }
}

/// What a credential helper prints. A line end would begin another of its keys.
fn credentials(user: &str, password: &SecretText) -> Result<String, LookError> {
    let password = password.reveal();
    if user.contains('\n') || password.contains('\n') {
        return Err(LookError::Failed("git takes no user and no password of several lines".to_owned()));
    }
    Ok(format!("username={user}\npassword={password}\n"))
}

/// A path as a word of the shell.
fn quoted(path: &Path) -> String {
    format!("'{}'", path.to_string_lossy().replace('\'', r"'\''"))
}
