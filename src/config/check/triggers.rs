//! What steps trigger.

use crate::config::findings::{Findings, nearest};
use crate::config::read::Spanned;
use crate::config::read::top::ReadConfig;
use crate::config::{Scheduler, SchedulerKind};

/// Steps trigger schedulers that there are, and that can be triggered (`SH-31`).
pub(super) fn check_triggers(read: &ReadConfig, findings: &mut Findings) {
    let schedulers = read.schedulers.iter().filter_map(|read| read.scheduler.as_ref());
    let all: Vec<&Scheduler> = schedulers.map(|scheduler| &scheduler.value).collect();
    let can_be = |scheduler: &&&Scheduler| matches!(scheduler.kind, SchedulerKind::Triggerable);
    let names: Vec<&str> = all.iter().filter(can_be).map(|scheduler| scheduler.name.as_str()).collect();
    for Spanned { value: name, at } in std::mem::take(&mut findings.triggered) {
        if names.contains(&name.as_str()) {
            continue;
        }
        match all.iter().find(|scheduler| scheduler.name == name) {
            Some(other) => {
                let what = format!("the scheduler {name:?} is of type {}", other.kind.type_name());
                findings.complain(at, what, "only one of type `triggerable` can be triggered");
            }
            None if names.is_empty() => {
                let hint = "add one to `schedulers`";
                findings.complain(at, format!("there is no triggerable scheduler {name:?}"), hint);
            }
            None => {
                let hint = nearest(&name, &names);
                findings.complain(at, format!("there is no triggerable scheduler {name:?}"), hint);
            }
        }
    }
}
