//! Files between the worker and the master (`SH-25` to `SH-28`, `N-ST-07`).

use crate::config::Template;
use serde::Serialize;
use serde_json::Value;

/// What every transfer has.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Transfer {
    /// The worker's directory, below the build directory; `None` for the builder's.
    pub workdir: Option<Template>,
    /// The most bytes that are carried; more is a failure. `None` for any number.
    pub max_size: Option<u64>,
    /// How many bytes go at a time.
    pub block_size: u32,
}

/// From the worker to the master: where it goes there.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Upload {
    /// The path on the master; one that is not absolute is below the state directory. Missing directories are made.
    pub to: Template,
    /// Where what is kept can be looked at: the step links there once it is done. `None` for nowhere.
    pub url: Option<Template>,
    /// What that link is called; `None` for the name of what is kept.
    pub url_text: Option<Template>,
    /// How it is carried.
    #[serde(flatten)]
    pub transfer: Transfer,
}

/// A file of the worker's that the master keeps (`SH-25`). It stands under its name only once it is whole.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FileUpload {
    /// The path on the worker, below the working directory.
    pub from: Template,
    /// Where to.
    #[serde(flatten)]
    pub upload: Upload,
    /// The permissions of the file on the master; `None` for those that a new file gets.
    pub mode: Option<u32>,
    /// Whether it keeps its time of last change.
    pub keep_stamp: bool,
}

/// A directory of the worker's that the master keeps (`SH-26`). Files that are there already are replaced, others
/// stay.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DirectoryUpload {
    /// The path on the worker, below the working directory.
    pub from: Template,
    /// Where to.
    #[serde(flatten)]
    pub upload: Upload,
    /// How it is packed on its way.
    pub compress: Compress,
}

/// How a directory is packed on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Compress {
    /// Not at all.
    None,
    /// By gzip.
    Gz,
    /// By bzip2.
    Bz2,
}

/// Several files and directories of the worker's that the master keeps in one directory (`N-ST-07`).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MultipleFileUpload {
    /// The paths on the worker, below the working directory.
    pub from: Vec<Template>,
    /// Whether they are patterns (`*`, `?`, `[...]`, `**`) that the worker looks up.
    pub glob: bool,
    /// Where to: a directory.
    #[serde(flatten)]
    pub upload: Upload,
    /// How directories are packed on their way.
    pub compress: Compress,
    /// The permissions of the files on the master; `None` for those that a new file gets.
    pub mode: Option<u32>,
    /// Whether they keep their times of last change.
    pub keep_stamp: bool,
}

/// A file of the master's, or a text, that the worker gets (`SH-27`, `SH-28`).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Download {
    /// What it gets.
    pub content: Content,
    /// The path on the worker, below the working directory. Missing directories are made.
    pub to: Template,
    /// The permissions of the file on the worker; `None` for those that a new file gets.
    pub mode: Option<u32>,
    /// How it is carried.
    #[serde(flatten)]
    pub transfer: Transfer,
}

/// What a worker gets.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Content {
    /// A file of the master's; a path that is not absolute is below the state directory.
    File(Template),
    /// A text.
    Text(Template),
    /// A value, as JSON; every text in it is a template whose syntax was checked.
    Json(Value),
    /// The build's properties and source stamps, as JSON.
    Properties,
}
