//! Locks, and all that use them.

use crate::config::findings::{Findings, nearest};
use crate::config::read::Spanned;
use crate::config::read::builder::ReadBuilder;
use crate::config::read::top::ReadConfig;
use crate::config::{LockMode, LockUse};

/// A use of a lock names one, and does not want more of it than there is, which it would wait for for ever
/// (`N-LK-04`). A step does not take what its build holds (`N-BU-14`).
pub(super) fn check_locks(read: &ReadConfig, findings: &mut Findings) {
    let names: Vec<&str> = read.locks.iter().map(|lock| lock.value.name.as_str()).collect();
    for Spanned { value: LockUse { lock: name, mode }, at } in std::mem::take(&mut findings.uses_of_locks) {
        match read.locks.iter().find(|lock| lock.value.name == name) {
            None => findings.complain(at, format!("there is no lock {name:?}"), nearest(&name, &names)),
            Some(Spanned { value: lock, .. }) => {
                let least = lock.max_count_for_worker.values().copied().fold(lock.max_count, u32::min);
                if let LockMode::Counting { count } = mode
                    && count > least
                {
                    let message = format!("it takes {count} units of {name:?}, which has {least} only");
                    findings.complain(at, message, "it would wait for ever");
                }
            }
        }
    }
    for Spanned { value: lock, at } in &read.locks {
        let unknown = |name: &&String| !read.workers.iter().any(|worker| worker.value.name == **name);
        for name in lock.max_count_for_worker.keys().filter(unknown) {
            findings.complain(*at, format!("it counts for the worker {name:?}, which is not there"), "");
        }
    }
    for ReadBuilder { builder: Spanned { value: builder, at }, .. } in &read.builders {
        for step in &builder.steps {
            let held = |taken: &&LockUse| builder.locks.iter().any(|held| held.lock == taken.lock);
            if let Some(twice) = step.locks.iter().find(held) {
                let message = format!(
                    "its step {:?} takes the lock {:?}, which its builds hold",
                    step.name.as_str(),
                    twice.lock
                );
                findings.complain(*at, message, "take it in one place");
            }
        }
    }
}
