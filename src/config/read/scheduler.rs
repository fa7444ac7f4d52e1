//! `schedulers`.

use super::pb::own_listen;
use super::{OneOrMany, Read, Spanned, Table, condition, force, properties, timed};
use crate::config::condition::{CHANGE, FILE_IS_IMPORTANT};
use crate::config::findings::{Findings, nearest};
use crate::config::yaml::{Node, Place, Value};
use crate::config::{
    ChangeDriven, ChangeFilter, Condition, FieldFilter, Formula, Glob, Login, Scheduler, SchedulerKind,
    Template, TryJobdir, TryUserpass,
};
use crate::model::Properties;
use std::time::Duration;

/// A scheduler whose builders are not resolved yet.
pub(in crate::config) struct ReadScheduler {
    /// The scheduler; it has no builders yet. `None` after a complaint.
    pub(in crate::config) scheduler: Option<Spanned<Scheduler>>,
    /// Where its upstream is named, if it has one.
    pub(in crate::config) upstream_at: Option<Place>,
    /// The builders it wants.
    pub(in crate::config) builders: Vec<WantedBuilder>,
    /// The codebases it wants, if it says so.
    pub(in crate::config) codebases: Option<Vec<WantedCodebase>>,
}

/// Builders that a scheduler wants, perhaps for some changes only.
pub(in crate::config) struct WantedBuilder {
    /// Which.
    pub(in crate::config) name: Spanned<Glob>,
    /// For which files and when; both empty for always.
    pub(in crate::config) rule: (Vec<Glob>, Option<Condition>),
}

/// A name, or a mapping of a name with `files` or `when`.
impl Read for WantedBuilder {
    fn read(node: &Node, findings: &mut Findings) -> Option<Self> {
        if !matches!(node.value, Value::Map(_)) {
            return Spanned::read(node, findings)
                .map(|name| WantedBuilder { name, rule: (Vec::new(), None) });
        }
        let mut table = Table::open(node, findings)?;
        let name = table.required("name", findings);
        let OneOrMany(files) = table.or("files", OneOrMany(Vec::new()), findings);
        let when = table.node("when", findings);
        let when = when.and_then(|node| condition(node, FILE_IS_IMPORTANT, findings));
        table.finish(findings);
        Some(WantedBuilder { name: name?, rule: (files, when) })
    }
}

/// A codebase that a scheduler wants: one of the site, some of it perhaps other than there.
pub(in crate::config) struct WantedCodebase {
    pub(in crate::config) name: Spanned<String>,
    pub(in crate::config) repository: Option<String>,
    pub(in crate::config) branch: Option<String>,
}

impl Read for WantedCodebase {
    fn read(node: &Node, findings: &mut Findings) -> Option<Self> {
        if !matches!(node.value, Value::Map(_)) {
            let name = Spanned::read(node, findings)?;
            return Some(WantedCodebase { name, repository: None, branch: None });
        }
        let mut table = Table::open(node, findings)?;
        let name = table.required("name", findings);
        let repository = table.optional("repository", findings);
        let branch = table.optional("branch", findings);
        table.finish(findings);
        Some(WantedCodebase { name: name?, repository, branch })
    }
}

/// What `type` may say.
const TYPES: [&str; 9] = [
    "nightly",
    "periodic",
    "dependent",
    "single_branch",
    "any_branch",
    "force",
    "try_userpass",
    "try_jobdir",
    "triggerable",
];

impl Read for ReadScheduler {
    fn read(node: &Node, findings: &mut Findings) -> Option<Self> {
        let mut table = Table::open(node, findings)?;
        let name: Option<Spanned<String>> = table.required("name", findings);
        let builders: Option<OneOrMany<WantedBuilder>> = table.required("builders", findings);
        let builders = builders.map(|builders| builders.0).unwrap_or_default();
        let properties = properties(table.node("properties", findings), "Scheduler", findings);
        templates(&properties, table.at(), findings);
        let codebases: Option<OneOrMany<WantedCodebase>> = table.optional("codebases", findings);
        let codebases = codebases.map(|codebases| codebases.0);
        let (priority, priority_by) = priority(&mut table, findings);
        let kind: Spanned<String> = table.required("type", findings)?;
        let (mut reason, mut upstream_at) = (None, None);
        let kind = match kind.value.as_str() {
            "single_branch" => {
                reason = table.optional("reason", findings);
                change_driven(&mut table, true, findings).map(SchedulerKind::SingleBranch)
            }
            "any_branch" => {
                reason = table.optional("reason", findings);
                change_driven(&mut table, false, findings).map(SchedulerKind::AnyBranch)
            }
            "force" => {
                let name = name.as_ref().map(|name| name.value.as_str()).unwrap_or_default();
                Some(SchedulerKind::Force(Box::new(force::force(&mut table, name, findings))))
            }
            "try_userpass" => try_userpass(&mut table, findings).map(SchedulerKind::TryUserpass),
            "try_jobdir" => try_jobdir(&mut table, findings).map(SchedulerKind::TryJobdir),
            "periodic" => {
                reason = table.optional("reason", findings);
                timed::periodic(&mut table, findings).map(SchedulerKind::Periodic)
            }
            "nightly" => {
                reason = table.optional("reason", findings);
                timed::nightly(&mut table, findings).map(SchedulerKind::Nightly)
            }
            "dependent" => {
                reason = table.optional("reason", findings);
                let upstream: Option<Spanned<String>> = table.required("upstream", findings);
                upstream_at = upstream.as_ref().map(|upstream| upstream.at);
                upstream.map(|upstream| SchedulerKind::Dependent { upstream: upstream.value })
            }
            "triggerable" => {
                reason = table.optional("reason", findings);
                Some(SchedulerKind::Triggerable)
            }
            other => {
                let hint = nearest(other, &TYPES);
                findings.complain(kind.at, format!("unknown type {other:?} of scheduler"), hint);
                // Its builders are asked by a scheduler all the same.
                return Some(ReadScheduler { scheduler: None, upstream_at, builders, codebases });
            }
        };
        table.finish(findings);
        let scheduler = name.zip(kind).map(|(Spanned { value: name, at }, kind)| {
            let value = Scheduler {
                name,
                builders: Vec::new(),
                builder_rules: Vec::new(),
                codebases: None,
                properties,
                reason,
                priority,
                priority_by,
                kind,
            };
            Spanned { value, at }
        });
        Some(ReadScheduler { scheduler, upstream_at, builders, codebases })
    }
}

/// A number, or an expression over the newest change.
fn priority(table: &mut Table, findings: &mut Findings) -> (i64, Option<Formula>) {
    match table.node("priority", findings) {
        Some(node) if matches!(node.value, Value::Text(_)) => {
            let source = String::read(node, findings).unwrap_or_default();
            let formula = Formula::new(&source, CHANGE);
            let complain = |why| findings.complain(node.at, format!("wrong expression: {why}"), "");
            (0, formula.map_err(complain).ok())
        }
        Some(node) => (i64::read(node, findings).unwrap_or_default(), None),
        None => (0, None),
    }
}

/// Properties are filled in when a buildset is made, which knows neither secrets nor workers.
fn templates(properties: &Properties, at: Place, findings: &mut Findings) {
    let texts = properties.iter().filter_map(|(name, property)| Some((name, property.value.as_str()?)));
    for (name, text) in texts {
        match Template::new(text) {
            Err(why) => findings.complain(at, format!("wrong text to fill in, property {name:?}: {why}"), ""),
            Ok(template) if template.secret().is_some() => {
                let what = format!("property {name:?} asks for a secret, which everybody would see");
                findings.complain(at, what, "let the step ask for it");
            }
            Ok(_) => {}
        }
    }
}

/// What the schedulers that follow changes have in common. `branch` is short for a filter of one branch, and
/// the single-branch scheduler must have one or the other, even if it is null, for the default branch.
pub(super) fn change_driven(
    table: &mut Table,
    single_branch: bool,
    findings: &mut Findings,
) -> Option<ChangeDriven> {
    let filter_given = table.node("change_filter", findings);
    let branch = if single_branch { table.node("branch", findings) } else { None };
    let mut change_filter =
        filter_given.map_or(Some(ChangeFilter::default()), |node| ChangeFilter::read(node, findings));
    match (filter_given, branch) {
        (None, None) if single_branch => table.missing("change_filter", findings),
        (Some(_), Some(branch)) => {
            findings.complain(branch.at, "`change_filter` is given too", "put the branch into the filter");
        }
        (_, Some(branch)) => {
            let field = Option::<String>::read(branch, findings)?;
            let branch = FieldFilter { is: Some(vec![field]), ..FieldFilter::default() };
            change_filter = Some(ChangeFilter { branch, ..ChangeFilter::default() });
        }
        _ => {}
    }
    let tree_stable_timer = table.optional::<Duration>("tree_stable_timer", findings);
    let file_is_important = table.node("file_is_important", findings);
    let file_is_important = file_is_important.map(|node| condition(node, FILE_IS_IMPORTANT, findings));
    let only_important = table.or("only_important", false, findings);
    Some(ChangeDriven {
        change_filter: change_filter?,
        tree_stable_timer: tree_stable_timer.filter(|timer| !timer.is_zero()),
        file_is_important: file_is_important.flatten(),
        only_important,
    })
}

fn try_userpass(table: &mut Table, findings: &mut Findings) -> Option<TryUserpass> {
    let listen = own_listen(table, findings);
    let users: Vec<Spanned<Login>> = table.required("users", findings)?;
    let users = users.into_iter().map(|Spanned { value, .. }| value);
    Some(TryUserpass { users: users.collect(), listen })
}

/// How often a job directory is looked at, where nothing else is said (`clients.md` §6).
const JOBDIR_INTERVAL: Duration = Duration::from_secs(10);

fn try_jobdir(table: &mut Table, findings: &mut Findings) -> Option<TryJobdir> {
    let jobdir = table.required("jobdir", findings);
    let poll_interval: Spanned<Duration> =
        table.or("poll_interval", Spanned { value: JOBDIR_INTERVAL, at: table.at() }, findings);
    if poll_interval.value.is_zero() {
        findings.complain(poll_interval.at, "nobody can look all the time", "write `1s` or more");
    }
    Some(TryJobdir { jobdir: jobdir?, poll_interval: poll_interval.value })
}
