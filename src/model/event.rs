//! News for whoever watches: sent after the rows that it tells of are committed, never waited for, lossy.

use super::{BuildId, BuildsetId, ChangeId, LogId, RequestId, Results, StepId};
use serde::Serialize;

/// Something that happened, with what is needed to tell who wants to hear of it. The rest is in the rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[allow(missing_docs, reason = "the fields are ids and names whose types say what they are")]
pub enum Event {
    /// A change arrived.
    ChangeAdded { change: ChangeId },
    /// A scheduler made a buildset.
    BuildsetAdded { buildset: BuildsetId },
    /// The last request of a buildset is complete.
    BuildsetComplete { buildset: BuildsetId, results: Results },
    /// A request waits for a worker.
    RequestAdded { request: RequestId, builder: String },
    /// A request is complete, built or not.
    RequestComplete { request: RequestId, builder: String, results: Results },
    /// A build began.
    BuildStarted { build: BuildId, builder: String, number: i64, worker: String },
    /// A build ended.
    BuildFinished { build: BuildId, builder: String, number: i64, results: Results },
    /// A step began.
    StepStarted { build: BuildId, step: StepId },
    /// What a step says it is doing has changed.
    StepUpdated { build: BuildId, step: StepId },
    /// A step ended.
    StepFinished { build: BuildId, step: StepId, results: Results },
    /// A log was opened.
    LogAdded { build: BuildId, step: StepId, log: LogId },
    /// Lines were added to a log; now it has this many.
    LogAppended { build: BuildId, log: LogId, line_count: i64 },
    /// A log will get no more lines.
    LogFinished { build: BuildId, log: LogId },
    /// A worker is connected.
    WorkerConnected { worker: String },
    /// A worker's connection ended.
    WorkerLost { worker: String },
    /// A worker has been away for longer than it may; told once for each loss (`N-WK-07`).
    WorkerMissing { worker: String },
    /// A worker was paused or not any more, is to leave, or went into quarantine or out of it.
    WorkerUpdated { worker: String },
    /// A scheduler was enabled or disabled.
    SchedulerUpdated { scheduler: String },
    /// The configuration changed: builders, workers or schedulers came or went.
    Reconfigured,
}
