//! Who a poller is to a git remote.

use crate::changes::access::{PrivateFiles, quoted, ssh_command};
use crate::changes::poller::LookError;
use crate::config::{RemoteAccess, SecretProvider, SecretText};
use std::path::Path;

/// What git is given to get in. The files are removed with it.
#[derive(Debug, Default)]
pub struct Access {
    /// What ssh is called with, as git's shell is to read it.
    pub ssh_command: Option<String>,
    /// The credential helper.
    pub helper: Option<String>,
    /// Those that the two name.
    _files: Option<PrivateFiles>,
}

impl Access {
    /// Reads the secrets, and writes the files into `directory`.
    ///
    /// # Errors
    /// Which secret cannot be had, or which file cannot be written.
    pub fn new(
        wanted: &RemoteAccess,
        secrets: &[SecretProvider],
        directory: &Path,
    ) -> Result<Access, LookError> {
        let mut files = PrivateFiles::new(directory);
        let ssh_command = ssh_command(wanted, secrets, &mut files)?;
        let mut helper = None;
        if let Some(login) = &wanted.auth_credentials {
            let password = login.password.resolve(secrets).map_err(LookError::Failed)?;
            let file = files.write("credentials", &credentials(&login.user, &password)?)?;
            helper = Some(format!("!f() {{ test \"$1\" != get || cat {}; }}; f", quoted(&file)));
        }
        Ok(Access { ssh_command, helper, _files: Some(files) })
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
