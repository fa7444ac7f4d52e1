//! From what is to be built to the buildset: whom a scheduler asks for it, with which properties and priority, and
//! why (`SM-04`, `N-SC-03`, `N-SC-04`). Pure.

use super::force::latest;
use crate::config::{Codebase, Scheduler, Selector, Template};
use crate::model::{Change, ChangeId, NewBuildset, NewChange, Properties, SourceStamp};
use serde_json::Value;
use std::collections::BTreeMap;
use std::convert::Infallible;

/// What is to be built.
#[derive(Clone, Debug)]
pub struct Sources {
    /// One for each codebase.
    stamps: Vec<SourceStamp>,
    changes: Vec<ChangeId>,
    /// All changes as one: the newest, with the files of all.
    change: NewChange,
}

impl Sources {
    /// Some changes, the oldest first: one source stamp for each codebase, that of its last change (`traps.md` 13).
    pub fn of_changes<'a>(changes: impl IntoIterator<Item = &'a Change>) -> Sources {
        let changes: Vec<&Change> = changes.into_iter().collect();
        let each = changes.iter().map(|change| (change.told.codebase.as_str(), change.source_stamp()));
        let stamps: BTreeMap<&str, SourceStamp> = each.collect();
        Sources::new(stamps.into_values().collect(), changes)
    }

    /// These source stamps, with these changes, the oldest first.
    pub fn new<'a>(stamps: Vec<SourceStamp>, changes: impl IntoIterator<Item = &'a Change>) -> Sources {
        let (mut ids, mut files, mut newest) = (Vec::new(), Vec::new(), None);
        for change in changes {
            ids.push(change.id);
            files.extend(change.told.files.iter().cloned());
            newest = Some(&change.told);
        }
        let of_stamp = |stamp: &SourceStamp| NewChange {
            branch: stamp.branch.clone(),
            revision: stamp.revision.clone(),
            repository: stamp.repository.clone(),
            project: stamp.project.clone(),
            codebase: stamp.codebase.clone(),
            ..NewChange::default()
        };
        let change = newest.cloned().unwrap_or_else(|| stamps.first().map(of_stamp).unwrap_or_default());
        Sources { stamps, changes: ids, change: NewChange { files, ..change } }
    }

    /// The newest revision of those of these codebases that have no source stamp yet: of this branch, or of their own.
    pub fn add_latest(&mut self, codebases: &[Codebase], branch: Option<&str>) {
        if codebases.is_empty() && !self.stamps.is_empty() {
            return;
        }
        for stamp in latest(codebases, branch) {
            if self.stamps.iter().all(|known| known.codebase != stamp.codebase) {
                self.stamps.push(stamp);
            }
        }
        if self.changes.is_empty() {
            *self = Sources::new(std::mem::take(&mut self.stamps), []);
        }
    }

    /// The changes that are in it.
    pub fn changes(&self) -> &[ChangeId] {
        &self.changes
    }

    /// The buildset that a scheduler makes of it; `why` is the scheduler's own reason.
    ///
    /// # Errors
    /// No builder of the scheduler is for it: why there is no buildset.
    pub fn buildset(self, scheduler: &Scheduler, why: String) -> Result<NewBuildset, String> {
        let builders = scheduler.builders_for(&self.change);
        if builders.is_empty() {
            return Err("none of the scheduler's builders is for it".to_owned());
        }
        let mut reason = scheduler.reason.as_ref().map_or(why, |reason| self.filled(reason));
        let priority = scheduler.priority_for(&self.change).unwrap_or_else(|error| {
            reason += &format!(" (its priority cannot be told: {error})");
            scheduler.priority
        });
        Ok(NewBuildset {
            scheduler: scheduler.name.clone(),
            reason,
            external_id: String::new(),
            properties: self.properties(scheduler),
            source_stamps: self.stamps,
            changes: self.changes,
            builders,
            priority,
            parent_build: None,
        })
    }

    fn properties(&self, scheduler: &Scheduler) -> Properties {
        let mut properties = Properties::default();
        for (name, property) in scheduler.properties.iter() {
            let value = match &property.value {
                Value::String(text) => self.filled(text).into(),
                other => other.clone(),
            };
            properties.set(name, value, property.source.as_str());
        }
        properties.set("scheduler", scheduler.name.as_str(), "Scheduler");
        properties
    }

    /// A text with its `%(...)s` filled in; the check of the configuration has parsed it before.
    fn filled(&self, text: &str) -> String {
        let Ok(template) = Template::new(text) else { return text.to_owned() };
        let find = |selector: &Selector, _| {
            Ok::<_, Infallible>(match selector {
                Selector::Property(name) => self.change.properties.value(name).cloned(),
                Selector::Source { codebase, attribute } => {
                    let stamp = self.stamps.iter().find(|stamp| stamp.codebase == *codebase);
                    stamp.and_then(|stamp| attribute.of(stamp)).map(Value::from)
                }
                Selector::Secret(_) | Selector::Worker(_) => None,
            })
        };
        let Ok(filled) = template.fill(&find);
        filled
    }
}
