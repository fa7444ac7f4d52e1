//! `periodic` and `nightly` schedulers.

use super::scheduler::change_driven;
use super::{OneOrMany, Read, Spanned, Table};
use crate::config::findings::Findings;
use crate::config::yaml::{Node, Value};
use crate::config::{Calendar, FieldFilter, Timed, Times};
use std::time::Duration;

/// The keys that say when, one for each field of `cron`; what each is if only others are given.
const FIELDS: [(&str, &str); 5] =
    [("minute", "0"), ("hour", "*"), ("day_of_month", "*"), ("month", "*"), ("day_of_week", "*")];

/// The same of the times at which a scheduler asks in any case.
const FORCE_FIELDS: [(&str, &str); 5] = [
    ("force_at_minute", "0"),
    ("force_at_hour", "*"),
    ("force_at_day_of_month", "*"),
    ("force_at_month", "*"),
    ("force_at_day_of_week", "*"),
];

/// The names of days by Buildbot's numbers, which begin on Monday; those of `cron` do on Sunday.
const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// `every`: how long after the last time.
pub(super) fn periodic(table: &mut Table, findings: &mut Findings) -> Option<Timed> {
    let every: Option<Spanned<Duration>> = table.required("every", findings);
    if let Some(every) = every.as_ref().filter(|every| every.value < Duration::from_secs(1)) {
        findings.complain(every.at, "nobody can build all the time", "write `1h` or so");
    }
    timed(table, every.map(|every| Times::Every(every.value)), findings)
}

/// `at`, in the syntax of `cron`, or the fields one by one; `force_at` in the same two ways (`N-SC-08`).
pub(super) fn nightly(table: &mut Table, findings: &mut Findings) -> Option<Timed> {
    let at = calendar(table, "at", FIELDS, findings);
    if at.is_none() {
        table.missing("at", findings);
    }
    let force_at = calendar(table, "force_at", FORCE_FIELDS, findings);
    let timezone = super::top::timezone(table, findings);
    let at = at?;
    if let (Some(Ok(force)), Ok(at)) = (&force_at, &at)
        && !force.is_part_of(at)
    {
        findings.complain(table.at(), "`force_at` has times that `at` has not", "name them in both");
    }
    let times = |calendar| Times::At { calendar, timezone: timezone.clone() };
    let force_at = force_at.and_then(Result::ok).map(times);
    let read = timed(table, at.ok().map(times), findings);
    if let (Some(_), Some(false)) = (&force_at, read.as_ref().map(|read| read.only_if_changed)) {
        findings.complain(table.at(), "`force_at` says nothing without `only_if_changed`", "");
    }
    read.map(|read| Timed { force_at, ..read })
}

/// Times of the calendar under this key, or by fields; `None` if neither is there, an error after a complaint.
fn calendar(
    table: &mut Table,
    key: &'static str,
    keys: [(&'static str, &str); 5],
    findings: &mut Findings,
) -> Option<Result<Calendar, ()>> {
    let place = table.at();
    let at: Option<Spanned<String>> = table.optional(key, findings);
    let mut fields = Vec::new();
    let mut is_given = false;
    for ((key_of_field, default), (name, _)) in keys.into_iter().zip(FIELDS) {
        let node = table.node(key_of_field, findings);
        if let (Some(node), Some(_)) = (node, &at) {
            findings.complain(node.at, format!("`{key}` is given too"), "keep one of the two");
        }
        is_given |= node.is_some();
        fields.push(node.map_or(Some(default.to_owned()), |node| field(node, name, findings)));
    }
    let source = match at {
        Some(at) => at,
        None if is_given => match fields.into_iter().collect::<Option<Vec<String>>>() {
            Some(fields) => Spanned { value: fields.join(" "), at: place },
            None => return Some(Err(())),
        },
        None => return None,
    };
    Some(Calendar::new(&source.value).map_err(|why| {
        let hint = "write minute, hour, day of month, month and day of week like `30 3 * * mon-fri`";
        findings.complain(source.at, format!("wrong time {:?}: {why}", source.value), hint);
    }))
}

/// A number, a list, or text as `cron` has it.
fn field(node: &Node, key: &str, findings: &mut Findings) -> Option<String> {
    let OneOrMany(nodes) = OneOrMany::<Item>::read(node, findings)?;
    let mut items = Vec::new();
    for Item(Spanned { value, at }) in nodes {
        let day = value.parse::<usize>().ok().filter(|_| key == "day_of_week");
        match day.map(|day| DAYS.get(day)) {
            None => items.push(value),
            Some(Some(day)) => items.push((*day).to_owned()),
            Some(None) => {
                findings.complain(at, format!("there is no day {value}"), "0 is Monday, 6 is Sunday");
                return None;
            }
        }
    }
    Some(items.join(","))
}

/// A number, or text without blanks.
struct Item(Spanned<String>);

impl Read for Item {
    fn read(node: &Node, findings: &mut Findings) -> Option<Self> {
        let value = match &node.value {
            Value::Int(number) => number.to_string(),
            _ => String::read(node, findings)?.split_whitespace().collect(),
        };
        Some(Item(Spanned { value, at: node.at }))
    }
}

/// What both have. `branch` is what is built, and whose changes count where no filter says more.
fn timed(table: &mut Table, times: Option<Times>, findings: &mut Findings) -> Option<Timed> {
    let branch: Option<String> = table.optional("branch", findings);
    let only_if_changed = table.or("only_if_changed", false, findings);
    let mut changes = change_driven(table, false, findings)?;
    if changes.tree_stable_timer.take().is_some() {
        findings.complain(table.at(), "`tree_stable_timer` is not for schedulers that go by the clock", "");
    }
    if let Some(branch) = branch.as_ref().filter(|_| changes.change_filter.branch == FieldFilter::default()) {
        changes.change_filter.branch.is = Some(vec![Some(branch.clone())]);
    }
    Some(Timed { times: times?, branch, only_if_changed, force_at: None, changes })
}
