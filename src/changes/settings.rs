//! What a poller's looks depend on: where any of it changes, the poller is started anew.

use super::commit::Commit;
use crate::config::{Config, Labels, SecretProvider};
use crate::model::{NewChange, Properties};
use sha2::{Digest, Sha256};
use std::path::PathBuf;

/// All that a look depends on.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings<P> {
    /// As configured.
    pub poller: P,
    /// Which codebase its changes belong to.
    pub codebase: String,
    /// What is its own on the disk; pollers of one repository share it.
    pub directory: PathBuf,
    /// Who knows its secrets, which are read again for each look.
    pub secrets: Vec<SecretProvider>,
}

impl<P: Clone> Settings<P> {
    /// Those of a poller of this repository in this configuration, `kind` being whose folder it is.
    pub fn new(poller: &P, repository: &str, kind: &str, config: &Config) -> Settings<P> {
        Settings {
            poller: poller.clone(),
            codebase: config.codebase_of(repository).to_owned(),
            directory: directory(kind, repository, config),
            secrets: config.secrets.clone(),
        }
    }

    /// A commit as a change of this branch (`None`: the default one).
    pub fn change(
        &self,
        commit: Commit,
        branch: Option<String>,
        (repository, vc): (&str, &str),
        labels: &Labels,
    ) -> NewChange {
        NewChange {
            author: commit.author,
            committer: commit.committer,
            comments: commit.comments,
            files: commit.files,
            branch,
            repository: repository.to_owned(),
            codebase: self.codebase.clone(),
            project: labels.project.clone(),
            category: labels.category.clone(),
            revlink: labels.page(&commit.revision),
            revision: Some(commit.revision),
            when: labels.use_timestamps.then_some(commit.when),
            properties: Properties::default(),
            vc: Some(vc.to_owned()),
        }
    }
}

/// What a poller of this repository has for itself on the disk, in the folder of its kind.
pub fn directory(kind: &str, repository: &str, config: &Config) -> PathBuf {
    config.state_dir.join(kind).join(directory_name(repository))
}

/// A name with everything but letters, digits, `.`, `_` and `-` written as `%XX`: as a file, or one level of a ref.
pub fn flat_name(name: &str) -> String {
    let mut flat = String::new();
    for (at, byte) in name.bytes().enumerate() {
        match byte {
            b'.' if at == 0 => flat += "%2E",
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_' | b'-' => flat.push(char::from(byte)),
            _ => flat += &format!("%{byte:02X}"),
        }
    }
    flat
}

/// The directory of a repository's mirror: its last word, for people, and a digest of its address.
pub fn directory_name(repository: &str) -> String {
    let last = repository.trim_end_matches('/').rsplit(['/', ':']).next().unwrap_or_default();
    let last: String = last.chars().take(40).collect();
    let digest = data_encoding::HEXLOWER.encode(&Sha256::digest(repository.as_bytes())[..8]);
    format!("{}-{digest}", flat_name(&last))
}
