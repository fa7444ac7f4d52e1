//! One look at the repository: what it has, what is new in it, and the changes that follow.

use super::access::Access;
use super::command::Git;
use super::mirror::Mirror;
use super::plan::{self, Kept};
use crate::changes::commit::Commit;
use crate::changes::limits::COMMITS_PER_LOOK;
use crate::changes::poller::{Found, Look, LookError};
use crate::changes::settings;
use crate::config::GitPoller;
use crate::model::NewChange;
use serde_json::Value;

/// All that a look depends on.
pub type Settings = settings::Settings<GitPoller>;

/// Looks at one repository.
pub struct GitLook {
    git: Git,
    settings: Settings,
}

impl GitLook {
    /// With this git.
    pub fn new(git: Git, settings: Settings) -> GitLook {
        GitLook { git, settings }
    }

    fn keep(&self, tips: plan::Tips) -> Kept {
        Kept::new(&self.settings.poller, tips)
    }

    /// The changes that a ref's new tip means, the oldest first.
    fn news(
        &self,
        mirror: &Mirror,
        (name, tip): (&str, &str),
        before: &Kept,
        found: &mut Found,
    ) -> Result<(), LookError> {
        let mut told = Vec::new();
        if !plan::is_tag(name) {
            let commits = mirror.new_commits(tip, &before.known(), COMMITS_PER_LOOK)?;
            if commits.left_out > 0 {
                let left_out = commits.left_out;
                found.warnings.push(format!("branch {name}: {left_out} older new commits are left out"));
            }
            told = commits.told;
        }
        if told.is_empty() && (plan::is_tag(name) || self.settings.poller.build_pushes_with_no_commits) {
            told.extend(mirror.commit_of(tip)?);
        }
        let commits = mirror.commits(&told)?;
        found.changes.extend(commits.into_iter().map(|commit| self.change(name, commit)));
        Ok(())
    }

    fn change(&self, branch: &str, commit: Commit) -> NewChange {
        let poller = &self.settings.poller;
        let branch = Some(branch.to_owned());
        self.settings.change(commit, branch, (&poller.repository, "git"), &poller.labels)
    }
}

impl Look for GitLook {
    fn look(&mut self, before: Option<&Value>) -> Result<Found, LookError> {
        // What cannot be read is as good as nothing.
        let before: Option<Kept> = before.and_then(|kept| serde_json::from_value(kept.clone()).ok());
        let Settings { poller, directory, secrets, .. } = &self.settings;
        let mirror = Mirror::open(&self.git, directory)?;
        let access = Access::new(&poller.access, secrets, directory)?;
        let remote = mirror.remote(&poller.repository, &access);
        let mut kept = self.keep(remote.look(poller)?.watched(poller));
        let mut found = Found::default();
        if before.as_ref() == Some(&kept) {
            return Ok(found);
        }
        if !kept.tips.is_empty() {
            kept = self.keep(remote.fetch(kept.tips.keys())?);
        }
        if let Some(before) = before {
            for (name, tip) in before.news(&kept) {
                self.news(&mirror, (&name, &tip), &before, &mut found)?;
            }
        }
        let kept = serde_json::to_value(kept).map_err(|error| LookError::Failed(error.to_string()))?;
        found.kept = Some(kept);
        Ok(found)
    }
}
