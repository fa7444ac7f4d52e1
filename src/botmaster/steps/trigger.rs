//! `trigger`: builds by other schedulers, waited for or not (`SH-30`, `SH-31`, `N-SC-10`, `N-SC-12`).

use super::{End, Next, Site};
use crate::botmaster::limits::{OUTAGE_PAUSE, TRIGGERS_PER_STEP};
use crate::botmaster::render::Scene;
use crate::config::{self, GivenStamp, Template, TriggerSource, Triggered};
use crate::db::buildsets::{Added, Completed};
use crate::model::{BuildsetId, ChangeId, Patch, Properties, Results, SourceStamp};
use crate::schedulers::{self, TriggerError};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Who set a property, as its page says.
const SOURCE: &str = "Trigger";

/// Triggered builds.
#[derive(Debug)]
pub struct Trigger {
    description: String,
    wanted: Vec<schedulers::Trigger>,
    waits: bool,
    unimportant: BTreeSet<String>,
    /// What is waited for, and by which scheduler it is.
    open: BTreeMap<BuildsetId, String>,
    /// What did not go well.
    bad: Vec<String>,
    results: Results,
}

impl Trigger {
    /// Begins.
    pub(super) fn begin(config: &config::Trigger, site: &Site<'_>) -> Result<(Trigger, Next), String> {
        let scene = site.scene;
        let common = common_properties(config, scene)?;
        let (source_stamps, changes) = sources(&config.source, site)?;
        let mut wanted = Vec::new();
        for triggered in &config.schedulers {
            let combinations = combinations(triggered, scene)?;
            let own = filled(&triggered.set_properties, scene)?;
            for scheduler in names(&triggered.scheduler, scene)? {
                for combination in &combinations {
                    let mut properties = common.clone();
                    properties.update(&own);
                    properties.update(combination);
                    wanted.push(schedulers::Trigger {
                        scheduler: scheduler.clone(),
                        source_stamps: source_stamps.clone(),
                        changes: changes.clone(),
                        properties,
                        ..schedulers::Trigger::default()
                    });
                    if wanted.len() > TRIGGERS_PER_STEP {
                        return Err(format!("a step triggers {TRIGGERS_PER_STEP} times at most"));
                    }
                }
            }
        }
        let unimportant = config.unimportant_schedulers.iter().map(|name| names(name, scene));
        let unimportant = unimportant.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect();
        let distinct: BTreeSet<&str> = wanted.iter().map(|wanted| wanted.scheduler.as_str()).collect();
        let description = format!("trigger {}", distinct.into_iter().collect::<Vec<_>>().join(", "));
        let trigger = Trigger {
            description,
            wanted,
            waits: config.wait_for_finish,
            unimportant,
            open: BTreeMap::new(),
            bad: Vec::new(),
            results: Results::Success,
        };
        let next = trigger.ask();
        Ok((trigger, next))
    }

    /// Asks, or asks again after an outage.
    pub(super) fn ask(&self) -> Next {
        if self.wanted.is_empty() {
            let detail = Some("nothing to trigger".to_owned());
            return Next::Done(End { detail, ..End::plain(Results::Success) });
        }
        Next::Trigger(self.wanted.clone(), self.waits)
    }

    /// They were asked for.
    pub(super) fn triggered(&mut self, result: Result<Vec<Added>, TriggerError>) -> Next {
        match result {
            Ok(_) if !self.waits => Next::Done(End::plain(Results::Success)),
            Ok(added) => {
                let names = self.wanted.iter().map(|wanted| wanted.scheduler.clone());
                self.open = added.iter().map(|added| added.id).zip(names).collect();
                Next::Await(added)
            }
            Err(TriggerError::Outage(_)) => Next::Postpone(OUTAGE_PAUSE),
            Err(error @ TriggerError::NoSuchScheduler(_)) => {
                let complaint = Some(format!("{error}\n"));
                Next::Done(End { complaint, ..End::plain(Results::Failure) })
            }
        }
    }

    /// One of those that are waited for is done. `None`: more are not.
    pub(super) fn completed(&mut self, done: Completed) -> Option<End> {
        let scheduler = self.open.remove(&done.id)?;
        if !done.results.is_good() {
            self.bad.push(format!("{scheduler}: {}", done.results.as_str()));
        }
        if !self.unimportant.contains(&scheduler) {
            self.results = self.results.worst(done.results);
        }
        let detail = (!self.bad.is_empty()).then(|| self.bad.join(", "));
        self.open.is_empty().then(|| End { detail, ..End::plain(self.results) })
    }

    /// How far it is, for people.
    pub(super) fn progress(&self) -> String {
        let all = self.wanted.len();
        format!("{}, {} of {all} done", self.description, all - self.open.len())
    }

    pub(super) fn description(&self) -> &str {
        &self.description
    }
}

/// The names that a template comes to: one, none, or those in a list.
fn names(template: &Template, scene: &Scene<'_>) -> Result<Vec<String>, String> {
    let names = match scene.whole(template)? {
        Value::Array(items) => items.iter().map(Properties::render).collect(),
        value => vec![Properties::render(&value)],
    };
    Ok(names.into_iter().filter(|name| !name.is_empty()).collect())
}

/// Those that all get: copied ones, and over them those that are set.
fn common_properties(config: &config::Trigger, scene: &Scene<'_>) -> Result<Properties, String> {
    let mut common = Properties::default();
    for name in &config.copy_properties {
        if let Some(property) = scene.properties.get(name) {
            let source = format!("{} (in triggering build)", property.source);
            common.set(name, property.value.clone(), source);
        }
    }
    common.update(&filled(&config.set_properties, scene)?);
    Ok(common)
}

fn filled(values: &BTreeMap<String, Value>, scene: &Scene<'_>) -> Result<Properties, String> {
    let mut properties = Properties::default();
    for (name, value) in values {
        properties.set(scene.text(&Template::new(name)?)?, scene.json(value)?, SOURCE);
    }
    Ok(properties)
}

/// Every combination of the values of a matrix; without one, the one that sets nothing.
fn combinations(triggered: &Triggered, scene: &Scene<'_>) -> Result<Vec<Properties>, String> {
    let mut all = vec![Properties::default()];
    for (name, values) in &triggered.matrix {
        let Value::Array(values) = scene.json(values)? else {
            return Err(format!("the values of {name:?} in the matrix are no list"));
        };
        if all.len().saturating_mul(values.len()) > TRIGGERS_PER_STEP {
            return Err(format!("a step triggers {TRIGGERS_PER_STEP} times at most"));
        }
        let with = |before: &Properties, value: &Value| {
            let mut properties = before.clone();
            properties.set(name, value.clone(), SOURCE);
            properties
        };
        all = all.iter().flat_map(|before| values.iter().map(|value| with(before, value))).collect();
    }
    Ok(all)
}

/// What is to be built, and the changes that are in it.
fn sources(source: &TriggerSource, site: &Site<'_>) -> Result<(Vec<SourceStamp>, Vec<ChangeId>), String> {
    let Site { scene, changes, .. } = site;
    Ok(match source {
        TriggerSource::Updated => {
            let pinned = scene.stamps.iter().cloned().map(|stamp| stamp.at_revision_of(scene.properties));
            (pinned.collect(), changes.to_vec())
        }
        TriggerSource::Same => (scene.stamps.to_vec(), changes.to_vec()),
        TriggerSource::Latest => Default::default(),
        TriggerSource::Given(stamps) => {
            let stamps = stamps.iter().map(|stamp| given(stamp, scene));
            (stamps.collect::<Result<_, _>>()?, Vec::new())
        }
    })
}

fn given(stamp: &GivenStamp, scene: &Scene<'_>) -> Result<SourceStamp, String> {
    let some = |template| scene.text(template).map(|text| Some(text).filter(|text| !text.is_empty()));
    let patch = |patch: &config::GivenPatch| {
        Ok(Patch {
            level: patch.level,
            body: scene.text(&patch.body)?,
            subdir: scene.text(&patch.subdir)?,
            author: scene.text(&patch.author)?,
            comment: scene.text(&patch.comment)?,
        })
    };
    Ok(SourceStamp {
        codebase: scene.text(&stamp.codebase)?,
        project: scene.text(&stamp.project)?,
        repository: scene.text(&stamp.repository)?,
        branch: some(&stamp.branch)?,
        revision: some(&stamp.revision)?,
        patch: stamp.patch.as_ref().map(patch).transpose().map_err(|why: String| why)?,
    })
}
