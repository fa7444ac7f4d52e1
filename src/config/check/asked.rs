//! Whom a scheduler asks, and for which codebases: names and globs become builders, names become codebases.

use crate::config::findings::{Findings, nearest};
use crate::config::read::Spanned;
use crate::config::read::canceller::ReadCanceller;
use crate::config::read::scheduler::{ReadScheduler, WantedBuilder, WantedCodebase};
use crate::config::yaml::Place;
use crate::config::{BuilderRule, Codebase, Glob, OldBuildCanceller, SchedulerKind};

/// The builders that a scheduler asks, in the order of the file (`CFG-08`), and the rules of those that it asks only
/// for some changes (`N-SC-03`).
pub(super) fn builders_of(
    scheduler: &ReadScheduler,
    builders: &[(String, Place)],
    findings: &mut Findings,
) -> (Vec<String>, Vec<BuilderRule>) {
    let wanted = &scheduler.builders;
    check_globs(wanted.iter().map(|wanted| &wanted.name), builders, findings);
    let by_people = scheduler.scheduler.as_ref().filter(|scheduler| !goes_by_changes(&scheduler.value.kind));
    let is_ruled = |wanted: &&WantedBuilder| !wanted.rule.0.is_empty() || wanted.rule.1.is_some();
    if let (Some(_), Some(ruled)) = (by_people, wanted.iter().find(is_ruled)) {
        let what = "whoever asks this scheduler says for what: it has no rules for builders";
        findings.complain(ruled.name.at, what, "write the name alone");
    }
    let (mut names, mut rules) = (Vec::new(), Vec::new());
    for (builder, _) in builders {
        let entries: Vec<&WantedBuilder> =
            wanted.iter().filter(|wanted| wanted.name.value.is_match(builder)).collect();
        if entries.is_empty() {
            continue;
        }
        names.push(builder.clone());
        if entries.iter().all(is_ruled) {
            rules.extend(entries.iter().map(|entry| BuilderRule {
                builder: builder.clone(),
                files: entry.rule.0.clone(),
                when: entry.rule.1.clone(),
            }));
        }
    }
    (names, rules)
}

fn goes_by_changes(kind: &SchedulerKind) -> bool {
    match kind {
        SchedulerKind::SingleBranch(_)
        | SchedulerKind::AnyBranch(_)
        | SchedulerKind::Periodic(_)
        | SchedulerKind::Nightly(_)
        | SchedulerKind::Dependent { .. } => true,
        SchedulerKind::Force(_)
        | SchedulerKind::TryUserpass(_)
        | SchedulerKind::TryJobdir(_)
        | SchedulerKind::Triggerable => false,
    }
}

/// A canceller with its builders.
pub(super) fn canceller_of(
    read: ReadCanceller,
    builders: &[(String, Place)],
    findings: &mut Findings,
) -> OldBuildCanceller {
    let globs = read.builders;
    check_globs(globs.iter().flatten(), builders, findings);
    let is_named = |builder: &str| match &globs {
        Some(globs) => globs.iter().any(|glob| glob.value.is_match(builder)),
        None => true,
    };
    let builders =
        builders.iter().filter(|(builder, _)| is_named(builder)).map(|(builder, _)| builder.clone());
    OldBuildCanceller { builders: builders.collect(), ..read.canceller }
}

/// Complains about globs that no builder is like; where there is none, that is said once.
fn check_globs<'a>(
    globs: impl Iterator<Item = &'a Spanned<Glob>>,
    builders: &[(String, Place)],
    findings: &mut Findings,
) {
    for Spanned { value: glob, at } in globs.filter(|_| !builders.is_empty()) {
        if !builders.iter().any(|(name, _)| glob.is_match(name)) {
            let known: Vec<&str> = builders.iter().map(|(name, _)| name.as_str()).collect();
            findings.complain(*at, unknown(glob), nearest(glob.as_str(), &known));
        }
    }
}

fn unknown(glob: &Glob) -> String {
    let like = if glob.is_pattern() { "has a name like" } else { "is called" };
    format!("no builder {like} {:?}", glob.as_str())
}

/// The codebases of a scheduler, each with what the site says of it.
pub(super) fn codebases_of(
    wanted: Option<&[WantedCodebase]>,
    site: &[Spanned<Codebase>],
    findings: &mut Findings,
) -> Option<Vec<Codebase>> {
    let mut codebases = Vec::new();
    for WantedCodebase { name: Spanned { value: name, at }, repository, branch } in wanted? {
        let known = site.iter().map(|codebase| &codebase.value).find(|codebase| codebase.name == *name);
        let Some(repository) = repository.clone().or_else(|| Some(known?.repository.clone())) else {
            let names: Vec<&str> = site.iter().map(|codebase| codebase.value.name.as_str()).collect();
            findings.complain(*at, format!("no codebase is called {name:?}"), nearest(name, &names));
            continue;
        };
        let branch = branch.clone().or_else(|| known?.branch.clone());
        codebases.push(Codebase { name: name.clone(), repository, branch });
    }
    Some(codebases)
}
