//! The real rooms below, behind the pages' actions.

use super::Web;
use super::actions::{Actions, Refused};
use crate::botmaster::{self, Snapshot, WorkerWish};
use crate::db::DbError;
use crate::kernel::Gone;
use crate::model::{BuildId, BuildsetId, RequestId};
use crate::schedulers::{self, EnableError, ForceError, ForceRequest, SchedulerStatus};

/// Schedulers and botmaster, as people act on them.
#[derive(Clone)]
pub struct Rooms {
    /// Asked to force.
    pub schedulers: schedulers::Handle<Web>,
    /// Asked to stop, cancel and build again, and how the workers are.
    pub botmaster: botmaster::Handle<Web>,
}

impl From<botmaster::Refused> for Refused {
    fn from(refused: botmaster::Refused) -> Refused {
        use botmaster::Refused as Below;
        let what = refused.to_string();
        match refused {
            Below::NoSuchBuild(_)
            | Below::NoSuchRequest(_)
            | Below::NoSuchBuilder(_)
            | Below::NoSuchWorker(_) => Refused::Unknown(what),
            Below::NotRunning(_)
            | Below::Complete(_)
            | Below::ClaimedElsewhere(_)
            | Below::NotConnected(_) => Refused::NotPossible(what),
            Below::Outage(DbError::Refused(_)) => Refused::NotPossible(what),
            Below::Outage(_) => Refused::Outage(what),
        }
    }
}

impl From<ForceError> for Refused {
    fn from(error: ForceError) -> Refused {
        match error {
            ForceError::Refused(refused) => Refused::Fields(refused.fields),
            ForceError::Outage(what) => Refused::Outage(what),
        }
    }
}

impl From<EnableError> for Refused {
    fn from(error: EnableError) -> Refused {
        match error {
            EnableError::NoSuchScheduler(_) => Refused::Unknown(error.to_string()),
            EnableError::Outage(what) => Refused::Outage(what),
        }
    }
}

impl From<Gone> for Refused {
    fn from(gone: Gone) -> Refused {
        Refused::Outage(gone.to_string())
    }
}

impl Actions for Rooms {
    fn force(&self, request: ForceRequest) -> Result<BuildsetId, Refused> {
        Ok(self.schedulers.force(request)?.id)
    }

    fn stop(&self, build: BuildId, owner: &str, reason: &str) -> Result<(), Refused> {
        Ok(self.botmaster.stop_build(build, reason, owner)??)
    }

    fn rebuild(&self, build: BuildId, owner: &str) -> Result<BuildsetId, Refused> {
        Ok(self.botmaster.rebuild(build, owner)??)
    }

    fn cancel(&self, request: RequestId, owner: &str, reason: &str) -> Result<(), Refused> {
        Ok(self.botmaster.cancel_request(request, reason, owner)??)
    }

    fn steer_worker(&self, worker: &str, wish: WorkerWish) -> Result<(), Refused> {
        Ok(self.botmaster.steer_worker(worker, wish)??)
    }

    fn enable_scheduler(&self, scheduler: &str, enabled: bool) -> Result<(), Refused> {
        Ok(self.schedulers.enable(scheduler, enabled)?)
    }

    fn snapshot(&self) -> Result<Snapshot, Refused> {
        Ok(self.botmaster.snapshot()?)
    }

    fn schedulers(&self) -> Result<Vec<SchedulerStatus>, Refused> {
        Ok(self.schedulers.snapshot()?)
    }
}
