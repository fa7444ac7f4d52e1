//! Changes and source stamps.

use super::{ChangeId, Properties, Wall};
use serde::{Deserialize, Serialize};

/// A change as a change source tells it, before it has an id (`CM`).
///
/// A branch that is not given, `None`, is the repository's default branch and differs from the empty one
/// (`traps.md` 7).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NewChange {
    /// Who wrote it: a name, an address, or `Name <address>`.
    pub author: String,
    /// Who committed it, where that is known and differs.
    pub committer: Option<String>,
    /// The commit's message.
    pub comments: String,
    /// Paths of the files it touches.
    pub files: Vec<String>,
    /// The revision, in the version control system's own form.
    pub revision: Option<String>,
    /// The branch.
    pub branch: Option<String>,
    /// The repository's address.
    pub repository: String,
    /// Which part of the source it belongs to; empty for the only one.
    pub codebase: String,
    /// The project; free text.
    pub project: String,
    /// A word that change filters look at.
    pub category: Option<String>,
    /// A page that shows it.
    pub revlink: String,
    /// When it was made; the time of its arrival where the source does not know.
    pub when: Option<Wall>,
    /// Properties that builds of it get.
    pub properties: Properties,
    /// Which kind of version control system wrote the author, one of [`VC_KINDS`](super::VC_KINDS), if the source
    /// says so: the author is then a user (`US-02`). It is not stored with the change.
    pub vc: Option<String>,
}

/// A change with its id: the row, committed.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// Its id; a later change has a larger one.
    pub id: ChangeId,
    /// When it was made.
    pub when: Wall,
    /// What the source told.
    pub told: NewChange,
}

impl Change {
    /// The source stamp that has this change as its newest.
    pub fn source_stamp(&self) -> SourceStamp {
        SourceStamp {
            codebase: self.told.codebase.clone(),
            project: self.told.project.clone(),
            repository: self.told.repository.clone(),
            branch: self.told.branch.clone(),
            revision: self.told.revision.clone(),
            patch: None,
        }
    }
}

/// Which source to build, for one codebase.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(default)]
pub struct SourceStamp {
    /// The codebase; empty for the only one.
    pub codebase: String,
    /// The project; free text.
    pub project: String,
    /// The repository's address.
    pub repository: String,
    /// The branch; `None` for the default one.
    pub branch: Option<String>,
    /// The revision; `None` for the newest of the branch.
    pub revision: Option<String>,
    /// A patch to lay over it, of a try job.
    pub patch: Option<Patch>,
}

impl SourceStamp {
    /// The same, at the revision that a build with these properties got.
    #[must_use]
    pub fn at_revision_of(mut self, build: &Properties) -> SourceStamp {
        let got = match build.value("got_revision") {
            Some(serde_json::Value::Object(each)) => each.get(&self.codebase),
            other => other,
        };
        if let Some(revision) = got.and_then(serde_json::Value::as_str) {
            self.revision = Some(revision.to_owned());
        }
        self
    }
}

/// A patch to lay over a checkout.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Patch {
    /// How many leading path components to strip (`patch -pN`).
    pub level: u32,
    /// The diff.
    pub body: String,
    /// The directory in which to lay it on, relative to the checkout.
    pub subdir: String,
    /// Who made it.
    pub author: String,
    /// Why.
    pub comment: String,
}
