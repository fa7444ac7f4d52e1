//! The seven results of a step, build or buildset, and how two of them fold into one (`traps.md` 1 to 3).

use serde::{Deserialize, Serialize};

/// How a step, a build or a buildset ended. The numbers are Buildbot's, on the wire and in the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Results {
    /// Everything went well.
    Success = 0,
    /// It went well, with warnings.
    Warnings = 1,
    /// What was built or tested is broken.
    Failure = 2,
    /// It was not run, for a reason that is not a fault.
    Skipped = 3,
    /// The machinery is broken, not what it builds.
    Exception = 4,
    /// The worker was lost: the request goes back into the queue.
    Retry = 5,
    /// Somebody stopped it.
    Cancelled = 6,
}

impl Results {
    /// All of them, in the order of their numbers.
    pub const ALL: [Results; 7] = [
        Results::Success,
        Results::Warnings,
        Results::Failure,
        Results::Skipped,
        Results::Exception,
        Results::Retry,
        Results::Cancelled,
    ];

    /// The result with this number, if there is one.
    pub fn from_number(number: i64) -> Option<Results> {
        Results::ALL.into_iter().find(|result| *result as i64 == number)
    }

    /// Buildbot's number for it.
    pub fn number(self) -> i64 {
        self as i64
    }

    /// The word that people read, in lower case.
    pub fn as_str(self) -> &'static str {
        match self {
            Results::Success => "success",
            Results::Warnings => "warnings",
            Results::Failure => "failure",
            Results::Skipped => "skipped",
            Results::Exception => "exception",
            Results::Retry => "retry",
            Results::Cancelled => "cancelled",
        }
    }

    /// How bad it is; the larger the worse. Today's order: what was skipped does not count beside a success;
    /// a cancelled one is the worst (`RS`, `N-BU-06`).
    fn badness(self) -> u8 {
        match self {
            Results::Skipped => 0,
            Results::Success => 1,
            Results::Warnings => 2,
            Results::Failure => 3,
            Results::Exception => 4,
            Results::Retry => 5,
            Results::Cancelled => 6,
        }
    }

    /// The worse of the two.
    #[must_use]
    pub fn worst(self, other: Results) -> Results {
        if other.badness() > self.badness() { other } else { self }
    }

    /// Whether a request with this result is fulfilled well enough for what depends on it to be built.
    pub fn is_good(self) -> bool {
        matches!(self, Results::Success | Results::Warnings)
    }
}

impl std::fmt::Display for Results {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::Results;

    #[test]
    fn the_worst_of_all_pairs_does_not_depend_on_their_order() {
        for a in Results::ALL {
            for b in Results::ALL {
                assert_eq!(a.worst(b), b.worst(a));
            }
        }
    }

    #[test]
    fn numbers_round_trip() {
        for result in Results::ALL {
            assert_eq!(Results::from_number(result.number()), Some(result));
        }
        assert_eq!(Results::from_number(7), None);
    }
}
