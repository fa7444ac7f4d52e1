//! Files and directories on the worker (`SH-23`, `N-ST-09`).

use crate::config::{Template, duration};
use serde::Serialize;
use std::time::Duration;

/// Something done to files on the worker. Paths are below the builder's directory there, in which `build` is the
/// directory that programs run in.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FileWork {
    /// Makes a directory, and those above it.
    MakeDirectory(Template),
    /// Removes directories and all that is in them; one that is not there is no failure.
    RemoveDirectory {
        /// Which.
        dirs: Vec<Template>,
        /// How long it may take.
        limits: Limits,
    },
    /// Copies a directory and all that is in it.
    CopyDirectory {
        /// Which.
        from: Template,
        /// Where to.
        to: Template,
        /// How long it may take.
        limits: Limits,
    },
    /// Removes a file.
    RemoveFile(Template),
    /// Fails unless there is a plain file of this name.
    FileExists(Template),
}

/// How long it may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Limits {
    /// How long it may be silent; `None` for any time.
    #[serde(serialize_with = "duration::serialize_option")]
    pub timeout: Option<Duration>,
    /// How long it may take in all; `None` for any time.
    #[serde(serialize_with = "duration::serialize_option")]
    pub max_time: Option<Duration>,
}
