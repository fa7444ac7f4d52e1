//! The words of the domain: ids, results, properties, source stamps, changes, and the records that are
//! stored about requests, builds, steps and logs. No I/O, no clock.

mod change;
mod event;
mod ids;
mod loglines;
mod properties;
mod records;
mod results;
mod time;
mod user;

pub use change::{Change, NewChange, Patch, SourceStamp};
pub use event::Event;
pub use ids::{BuildId, BuildsetId, ChangeId, LogId, MasterId, RequestId, StepId, UserId};
pub use loglines::{Channel, LINE_BYTES, Lines, LogLines};
pub use properties::{Properties, Property};
pub use records::{
    Build, BuildRequest, Buildset, Link, LogInfo, LogKind, NewBuildset, Parent, Step, Verdict, WorkerInfo,
};
pub use results::Results;
pub use time::{Mono, Wall};
pub use user::{User, VC_KINDS};
