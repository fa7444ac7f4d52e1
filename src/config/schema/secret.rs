//! Secrets: references in the configuration, and the places where their texts stand (`N-SE`).

use serde::{Serialize, Serializer};
use std::fmt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// A secret as the configuration has it: by name, or, though a warning advises against it, as text. It never
/// prints a text.
#[derive(Clone, PartialEq, Eq)]
pub enum Secret {
    /// The name by which the providers know it.
    Named(String),
    /// Its text, written into the file.
    Literal(SecretText),
}

/// A secret that somebody logs in with.
pub type Password = Secret;

impl Secret {
    /// Its text: from the first provider that knows its name (`N-SE-01`). This reads files; ask when the
    /// secret is needed, and again when it may have changed.
    ///
    /// # Errors
    /// Which secret, and why it cannot be had, in one line.
    pub fn resolve(&self, providers: &[SecretProvider]) -> Result<SecretText, String> {
        match self {
            Secret::Literal(text) => Ok(text.clone()),
            Secret::Named(name) => providers
                .iter()
                .find_map(|provider| provider.find(name).transpose())
                .unwrap_or_else(|| Err("no provider knows it".to_owned()))
                .map_err(|why| format!("secret {name:?}: {why}")),
        }
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Secret::Named(name) => write!(f, "{{secret: {name}}}"),
            Secret::Literal(text) => fmt::Debug::fmt(text, f),
        }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// The text of a secret. It does not print itself.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretText(String);

impl SecretText {
    /// Wraps it.
    pub fn new(text: impl Into<String>) -> SecretText {
        SecretText(text.into())
    }

    /// The text itself: for whoever must send or compare it, never for a log.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(hidden)")
    }
}

/// A place where secrets stand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum SecretProvider {
    /// A directory with one file per secret, named as it; only their owner may read them (`N-SE-02`).
    Directory {
        /// The directory.
        path: PathBuf,
        /// What may follow a secret's name in its file's, in the order in which it is tried: nothing, where nothing
        /// is said.
        suffixes: Vec<String>,
    },
    /// What systemd hands over: `LoadCredential=` in the unit (`N-SE-09`).
    SystemdCredentials,
    /// One secret in one file; only its owner may read it.
    File {
        /// The secret's name.
        name: String,
        /// The file.
        path: PathBuf,
    },
}

impl SecretProvider {
    /// The text of this secret; `None` if this provider does not know it.
    fn find(&self, name: &str) -> Result<Option<SecretText>, String> {
        match self {
            SecretProvider::Directory { path, suffixes } => {
                let name = file_name(name)?;
                let found = |suffix: &String| read(&path.join(format!("{name}{suffix}")), true).transpose();
                suffixes.iter().find_map(found).transpose()
            }
            SecretProvider::File { name: own, path } if own == name => read(path, true),
            SecretProvider::File { .. } => Ok(None),
            SecretProvider::SystemdCredentials => match std::env::var_os("CREDENTIALS_DIRECTORY") {
                Some(directory) => read(&Path::new(&directory).join(file_name(name)?), false),
                None => Ok(None),
            },
        }
    }
}

/// A secret's name as a file name: one that could lead out of the directory is refused.
fn file_name(name: &str) -> Result<&str, String> {
    if name.is_empty() || name.starts_with('.') || name.contains(['/', '\0']) {
        return Err("its name cannot be a file name".to_owned());
    }
    Ok(name)
}

/// Reads a secret's file, without the line end that editors leave; `None` if there is no such file.
fn read(path: &Path, private: bool) -> Result<Option<SecretText>, String> {
    let told = |error: std::io::Error| format!("{}: {error}", path.display());
    let metadata = match std::fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(told(error)),
    };
    let mode = metadata.permissions().mode() & 0o777;
    if private && mode & 0o077 != 0 {
        return Err(format!("{} can be read by others (mode {mode:o}): chmod 600 it", path.display()));
    }
    let text = std::fs::read_to_string(path).map_err(told)?;
    Ok(Some(SecretText::new(text.strip_suffix('\n').unwrap_or(&text))))
}

#[cfg(test)]
mod tests {
    use super::{Secret, SecretProvider, SecretText};
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn the_first_provider_that_knows_a_name_answers() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        let files = [
            ("a", "first\n", 0o600),
            ("b", "second", 0o400),
            ("open", "x", 0o644),
            ("b.key", "third", 0o400),
            ("d.key", "fourth", 0o400),
        ];
        for (name, text, mode) in files {
            std::fs::write(path(name), text).unwrap();
            std::fs::set_permissions(path(name), Permissions::from_mode(mode)).unwrap();
        }
        let providers = [
            SecretProvider::File { name: "b".to_owned(), path: path("a") },
            SecretProvider::Directory {
                path: directory.path().to_owned(),
                suffixes: vec![String::new(), ".key".to_owned()],
            },
        ];
        let resolve = |name: &str| Secret::Named(name.to_owned()).resolve(&providers);
        assert_eq!(resolve("a").unwrap().reveal(), "first");
        assert_eq!(resolve("b").unwrap().reveal(), "first");
        assert_eq!(resolve("d").unwrap().reveal(), "fourth");
        assert_eq!(resolve("b.key").unwrap().reveal(), "third");
        assert_eq!(resolve("c").unwrap_err(), "secret \"c\": no provider knows it");
        assert_eq!(resolve("../a").unwrap_err(), "secret \"../a\": its name cannot be a file name");
        assert!(resolve("open").unwrap_err().ends_with("can be read by others (mode 644): chmod 600 it"));
    }

    #[test]
    fn a_secret_does_not_print_its_text() {
        let secret = Secret::Literal(SecretText::new("hunter2"));
        assert_eq!(
            format!("{secret} {secret:?} {}", serde_json::to_string(&secret).unwrap()),
            "(hidden) (hidden) \"(hidden)\""
        );
        assert_eq!(Secret::Named("deb-1".to_owned()).to_string(), "{secret: deb-1}");
    }
}
