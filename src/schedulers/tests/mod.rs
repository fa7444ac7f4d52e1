//! The cores by tables of texts, and the service in the simulator on a real database.

mod classifying;
mod enabling;
mod exactly_once;
mod following;
mod forcing;
mod house;
mod lanes;
mod serving;
mod sources;
mod timing;
mod triggering;
mod trying;

use crate::config::{
    ChangeDriven, ChangeFilter, Condition, FILE_IS_IMPORTANT, FieldFilter, Scheduler, SchedulerKind,
};
use crate::model::{Change, ChangeId, NewChange, Properties, Wall};
use std::time::Duration;

/// A scheduler of the builders `one` and `two`.
fn scheduler(name: &str, kind: SchedulerKind) -> Scheduler {
    let builders = vec!["one".to_owned(), "two".to_owned()];
    Scheduler {
        name: name.into(),
        builders,
        builder_rules: Vec::new(),
        codebases: None,
        properties: Properties::default(),
        reason: None,
        priority: 0,
        priority_by: None,
        kind,
    }
}

/// Changes of these branches, any if there are none, with a timer of so many seconds, none if it is 0.
fn following(branches: &[&str], timer_s: u64) -> ChangeDriven {
    let is = branches.iter().map(|branch| Some((*branch).to_owned())).collect();
    let branch = FieldFilter { is: (!branches.is_empty()).then_some(is), ..FieldFilter::default() };
    ChangeDriven {
        change_filter: ChangeFilter { branch, ..ChangeFilter::default() },
        tree_stable_timer: Some(Duration::from_secs(timer_s)).filter(|timer| !timer.is_zero()),
        file_is_important: None,
        only_important: false,
    }
}

/// The same, but only changes of files outside of `doc/` are important.
fn not_for_documents(settings: ChangeDriven) -> ChangeDriven {
    let condition = Condition::new("not path.startswith('doc/')", FILE_IS_IMPORTANT).unwrap();
    ChangeDriven { file_is_important: Some(condition), ..settings }
}

/// A change of one file on a branch; its revision is its id.
fn change(id: i64, branch: &str, file: &str) -> Change {
    let told = NewChange {
        branch: Some(branch.to_owned()),
        revision: Some(format!("r{id}")),
        files: vec![file.to_owned()],
        ..NewChange::default()
    };
    Change { id: ChangeId(id), when: Wall(0), told }
}
