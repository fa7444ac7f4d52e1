//! Newtypes for every id, so that a build's id cannot stand where a request's is meant.

use serde::{Deserialize, Serialize};

macro_rules! id {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub i64);

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = std::num::ParseIntError;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map($name)
            }
        }
    )+};
}

id! {
    /// A change: one commit, or one push, as a change source told it.
    ChangeId,
    /// A set of build requests that one scheduler made at one moment.
    BuildsetId,
    /// The wish to have one builder build one buildset's source stamps.
    RequestId,
    /// One build, across all builders (a build also has a number within its builder).
    BuildId,
    /// One step of one build.
    StepId,
    /// One log of one step.
    LogId,
    /// One master process's row: which master holds a claim.
    MasterId,
    /// A person.
    UserId,
}
