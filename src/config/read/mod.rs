//! From nodes to typed values: how one value is read, and how a mapping is. Whatever is wrong goes into the
//! findings and reading goes on, so that one run shows everything (`CFG-03`, `CFG-06`).

pub(super) mod builder;
pub(super) mod canceller;
pub(super) mod change_source;
mod client;
mod dispatch;
mod filter;
pub(super) mod force;
mod latent;
mod lock;
mod pb;
mod scalars;
mod reporter;
pub(super) mod scheduler;
mod secret;
mod shell;
pub(super) mod step;
mod timed;
pub(super) mod top;
pub(super) mod worker;

pub(super) use scalars::{Loose, Mode, OneOrMany, Size, Spanned, condition, one_of, properties};

use super::Findings;
use super::findings::nearest;
use super::yaml::{Entry, Node, Place};

/// A value that can stand in a configuration.
pub(super) trait Read: Sized {
    /// Reads it; `None` after a complaint.
    fn read(node: &Node, findings: &mut Findings) -> Option<Self>;
}

/// Spellings of Buildbot's that are no more than another case: old and new. Keys in camel case are understood
/// without standing here.
const OLD_SPELLINGS: &[(&str, &str)] = &[
    ("buildbot_url", "url"),
    ("blocksize", "block_size"),
    ("builddir", "build_dir"),
    ("builder_names", "builders"),
    ("category", "tags"),
    ("change_source", "change_sources"),
    ("logfiles", "log_files"),
    ("masterdest", "to"),
    ("mastersrc", "from"),
    ("eq", "is"),
    ("not_eq", "is_not"),
    ("re", "match"),
    ("not_re", "match_not"),
    ("keepstamp", "keep_stamp"),
    ("lazylogfiles", "lazy_log_files"),
    ("maxsize", "max_size"),
    ("merge_requests", "collapse_requests"),
    ("passwd", "password"),
    ("pollinterval", "poll_interval"),
    ("project_name", "title"),
    ("repourl", "repository"),
    ("scheduler_names", "schedulers"),
    ("slavedest", "to"),
    ("slavesrc", "from"),
    ("slavesrcs", "from"),
    ("slavebuilddir", "build_dir"),
    ("slavename", "workers"),
    ("slavenames", "workers"),
    ("slaves", "workers"),
    ("username", "user"),
    ("unimportant_scheduler_names", "unimportant_schedulers"),
    ("userpass", "users"),
    ("worker_names", "workers"),
    ("workername", "workers"),
    ("workernames", "workers"),
    ("workerdest", "to"),
    ("workersrc", "from"),
    ("workersrcs", "from"),
];

/// Keys of Buildbot's whose value looks different here, and where it went.
const MOVED: &[(&str, &str)] = &[
    ("build_horizon", "retention.builds"),
    ("change_horizon", "retention.changes"),
    ("db", "database"),
    ("db_url", "database.url"),
    ("debug_password", "debug.password"),
    ("factory", "steps"),
    ("log_horizon", "retention.logs"),
    ("log_max_size", "retention.log_size"),
    ("log_max_tail_size", "retention.log_tail_size"),
    ("protocols", "pb.listen"),
    ("secrets_providers", "secrets"),
    ("slave_portnum", "pb.listen"),
];

/// A mapping that is being read. Every key that is asked for is a known one; those that nobody asked for are
/// complained about at the end.
pub(super) struct Table<'a> {
    at: Place,
    entries: Vec<(&'a Entry, bool)>,
    known: Vec<&'static str>,
}

impl<'a> Table<'a> {
    /// Begins; `None` after a complaint if this is no mapping.
    pub(super) fn open(node: &'a Node, findings: &mut Findings) -> Option<Table<'a>> {
        if !matches!(node.value, super::yaml::Value::Map(_)) {
            findings.complain(node.at, format!("it must be a mapping, not {}", node.kind()), "");
            return None;
        }
        let entries = node.entries().iter().map(|entry| (entry, false)).collect();
        Some(Table { at: node.at, entries, known: Vec::new() })
    }

    /// Where the mapping begins.
    pub(super) fn at(&self) -> Place {
        self.at
    }

    /// The node of this key, under an old spelling too, then with a warning.
    pub(super) fn node(&mut self, key: &'static str, findings: &mut Findings) -> Option<&'a Node> {
        self.known.push(key);
        let exact = self.entries.iter().position(|(entry, _)| entry.key == key);
        let found = exact.or_else(|| {
            let old = self.entries.iter().position(|(entry, taken)| !taken && modern(&entry.key) == key)?;
            let (entry, _) = self.entries[old];
            findings.warn(
                entry.key_at,
                format!("`{}` is an old spelling", entry.key),
                format!("write `{key}`"),
            );
            Some(old)
        })?;
        self.entries[found].1 = true;
        Some(&self.entries[found].0.node)
    }

    /// The value of this key; `None` if it is not there, is null, or after a complaint.
    pub(super) fn optional<T: Read>(&mut self, key: &'static str, findings: &mut Findings) -> Option<T> {
        let node = self.node(key, findings)?;
        if matches!(node.value, super::yaml::Value::Null) {
            return None;
        }
        T::read(node, findings)
    }

    /// The value of this key; `None` after a complaint.
    pub(super) fn required<T: Read>(&mut self, key: &'static str, findings: &mut Findings) -> Option<T> {
        match self.node(key, findings) {
            Some(node) => T::read(node, findings),
            None => {
                self.missing(key, findings);
                None
            }
        }
    }

    /// Complains that this key is missing.
    pub(super) fn missing(&self, key: &str, findings: &mut Findings) {
        findings.complain(self.at, format!("`{key}` is missing"), "");
    }

    /// The value of this key; the default if it is not there, or after a complaint.
    pub(super) fn or<T: Read>(&mut self, key: &'static str, default: T, findings: &mut Findings) -> T {
        match self.node(key, findings) {
            Some(node) => T::read(node, findings).unwrap_or(default),
            None => default,
        }
    }

    /// The value of this key, where null says something else than its absence: `None` for null.
    pub(super) fn nullable_or<T: Read>(
        &mut self,
        key: &'static str,
        default: Option<T>,
        findings: &mut Findings,
    ) -> Option<T> {
        match self.node(key, findings) {
            Some(Node { value: super::yaml::Value::Null, .. }) => None,
            Some(node) => T::read(node, findings).or(default),
            None => default,
        }
    }

    /// Ends: complains about the keys that nobody asked for (`CFG-05`).
    pub(super) fn finish(self, findings: &mut Findings) {
        for (entry, _) in self.entries.iter().filter(|(_, taken)| !taken) {
            let modern = modern(&entry.key);
            if self.known.contains(&modern.as_str()) {
                findings.complain(
                    entry.key_at,
                    format!("`{}` says the same as `{modern}`, which is given too", entry.key),
                    "keep one of the two",
                );
            } else {
                let hint = match MOVED.iter().find(|(old, _)| *old == modern) {
                    Some((_, new)) => format!("write `{new}`"),
                    None => nearest(&modern, &self.known),
                };
                findings.complain(entry.key_at, format!("unknown key `{}`", entry.key), hint);
            }
        }
    }
}

/// Today's spelling of a key.
fn modern(key: &str) -> String {
    let mut snake = String::new();
    let mut in_word = false;
    for c in key.chars() {
        if c.is_ascii_uppercase() && in_word {
            snake.push('_');
        }
        in_word = c.is_ascii_lowercase() || c.is_ascii_digit();
        snake.push(c.to_ascii_lowercase());
    }
    OLD_SPELLINGS.iter().find(|(old, _)| *old == snake).map_or(snake, |(_, new)| (*new).to_owned())
}
