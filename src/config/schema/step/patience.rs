//! How long a step may take, and whether it is tried again.

use super::{FileWork, SetPropertyFrom, StepKind};
use crate::config::duration;
use serde::Serialize;
use std::time::Duration;

/// How long a step may take, and whether it is tried again. The master keeps watch over all of it; where the worker
/// has a watch of its own, it is told, and the master steps in only if nothing comes of that.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Patience {
    /// How long the step may be silent: no output, of none of its programs. Then it fails. `null` for any time. What
    /// runs programs on the worker has 20 minutes, `remove_directory` and `copy_directory` have two, the others have
    /// any time. A file that is on its way says nothing, so that a `max_time` suits it better.
    #[serde(serialize_with = "duration::serialize_option")]
    pub timeout: Option<Duration>,
    /// How long each try of the step may take in all, without the time that it waits for locks. Then it fails. `null`
    /// for any time, which is the default but for programs on the master, which have
    /// an hour, and servers, which have ten minutes.
    #[serde(serialize_with = "duration::serialize_option")]
    pub max_time: Option<Duration>,
    /// Whether the step is tried again where it fails; by default not. Each try goes into the same logs, with a line
    /// that says which it is. The last one counts. Locks are kept meanwhile. One that ends as an exception is not tried again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry: Option<Retry>,
}

/// Trying again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Retry {
    /// How many more times.
    pub count: u32,
    /// How long to wait before each.
    #[serde(serialize_with = "duration::serialize")]
    pub delay: Duration,
}

/// How long a program on the worker may be silent where nothing else is said (`RC-05`).
const PROGRAM_TIMEOUT: Duration = Duration::from_secs(1200);

/// The same of work on directories there.
const DIRECTORY_TIMEOUT: Duration = Duration::from_secs(120);

/// How long what is done on the master may take where nothing else is said (`N-ST-08`).
const MASTER_MAX_TIME: Duration = Duration::from_secs(3600);

/// How long a server may take where nothing else is said.
const SERVER_MAX_TIME: Duration = Duration::from_secs(600);

impl Patience {
    /// What holds for a kind of step where nothing else is said.
    pub fn usual(kind: &StepKind) -> Patience {
        let (timeout, max_time) = match kind {
            StepKind::Shell(_)
            | StepKind::Compile(_)
            | StepKind::Test(_)
            | StepKind::ShellSequence(_)
            | StepKind::Git(_)
            | StepKind::Hg(_)
            | StepKind::Svn(_)
            | StepKind::SetPropertiesFromCommand(_) => (Some(PROGRAM_TIMEOUT), None),
            StepKind::SetProperty(set) => match set.from {
                SetPropertyFrom::Output { .. } => (Some(PROGRAM_TIMEOUT), None),
                SetPropertyFrom::Value(_) => (None, None),
            },
            StepKind::Files(work) => match work {
                FileWork::RemoveDirectory(_) | FileWork::CopyDirectory { .. } => {
                    (Some(DIRECTORY_TIMEOUT), None)
                }
                FileWork::MakeDirectory(_) | FileWork::RemoveFile(_) | FileWork::FileExists(_) => {
                    (None, None)
                }
            },
            StepKind::Http(_) => (None, Some(SERVER_MAX_TIME)),
            StepKind::MasterShell(_) => (None, Some(MASTER_MAX_TIME)),
            StepKind::Trigger(_)
            | StepKind::SetProperties(_)
            | StepKind::Assert(_)
            | StepKind::Log(_)
            | StepKind::SetPropertiesFromEnv(_)
            | StepKind::FileUpload(_)
            | StepKind::DirectoryUpload(_)
            | StepKind::MultipleFileUpload(_)
            | StepKind::Download(_) => (None, None),
        };
        Patience { timeout, max_time, retry: None }
    }
}
