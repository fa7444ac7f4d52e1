//! Rows for the tests to begin with.

use crate::engines::{at, commit};
use bellwether::db::requests::{self, Start, Started};
use bellwether::db::{Claimant, Connection, buildsets, masters};
use bellwether::model::{NewBuildset, RequestId, SourceStamp};

pub fn buildset(builders: &[&str]) -> NewBuildset {
    NewBuildset {
        scheduler: "main".into(),
        reason: "a test".into(),
        external_id: String::new(),
        source_stamps: vec![SourceStamp { branch: Some("main".into()), ..SourceStamp::default() }],
        changes: Vec::new(),
        properties: Default::default(),
        builders: builders.iter().map(|name| (*name).to_owned()).collect(),
        priority: 0,
        parent_build: None,
    }
}

/// A buildset with one request for each of the builders; the requests.
pub fn add_requests(connection: &mut Connection, builders: &[&str]) -> Vec<RequestId> {
    let added = commit(connection, |tx| buildsets::add(tx, &buildset(builders), at(0)));
    added.requests.into_iter().map(|(_, id)| id).collect()
}

pub fn master(connection: &mut Connection, name: &str) -> Claimant {
    commit(connection, |tx| masters::register(tx, name, at(0)))
}

pub fn start(request: RequestId) -> Start {
    Start { request, worker: "w1".into(), reason: "because".into() }
}

/// Claims the requests; the builds of those that were to be had.
pub fn claim(connection: &mut Connection, claimant: Claimant, requests: &[RequestId]) -> Vec<Started> {
    let starts: Vec<Start> = requests.iter().copied().map(start).collect();
    commit(connection, |tx| requests::claim_and_start(tx, claimant, &starts, at(1)))
}
