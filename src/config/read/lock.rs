//! `locks`, and the uses of them.

use super::{Read, Spanned, Table, one_of};
use crate::config::findings::Findings;
use crate::config::yaml::{Node, Value};
use crate::config::{Lock, LockMode, LockScope, LockUse};
use std::collections::BTreeMap;

impl Read for Spanned<Lock> {
    fn read(node: &Node, findings: &mut Findings) -> Option<Self> {
        let mut table = Table::open(node, findings)?;
        let name: Option<Spanned<String>> = table.required("name", findings);
        let scopes = [("master", LockScope::Master), ("worker", LockScope::Worker)];
        let scope = match table.node("scope", findings) {
            Some(node) => one_of(node, &scopes, findings)?,
            None => LockScope::Master,
        };
        let max_count: Spanned<u32> = table.or("max_count", Spanned { value: 1, at: node.at }, findings);
        let own = table.node("max_count_for_worker", findings);
        if let (LockScope::Master, Some(own)) = (scope, own) {
            findings.complain(
                own.at,
                "a lock of the master has no counts for workers",
                "write `scope: worker`",
            );
        }
        let by_worker: BTreeMap<String, Spanned<u32>> =
            own.and_then(|node| BTreeMap::read(node, findings)).unwrap_or_default();
        for count in by_worker.values().chain([&max_count]).filter(|count| count.value == 0) {
            findings.complain(count.at, "a lock without units can never be had", "give it one at least");
        }
        table.finish(findings);
        let Spanned { value: name, at } = name?;
        let max_count_for_worker =
            by_worker.into_iter().map(|(worker, count)| (worker, count.value)).collect();
        let lock = Lock { name, scope, max_count: max_count.value, max_count_for_worker };
        Some(Spanned { value: lock, at })
    }
}

impl Read for LockUse {
    /// A name alone is an exclusive use. That there is such a lock is checked once all is read.
    fn read(node: &Node, findings: &mut Findings) -> Option<Self> {
        let taken = match node.value {
            Value::Map(_) => {
                let mut table = Table::open(node, findings)?;
                let lock = table.required("lock", findings);
                let modes = [("counting", true), ("exclusive", false)];
                let mode = table.node("mode", findings);
                let counting = mode.is_some_and(|node| one_of(node, &modes, findings).unwrap_or(false));
                let count: Option<Spanned<u32>> = table.optional("count", findings);
                if let (false, Some(count)) = (counting, &count) {
                    findings.complain(
                        count.at,
                        "only a counting use takes a number of units",
                        "add `mode: counting`",
                    );
                }
                table.finish(findings);
                let count = count.map_or(1, |count| count.value);
                let mode = if counting { LockMode::Counting { count } } else { LockMode::Exclusive };
                LockUse { lock: lock?, mode }
            }
            _ => LockUse { lock: String::read(node, findings)?, mode: LockMode::Exclusive },
        };
        findings.uses_of_locks.push(Spanned { value: taken.clone(), at: node.at });
        Some(taken)
    }
}
