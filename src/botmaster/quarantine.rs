//! The quarantine of a worker whose builds end as exceptions: it takes none for a while, each time for longer
//! (`N-WK-03`). Pure.

use super::limits::{QUARANTINE_FIRST, QUARANTINE_LONGEST};
use crate::model::{Mono, Results};
use std::time::Duration;

/// Whether a worker is held back, and for how long it is the next time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Quarantine {
    until: Option<Mono>,
    next: Duration,
}

impl Default for Quarantine {
    fn default() -> Self {
        Quarantine { until: None, next: QUARANTINE_FIRST }
    }
}

impl Quarantine {
    /// Until when it lasts.
    pub fn until(&self) -> Option<Mono> {
        self.until
    }

    /// A build ended on the worker. An exception begins a quarantine, whose end is returned; what ends in any other
    /// way but to be repeated makes the next one short again. One that lasts already is not prolonged.
    pub fn build_ended(&mut self, results: Results, now: Mono) -> Option<Mono> {
        match results {
            Results::Exception if self.until.is_none() => Some(self.begin(now)),
            Results::Exception | Results::Retry => None,
            _ => {
                self.next = QUARANTINE_FIRST;
                None
            }
        }
    }

    /// A latent worker could not be started: that begins one too, whose end is returned.
    pub fn start_failed(&mut self, now: Mono) -> Option<Mono> {
        self.until.is_none().then(|| self.begin(now))
    }

    fn begin(&mut self, now: Mono) -> Mono {
        let until = now + self.next;
        (self.until, self.next) = (Some(until), (self.next * 2).min(QUARANTINE_LONGEST));
        until
    }

    /// It is over; the next one is as long as it would have been.
    pub fn is_over(&mut self) {
        self.until = None;
    }

    /// An operator has looked after the worker: it is over, and forgotten.
    pub fn lift(&mut self) {
        *self = Quarantine::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Mono {
        Mono(Duration::from_secs(seconds))
    }

    /// Lets builds end one after the other, each as soon as the worker takes builds again; returns how long each
    /// quarantine was, in seconds.
    fn lengths(ends: &[Results]) -> Vec<u64> {
        let (mut quarantine, mut now) = (Quarantine::default(), at(0));
        let mut lengths = Vec::new();
        for results in ends {
            if let Some(until) = quarantine.build_ended(*results, now) {
                lengths.push(until.since(now).as_secs());
                (quarantine.until, now) = (None, until);
            }
        }
        lengths
    }

    #[test]
    fn each_quarantine_is_twice_as_long_up_to_an_hour() {
        let lengths = lengths(&[Results::Exception; 12]);
        assert_eq!(lengths, [10, 20, 40, 80, 160, 320, 640, 1280, 2560, 3600, 3600, 3600]);
    }

    #[test]
    fn a_build_that_works_or_fails_makes_the_next_one_short_again() {
        use Results::{Cancelled, Exception, Failure, Retry, Success};
        assert_eq!(lengths(&[Exception, Exception, Retry, Exception]), [10, 20, 40]);
        for reset in [Success, Failure, Cancelled] {
            assert_eq!(lengths(&[Exception, Exception, reset, Exception]), [10, 20, 10]);
        }
    }

    #[test]
    fn builds_that_ran_beside_the_first_do_not_prolong_it() {
        let mut quarantine = Quarantine::default();
        assert_eq!(quarantine.build_ended(Results::Exception, at(0)), Some(at(10)));
        assert_eq!(quarantine.build_ended(Results::Exception, at(1)), None);
        quarantine.is_over();
        assert_eq!(quarantine.build_ended(Results::Exception, at(20)), Some(at(40)));
        quarantine.lift();
        assert_eq!(quarantine.build_ended(Results::Exception, at(41)), Some(at(51)));
    }
}
