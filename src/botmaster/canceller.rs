//! Builds that a newer request makes pointless, since the branch has moved on (`N-SC-18`). Pure.

use crate::config::OldBuildCanceller;
use crate::db::waiting::{Stamp, Waiting};
use crate::model::SourceStamp;
use minijinja::context;

/// What two requests of one branch have in common: codebase, project, repository and key of each source stamp.
type Line<'a> = Vec<(&'a str, &'a str, &'a str, String)>;

/// Whether some canceller cancels the older of two requests of one builder because of the newer one.
///
/// # Errors
/// A key cannot be told: why.
pub fn supersedes(
    cancellers: &[OldBuildCanceller],
    older: &Waiting,
    newer: &Waiting,
) -> Result<bool, String> {
    let same_sources =
        older.stamps.iter().map(|stamp| &stamp.revision).eq(newer.stamps.iter().map(|stamp| &stamp.revision));
    if older.request >= newer.request || older.buildset == newer.buildset || same_sources {
        return Ok(false);
    }
    for canceller in cancellers.iter().filter(|canceller| canceller.builders.contains(&newer.builder)) {
        let line = line(canceller, newer)?;
        if !line.is_empty() && line == self::line(canceller, older)? && has_changes(canceller, newer) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The line of a request; empty for one that is left alone.
fn line<'a>(canceller: &OldBuildCanceller, waiting: &'a Waiting) -> Result<Line<'a>, String> {
    if waiting.stamps.iter().any(|stamp| stamp.is_patched) {
        return Ok(Vec::new());
    }
    let mut line = Vec::new();
    for stamp in counting(canceller, waiting) {
        let Some(branch) = &stamp.branch else { continue };
        let key = match &canceller.branch_key {
            None => without_patch_set(branch).to_owned(),
            Some(formula) => formula.text(&context! {
                branch,
                codebase => &stamp.codebase,
                project => &stamp.project,
                repository => &stamp.repository,
            })?,
        };
        line.push((stamp.codebase.as_str(), stamp.project.as_str(), stamp.repository.as_str(), key));
    }
    line.sort();
    Ok(line)
}

/// The stamps of a request that count.
fn counting<'a>(canceller: &OldBuildCanceller, waiting: &'a Waiting) -> impl Iterator<Item = &'a Stamp> {
    let filter = &canceller.source_stamp_filter;
    let counts = |stamp: &&Stamp| {
        filter.is_match(&SourceStamp {
            codebase: stamp.codebase.clone(),
            project: stamp.project.clone(),
            repository: stamp.repository.clone(),
            branch: stamp.branch.clone(),
            revision: stamp.revision.clone(),
            patch: None,
        })
    };
    waiting.stamps.iter().filter(counts).collect::<Vec<_>>().into_iter()
}

/// Whether a request is there because the branch has moved on, and not because somebody wants some revision of it.
fn has_changes(canceller: &OldBuildCanceller, waiting: &Waiting) -> bool {
    counting(canceller, waiting).any(|stamp| stamp.has_changes)
}

/// Gerrit has a branch for each patch set of a change: `refs/changes/45/12345/2` is the second of change 12345.
fn without_patch_set(branch: &str) -> &str {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match branch.strip_prefix("refs/changes/").map(|rest| rest.split('/').collect::<Vec<_>>()).as_deref() {
        Some([shard, change, patch_set])
            if [shard, change, patch_set].into_iter().all(|part| is_number(part)) =>
        {
            &branch[..branch.len() - patch_set.len() - 1]
        }
        _ => branch,
    }
}
