//! The real rooms below, behind the pages' actions.

use super::Web;
use super::actions::{Actions, Ask, Forced, Refused};
use crate::botmaster;
use crate::db;
use crate::kernel::Gone;
use crate::model::{BuildId, RequestId};
use crate::schedulers::{self, ForceError, ForceRequest};
use std::collections::BTreeMap;

/// Schedulers and botmaster, as people act on them.
pub struct Rooms {
    /// Asked to force.
    pub schedulers: schedulers::Handle<Web>,
    /// Asked to stop, cancel and build again.
    pub botmaster: botmaster::Handle<Web>,
    /// Asked what a rebuild made.
    pub db: db::Handle<Web>,
}

impl From<Gone> for Refused {
    fn from(gone: Gone) -> Refused {
        Refused::Outage(gone.to_string())
    }
}

impl From<db::DbError> for Refused {
    fn from(error: db::DbError) -> Refused {
        Refused::Outage(error.to_string())
    }
}

impl From<botmaster::Refused> for Refused {
    fn from(refused: botmaster::Refused) -> Refused {
        use botmaster::Refused as No;
        let why = refused.to_string();
        match refused {
            No::NoSuchBuild(_) | No::NoSuchRequest(_) | No::NoSuchWorker(_) => Refused::Unknown(why),
            No::NotRunning(_)
            | No::Complete(_)
            | No::NoSuchBuilder(_)
            | No::NotConnected(_)
            | No::Draining => Refused::NotPossible(why),
            No::Outage(_) => Refused::Outage(why),
        }
    }
}

impl Actions for Rooms {
    fn force(&self, scheduler: &str, ask: Ask) -> Result<Forced, Refused> {
        let Ask { owner, builders, fields } = ask;
        let request = ForceRequest { scheduler: scheduler.to_owned(), builders, owner, fields };
        let added = self.schedulers.force(request).map_err(|error| match error {
            ForceError::Refused(refused) => Refused::Fields(refused.fields),
            ForceError::Outage(why) => Refused::Outage(why),
        })?;
        Ok(Forced { buildset: added.id, requests: added.requests })
    }

    fn stop(&self, build: BuildId, owner: &str, reason: &str) -> Result<(), Refused> {
        Ok(self.botmaster.stop_build(build, reason, owner)??)
    }

    fn rebuild(&self, build: BuildId, owner: &str) -> Result<Forced, Refused> {
        let buildset = self.botmaster.rebuild(build, owner)??;
        let requests = self.db.requests().of_buildset(buildset)?;
        Ok(Forced {
            buildset,
            requests: requests.into_iter().map(|request| (request.builder, request.id)).collect(),
        })
    }

    fn cancel(&self, request: RequestId, owner: &str, reason: &str) -> Result<(), Refused> {
        Ok(self.botmaster.cancel_request(request, reason, owner)??)
    }

    fn why_waiting(&self, requests: &[RequestId]) -> BTreeMap<RequestId, String> {
        // Without an answer the page shows the requests all the same.
        let Ok(snapshot) = self.botmaster.snapshot() else { return BTreeMap::new() };
        let read = |id: &RequestId| self.db.requests().get(*id).ok().flatten();
        requests.iter().filter_map(|id| Some((*id, snapshot.why_waiting(&read(id)?.builder)))).collect()
    }
}
