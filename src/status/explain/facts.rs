//! What the rows tell of a subject.

use super::Subject;
use crate::db::{Connection, DbError, builds, buildsets, changes, masters, requests, schedulers, workers};
use crate::model::{
    Build, BuildRequest, Buildset, BuildsetId, Change, ChangeId, RequestId, Verdict, WorkerInfo,
};

/// How many requests of one builder are looked at one by one.
const REQUESTS_TOLD: u32 = 20;

/// What the rows tell.
#[derive(Clone, Debug)]
pub enum Facts {
    /// Of a change.
    Change(ChangeFacts),
    /// Of a request, or of a build's.
    Request(Box<RequestFacts>),
    /// Of a builder.
    Builder(BuilderFacts),
    /// Of a worker.
    Worker(WorkerFacts),
}

/// What the rows tell of a change.
#[derive(Clone, Debug)]
pub struct ChangeFacts {
    pub(super) change: Change,
    pub(super) verdicts: Vec<Verdict>,
    /// The schedulers that it waits in, each with whether it is important there.
    pub(super) pending: Vec<(String, bool)>,
    /// The schedulers that wait for the end of a buildset with it, each with the buildset.
    pub(super) awaiting: Vec<(String, BuildsetId)>,
    /// The buildsets that it is in, with their requests.
    pub(super) buildsets: Vec<(Buildset, Vec<RequestFacts>)>,
}

/// What the rows tell of a request.
#[derive(Clone, Debug)]
pub struct RequestFacts {
    pub(super) request: BuildRequest,
    pub(super) buildset: Option<Buildset>,
    pub(super) builds: Vec<Build>,
    /// The request that took its place, if one did.
    pub(super) collapsed_into: Option<Box<RequestFacts>>,
    /// The master that has claimed it, and whether that one lives.
    pub(super) claimed_by: Option<(String, bool)>,
    /// How many of its builder go before it.
    pub(super) ahead: usize,
    pub(super) workers: Vec<WorkerInfo>,
}

/// What the rows tell of a builder.
#[derive(Clone, Debug)]
pub struct BuilderFacts {
    pub(super) name: String,
    /// The requests that wait, in their order: the first ones.
    pub(super) waiting: Vec<BuildRequest>,
    /// How many wait.
    pub(super) waiting_count: usize,
    pub(super) running: Vec<Build>,
    pub(super) last: Option<Build>,
    pub(super) workers: Vec<WorkerInfo>,
}

/// What the rows tell of a worker.
#[derive(Clone, Debug)]
pub struct WorkerFacts {
    pub(super) name: String,
    pub(super) stored: Option<WorkerInfo>,
    pub(super) running: Vec<Build>,
}

/// Reads what the rows tell of a subject; `None` if they know no such change, request or build.
///
/// # Errors
/// See [`DbError`].
pub fn read(connection: &mut Connection, subject: &Subject) -> Result<Option<Facts>, DbError> {
    match subject {
        Subject::Change(id) => Ok(of_change(connection, *id)?.map(Facts::Change)),
        Subject::Request(id) => of_request(connection, *id),
        Subject::Build { builder, number } => match builds::by_number(connection, builder, *number)? {
            Some(build) => of_request(connection, build.request),
            None => Ok(None),
        },
        Subject::Builder(name) => Ok(Some(Facts::Builder(of_builder(connection, name)?))),
        Subject::Worker(name) => {
            let mut running = builds::running(connection)?;
            running.retain(|build| build.worker == *name);
            let stored = workers::get(connection, name)?;
            Ok(Some(Facts::Worker(WorkerFacts { name: name.clone(), stored, running })))
        }
    }
}

fn of_change(connection: &mut Connection, id: ChangeId) -> Result<Option<ChangeFacts>, DbError> {
    let Some(change) = changes::get(connection, id)? else { return Ok(None) };
    let mut sets = Vec::new();
    for buildset in buildsets::of_change(connection, id)? {
        let requests = requests::of_buildset(connection, buildset.id)?;
        let requests: Result<_, DbError> =
            requests.into_iter().map(|request| request_facts(connection, request)).collect();
        sets.push((buildset, requests?));
    }
    Ok(Some(ChangeFacts {
        change,
        verdicts: changes::verdicts(connection, id)?,
        pending: schedulers::holding(connection, id)?,
        awaiting: schedulers::awaiting(connection, id)?,
        buildsets: sets,
    }))
}

fn of_request(connection: &mut Connection, id: RequestId) -> Result<Option<Facts>, DbError> {
    let Some(request) = requests::get(connection, id)? else { return Ok(None) };
    Ok(Some(Facts::Request(Box::new(request_facts(connection, request)?))))
}

fn request_facts(connection: &mut Connection, request: BuildRequest) -> Result<RequestFacts, DbError> {
    let mut facts = one_request(connection, request)?;
    // Who took its place may have been replaced in turn: only the last one in the line matters.
    let mut next = facts.request.collapsed_into();
    let mut seen = facts.request.id;
    while let Some(id) = next.filter(|id| *id > seen) {
        let Some(newer) = requests::get(connection, id)? else { break };
        (seen, next) = (id, newer.collapsed_into());
        if next.is_none() {
            facts.collapsed_into = Some(Box::new(one_request(connection, newer)?));
        }
    }
    Ok(facts)
}

fn one_request(connection: &mut Connection, request: BuildRequest) -> Result<RequestFacts, DbError> {
    let waits = request.complete_at.is_none() && request.claimed_by.is_none();
    let claimed_by = match request.claimed_by {
        Some(id) => {
            let masters = masters::all(connection)?;
            masters.into_iter().find(|master| master.id == id).map(|master| (master.name, master.active))
        }
        None => None,
    };
    Ok(RequestFacts {
        buildset: buildsets::get(connection, request.buildset)?,
        builds: builds::of_request(connection, request.id)?,
        collapsed_into: None,
        claimed_by,
        ahead: if waits { requests::ahead(connection, &request)? } else { 0 },
        workers: if waits { workers::all(connection)? } else { Vec::new() },
        request,
    })
}

fn of_builder(connection: &mut Connection, name: &str) -> Result<BuilderFacts, DbError> {
    let mut running = builds::running(connection)?;
    running.retain(|build| build.builder == name);
    let filter = builds::Filter { builder: Some(name.to_owned()), ..builds::Filter::default() };
    let waiting_count = requests::waiting(connection)?.get(name).copied().unwrap_or(0);
    Ok(BuilderFacts {
        name: name.to_owned(),
        waiting: requests::unclaimed(connection, Some(name), REQUESTS_TOLD)?,
        waiting_count: usize::try_from(waiting_count).unwrap_or(0),
        running,
        last: builds::recent(connection, &filter, 1)?.pop(),
        workers: workers::all(connection)?,
    })
}
