//! One look at the repository: what is new in it, and the changes that follow.

use super::mirror::Mirror;
use super::plan::Kept;
use crate::changes::commit::Commit;
use crate::changes::limits::COMMITS_PER_LOOK;
use crate::changes::poller::{Found, Look, LookError};
use crate::changes::programs::Programs;
use crate::changes::settings;
use crate::config::HgPoller;
use crate::model::NewChange;
use serde_json::Value;

/// All that a look depends on.
pub type Settings = settings::Settings<HgPoller>;

/// Looks at one repository.
pub struct HgLook {
    programs: Programs,
    settings: Settings,
}

impl HgLook {
    /// With these programs.
    pub fn new(programs: Programs, settings: Settings) -> HgLook {
        HgLook { programs, settings }
    }

    fn is_watched(&self, branch: &str) -> bool {
        self.settings.poller.branches.iter().any(|glob| glob.is_match(branch))
    }

    fn change(&self, branch: String, commit: Commit) -> NewChange {
        let poller = &self.settings.poller;
        self.settings.change(commit, Some(branch), (&poller.repository, "hg"), &poller.labels)
    }
}

impl Look for HgLook {
    fn look(&mut self, before: Option<&Value>) -> Result<Found, LookError> {
        let Settings { poller, directory, secrets, .. } = &self.settings;
        // What cannot be read is as good as nothing; another repository is looked at for the first time.
        let before: Option<Kept> = before.and_then(|kept| serde_json::from_value(kept.clone()).ok());
        let before = before.filter(|kept| kept.repository == poller.repository);
        let mirror = Mirror::open(&self.programs, poller, secrets, directory)?;
        let kept = mirror.pull(poller)?;
        let mut found = Found::default();
        if before.as_ref() == Some(&kept) {
            return Ok(found);
        }
        for (bookmark, revisions) in before.map(|before| before.news(&kept, poller)).unwrap_or_default() {
            let (ids, are_too_many) = mirror.ids(&revisions, COMMITS_PER_LOOK)?;
            if are_too_many {
                let of =
                    bookmark.as_deref().map_or("the branches".to_owned(), |name| format!("bookmark {name}"));
                found.warnings.push(format!("{of}: all but {COMMITS_PER_LOOK} new commits are left out"));
            }
            for (branch, commit) in mirror.commits(&ids)? {
                match &bookmark {
                    Some(name) => found.changes.push(self.change(name.clone(), commit)),
                    None if self.is_watched(&branch) => found.changes.push(self.change(branch, commit)),
                    None => {}
                }
            }
        }
        let kept = serde_json::to_value(kept).map_err(|error| LookError::Failed(error.to_string()))?;
        found.kept = Some(kept);
        Ok(found)
    }
}
