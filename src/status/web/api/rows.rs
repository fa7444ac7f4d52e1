//! Records as the API's JSON (`features/20-api-events.md` B): every field of Buildbot's is there; moments are seconds.

use super::names::Ids;
use crate::model::{
    Build, BuildRequest, Buildset, Change, LogInfo, Parent, Properties, SourceStamp, Step, Wall,
};
use serde_json::{Map, Value, json};

fn seconds(at: Option<Wall>) -> Option<i64> {
    at.map(Wall::seconds)
}

/// Properties as Buildbot tells them: each name with value and source.
pub(super) fn properties(properties: &Properties) -> Value {
    let pair = |(name, property): (&str, &crate::model::Property)| {
        (name.to_owned(), json!([property.value, property.source]))
    };
    Value::Object(properties.iter().map(pair).collect::<Map<_, _>>())
}

/// Those properties that are asked for; `*` asks for all.
pub(super) fn some_properties(all: &Properties, wanted: &[String]) -> Value {
    let is_wanted = |name: &str| wanted.iter().any(|wish| wish == "*" || wish == name);
    let some = all.iter().filter(|(name, _)| is_wanted(name));
    properties(&some.map(|(name, property)| (name.to_owned(), property.clone())).collect())
}

/// `eta` is Bellwether's own: how many seconds a build has left (`JS-06`), `null` if that cannot be told.
pub(super) fn build(build: &Build, eta: Option<f64>, builders: &Ids, workers: &Ids) -> Value {
    json!({
        "buildid": build.id,
        "number": build.number,
        "builderid": builders.id(&build.builder),
        "buildrequestid": build.request,
        "workerid": workers.id(&build.worker),
        "masterid": build.master,
        "started_at": build.started_at.seconds(),
        "complete": build.complete_at.is_some(),
        "complete_at": seconds(build.complete_at),
        "eta": eta,
        "locks_duration_s": build.locks_duration.as_secs(),
        "results": build.results.map(|results| results.number()),
        "state_string": build.state,
        "properties": {},
    })
}

pub(super) fn request(request: &BuildRequest, builders: &Ids) -> Value {
    json!({
        "buildrequestid": request.id,
        "buildsetid": request.buildset,
        "builderid": builders.id(&request.builder),
        "priority": request.priority,
        "claimed": request.claimed_by.is_some(),
        "claimed_at": seconds(request.claimed_at),
        "claimed_by_masterid": request.claimed_by,
        "complete": request.complete_at.is_some(),
        // Buildbot says -1 of a request without a result.
        "results": request.results.map_or(-1, |results| results.number()),
        "submitted_at": request.submitted_at.seconds(),
        "complete_at": seconds(request.complete_at),
        "waited_for": request.waited_for,
        "properties": {},
    })
}

pub(super) fn source_stamp(id: Option<i64>, stamp: &SourceStamp, created_at: Wall) -> Value {
    let patch = stamp.patch.as_ref().map(|patch| {
        json!({
            "patchid": null,
            "body": patch.body,
            "level": patch.level,
            "subdir": patch.subdir,
            "author": patch.author,
            "comment": patch.comment,
        })
    });
    json!({
        "ssid": id,
        "revision": stamp.revision,
        "branch": stamp.branch,
        "repository": stamp.repository,
        "project": stamp.project,
        "codebase": stamp.codebase,
        "patch": patch,
        "created_at": created_at.seconds(),
    })
}

pub(super) fn buildset(buildset: &Buildset, stamps: &[(i64, SourceStamp)]) -> Value {
    let stamp = |(id, stamp): &(i64, SourceStamp)| source_stamp(Some(*id), stamp, buildset.submitted_at);
    json!({
        "bsid": buildset.id,
        "external_idstring": Some(&buildset.external_id).filter(|id| !id.is_empty()),
        "reason": buildset.reason,
        "rebuilt_buildid": null,
        "submitted_at": buildset.submitted_at.seconds(),
        "complete": buildset.complete_at.is_some(),
        "complete_at": seconds(buildset.complete_at),
        "results": buildset.results.map(|results| results.number()),
        "sourcestamps": stamps.iter().map(stamp).collect::<Vec<_>>(),
        "parent_buildid": buildset.parent_build.map(|parent| parent.build),
        "parent_relationship": buildset.parent_build.map(|_| Parent::RELATIONSHIP),
    })
}

pub(super) fn change(change: &Change) -> Value {
    let told = &change.told;
    json!({
        "changeid": change.id,
        "parent_changeids": [],
        "author": told.author,
        "committer": told.committer.as_ref().unwrap_or(&told.author),
        "files": told.files,
        "comments": told.comments,
        "revision": told.revision,
        "when_timestamp": change.when.seconds(),
        "branch": told.branch,
        "category": told.category,
        "revlink": Some(&told.revlink).filter(|link| !link.is_empty()),
        "properties": properties(&told.properties),
        "repository": told.repository,
        "project": told.project,
        "codebase": told.codebase,
        "sourcestamp": source_stamp(None, &change.source_stamp(), change.when),
    })
}

pub(super) fn step(step: &Step) -> Value {
    json!({
        "stepid": step.id,
        "number": step.number,
        "name": step.name,
        "buildid": step.build,
        "started_at": seconds(step.started_at),
        "locks_acquired_at": seconds(step.locks_acquired_at),
        "complete": step.complete_at.is_some(),
        "complete_at": seconds(step.complete_at),
        "results": step.results.map(|results| results.number()),
        "state_string": step.state,
        "urls": step.links,
        "hidden": step.hidden,
    })
}

pub(super) fn log(log: &LogInfo) -> Value {
    json!({
        "logid": log.id,
        "name": log.name,
        "slug": log.slug,
        "stepid": log.step,
        "complete": log.complete,
        "num_lines": log.line_count,
        "type": log.kind.letter().to_string(),
    })
}
