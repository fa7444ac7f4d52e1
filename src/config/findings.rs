//! What was found wrong while a configuration was read, all of it.

use super::read::Spanned;
use super::yaml::{Place, Sources};
use super::{Complaint, LockUse};
use std::collections::BTreeSet;

/// How many complaints are told with their places: each place costs a reading of its file, and who has more
/// than these has made one mistake in many cells.
const LIMIT: usize = 100;

/// Complaints and warnings, each with the place that it is about. One that is found again, say in each cell
/// of a matrix, counts once.
#[derive(Default)]
pub(super) struct Findings {
    complaints: BTreeSet<Finding>,
    warnings: BTreeSet<Finding>,
    /// The uses of locks, whose names are looked up when all is read.
    pub(super) uses_of_locks: Vec<Spanned<LockUse>>,
    /// The schedulers that steps trigger, by name; looked up too.
    pub(super) triggered: Vec<Spanned<String>>,
}

/// Ordered by place, so that complaints come in the order of the file.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Finding {
    at: Place,
    message: String,
    hint: String,
}

impl Findings {
    /// Something is wrong.
    pub(super) fn complain(&mut self, at: Place, message: impl Into<String>, hint: impl Into<String>) {
        self.complaints.insert(Finding { at, message: message.into(), hint: hint.into() });
    }

    /// Something could be better.
    pub(super) fn warn(&mut self, at: Place, message: impl Into<String>, hint: impl Into<String>) {
        self.warnings.insert(Finding { at, message: message.into(), hint: hint.into() });
    }

    /// Complaints, and warnings, in the order of the files; the last says how many more there are.
    pub(super) fn located(&self, sources: &Sources) -> (Vec<Complaint>, Vec<Complaint>) {
        let located = |findings: &BTreeSet<Finding>| {
            let first = findings.iter().take(LIMIT);
            let first = first.map(|finding| sources.complain(finding.at, &finding.message, &finding.hint));
            let rest = findings.iter().nth(LIMIT).map(|finding| {
                let message = format!("from here on there are {} more like these", findings.len() - LIMIT);
                sources.complain(finding.at, &message, "look at those before it first")
            });
            first.chain(rest).collect()
        };
        (located(&self.complaints), located(&self.warnings))
    }
}

/// A hint with the known name that is nearest to a wrong one, or all of them if none is near.
pub(super) fn nearest(wrong: &str, known: &[&str]) -> String {
    let distance = |name: &str| strsim::damerau_levenshtein(&wrong.to_lowercase(), name);
    let best = known.iter().copied().min_by_key(|name| distance(name));
    match best {
        Some(best) if distance(best) <= 1 + wrong.len() / 4 => format!("did you mean `{best}`?"),
        Some(_) => {
            let mut known = known.to_vec();
            known.sort_unstable();
            format!("known: {}", known.join(", "))
        }
        None => String::new(),
    }
}
