//! One look at the repository: what it has, what is new in it, and the changes that follow.

use super::Settings;
use super::command::GitError;
use super::commits::Commit;
use super::mirror::Mirror;
use super::plan::Kept;
use crate::model::{NewChange, Properties};

/// What a look comes to.
#[derive(Debug)]
pub struct Look {
    /// The new changes, the oldest of each branch first.
    pub changes: Vec<NewChange>,
    /// What to keep with them; `None` if nothing moved.
    pub kept: Option<Kept>,
    /// What could not be told, for the log.
    pub warnings: Vec<String>,
}

/// Looks. `before` is what the look before has kept; without it this one only finds a place to begin from.
///
/// # Errors
/// See [`GitError`]; what was kept stays, and the next look finds the same.
pub fn look(mirror: &Mirror, settings: &Settings, before: Option<&Kept>) -> Result<Look, GitError> {
    let source = &settings.poller;
    let keep = |tips| Kept::new(&source.repository, &source.branches, tips);
    let mut found = keep(mirror.look()?.watched(&source.branches));
    let mut look = Look { changes: Vec::new(), kept: None, warnings: Vec::new() };
    if before == Some(&found) {
        return Ok(look);
    }
    if !found.tips.is_empty() {
        found = keep(mirror.fetch(found.tips.keys())?);
    }
    if let Some(before) = before {
        for (branch, tip) in before.news(&found) {
            let commits = mirror.new_commits(&tip, &before.known())?;
            if commits.left_out > 0 {
                let left_out = commits.left_out;
                look.warnings.push(format!("branch {branch}: {left_out} older new commits are left out"));
            }
            let told = mirror.commits(&commits.told)?;
            look.changes.extend(told.into_iter().map(|commit| change(settings, &branch, commit)));
        }
    }
    look.kept = Some(found);
    Ok(look)
}

fn change(settings: &Settings, branch: &str, commit: Commit) -> NewChange {
    NewChange {
        author: commit.author,
        committer: Some(commit.committer),
        comments: commit.comments,
        files: commit.files,
        revision: Some(commit.revision),
        branch: Some(branch.to_owned()),
        repository: settings.poller.repository.clone(),
        codebase: settings.codebase.clone(),
        project: settings.poller.project.clone(),
        category: settings.poller.category.clone(),
        revlink: String::new(),
        when: Some(commit.when),
        properties: Properties::default(),
        vc: Some("git".to_owned()),
    }
}
