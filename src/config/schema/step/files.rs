//! Files and directories on the worker (`SH-23`, `N-ST-09`).

use crate::config::Template;
use serde::Serialize;

/// Something done to files on the worker. Paths are below the builder's directory there, in which `build` is the
/// directory that programs run in.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FileWork {
    /// Makes a directory, and those above it.
    MakeDirectory(Template),
    /// Removes directories and all that is in them; one that is not there is no failure.
    RemoveDirectory(Vec<Template>),
    /// Copies a directory and all that is in it.
    CopyDirectory {
        /// Which.
        from: Template,
        /// Where to.
        to: Template,
    },
    /// Removes a file.
    RemoveFile(Template),
    /// Fails unless there is a plain file of this name.
    FileExists(Template),
}
